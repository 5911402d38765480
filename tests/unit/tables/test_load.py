"""A wrong row stops the program with a sentence that says where it stands and what is wrong."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from auditor.errors import TableError
from auditor.tables import load

SIGNATURES = Path(__file__).parents[3] / "signatures"

Break = Callable[[Path], object]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Lay out a copy of the shipped tables, to be broken."""
    return Path(shutil.copytree(SIGNATURES, tmp_path / "signatures"))


def replace(file: str, old: str, new: str) -> Break:
    """Put something else in the place of the first occurrence of a text, which must be there."""

    def act(root: Path) -> None:
        text = (root / file).read_text(encoding="utf-8")
        assert old in text
        (root / file).write_text(text.replace(old, new, 1), encoding="utf-8")

    return act


def append(file: str, text: str) -> Break:
    """Add lines at the end of a file."""

    def act(root: Path) -> None:
        with (root / file).open("a", encoding="utf-8") as stream:
            stream.write(text)

    return act


def write(file: str, content: bytes) -> Break:
    """Make a file's whole content."""
    return lambda root: (root / file).write_bytes(content)


def remove(file: str) -> Break:
    """Take a file away."""
    return lambda root: (root / file).unlink()


def without_targets(root: Path) -> None:
    """Take every target away."""
    for path in (root / "targets").glob("*.toml"):
        path.unlink()


CAPABILITY = """
["made.up"]
title = "T"
summary = "S"
why = "W"
remedy = "R"
need = "typical"
effort = 3
source = "loupedb"
"""

BROKEN = [
    pytest.param(
        append("capabilities.toml", CAPABILITY + 'colour = "red"\n'),
        ["signatures/capabilities.toml, [made.up]", "unknown field", "colour"],
        id="unknown key of a capability",
    ),
    pytest.param(
        replace("targets/wasip2.toml", "headline = true", "headline = true\nhue = 1"),
        ["signatures/targets/wasip2.toml", "unknown field", "hue"],
        id="unknown key of a target",
    ),
    pytest.param(
        append("capabilities.toml", CAPABILITY.replace('source = "loupedb"\n', "")),
        ["signatures/capabilities.toml, [made.up]", "missing required field `source`"],
        id="a capability without source",
    ),
    pytest.param(
        replace("runtimes.toml", 'source = "runtime-bytes"\n', ""),
        ["signatures/runtimes.toml, [go]", "missing required field `source`"],
        id="a runtime without source",
    ),
    pytest.param(
        append("capabilities.toml", CAPABILITY.replace("loupedb", "hearsay")),
        ["signatures/capabilities.toml, [made.up]", "'hearsay' is not in sources.toml"],
        id="a capability's source is not listed",
    ),
    pytest.param(
        replace("targets/core.toml", '\nsource = "', '\nsource = "no-'),
        ["signatures/targets/core.toml, source", "is not in sources.toml"],
        id="a target's source is not listed",
    ),
    pytest.param(
        replace("targets/wasip3.toml", 'source = "wasi-libc" }', 'source = "hearsay" }'),
        ["signatures/targets/wasip3.toml, support.thread.create", "'hearsay'"],
        id="a level's source is not listed",
    ),
    pytest.param(
        append("libc/symbols.csv", "made_up,io.stdio,,,hearsay\n"),
        ["signatures/libc/symbols.csv, line ", "'hearsay' is not in sources.toml"],
        id="a symbol's source is not listed",
    ),
    pytest.param(
        replace("libc/support/wasix.csv", ",full,,,wasix-libc", ",full,,,hearsay"),
        ["signatures/libc/support/wasix.csv, line ", "'hearsay' is not in sources.toml"],
        id="a support row's source is not listed",
    ),
    pytest.param(
        append("wrappers.toml", '\n[made-up]\nreplaces = true\nsource = "hearsay"\n'),
        ["signatures/wrappers.toml, [made-up]", "'hearsay' is not in sources.toml"],
        id="a wrapper's source is not listed",
    ),
    pytest.param(
        append("libc/symbols.csv", "made_up,made.up,,,musl-exports\n"),
        ["signatures/libc/symbols.csv, line ", "'made.up' is not in capabilities.toml"],
        id="a symbol of no known capability",
    ),
    pytest.param(
        append("targets/core.toml", '"made.up" = { level = "none", source = "judgement" }\n'),
        ["signatures/targets/core.toml, support.made.up", "no such capability"],
        id="a level for no known capability",
    ),
    pytest.param(
        append("targets/wasip3.toml", '"io.poll2" = { level = "half", source = "judgement" }\n'),
        ["signatures/targets/wasip3.toml", "'half'"],
        id="wrong level in a target",
    ),
    pytest.param(
        replace("libc/support/core.csv", ",full,", ",half,"),
        ["signatures/libc/support/core.csv, line ", "level 'half' is none of", "emulated"],
        id="wrong level in a support file",
    ),
    pytest.param(
        append("capabilities.toml", CAPABILITY.replace("typical", "urgent")),
        ["signatures/capabilities.toml, [made.up]", "'urgent'", "need"],
        id="wrong need of a capability",
    ),
    pytest.param(
        append("libc/symbols.csv", "made_up,io.stdio,urgent,because,musl-exports\n"),
        ["signatures/libc/symbols.csv, line ", "need 'urgent' is none of", "incidental"],
        id="wrong need of a symbol",
    ),
    pytest.param(
        append("capabilities.toml", CAPABILITY.replace("effort = 3", "effort = 4")),
        ["signatures/capabilities.toml, [made.up]", "effort 4 is none of [0, 1, 3, 5, 8, 13]"],
        id="an effort that is none of the steps",
    ),
    pytest.param(
        append("capabilities.toml", CAPABILITY.replace("loupedb", "judgement")),
        ["signatures/capabilities.toml, [made.up]", "a judgement without a reason"],
        id="a judgement without a reason",
    ),
    pytest.param(
        append("libc/symbols.csv", "made_up,io.stdio,typical,,musl-exports\n"),
        ["signatures/libc/symbols.csv, line ", "a need of its own without a reason"],
        id="a symbol's own need without a reason",
    ),
    pytest.param(
        append("libc/symbols.csv", "fork,process.fork,,,musl-exports\n"),
        ["signatures/libc/symbols.csv, line ", "fork stands there twice"],
        id="a symbol twice",
    ),
    pytest.param(
        append("libc/support/wasip1.csv", "fork,full,,,wasi-libc\n"),
        ["signatures/libc/support/wasip1.csv, line ", "fork stands there twice"],
        id="a support row twice",
    ),
    pytest.param(
        append("capabilities.toml", '["process.fork"]\ntitle = "again"\n'),
        ["signatures/capabilities.toml, TOML", "Cannot declare"],
        id="a capability twice",
    ),
    pytest.param(
        append("libc/aliases.csv", "made_up64,made_up,large-file\n"),
        ["signatures/libc/aliases.csv, line ", "symbol 'made_up' is not in libc/symbols.csv"],
        id="an alias of nothing",
    ),
    pytest.param(
        append("libc/aliases.csv", "vfork,fork,twin\n"),
        ["signatures/libc/aliases.csv, line ", "'vfork' is a symbol of its own as well"],
        id="an alias that is also a symbol",
    ),
    pytest.param(
        append("libc/support/wasip1.csv", "made_up,none,,,wasi-libc\n"),
        ["signatures/libc/support/wasip1.csv, line ", "'made_up' is not in libc/symbols.csv"],
        id="a support row for no known symbol",
    ),
    pytest.param(
        append("capabilities.toml", CAPABILITY),
        ["signatures/targets/", ".toml, support", "no level for made.up"],
        id="a target without a level for a capability",
    ),
    pytest.param(
        replace("targets/wasip2.toml", 'extends = "wasip1"', 'extends = "wasip9"'),
        ["signatures/targets/wasip2.toml", "no target 'wasip9'"],
        id="a target on top of a missing one",
    ),
    pytest.param(
        replace("targets/wasip2.toml", '["wasip1"]', '["wasip9"]'),
        ["signatures/targets/wasip2.toml", "no target 'wasip9'"],
        id="an adapter from a missing target",
    ),
    pytest.param(
        replace("targets/wasip2.toml", 'extends = "wasip1"', 'extends = "wasip3"'),
        ["signatures/targets/wasip", "extends", "a circle through 'wasip"],
        id="targets on top of each other",
    ),
    pytest.param(
        replace("targets/wasip2.toml", 'extends = "wasip1"', 'extends = "wasip2"'),
        ["signatures/targets/wasip", "extends", "a circle through 'wasip2'"],
        id="a target on top of itself",
    ),
    pytest.param(
        replace("libc/symbols.csv", "symbol,capability", "name,capability"),
        ["signatures/libc/symbols.csv, line 2", "symbol,capability,need,reason,source"],
        id="a CSV file with another header",
    ),
    pytest.param(
        write("libc/aliases.csv", b""),
        ["signatures/libc/aliases.csv", "the header is not alias,symbol,kind"],
        id="an empty CSV file",
    ),
    pytest.param(
        append("libc/symbols.csv", "made_up,io.stdio\n"),
        ["signatures/libc/symbols.csv, line ", "2 columns, not 5"],
        id="a CSV row with too few columns",
    ),
    pytest.param(
        append("libc/aliases.csv", "a,b,c,d\n"),
        ["signatures/libc/aliases.csv, line ", "4 columns, not 3"],
        id="a CSV row with too many columns",
    ),
    pytest.param(
        append("libc/aliases.csv", "a" * 140_000 + ",fork,twin\n"),
        ["signatures/libc/aliases.csv, line ", "field larger than field limit"],
        id="a CSV row beyond all bounds",
    ),
    pytest.param(
        append("toolchain_libraries.toml", "[half\n"),
        ["signatures/toolchain_libraries.toml, TOML", "line"],
        id="TOML that is none",
    ),
    pytest.param(
        append("targets/wasix.toml", "level = \n"),
        ["signatures/targets/wasix.toml, TOML", "Invalid value"],
        id="a target whose TOML is none",
    ),
    pytest.param(
        write("sources.toml", b'[a]\ntitle = "\xff"\n'),
        ["signatures/sources.toml, the whole file", "is not UTF-8"],
        id="TOML that is not UTF-8",
    ),
    pytest.param(
        write("libc/symbols.csv", b"\xff\xfe"),
        ["signatures/libc/symbols.csv, the whole file", "is not UTF-8"],
        id="CSV that is not UTF-8",
    ),
    pytest.param(
        remove("wrappers.toml"),
        ["signatures/wrappers.toml, the whole file", "cannot be read: No such file"],
        id="a missing TOML file",
    ),
    pytest.param(
        remove("libc/support/emscripten.csv"),
        ["signatures/libc/support/emscripten.csv, the whole file", "cannot be read: No such file"],
        id="a target without its support file",
    ),
    pytest.param(
        without_targets,
        ["signatures/targets, the directory", "there is no target in it"],
        id="no targets",
    ),
    pytest.param(
        replace("sources.toml", 'as_of = "2026-08-20"', 'as_of = "last week"'),
        ["signatures/sources.toml, [wasi-libc]", "'last week' is no date"],
        id="a source without a date",
    ),
    pytest.param(
        replace("runtimes.toml", "'java'", "'java('"),
        ["signatures/runtimes.toml, [jvm]", "command_pattern", "unterminated subpattern"],
        id="a runtime's pattern that is none",
    ),
]


def test_the_shipped_tables_load() -> None:
    tables = load()

    assert tables.digest.startswith("sha256:")
    assert len(tables.symbols) > 2000
    assert tables.as_of == max(source.as_of for source in tables.sources.values())


def test_targets_come_in_the_order_in_which_reports_show_them() -> None:
    assert list(load().targets)[:3] == ["wasip1", "wasip2", "wasip3"]


@pytest.mark.parametrize(("act", "says"), BROKEN)
def test_a_broken_table_is_refused_with_file_place_and_reason(
    copy: Path, act: Break, says: list[str]
) -> None:
    act(copy)

    with pytest.raises(TableError) as caught:
        load(copy)

    for words in says:
        assert words in str(caught.value)
    assert caught.value.hint


def test_the_line_that_is_named_is_the_line_in_the_file(copy: Path) -> None:
    append("libc/aliases.csv", "# a remark\n\nvfork,fork,twin\n")(copy)
    lines = (copy / "libc/aliases.csv").read_text(encoding="utf-8").splitlines()

    with pytest.raises(TableError, match=f"line {len(lines)}:"):
        load(copy)


def test_the_digest_of_the_same_files_is_the_same_wherever_they_are(copy: Path) -> None:
    assert load(copy).digest == load().digest == load().digest


@pytest.mark.parametrize(
    "file",
    sorted(
        str(path.relative_to(SIGNATURES))
        for pattern in ("*.toml", "targets/*.toml", "libc/**/*.csv")
        for path in SIGNATURES.glob(pattern)
    ),
)
def test_the_digest_changes_with_every_file_that_is_loaded(copy: Path, file: str) -> None:
    append(file, "# a remark\n")(copy)

    assert load(copy).digest != load().digest


def test_rows_of_a_support_file_are_a_mapping_like_any_other() -> None:
    rows = load().symbol_levels["wasip1"]

    assert len(rows) == len(list(rows)) == len(dict(rows))
    assert "fork" in rows
    assert "no_such_function" not in rows
    assert rows.get("no_such_function") is None
    assert rows["fork"].key == "fork"
    assert rows["fork"].file == "libc/support/wasip1.csv"
    assert rows["mmap"].flags == ("-D_WASI_EMULATED_MMAN", "-lwasi-emulated-mman")
