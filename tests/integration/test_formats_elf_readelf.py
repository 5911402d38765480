"""parse_elf against binutils' readelf, on programs and libraries of this machine."""

from __future__ import annotations

import glob
import re
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

from auditor.formats.elf import parse_elf
from auditor.formats.elf_slots import import_slots
from auditor.model.facts import ElfFacts, Symbol

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(shutil.which("readelf") is None, reason="needs binutils"),
]

PATTERNS = (
    "/bin/dash",
    "/usr/bin/env",
    "/usr/bin/perl",
    "/usr/bin/gcc",
    "/usr/bin/readelf",
    "/sbin/ldconfig",
    "/lib*/ld-linux-*.so.*",
    "/lib/*-linux-gnu/libc.so.6",
    "/lib/*-linux-gnu/libm.so.6",
    "/usr/lib/*-linux-gnu/libcrypto.so.*",
    "/usr/lib/*-linux-gnu/libstdc++.so.6",
    "/usr/lib/*-linux-gnu/libz.so.1",
    f"{sysconfig.get_path('stdlib')}/lib-dynload/*ssl*.so",
)
FILES = sorted({str(Path(p).resolve()) for pattern in PATTERNS for p in glob.glob(pattern)})  # noqa: PTH207

ROW = re.compile(
    r"\s*\d+:\s+[0-9a-f]+\s+\S+\s+(?P<type>\S+)\s+(?P<bind>\S+)\s+(?P<vis>\S+)"
    r"\s+(?:\[.*\]\s+)?(?P<ndx>\S+)\s+(?P<name>[^\s@]+)(?:@@?(?P<version>\S+))?"
)


def readelf(*arguments: str) -> str:
    command = ["readelf", "-W", *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={"LC_ALL": "C", "PATH": "/usr/bin"}
    )
    return done.stdout


def symbols(path: str, *, undefined: bool) -> set[tuple[str, str | None, bool]]:
    rows = filter(None, map(ROW.match, readelf("--dyn-syms", path).splitlines()))
    return {
        (row["name"], row["version"], row["bind"] == "WEAK")
        for row in rows
        if (row["ndx"] == "UND") is undefined
        and row["bind"] != "LOCAL"
        and (row["ndx"], row["type"]) != ("ABS", "OBJECT")  # marks of version definitions
        and (undefined or row["vis"] in {"DEFAULT", "PROTECTED"})
    }


def plain(found: tuple[Symbol, ...]) -> set[tuple[str, str | None, bool]]:
    return {(symbol.name, symbol.version, symbol.weak) for symbol in found}


def read(path: str) -> ElfFacts:
    return parse_elf(Path(path).read_bytes())


@pytest.mark.parametrize("path", FILES)
def test_imports_exports_and_versions_agree(path: str) -> None:
    facts = read(path)
    assert plain(facts.imports) == symbols(path, undefined=True)
    assert plain(facts.exports) == symbols(path, undefined=False)


@pytest.mark.parametrize("path", FILES)
def test_the_dynamic_section_agrees(path: str) -> None:
    facts, text = read(path), readelf("-d", path)
    assert list(facts.needed) == re.findall(r"\(NEEDED\).*\[(.*)\]", text)
    assert [facts.soname] * (facts.soname is not None) == re.findall(r"\(SONAME\).*\[(.*)\]", text)
    runpath = re.findall(r"\(RUNPATH\).*\[(.*)\]", text)
    assert ":".join(facts.runpath) == (runpath[0] if runpath else "")


@pytest.mark.parametrize("path", FILES)
def test_headers_and_notes_agree(path: str) -> None:
    facts = read(path)
    interpreter = re.findall(r"program interpreter: (.*)\]", readelf("-l", path))
    assert [facts.interpreter] * (facts.interpreter is not None) == interpreter
    build_id = re.findall(r"Build ID: (\w+)", readelf("-n", path))
    assert [facts.build_id] * (facts.build_id is not None) == build_id
    assert facts.stripped is (" SYMTAB " not in readelf("-S", path))


@pytest.mark.parametrize("path", FILES)
def test_versions_are_needed_from_the_library_that_the_requirement_names(path: str) -> None:
    needs: dict[str, set[str]] = {}
    library = ""
    for line in readelf("-V", path).splitlines():
        if header := re.search(r"Version: 1\s+File: (\S+)", line):
            library = header[1]
        elif library and (entry := re.search(r"Name: (\S+)\s+Flags: .*Version: \d+", line)):
            needs.setdefault(entry[1], set()).add(library)
    for symbol in read(path).imports:
        assert (symbol.library is None) is (symbol.version is None)
        if symbol.version is not None:
            assert symbol.library in needs[symbol.version]


SLOT = re.compile(
    r"(?P<address>[0-9a-f]+)\s+[0-9a-f]+\s+R_\S+_(?P<kind>JUMP_SLOT?|GLOB_DAT)\s+[0-9a-f]+"
    r"\s+(?P<name>[^\s@]+)"
)


@pytest.mark.parametrize("path", FILES)
def test_slots_of_imports_agree(path: str) -> None:
    """A symbol may have several; the one for calls comes first."""
    found = import_slots(Path(path).read_bytes())
    rows = [row for row in map(SLOT.match, readelf("-r", path).splitlines()) if row is not None]
    calls = {row["name"]: int(row["address"], 16) for row in rows if "JUMP" in row["kind"]}
    assert {name: found.get(name) for name in calls} == calls
    assert {row["name"] for row in rows} <= found.keys()
