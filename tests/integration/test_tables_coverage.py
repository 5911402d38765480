"""The tables against the C libraries of this machine: no function without an answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.formats.elf import parse_elf
from auditor.tables import load

pytestmark = pytest.mark.integration

GLIBC = ("c", "m", "pthread", "rt", "dl", "resolv", "crypt", "util")
DIRECTORIES = (Path("/lib/x86_64-linux-gnu"), Path("/lib/aarch64-linux-gnu"))
MUSL = ("ld-musl-x86_64.so.1", "ld-musl-aarch64.so.1")


def libraries() -> list[Path]:
    glibc = [
        path
        for directory in DIRECTORIES
        for name in GLIBC
        for path in sorted(directory.glob(f"lib{name}.so.*"))
    ]
    return [*glibc, *(path for name in MUSL if (path := Path("/lib", name)).exists())]


@pytest.mark.parametrize("library", libraries(), ids=lambda path: path.name)
def test_every_function_that_a_c_library_exports_has_a_row_on_every_target(library: Path) -> None:
    tables = load()
    names = {symbol.name for symbol in parse_elf(library.read_bytes()).exports if symbol.function}

    unanswered = {
        (name, target)
        for name in names
        for target in tables.targets
        if tables.symbol(name) is None or tables.symbol_support(target, name) is None
    }

    assert names
    assert not unanswered


def test_this_machine_has_a_c_library_to_hold_the_tables_against() -> None:
    assert libraries()
