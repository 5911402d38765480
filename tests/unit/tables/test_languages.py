"""Every language that people ask about has a word for every target, and a source for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from auditor.errors import TableError
from auditor.model.terms import Support
from auditor.tables import load
from auditor.tables.files import Files
from auditor.tables.languages import LanguageLevel, LanguageRow, load_languages
from auditor.tables.rows import Tables

SIGNATURES = Path(__file__).parents[3] / "signatures"
REQUIRED = {
    "cpython": "Python",
    "nodejs": "JavaScript",
    "jvm": "Java",
    "dotnet": "C#",
    "go": "Go",
    "rust": "Rust",
    "c": "C",
    "cpp": "C++",
    "cruby": "Ruby",
    "php": "PHP",
    "perl": "Perl",
    "lua": "Lua",
    "r": "R",
    "beam": "Erlang",
    "haskell": "Haskell",
    "ocaml": "OCaml",
    "swift": "Swift",
    "dart": "Dart",
    "deno": "JavaScript",
    "bun": "JavaScript",
}

Break = Callable[[str], str]
Languages = Mapping[str, LanguageRow]


@pytest.fixture(scope="module", name="tables")
def loaded() -> Tables:
    return load()


@pytest.fixture(scope="module", name="languages")
def shipped(tables: Tables) -> Languages:
    return load_languages(Files(SIGNATURES), tables.sources, tables.targets, tables.capabilities)


def test_every_language_is_there(languages: Languages) -> None:
    assert {key: row.language for key, row in languages.items()} == REQUIRED


def test_every_language_has_a_level_on_every_target(languages: Languages, tables: Tables) -> None:
    for row in languages.values():
        assert list(row.targets) == list(tables.targets), row.id


def test_a_runtime_means_the_same_in_both_tables(languages: Languages, tables: Tables) -> None:
    shared = {(row.swap, row.language) for row in tables.runtimes if row.swap in languages}
    without = {row.swap for row in tables.runtimes if row.swap not in languages}

    assert shared <= set(REQUIRED.items())
    assert without == {"electron", "elixir", "tcl", "guile", "graalvm-native-image"}


@pytest.mark.parametrize(
    ("language", "target", "level"),
    [
        ("cpython", "wasip1", "supported"),
        ("cpython", "wasip2", "community"),
        ("cpython", "emscripten", "supported"),
        ("go", "wasip1", "supported"),
        ("go", "wasip2", "community"),
        ("rust", "wasip2", "supported"),
        ("rust", "core", "supported"),
        ("c", "wasip3", "supported"),
        ("jvm", "wasip1", "unsupported"),
        ("dotnet", "wasip1", "unsupported"),
        ("dotnet", "wasip2", "experimental"),
        ("php", "wasix", "fork"),
        ("beam", "wasip1", "unsupported"),
        ("dart", "wasip1", "unsupported"),
        # Written from memory, or asked and never answered: nobody may read more out of it.
        ("lua", "wasip1", "unknown"),
        ("bun", "wasip1", "unknown"),
    ],
)
def test_levels_are_what_the_sources_say(
    languages: Languages, language: str, target: str, level: str
) -> None:
    assert languages[language].targets[target].level == level


def test_what_was_worked_out_says_so(languages: Languages) -> None:
    """No project writes about the proxy world of each language, or about having no imports."""
    for row in languages.values():
        proxy = row.targets["wasi-http"]
        assert proxy.note.startswith("derived"), row.id


def test_a_proxy_component_never_comes_easier_than_a_component(
    languages: Languages,
) -> None:
    for row in languages.values():
        if row.targets["wasi-http"].level.builds:
            assert row.targets["wasip2"].level.builds, row.id


def test_a_level_carries_the_date_of_its_source(languages: Languages, tables: Tables) -> None:
    level = languages["cpython"].targets["wasip1"]

    assert level.as_of == tables.sources[level.source].as_of


def test_nothing_builds_without_a_toolchain(languages: Languages) -> None:
    for row in languages.values():
        for support in row.targets.values():
            assert support.toolchain or not support.level.builds
    assert not LanguageLevel.UNKNOWN.builds
    assert LanguageLevel.FORK.builds


def replace(old: str, new: str) -> Break:
    """Put something else in the place of the first occurrence of a text, which must be there."""

    def act(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return act


BROKEN = [
    pytest.param(
        replace('language = "Python"', 'language = "Python"\nhue = 1'),
        ["[cpython]", "unknown field", "hue"],
        id="unknown key",
    ),
    pytest.param(
        replace('source = "pep-816"\n', ""),
        ["[cpython]", "missing required field `source`"],
        id="a language without source",
    ),
    pytest.param(
        replace('source = "pep-816"\n', 'source = "hearsay"\n'),
        ["[cpython]", "'hearsay' is not in sources.toml"],
        id="a language's source is not listed",
    ),
    pytest.param(
        replace('recognised_source = "runtime-binaries"', 'recognised_source = "hearsay"'),
        ["[cpython]", "'hearsay' is not in sources.toml"],
        id="a recognition's source is not listed",
    ),
    pytest.param(
        replace('source = "pep-11" }', 'source = "hearsay" }'),
        ["[cpython.targets], wasip1", "'hearsay' is not in sources.toml"],
        id="a level's source is not listed",
    ),
    pytest.param(
        replace('level = "supported"', 'level = "splendid"'),
        ["[cpython]", "splendid"],
        id="a level outside its list",
    ),
    pytest.param(
        replace("\nwasip3 = {", "\nwasip4 = {"),
        ["[cpython.targets]", "no target 'wasip4'"],
        id="a target that does not exist",
    ),
    pytest.param(
        replace("\nwasix = {", "\n# wasix = {"),
        ["[cpython.targets]", "no row for the target wasix"],
        id="a target is left out",
    ),
    pytest.param(
        replace('toolchain = "componentize-py 0.25.0", ', ""),
        ["[cpython.targets], wasip2", "without a toolchain"],
        id="support without a toolchain",
    ),
    pytest.param(
        replace('title = "CPython"', 'title = " "'),
        ["[cpython]", "title is empty"],
        id="an empty title",
    ),
    pytest.param(replace("[cpython]", "[cpython"), ["TOML"], id="no TOML"),
    (
        lambda text: text.replace(
            '"net.unix" = { targets = ["wasip1",', '"net.unix" = { targets = ["wasi",'
        ),
        ["[go.instead], net.unix", "no target 'wasi'"],
    ),
    (
        lambda text: text.replace('"net.unix" = { targets', '"net.unixes" = { targets'),
        ["[go.instead], net.unixes", "no such capability"],
    ),
]


@pytest.mark.parametrize(("break_it", "parts"), BROKEN)
def test_a_wrong_row_is_refused_with_its_place(
    tmp_path: Path, tables: Tables, break_it: Break, parts: list[str]
) -> None:
    text = (SIGNATURES / "languages.toml").read_text(encoding="utf-8")
    (tmp_path / "languages.toml").write_text(break_it(text), encoding="utf-8")

    with pytest.raises(TableError) as caught:
        load_languages(Files(tmp_path), tables.sources, tables.targets, tables.capabilities)

    assert "signatures/languages.toml" in str(caught.value)
    for part in parts:
        assert part in str(caught.value)


def test_what_a_language_s_builds_lack_is_said_for_its_targets(languages: Languages) -> None:
    """WASI 0.2 has sockets; what builds Go for it adapts a program for 0.1, where it has none."""
    row = languages["go"].instead["wasip2"]["net.tcp.connect"]
    assert (row.level, row.file) == (Support.STUB, "languages.toml")
    assert "net.tcp.connect" not in languages["go"].instead.get("wasix", {})
    assert not languages["rust"].instead


def test_a_missing_file_is_refused(tmp_path: Path, tables: Tables) -> None:
    with pytest.raises(TableError, match=r"languages\.toml.*cannot be read"):
        load_languages(Files(tmp_path), tables.sources, tables.targets, tables.capabilities)
