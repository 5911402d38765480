from __future__ import annotations

from itertools import pairwise

import pytest
import wasmtime

from auditor.formats import FormatError
from auditor.formats.wasm import parse_wasm
from auditor.model.facts import WasmFacts, WasmForm, WasmImport

MODULE = """(module
  (type $t (func (param i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
  (import "env" "memory" (memory 1 10))
  (import "env" "big" (memory i64 1))
  (import "env" "shared" (memory 1 10 shared))
  (import "env" "table" (table 1 funcref))
  (import "env" "typed" (table 1 2 (ref null $t)))
  (import "env" "global" (global (mut i64)))
  (import "env" "reference" (global (ref null $t)))
  (import "env" "tag" (tag (type $t)))
  (func (export "_start"))
  (export "mem" (memory 0))
  (export "tag" (tag 0)))"""

COMPONENT = """(component
  (import "wasi:cli/environment@0.2.0" (instance))
  (import "plain" (func))
  (import "module" (core module))
  (import "resource" (type (sub resource)))
  (component (import "nested" (func)))
  (core module $m (import "hidden" "inside" (func)))
  (component $c)
  (instance $i)
  (export "module-out" (core module $m))
  (export "component-out" (component $c))
  (export "example:api/run@1.0.0" (instance $i)))"""


def section(number: int, body: bytes) -> bytes:
    assert len(body) < 128
    return bytes([number, len(body)]) + body


def name(text: str) -> bytes:
    return bytes([len(text)]) + text.encode()


EMPTY = b"\0asm\x01\0\0\0"
PRODUCERS = (
    name("producers")
    + b"\x02"
    + (name("language") + b"\x01" + name("Rust") + name(""))
    + (name("processed-by") + b"\x01" + name("rustc") + name("1.80.0"))
)


def test_imports_of_every_kind_are_found_as_wasmtime_finds_them() -> None:
    binary = bytes(wasmtime.wat2wasm(MODULE))
    facts = parse_wasm(binary)
    config = wasmtime.Config()
    config.wasm_threads = True
    config.wasm_memory64 = True
    config.shared_memory = True
    for proposal in ("wasm_function_references", "wasm_exceptions", "wasm_gc"):
        setattr(config, proposal, True)
    module = wasmtime.Module(wasmtime.Engine(config), binary)
    names = [line.split('"')[1::2] for line in MODULE.splitlines() if "(import" in line]
    assert [[i.module, i.name] for i in facts.imports] == [pair[:2] for pair in names]
    assert len(module.imports) == len(facts.imports)
    assert facts.exports == tuple(export.name for export in module.exports)
    assert facts.form is WasmForm.MODULE


def test_a_component_shows_its_own_imports_and_not_those_of_what_it_holds() -> None:
    binary = bytes(wasmtime.wat2wasm(COMPONENT))
    assert parse_wasm(binary) == WasmFacts(
        form=WasmForm.COMPONENT,
        size=len(binary),
        imports=(
            WasmImport("wasi:cli/environment@0.2.0", ""),
            WasmImport("plain", ""),
            WasmImport("module", ""),
            WasmImport("resource", ""),
        ),
        exports=("module-out", "component-out", "example:api/run@1.0.0"),
        producers=(),
    )


def test_the_tools_that_made_a_module_are_named() -> None:
    assert parse_wasm(EMPTY + section(0, PRODUCERS)).producers == ("Rust", "rustc 1.80.0")


def test_a_damaged_custom_section_harms_nothing() -> None:
    facts = parse_wasm(EMPTY + section(0, PRODUCERS[:-3]))
    assert facts.producers == ()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "magic"),
        (b"\0asm", "version"),
        (b"\0asm\x02\0\0\0", "version"),
        (EMPTY + b"\x02", "ends in the middle"),
        (EMPTY + b"\x02\x05\x01", "cut off"),
        (EMPTY + section(2, b"\x01\x01a\x01b"), "ends in the middle"),
        (EMPTY + section(2, b"\x01\x01a\x01b\x09\x00"), "unknown kind of import: 0x9"),
        (EMPTY + section(2, b"\x01\x01\xff\x01b\x00\x00"), "not UTF-8"),
        (EMPTY + section(2, b"\x00\x00"), "longer than its items"),
        (EMPTY + section(7, b"\x01\x01a\x07\x00"), "unknown kind of export"),
        (EMPTY + b"\x3f\x00", "unknown kind 63"),
        (EMPTY + b"\x00\xff\xff\xff\xff\xff\x00", "longer than 32 bits"),
        (EMPTY + b"\x00\xff\xff\xff\xff\x7f", "longer than 32 bits"),
    ],
)
def test_damage_is_named(data: bytes, reason: str) -> None:
    with pytest.raises(FormatError, match=reason):
        parse_wasm(data)


def test_a_module_cut_anywhere_inside_a_section_is_refused() -> None:
    binary = bytes(wasmtime.wat2wasm('(module (import "a" "b" (func)) (memory (export "m") 1))'))
    edges = {8}
    while (start := max(edges)) < len(binary):
        edges.add(start + 2 + binary[start + 1])
    assert max(edges) == len(binary)
    assert all(one < other for one, other in pairwise(sorted(edges)))
    for end in set(range(len(binary))) - edges:
        with pytest.raises(FormatError):
            parse_wasm(binary[:end])
