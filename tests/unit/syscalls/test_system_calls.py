"""A program of this machine that does nothing, with its C library and loader."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.formats.elf import parse_elf
from auditor.model.syscalls import SyscallFacts
from auditor.syscalls import ProcessObject, system_calls
from auditor.tables import load

FILES = (
    "/bin/true",
    "/lib/x86_64-linux-gnu/libc.so.6",
    "/lib64/ld-linux-x86-64.so.2",
)
STARTUP = {"arch_prctl", "set_tid_address", "rseq", "mprotect"}


@pytest.fixture(scope="module")
def objects() -> list[ProcessObject]:
    if not all(Path(name).is_file() for name in FILES):
        pytest.skip("this machine has no glibc for x86-64 where Debian has it")
    contents = {name: Path(name).read_bytes() for name in FILES}
    return [ProcessObject(name, data, parse_elf(data)) for name, data in contents.items()]


@pytest.fixture(scope="module")
def found(objects: list[ProcessObject]) -> SyscallFacts:
    return system_calls(objects, load())


def test_it_writes_and_exits_and_starts_nothing(found: SyscallFacts) -> None:
    assert {"write", "exit_group", "close"} <= set(found.may)
    assert not {"execve", "clone", "fork", "socket", "connect", "ptrace"} & set(found.may)


def test_start_up_is_apart(found: SyscallFacts) -> None:
    assert set(found.loader) >= STARTUP
    assert not {"arch_prctl", "set_tid_address"} & set(found.may)


def test_dying_is_apart(found: SyscallFacts) -> None:
    assert {"tgkill", "writev"} <= set(found.abort_only) <= set(found.may)


def test_what_always_happens_may_happen(found: SyscallFacts) -> None:
    assert "exit_group" in found.must
    assert set(found.must) <= set(found.may)


def test_each_call_has_a_witness(found: SyscallFacts, objects: list[ProcessObject]) -> None:
    assert set(found.witnesses) == set(found.may)
    data = {item.path: item.data for item in objects}
    for witness in found.witnesses.values():
        assert witness.component == FILES[0]
        assert witness.library in data


def test_gates_that_narrowed_it_are_named(found: SyscallFacts) -> None:
    assert "priority-mutex" in found.gates
    assert found.unreadable == ()
    assert not found.modules_unknown


def test_the_loader_alone_brings_no_calls(objects: list[ProcessObject]) -> None:
    """Its own start is in the table, and nothing of it runs without a program that asks."""
    alone = system_calls([objects[0], objects[2]], load())
    assert "write" not in alone.may


def test_a_module_adds_what_it_exports(objects: list[ProcessObject]) -> None:
    found = system_calls(objects[:1], load(), modules=objects[1:2])
    assert {"mount", "reboot", "socket", "execve"} <= set(found.may)


def test_the_same_files_give_the_same_facts(
    found: SyscallFacts, objects: list[ProcessObject]
) -> None:
    assert system_calls(objects, load()) == found
