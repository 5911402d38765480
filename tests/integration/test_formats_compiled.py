"""The formats on files that a compiler makes here, for machines other than this one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import wasmtime

from auditor.formats.elf import parse_elf
from auditor.formats.wasm import parse_wasm
from auditor.model.facts import ElfType, WasmForm

pytest.importorskip("ziglang")
pytestmark = pytest.mark.integration

LIBRARY = "extern int outside(void); extern char data[]; int inside(void){return outside()+*data;}"


def compile_c(tmp_path: Path, text: str, target: str, *options: str) -> bytes:
    source, output = tmp_path / "a.c", tmp_path / "a.out"
    source.write_text(text)
    command = [sys.executable, "-m", "ziglang", "cc", "-target", target, *options]
    subprocess.run([*command, str(source), "-o", str(output)], check=True, capture_output=True)
    return output.read_bytes()


@pytest.mark.parametrize(
    ("target", "machine", "bits"),
    [
        ("s390x-linux-musl", "s390x", 64),
        ("mips-linux-musleabi", "mips", 32),
        ("aarch64-linux-musl", "arm64", 64),
        ("x86-linux-musl", "386", 32),
    ],
)
def test_libraries_of_other_machines_are_read(
    tmp_path: Path, target: str, machine: str, bits: int
) -> None:
    flags = (
        "-shared",
        "-nostdlib",
        "-fPIC",
        "-fno-sanitize=all",
        "-Wl,-soname,libx.so.1",
        "-Wl,-rpath,/a:/b",
    )
    facts = parse_elf(compile_c(tmp_path, LIBRARY, target, *flags))
    assert (facts.type, facts.machine, facts.bits) == (ElfType.LIBRARY, machine, bits)
    assert (facts.soname, facts.rpath or facts.runpath) == ("libx.so.1", ("/a", "/b"))
    assert {symbol.name for symbol in facts.imports} == {"outside", "data"}
    assert "inside" in {symbol.name for symbol in facts.exports if symbol.function}


@pytest.mark.parametrize("options", [("-static",), ("-static-pie",)])
def test_static_programs_are_programs_that_ask_for_no_loader(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    text = "void _start(void){for(;;);}"
    facts = parse_elf(compile_c(tmp_path, text, "x86_64-linux-musl", "-nostdlib", *options))
    assert (facts.type, facts.static, facts.interpreter) == (ElfType.EXECUTABLE, True, None)


def test_a_wasi_program_asks_for_what_wasmtime_says(tmp_path: Path) -> None:
    text = '#include <stdio.h>\nint main(void){puts("x");return 0;}'
    binary = compile_c(tmp_path, text, "wasm32-wasi", "-O1")
    facts, module = parse_wasm(binary), wasmtime.Module(wasmtime.Engine(), binary)
    assert facts.form is WasmForm.MODULE
    assert [(i.module, i.name) for i in facts.imports] == [
        (i.module, i.name) for i in module.imports
    ]
    assert ("wasi_snapshot_preview1", "fd_write") in {(i.module, i.name) for i in facts.imports}
    assert "_start" in facts.exports
    assert any("clang" in tool for tool in facts.producers)
