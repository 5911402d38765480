"""A directory of one's own rows over the shipped tables: merged, and checked as strictly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from auditor.errors import TableError
from auditor.model.terms import Support
from auditor.tables import load

Lay = Callable[..., Path]

SOURCES = """\
[ours]
title = "Our own fork of the library"
url = "https://example.org/fork"
as_of = "2026-01-02"
licence = "n/a"
"""
LEVEL = """\
[support]
"process.fork" = { level = "partial", note = "by our library", source = "ours" }
"""
SYMBOL = "symbol,level,flags,note,source\n"
CAPABILITY = """\
["made.up"]
title = "T"
summary = "S"
why = "W"
remedy = "R"
need = "typical"
effort = 3
source = "ours"
"""


@pytest.fixture
def lay(tmp_path: Path) -> Lay:
    """Lay files down in a directory, with our source among them."""

    def act(**files: str) -> Path:
        for name, text in {"sources_toml": SOURCES, **files}.items():
            path = tmp_path / name.replace("__", "/").replace("_toml", ".toml").replace(
                "_csv", ".csv"
            )
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return tmp_path

    return act


def test_a_level_of_ones_own_takes_the_place_of_the_shipped_one(lay: Lay) -> None:
    tables = load(overlay=lay(targets__wasip1_toml=LEVEL))

    row = tables.capability_levels["wasip1"]["process.fork"]
    assert (row.level, row.note, row.source) == (Support.PARTIAL, "by our library", "ours")
    assert row.as_of == "2026-01-02"
    shipped = load().capability_levels["wasip1"]
    assert tables.capability_levels["wasip1"]["process.exec"] == shipped["process.exec"]


def test_a_target_built_on_another_takes_the_row_over_as_well(lay: Lay) -> None:
    tables = load(overlay=lay(targets__wasip1_toml=LEVEL))

    assert tables.capability_levels["wasip2"]["process.fork"].level is Support.PARTIAL


def test_a_functions_row_is_overridden_and_the_others_stay(lay: Lay) -> None:
    tables = load(overlay=lay(libc__support__wasip1_csv=SYMBOL + "fork,flags,-lfork,,ours\n"))

    fork = tables.symbol_support("wasip1", "fork")
    assert fork is not None
    assert (fork.level, fork.flags) == (Support.FLAGS, ("-lfork",))
    assert tables.symbol_support("wasip1", "vfork") == load().symbol_support("wasip1", "vfork")
    assert len(tables.symbol_levels["wasip1"]) == len(load().symbol_levels["wasip1"])


def test_a_function_is_added_with_its_row(lay: Lay) -> None:
    tables = load(
        overlay=lay(
            libc__symbols_csv="symbol,capability,need,reason,source\nour_fork,process.fork,,,ours\n",
            libc__aliases_csv="# ours\nalias,symbol,kind\n__our_fork,our_fork,twin\n",
            libc__support__wasix_csv=SYMBOL + "our_fork,full,,,ours\n",
        )
    )

    added = tables.symbol("__our_fork")
    assert added is not None
    assert added.capability == "process.fork"
    row = tables.symbol_support("wasix", "__our_fork")
    assert row is not None
    assert row.level is Support.FULL


def test_a_row_of_the_catalogue_is_found_by_all_of_its_key(lay: Lay) -> None:
    header = "module,target,state,note,source\n"
    shipped = load().catalog
    tables = load(overlay=lay(**{"catalog__python-modules_csv": f"{header}ssl,core,stub,,ours\n"}))

    assert [item.source for item in tables.catalog.python_module("ssl", "core")] == ["ours"]
    assert tables.catalog.python_module("ssl", "wasip1") == shipped.python_module("ssl", "wasip1")


def test_a_capability_is_replaced_whole(lay: Lay) -> None:
    text = CAPABILITY.replace("made.up", "process.fork")
    tables = load(overlay=lay(capabilities_toml=text))

    assert tables.capabilities["process.fork"].effort == 3
    assert list(tables.capabilities) == list(load().capabilities)


def test_the_tables_tell_what_lies_over_them(lay: Lay) -> None:
    over = load(overlay=lay(targets__wasip1_toml=LEVEL))

    assert over.overlay == ("sources.toml", "targets/wasip1.toml")
    assert load().overlay == ()


def test_the_digest_covers_both_and_not_the_place(lay: Lay, tmp_path: Path) -> None:
    over = load(overlay=lay(targets__wasip1_toml=LEVEL)).digest
    moved = tmp_path.rename(tmp_path.with_name("moved"))

    assert over != load().digest
    assert load(overlay=moved).digest == over
    (moved / "targets/wasip1.toml").write_text(LEVEL + "# a remark\n", encoding="utf-8")
    assert load(overlay=moved).digest != over


BROKEN = [
    pytest.param(
        {"libc__support__wasip1_csv": SYMBOL + "fork,full,,,ours\nnonesuch,full,,,ours\n"},
        ["libc/support/wasip1.csv, line 3: symbol 'nonesuch' is not in libc/symbols.csv"],
        id="a row of an unknown function",
    ),
    pytest.param(
        {"libc__support__wasip1_csv": SYMBOL + "# twice\nfork,full,,,ours\nfork,none,,,ours\n"},
        ["libc/support/wasip1.csv, line 4: fork stands there twice"],
        id="a row twice",
    ),
    pytest.param(
        {"libc__support__wasip1_csv": SYMBOL + "fork,half,,,ours\n"},
        ["libc/support/wasip1.csv, line 2: level 'half' is none of"],
        id="a wrong level",
    ),
    pytest.param(
        {"libc__support__wasip1_csv": SYMBOL + "fork,full,,,hearsay\n"},
        ["libc/support/wasip1.csv, line 2: source 'hearsay' is not in sources.toml"],
        id="a source that is not listed",
    ),
    pytest.param(
        {"libc__support__wasip1_csv": "name,level,flags,note,source\nfork,full,,,ours\n"},
        ["libc/support/wasip1.csv, line 1: the header is not symbol,level,flags,note,source"],
        id="another header",
    ),
    pytest.param(
        {"libc__aliases_csv": "alias,symbol,kind\nvfork,fork,twin\n"},
        ["libc/aliases.csv, line 2: 'vfork' is a symbol of its own as well"],
        id="an alias that is a function",
    ),
    pytest.param(
        {"libc__aliases_csv": "alias,symbol,kind\n" + "a" * 140_000 + ",fork,twin\n"},
        ["libc/aliases.csv: field larger than field limit"],
        id="a CSV row beyond all bounds",
    ),
    pytest.param(
        {"targets__wasip1_toml": '[support]\n"a.b" = { level = "full", source = "ours" }\n'},
        ["targets/wasip1.toml, support.a.b: no such capability in capabilities.toml"],
        id="a level for no capability",
    ),
    pytest.param(
        {"targets__wasip1_toml": '[support]\n"io.poll" = { level = "full" }\n'},
        ["targets/wasip1.toml, its top level", "missing required field `source`"],
        id="a level without source",
    ),
    pytest.param(
        {"targets__wasip1_toml": "hue = 1\n"},
        ["targets/wasip1.toml, its top level", "unknown field `hue`"],
        id="an unknown key of a target",
    ),
    pytest.param(
        {"targets__wasip1_toml": "half = \n"},
        ["targets/wasip1.toml, TOML: Invalid value"],
        id="TOML that is none",
    ),
    pytest.param(
        {"capabilities_toml": '["process.fork"]\ntitle = "T"\n'},
        ["capabilities.toml, [process.fork]: Object missing required field `summary`"],
        id="a capability in part",
    ),
    pytest.param(
        {"hosts_toml": '[wasmtime]\ntitle = "T"\n'},
        ["hosts.toml, [wasmtime]: Object missing required field"],
        id="a host in part",
    ),
    pytest.param(
        {"catalog__python-modules_csv": "module,target,state,note,source\nssl,core,gone,,ours\n"},
        ["catalog/python-modules.csv, line 2: 'gone' is none of"],
        id="a wrong word in the catalogue",
    ),
    pytest.param(
        {"capability_toml": CAPABILITY},
        ["capability.toml: there is no table of that name"],
        id="a file of another name",
    ),
    pytest.param(
        {"libc__support__wasip9_csv": SYMBOL},
        ["libc/support/wasip9.csv: there is no table of that name"],
        id="rows of a target that is not there",
    ),
]


@pytest.mark.parametrize(("files", "says"), BROKEN)
def test_a_wrong_row_is_refused_and_the_overlays_own_file_named(
    lay: Lay, files: dict[str, str], says: list[str]
) -> None:
    root = lay(**files)

    with pytest.raises(TableError) as caught:
        load(overlay=root)

    said = str(caught.value)
    assert said.startswith(f"{root}/")
    for words in says:
        assert words in said


def test_what_the_overlay_leaves_incomplete_is_said_of_the_shipped_file(lay: Lay) -> None:
    root = lay(capabilities_toml=CAPABILITY)

    with pytest.raises(TableError, match=r"signatures/targets/.*: no level for made\.up") as caught:
        load(overlay=root)

    assert str(root) in (caught.value.hint or "")


def test_a_directory_without_tables_is_no_overlay(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="holds no tables"):
        load(overlay=tmp_path)
    with pytest.raises(TableError, match="there is no directory"):
        load(overlay=tmp_path / "nothing")
