from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from auditor.errors import AuditorError
from auditor.tables import load
from auditor.tables.load import shipped
from auditor.tables.syscall_gates import GateClass

GATES = "syscalls/gates.toml"


@pytest.fixture
def changed(tmp_path: Path):
    """Load the shipped tables with one text of gates.toml replaced."""

    def attempt(old: str, new: str):
        root = tmp_path / "signatures"
        shutil.copytree(shipped(), root)
        text = (root / GATES).read_text()
        assert old in text
        (root / GATES).write_text(text.replace(old, new, 1))
        return load(root)

    return attempt


def test_gates_have_reasons_classes_and_calls_that_exist():
    gates = {gate.name: gate for gate in load().syscalls.gates}
    assert gates["dns"].kind is GateClass.API
    assert "getaddrinfo" in gates["dns"].opened_by
    assert gates["abort"].kind is GateClass.ABORT
    assert all(gate.reason and gate.source for gate in gates.values())


def test_only_gates_of_an_interface_are_opened_by_one():
    for gate in load().syscalls.gates:
        assert bool(gate.opened_by) == (gate.kind is GateClass.API), gate.name


@pytest.mark.parametrize(
    ("loader", "call"),
    [("/lib64/ld-linux-x86-64.so.2", "rseq"), ("/lib/ld-musl-x86_64.so.1", "set_tid_address")],
)
def test_start_up_is_told_by_the_loader(loader, call):
    (row,) = [row for row in load().syscalls.startup if row.fits(loader)]
    assert call in row.calls
    assert not row.fits(None)
    assert not row.fits("/lib/other.so")


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('calls = "writev"', 'calls = "writeve"', "no call 'writeve'"),
        ('calls = "access arch', 'calls = "accesses arch', "no call 'accesses'"),
        ('source = "glibc-exports"', 'source = "hearsay"', "source 'hearsay'"),
        ('name = "dns"', 'name = "abort"', "stands there twice"),
        ('fatal = "abort"', 'fatal = ""', "nothing tells which functions"),
        ('class = "api"', 'class = "hope"', "hope"),
        ('reason = "malloc_printerr and its kind: a message, and abort"', 'reason = ""', "reason"),
    ],
)
def test_a_wrong_row_is_refused(changed, old, new, complaint):
    with pytest.raises(AuditorError, match=re.escape(complaint)):
        changed(old, new)
