from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from auditor.formats import FormatError
from auditor.formats.elf import MAX_SIZE, parse_elf
from auditor.model.facts import ElfType

MakeElf = Callable[..., bytes]
LOAD = (1, 5, 0, 64)
INTERP = (3, 4, 64 + 2 * 56, 8)


def without_section_headers(data: bytes) -> bytes:
    """What sstrip does, for a 64-bit file: e_shoff, e_shnum and e_shstrndx are zero."""
    return data[:0x28] + bytes(8) + data[0x30:0x3C] + bytes(4) + data[0x40:]


@pytest.mark.parametrize(
    ("machine", "bits", "order", "expected"),
    [
        (62, 64, "<", "amd64"),
        (3, 32, "<", "386"),
        (183, 64, "<", "arm64"),
        (40, 32, "<", "arm"),
        (243, 64, "<", "riscv64"),
        (21, 64, "<", "ppc64le"),
        (21, 64, ">", "ppc64"),
        (22, 64, ">", "s390x"),
        (8, 32, ">", "mips"),
        (258, 64, "<", "loong64"),
        (42, 32, "<", "EM_SH"),
        (9999, 64, "<", "EM_9999"),
    ],
)
def test_every_word_size_and_byte_order_is_read(
    make_elf: MakeElf, machine: int, bits: int, order: str, expected: str
) -> None:
    facts = parse_elf(make_elf(machine=machine, bits=bits, order=order))
    assert (facts.machine, facts.bits) == (expected, bits)
    assert (facts.type, facts.static, facts.code_size) == (ElfType.EXECUTABLE, True, 64)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (1, ElfType.RELOCATABLE),
        (2, ElfType.EXECUTABLE),
        (4, ElfType.CORE),
        (0xFE00, ElfType.OTHER),
    ],
)
def test_the_header_tells_what_a_file_is(make_elf: MakeElf, kind: int, expected: ElfType) -> None:
    assert parse_elf(make_elf(kind=kind)).type is expected


def test_a_shared_object_with_an_interpreter_is_a_program(make_elf: MakeElf) -> None:
    facts = parse_elf(make_elf(kind=3, segments=(LOAD, INTERP), tail=b"/lib/ld\0"))
    assert (facts.type, facts.interpreter, facts.static) == (ElfType.EXECUTABLE, "/lib/ld", False)


def test_a_shared_object_without_dynamic_segment_runs_where_it_has_an_entry(
    make_elf: MakeElf,
) -> None:
    assert parse_elf(make_elf(kind=3)).type is ElfType.EXECUTABLE
    assert parse_elf(make_elf(kind=3, entry=0)).type is ElfType.LIBRARY


def test_only_executable_segments_count_as_code(make_elf: MakeElf) -> None:
    segments = ((1, 5, 0, 100), (1, 6, 0, 40), (1, 4, 0, 30), (1, 1, 100, 7), (4, 5, 0, 9))
    assert parse_elf(make_elf(segments=segments)).code_size == 107


def test_a_file_packed_by_upx_is_known_by_its_mark(make_elf: MakeElf) -> None:
    assert parse_elf(make_elf(tail=bytes(4) + b"UPX!" + bytes(200))).packed == "UPX"
    assert parse_elf(make_elf(tail=bytes(100) + b"UPX!" + bytes(200))).packed is None


def test_a_real_program_shows_its_loader_and_its_c_library(real_elf: bytes) -> None:
    facts = parse_elf(real_elf)
    assert facts.type is ElfType.EXECUTABLE
    assert facts.interpreter is not None
    assert facts.interpreter.startswith("/lib")
    assert any(name.startswith("libc.") for name in facts.needed)
    assert not facts.static
    assert {symbol.name for symbol in facts.imports} >= {"__libc_start_main"}


def test_facts_do_not_depend_on_section_headers(real_elf: bytes) -> None:
    facts = parse_elf(real_elf)
    assert replace(parse_elf(without_section_headers(real_elf)), stripped=facts.stripped) == facts


def test_exports_survive_the_loss_of_section_headers() -> None:
    library = next(Path("/lib").glob("*-linux-gnu/libc.so.6"), None)
    if library is None:
        pytest.skip("this machine has no glibc where Debian puts it")
    data = library.read_bytes()
    facts = parse_elf(data)
    assert facts.type is ElfType.LIBRARY
    assert facts.interpreter is not None
    versions = {symbol.version for symbol in facts.exports if symbol.name == "memcpy"}
    assert len(versions) == 2 or facts.machine != "amd64"
    assert not any(s.function for s in facts.exports if s.name in {"environ", "stdout"})
    assert parse_elf(without_section_headers(data)).exports == facts.exports


@pytest.mark.parametrize("size", [0, 3, 4, 15, 16, 40, 63, 100, 119])
def test_a_file_cut_in_its_headers_is_refused(make_elf: MakeElf, size: int) -> None:
    with pytest.raises(FormatError):
        parse_elf(make_elf()[:size])


def test_a_file_cut_in_a_segment_is_refused(real_elf: bytes) -> None:
    with pytest.raises(FormatError, match="cut off: it has"):
        parse_elf(real_elf[: len(real_elf) // 2])


def test_a_file_cut_in_its_section_headers_is_refused(real_elf: bytes) -> None:
    with pytest.raises(FormatError, match="cut off: it has"):
        parse_elf(real_elf[:-10])


@pytest.mark.parametrize(("offset", "value"), [(4, 3), (5, 0), (54, 55), (56, 0xFF)])
def test_headers_that_make_no_sense_are_refused(make_elf: MakeElf, offset: int, value: int) -> None:
    data = bytearray(make_elf())
    data[offset] = value
    with pytest.raises(FormatError):
        parse_elf(bytes(data))


def test_too_many_segments_are_refused(make_elf: MakeElf) -> None:
    data = bytearray(make_elf())
    data[56:58] = struct.pack("<H", 0xFFFF)
    with pytest.raises(FormatError, match="more segments"):
        parse_elf(bytes(data))


def test_a_file_over_the_bound_is_refused_unread() -> None:
    class Huge(bytes):
        __slots__ = ()

        def __len__(self) -> int:
            return MAX_SIZE + 1

    with pytest.raises(FormatError, match="more than the"):
        parse_elf(Huge())


def test_the_other_formats_are_read_without_loading_lief() -> None:
    code = (
        "import sys, auditor.formats.magic, auditor.formats.script, auditor.formats.shell, "
        "auditor.formats.wasm; sys.exit('lief' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
