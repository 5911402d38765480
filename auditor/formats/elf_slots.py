"""Where an ELF file keeps the addresses of what it imports: the slots that the loader fills.

System V gABI, "Relocation"; processor supplements, ``JUMP_SLOT`` and ``GLOB_DAT``. Read from the
dynamic segment, as the loader does.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping

from auditor.formats import FormatError
from auditor.formats.elf_header import Header, read_header

__all__ = ["import_slots"]

_PT_DYNAMIC = 2
_STRTAB, _SYMTAB, _RELA, _RELASZ = 5, 6, 7, 8
_REL, _RELSZ, _PLTRELSZ, _PLTREL, _JMPREL = 17, 18, 2, 20, 23
_LONGEST_NAME = 4096
_ORDER = {True: "<", False: ">"}
# Layouts as ``struct`` writes them, by word size: tag and value; address, symbol, addend.
_TAG = {32: "II", 64: "QQ"}
_ENTRY = {(32, False): "II", (32, True): "IIi", (64, False): "QQ", (64, True): "QQq"}
_SYMBOL_SHIFT = {32: 8, 64: 32}
_SYMBOL_SIZE = {32: 16, 64: 24}


def import_slots(data: bytes) -> Mapping[str, int]:
    """Name of an imported symbol → address of its slot: that for calls, else the first.

    Damaged tables give what they give; a file that is none gives nothing.
    """
    try:
        header = read_header(data)
    except FormatError:
        return {}
    tags = _tags(data, header)
    found: dict[str, int] = {}
    names: dict[int, str] = {}
    for address, symbol in _relocations(data, header, tags):
        if symbol not in names:
            names[symbol] = _name(data, header, tags, symbol)
        if names[symbol]:
            found.setdefault(names[symbol], address)
    return found


def _tags(data: bytes, header: Header) -> dict[int, int]:
    layout = struct.Struct(_ORDER[header.little_endian] + _TAG[header.bits])
    tags: dict[int, int] = {}
    for segment in header.segments:
        if segment.type == _PT_DYNAMIC:
            part = data[segment.offset : segment.offset + segment.file_size]
            for tag, value in layout.iter_unpack(part[: len(part) - len(part) % layout.size]):
                if tag == 0:
                    break
                tags.setdefault(tag, value)
    return tags


def _relocations(data: bytes, header: Header, tags: Mapping[int, int]) -> Iterator[tuple[int, int]]:
    """Address and number of the symbol: those for calls, then the others."""
    tables = (
        (_JMPREL, _PLTRELSZ, tags.get(_PLTREL) == _RELA),
        (_RELA, _RELASZ, True),
        (_REL, _RELSZ, False),
    )
    shift = _SYMBOL_SHIFT[header.bits]
    for start, size, addend in tables:
        at = _offset(header, tags.get(start, 0))
        if at is None:
            continue
        kind = _ENTRY[header.bits, addend]
        layout = struct.Struct(_ORDER[header.little_endian] + kind)
        part = data[at : at + tags.get(size, 0)]
        for entry in layout.iter_unpack(part[: len(part) - len(part) % layout.size]):
            symbol = entry[1] >> shift
            if symbol:
                yield entry[0], symbol


def _name(data: bytes, header: Header, tags: Mapping[int, int], symbol: int) -> str:
    table = _offset(header, tags.get(_SYMTAB, 0))
    names = _offset(header, tags.get(_STRTAB, 0))
    if table is None or names is None:
        return ""
    at = table + symbol * _SYMBOL_SIZE[header.bits]
    number = data[at : at + 4] if header.little_endian else data[at : at + 4][::-1]
    start = names + int.from_bytes(number, "little")
    end = data.find(b"\0", start, start + _LONGEST_NAME)
    return data[start:end].decode("utf-8", "replace") if end > start else ""


def _offset(header: Header, address: int) -> int | None:
    """Where an address lies in the file."""
    for load in header.loads:
        if load.address <= address < load.address + load.file_size:
            return load.offset + address - load.address
    return None
