from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PLACES = ("/bin/dash", "/usr/bin/env", "/bin/sh", "/bin/cat")

MakeElf = Callable[..., bytes]


def elf_header(
    *,
    kind: int = 2,
    machine: int = 62,
    bits: int = 64,
    order: str = "<",
    segments: tuple[tuple[int, int, int, int], ...] = ((1, 5, 0, 64),),
    entry: int = 0x400000,
    tail: bytes = b"",
) -> bytes:
    """A whole ELF file; a segment is (p_type, p_flags, p_offset, p_filesz)."""
    ident = b"\x7fELF" + bytes([bits // 32, 1 if order == "<" else 2, 1]) + bytes(9)
    wide = bits == 64
    head, size = (64, 56) if wide else (52, 32)
    layout = order + ("HHIQQQIHHHHHH" if wide else "HHIIIIIHHHHHH")
    phoff = head if segments else 0
    fields = (kind, machine, 1, entry, phoff, 0, 0, head, size, len(segments), 0, 0, 0)
    rows = b""
    for p_type, flags, offset, length in segments:
        if wide:
            row = struct.pack(
                order + "IIQQQQQQ", p_type, flags, offset, entry, entry, length, length, 4
            )
        else:
            row = struct.pack(
                order + "IIIIIIII", p_type, offset, entry, entry, length, length, flags, 4
            )
        rows += row
    return ident + struct.pack(layout, *fields) + rows + tail


@pytest.fixture
def make_elf() -> MakeElf:
    return elf_header


@pytest.fixture(scope="session")
def real_elf() -> Iterator[bytes]:
    """A small dynamically linked executable of this machine."""
    for place in PLACES:
        path = Path(place)
        if path.is_file() and path.read_bytes()[:4] == b"\x7fELF":
            yield path.read_bytes()
            return
    pytest.skip("this machine has none of the usual executables")
