"""Damaged files cost knowledge, never an exception or a hang."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.model.facts import ElfFacts, ElfType
from auditor.syscalls import ProcessObject, system_calls
from auditor.tables import load
from auditor.tables.rows import Tables

PLACES = ("/bin/true", "/usr/bin/env", "/bin/cat")
FACTS = ElfFacts(
    type=ElfType.EXECUTABLE,
    machine="amd64",
    bits=64,
    interpreter=None,
    needed=(),
    soname=None,
    rpath=(),
    runpath=(),
    imports=(),
    exports=(),
    static=True,
    stripped=True,
    build_id=None,
    code_size=0,
)

Edits = list[tuple[int, bytes]]
# Half of the edits hit the headers, the others anything.
positions = st.one_of(st.integers(0, 1000), st.integers(0, 1 << 20))
edits = st.lists(st.tuples(positions, st.binary(min_size=1, max_size=8)), max_size=8)
cuts = st.none() | st.integers(0, 1 << 20)


@pytest.fixture(scope="module")
def tables() -> Tables:
    return load()


@pytest.fixture(scope="module")
def program() -> bytes:
    for place in PLACES:
        data = Path(place).read_bytes() if Path(place).is_file() else b""
        if data[:6] == b"\x7fELF\x02\x01" and data[18:20] == b"\x3e\x00":
            return data
    pytest.skip("this machine has none of the usual executables for x86-64")


def damaged(data: bytes, edits: Edits, cut: int | None) -> bytes:
    changed = bytearray(data)
    for position, replacement in edits:
        at = position % len(changed)
        changed[at : at + len(replacement)] = replacement
    return bytes(changed if cut is None else changed[: cut % (len(changed) + 1)])


@given(edits, cuts)
@settings(
    max_examples=60, deadline=4000, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_damaged_executable_does_no_harm(
    program: bytes, tables: Tables, edits: Edits, cut: int | None
) -> None:
    found = system_calls([ProcessObject("/x", damaged(program, edits, cut), FACTS)], tables)
    assert set(found.abort_only) <= set(found.may)
    assert set(found.witnesses) == set(found.may)


@pytest.mark.parametrize("data", [b"", b"\x7fELF", b"MZ" + bytes(4096), bytes(100)])
def test_what_is_no_elf_file_is_said_and_counts_as_unknown(data: bytes, tables: Tables) -> None:
    found = system_calls([ProcessObject("/x", data, FACTS)], tables)
    assert found.may == ()
    assert found.sites.unknown == 1
    assert found.unreadable[0].startswith("/x: ")


def test_a_file_for_another_processor_is_said(program: bytes, tables: Tables) -> None:
    other = program[:18] + (183).to_bytes(2, "little") + program[20:]
    found = system_calls([ProcessObject("/x", other, FACTS)], tables)
    assert found.unreadable == ("/x: The file is for another processor than x86-64.",)


def test_a_file_of_nothing_but_jumps_ends_soon(program: bytes, tables: Tables) -> None:
    """Each instruction leads to another one: all that is bounded has to hold."""
    start = program.index(b"\xf3\x0f\x1e\xfa", 0x1000) if b"\xf3\x0f\x1e\xfa" in program else 0x2000
    hostile = bytearray(program)
    hostile[start : start + 8000] = b"\x74\x01" * 2000 + b"\x83\xc0\x01\x0f" * 1000
    begin = time.process_time()
    found = system_calls([ProcessObject("/x", bytes(hostile), FACTS)], tables)
    assert isinstance(found.may, tuple)
    assert time.process_time() - begin < 10


def test_no_files_no_calls(tables: Tables) -> None:
    assert system_calls([], tables).may == ()
