"""Damaged bytes give facts or a ``FormatError``: never another exception, and never soon a hang."""

from __future__ import annotations

import contextlib
import time

import pytest
import wasmtime
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.formats import FormatError
from auditor.formats.elf import parse_elf
from auditor.formats.elf_slots import import_slots
from auditor.formats.magic import read_shebang, sniff
from auditor.formats.script import parse_script
from auditor.formats.shell import MAX_SECONDS, MAX_SIZE, parse_shell
from auditor.formats.wasm import parse_wasm

SCRIPT = b"""#!/bin/sh
C=/x; f() { set -- a "$@"; exec b "$@"; }
if a | b "$(c)" && d; then . /e; else eval "g $C"; fi <<EOF
${A:-"${B:=c}"} $((1+2))
EOF
case $x in *) trap 'h' EXIT;; esac; for i in 1; do (j &); done; f "$@"
"""
WASM = bytes(
    wasmtime.wat2wasm(
        '(module (import "a" "b" (func)) (import "a" "m" (memory 1 2)) (func (export "f")))'
    )
)
COMPONENT = bytes(
    wasmtime.wat2wasm(
        '(component (import "a:b/c@0.1.0" (instance)) (instance $i) (export "x" (instance $i)))'
    )
)
PIECES = [b"(", b"$(", b'"', b"'", b"`", b"${", b"}", b"<<E\n", b"if ", b"a && ", b"[[ "]

Edits = list[tuple[int, bytes]]
# Half of the edits hit the first bytes, where a format's headers are.
positions = st.one_of(st.integers(0, 200), st.integers(0, 1 << 20))
edits = st.lists(st.tuples(positions, st.binary(min_size=0, max_size=4)), max_size=8)


def damaged(data: bytes, edits: Edits, cut: int | None) -> bytes:
    changed = bytearray(data)
    for position, replacement in edits:
        at = position % len(changed) if changed else 0
        changed[at : at + len(replacement)] = replacement
    return bytes(changed if cut is None else changed[: cut % (len(changed) + 1)])


cuts = st.none() | st.integers(0, 1 << 20)
laws = settings(max_examples=150, deadline=2000)


@given(edits, cuts)
@settings(laws, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_elf_files_do_no_harm(real_elf: bytes, edits: Edits, cut: int | None) -> None:
    with contextlib.suppress(FormatError):
        assert parse_elf(damaged(real_elf, edits, cut)).bits in {32, 64}


@given(edits, cuts)
@settings(laws, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_relocations_do_no_harm(real_elf: bytes, edits: Edits, cut: int | None) -> None:
    found = import_slots(damaged(real_elf, edits, cut))
    assert all(name and address >= 0 for name, address in found.items())


@given(st.sampled_from([WASM, COMPONENT]), edits, cuts)
@laws
def test_damaged_wasm_files_do_no_harm(data: bytes, edits: Edits, cut: int | None) -> None:
    with contextlib.suppress(FormatError):
        changed = damaged(data, edits, cut)
        assert parse_wasm(changed).size == len(changed)


@given(edits, cuts)
@laws
def test_damaged_scripts_do_no_harm(edits: Edits, cut: int | None) -> None:
    facts = parse_shell(damaged(SCRIPT, edits, cut), env={})
    assert all(command.words for command in facts.commands)


@given(st.binary(max_size=300))
@laws
def test_random_bytes_do_no_harm(data: bytes) -> None:
    sniff(data)
    parse_shell(data)
    for prefix, parse in ((b"\x7fELF", parse_elf), (b"\0asm\x01\0\0\0", parse_wasm)):
        with contextlib.suppress(FormatError):
            parse(data)
        with contextlib.suppress(FormatError):
            parse(prefix + data)
    with contextlib.suppress(FormatError):
        assert parse_script(b"#!" + data).size == len(data) + 2


@given(st.binary(max_size=300))
def test_the_interpreter_is_one_word(data: bytes) -> None:
    shebang = read_shebang(b"#!" + data)
    assert shebang is None or (
        shebang.interpreter and not set(shebang.interpreter) & set(" \t\n\0")
    )


@pytest.mark.parametrize("piece", PIECES)
def test_deep_nesting_ends_in_bounded_time(piece: bytes) -> None:
    start = time.monotonic()
    with contextlib.suppress(FormatError):
        parse_shell(piece * (50_000 // len(piece)), env={})
    assert time.monotonic() - start < 2 * MAX_SECONDS + 5


@pytest.mark.parametrize(
    "text",
    [
        b"A=" + b'"${A:-' * 20_000 + b"x" + b'}"' * 20_000 + b"; b $A",
        b"".join(b"A%d=$A%d$A%d; " % (i, i + 1, i + 1) for i in range(60)) + b"A60=x; b $A0",
        b"".join(b'f%d() { f%d "$@" a; f%d "$@" b; }; ' % (i, i + 1, i + 1) for i in range(40))
        + b'f40() { c "$@"; }; f0 d',
        b"eval " * 20_000 + b"a",
        b"".join(b'f() { f "$@" "$@" %d; g "$@"; }; ' % i for i in range(300)) + b"f a",
    ],
    ids=["defaults", "doubling", "functions", "eval", "calls"],
)
def test_text_made_to_explode_ends_in_bounded_time(text: bytes) -> None:
    start = time.monotonic()
    parse_shell(text, env={})
    assert time.monotonic() - start < 2 * MAX_SECONDS + 5


def test_text_that_the_parser_cannot_cope_with_is_refused() -> None:
    with pytest.raises(FormatError, match="so broken"):
        parse_shell(b")" * MAX_SIZE)
