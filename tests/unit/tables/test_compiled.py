"""The compiled form saves time and changes nothing; where it was tampered with, it is remade."""

from __future__ import annotations

import shutil
import stat
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.errors import TableError
from auditor.tables import compiled, load
from auditor.tables.files import Files
from auditor.tables.load import needed, parse
from auditor.tables.overlay import Overlay
from auditor.tables.rows import Tables

SIGNATURES = Path(__file__).parents[3] / "signatures"
OURS = """\
[ours]
title = "Our own fork of the library"
url = "https://example.org/fork"
as_of = "2026-01-02"
licence = "n/a"
"""
FORK = "symbol,level,flags,note,source\nfork,flags,-lfork -lours,,ours\n"

Harm = Callable[[Path], object]


@pytest.fixture(scope="module")
def parsed() -> Tables:
    """The shipped tables, read from their files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", "/dev/null")
        return load()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Lay out a copy of the shipped tables, to be changed."""
    return Path(shutil.copytree(SIGNATURES, tmp_path / "signatures"))


@pytest.fixture
def overlay(tmp_path: Path) -> Path:
    """Rows of one's own: a source, and a level of a function."""
    (tmp_path / "over/libc/support").mkdir(parents=True)
    (tmp_path / "over/sources.toml").write_text(OURS, encoding="utf-8")
    (tmp_path / "over/libc/support/wasip1.csv").write_text(FORK, encoding="utf-8")
    return tmp_path / "over"


def only(directory: Path) -> Path:
    """The one file of a directory."""
    (found,) = directory.iterdir()
    return found


def shape(value: object) -> object:
    """A value with its types and the order of its mappings, neither of which ``==`` looks at."""
    if isinstance(value, Mapping):
        return type(value), [(key, shape(item)) for key, item in value.items()]
    if isinstance(value, tuple):
        return tuple(shape(item) for item in value)
    if is_dataclass(value):
        return type(value), [shape(getattr(value, field.name)) for field in fields(value)]
    return type(value), value


def test_tables_from_the_compiled_form_are_the_same_in_all(cache: Path, parsed: Tables) -> None:
    load()
    found = compiled.find(parsed.digest)

    assert found == parsed == load()
    assert shape(found) == shape(parsed)


def test_so_are_tables_with_rows_of_ones_own(
    cache: Path, overlay: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = load(overlay=overlay)
    again = load(overlay=overlay)
    only(cache)  # the second load made no other
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    parsed = load(overlay=overlay)

    assert again == first == parsed
    assert shape(again) == shape(first) == shape(parsed)
    assert again.overlay == ("libc/support/wasip1.csv", "sources.toml")
    assert again.symbol_levels["wasip1"]["fork"].flags == ("-lfork", "-lours")


def test_tables_with_and_without_rows_of_ones_own_stand_side_by_side(
    cache: Path, overlay: Path, parsed: Tables
) -> None:
    for _ in range(2):
        assert load(overlay=overlay).symbol_levels["wasip1"]["fork"].source == "ours"
        assert load() == parsed
    assert len(list(cache.iterdir())) == 2


def test_a_file_of_no_known_name_is_refused_with_a_compiled_form_too(
    cache: Path, overlay: Path
) -> None:
    load(overlay=overlay)
    (overlay / "libc/suport.csv").write_text(FORK, encoding="utf-8")

    with pytest.raises(TableError, match=r"libc/suport\.csv: there is no table of that name"):
        load(overlay=overlay)


def test_only_the_user_may_read_or_write_it(cache: Path) -> None:
    load()

    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    assert stat.S_IMODE(cache.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(only(cache).stat().st_mode) == 0o600


def test_a_changed_row_is_seen_at_the_next_load(cache: Path, copy: Path) -> None:
    before = load(copy)
    file = copy / "libc/symbols.csv"
    file.write_text(file.read_text().replace("\nfork,process.fork,", "\nfork,process.exec,"))

    assert before.symbols["fork"].capability == "process.fork"
    assert load(copy).symbols["fork"].capability == "process.exec"


def test_a_new_target_is_seen_at_the_next_load(cache: Path, copy: Path) -> None:
    load(copy)
    for path in copy.rglob("wasip3.*"):
        shutil.copy(path, path.with_stem("wasip9"))

    with pytest.raises(TableError, match="no row for the target wasip9"):
        load(copy)


@pytest.mark.parametrize(
    ("file", "row", "says"),
    [
        ("libc/support/wasip1.csv", "fork,half,,,wasi-libc", ["line ", "fork stands there twice"]),
        ("libc/aliases.csv", "a,nonesuch,twin", ["line ", "symbol 'nonesuch' is not in libc"]),
        ("catalog/applications.csv", "a,,wasip9,ported,,wali", ["line ", "no target 'wasip9'"]),
        ("languages.toml", "hue = 1", ["[bun]", "Expected `object`, got `int`"]),
        ("routes.toml", "hue = 1", ["[translation]", "unknown field `hue`"]),
        ("syscalls/constants.csv", "A,x,x,,musl", ["line ", "is not in sources.toml"]),
    ],
)
def test_a_row_broken_later_is_refused_though_a_compiled_form_is_there(
    cache: Path, copy: Path, file: str, row: str, says: list[str]
) -> None:
    load(copy)
    with (copy / file).open("a", encoding="utf-8") as stream:
        stream.write(f"{row}\n")

    for _ in range(2):  # nothing is kept of what is wrong
        with pytest.raises(TableError) as caught:
            load(copy)
        for words in (f"signatures/{file}", *says):
            assert words in str(caught.value)
    only(cache)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a cache for all examples of one test."""
    return tmp_path_factory.mktemp("home")


@settings(max_examples=15, deadline=None)
@given(where=st.floats(0, 1, exclude_max=True), flip=st.integers(0, 255))
def test_a_damaged_compiled_form_is_never_believed(
    parsed: Tables, home: Path, where: float, flip: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(home))
        load()
        path = only(home / "auditor" / "tables")
        good = path.read_bytes()
        at = int(where * len(good))
        path.write_bytes(good[:at] + (bytes([good[at] ^ flip]) + good[at + 1 :] if flip else b""))

        assert compiled.find(parsed.digest) is None
        assert load() == parsed
        assert path.read_bytes() == good


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(lambda path: path.unlink(), id="gone"),
        pytest.param(lambda path: path.write_bytes(b""), id="empty"),
        pytest.param(lambda path: path.write_bytes(path.read_bytes()[:-1]), id="truncated"),
        pytest.param(lambda path: path.write_bytes(path.read_bytes() + b"\0"), id="longer"),
        pytest.param(lambda path: path.write_bytes(b"\0" * 100), id="another file"),
    ],
)
def test_what_is_not_as_it_was_left_is_made_again(cache: Path, parsed: Tables, harm: Harm) -> None:
    load()
    good = only(cache).read_bytes()
    harm(only(cache))

    assert load() == parsed
    assert only(cache).read_bytes() == good


def test_another_format_or_reader_makes_a_form_of_its_own(
    cache: Path, parsed: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    load()
    first = only(cache)
    monkeypatch.setattr(compiled, "FORMAT", compiled.FORMAT + 1)

    assert compiled.find(parsed.digest) is None
    shutil.copy(first, cache / Path(str(compiled._path(parsed.digest))).name)
    assert compiled.find(parsed.digest) is None, "a file under another's name was believed"
    assert load() == parsed


def test_without_a_place_to_write_loading_only_takes_longer(
    tmp_path: Path, parsed: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in (tmp_path / "no" / "such", Path("/dev/null"), Path("/proc")):
        monkeypatch.setenv("XDG_CACHE_HOME", str(place))
        assert load() == parsed == load()
    assert list(tmp_path.iterdir()) == []


def test_old_forms_are_let_go_and_those_in_use_stay(
    cache: Path, overlay: Path, parsed: Tables
) -> None:
    load()
    shipped = only(cache)
    for number in range(compiled.KEPT + 2):
        text = f"{OURS}# {number}\n"
        (overlay / "sources.toml").write_text(text, encoding="utf-8")
        load(overlay=overlay)
        assert load() == parsed

    assert len(list(cache.iterdir())) == compiled.KEPT
    assert shipped.exists()


def test_every_file_that_is_parsed_is_in_the_digest(overlay: Path) -> None:
    for files in (Files(SIGNATURES), Files(SIGNATURES, Overlay.at(overlay))):
        files.gather(needed(files))
        digest = files.digest()

        parse(files, digest)

        assert files.digest() == digest


def test_a_compiled_form_takes_at_most_half_the_time(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load()

    def median(place: str) -> float:
        monkeypatch.setenv("XDG_CACHE_HOME", place)
        times = []
        for _ in range(9):
            begin = time.perf_counter()
            load()
            times.append(time.perf_counter() - begin)
        return statistics.median(times)

    assert median(str(cache.parents[1])) <= median("/dev/null") / 2
