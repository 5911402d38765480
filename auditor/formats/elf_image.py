"""An ELF-64 file as its loader maps it: bytes by address, symbols, and pointers after relocation.

System V gABI and its x86-64 supplement; GNU symbol versions (LSB 5.0, 10.7); RELR (gABI, "Relative
Relocation Table"). ``elf`` tells what a file imports and exports; this tells where things are.
"""

from __future__ import annotations

import re
import struct
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

from auditor.formats import FormatError
from auditor.formats.elf_header import Header, check_extent, read_header
from auditor.formats.elf_tables import (
    ImageSymbol,
    Sections,
    dynamic_entries,
    read_sections,
    read_symbols,
    symbol_versions,
)

__all__ = ["ElfImage", "Mapping", "data_symbols", "read_image", "taken_addresses"]

ET_EXEC = 2
_PT_DYNAMIC = 2
_PT_GNU_EH_FRAME = 0x6474E550
_DT_INIT, _DT_FINI = 12, 13
_DT_RELA, _DT_RELASZ = 7, 8
_DT_JMPREL, _DT_PLTRELSZ = 23, 2
_DT_RELR, _DT_RELRSZ = 36, 35
_ARRAYS = ((32, 33), (25, 27), (26, 28))
"""``DT_PREINIT_ARRAY``, ``DT_INIT_ARRAY``, ``DT_FINI_ARRAY``, each with its size."""
_R_64, _R_COPY, _R_GLOB_DAT, _R_JUMP_SLOT, _R_RELATIVE, _R_IRELATIVE = 1, 5, 6, 7, 8, 37
_GOT_KINDS = frozenset({_R_GLOB_DAT, _R_JUMP_SLOT, _R_IRELATIVE, 16, 17, 18, 36})
"""Those that slots of the GOT have; the numbers are for thread-local storage."""
_WORD = 8
_PT_GNU_RELRO = 0x6474E552
_MOST_MAPPINGS = 1024
_MOST_RELOCATIONS = 8_000_000
_LAST = 1 << 64
_MAX_STRING = 4096
_STT_OBJECT = 1
_RELA = struct.Struct("<QIIq")
_LEA = re.compile(rb"[\x48\x4c]\x8d[\x05\x0d\x15\x1d\x25\x2d\x35\x3d](?=(....))", re.DOTALL)
_SCALED = bytes(range(0x05, 0x100, 8))
_ABSOLUTE = re.compile(
    rb"(?:[\xb8-\xbf\x68]|\xc7[\xc0-\xc7]|[\x04\x0c\x14\x1c\x24\x2c\x34\x3c]["
    + re.escape(_SCALED)
    + rb"])(?=(....))",
    re.DOTALL,
)
"""``mov r32, imm32``, ``push imm32``, ``mov r64, imm32``, ``[r64 * n + disp32]``: how code takes an
address that is not position-independent."""


@dataclass(frozen=True, slots=True)
class Mapping:
    """A loaded segment's part that is in the file."""

    start: int
    end: int
    offset: int
    executable: bool


@dataclass(frozen=True, slots=True)
class ElfImage:
    """One file, mapped at the addresses it was linked for."""

    data: bytes = field(repr=False)
    machine: int
    entry: int
    absolute: bool
    """``ET_EXEC``: pointers need no relocation, so that any word may be one."""
    mappings: tuple[Mapping, ...]
    executable: tuple[tuple[int, int], ...]
    """Ranges with code, sorted: sections where the file has them, else segments."""
    symbols: tuple[ImageSymbol, ...]
    """The dynamic symbol table, by index."""
    local_symbols: tuple[ImageSymbol, ...]
    """``.symtab``, where it was not stripped."""
    pointers: dict[int, int]
    """Slot → address of this file that it holds (``RELATIVE``, ``RELR``; words that look so)."""
    symbolic: dict[int, tuple[int, int]]
    """Slot → index of the symbol whose address it gets, and addend."""
    got: tuple[tuple[int, int], ...]
    """Where the linker made slots for single symbols."""
    boundaries: tuple[int, ...]
    """Where data of one kind ends and other data begins."""
    copies: dict[int, int]
    """Address → index of the symbol whose content is copied there (``COPY``)."""
    resolvers: dict[int, int]
    """Slot → resolver that is called for its address (``IRELATIVE``)."""
    initialisers: tuple[int, ...]
    """What runs before and after ``main``: ``DT_INIT``, ``DT_FINI`` and the arrays."""
    eh_frame_hdr: int | None
    eh_frame: tuple[int, int] | None
    """Address and end of the section, where there are section headers."""
    plts: tuple[tuple[int, int], ...]
    """Sections of stubs, where there are section headers."""

    def mapping(self, address: int) -> Mapping | None:
        """The mapping that holds an address."""
        for mapping in self.mappings:
            if mapping.start <= address < mapping.end:
                return mapping
        return None

    def read(self, address: int, size: int) -> bytes:
        """Up to ``size`` bytes; fewer at a mapping's end, none outside."""
        mapping = self.mapping(address)
        if mapping is None:
            return b""
        start = mapping.offset + address - mapping.start
        return self.data[start : start + min(size, mapping.end - address)]

    def text(self, address: int) -> bytes:
        """The string at an address, without its zero; empty outside."""
        return self.read(address, _MAX_STRING).partition(b"\0")[0]

    def is_code(self, address: int) -> bool:
        """Whether it lies in an executable range."""
        ranges = self.executable
        if not ranges or not ranges[0][0] <= address < ranges[-1][1]:
            return False
        at = bisect_right(ranges, (address, _LAST)) - 1
        return address < ranges[at][1]


def read_image(data: bytes) -> ElfImage:
    """Map a little-endian ELF-64 file. Raises ``FormatError`` for any other, and for damage."""
    header = read_header(data)
    if header.bits != 64 or not header.little_endian:  # noqa: PLR2004
        raise FormatError("The ELF file is not a little-endian one of 64 bits.")
    check_extent(data, header)
    try:
        return _Reader(data, header).image()
    except (struct.error, IndexError, OverflowError) as error:
        raise FormatError(f"The ELF file is damaged: {error}.") from error


class _Reader:
    """Reads one file; its parts depend on one another."""

    def __init__(self, data: bytes, header: Header) -> None:
        self.data = data
        self.header = header
        self.sections: Sections = read_sections(data, header)
        if len(header.loads) > _MOST_MAPPINGS:
            raise FormatError("The ELF file has more segments than a program needs.")
        self.mappings = tuple(
            Mapping(
                item.address,
                item.address + min(item.file_size, max(len(data) - item.offset, 0)),
                item.offset,
                item.executable,
            )
            for item in header.loads
        )
        self.dynamic: dict[int, int] = {}
        for item in header.segments:
            if item.type == _PT_DYNAMIC:
                self.dynamic = dynamic_entries(data, item.offset, item.file_size)
        self.executable = self.sections.code or tuple(
            sorted((item.start, item.end) for item in self.mappings if item.executable)
        )

    def image(self) -> ElfImage:
        absolute = struct.unpack_from("<H", self.data, 16)[0] == ET_EXEC
        versions = symbol_versions(self.dynamic, self._offset)
        symbols = read_symbols(self.data, self.dynamic, self._offset, versions)
        pointers: dict[int, int] = {}
        symbolic: dict[int, tuple[int, int]] = {}
        copies: dict[int, int] = {}
        resolvers: dict[int, int] = {}
        got: list[int] = []
        for slot, index, kind, addend in self._relocations():
            if kind == _R_RELATIVE:
                pointers[slot] = addend
            elif kind in {_R_64, _R_GLOB_DAT, _R_JUMP_SLOT}:
                symbolic[slot] = (index, addend if kind == _R_64 else 0)
            if kind in _GOT_KINDS:
                got.append(slot)
            elif kind == _R_COPY:
                copies[slot] = index
            elif kind == _R_IRELATIVE:
                resolvers[slot] = addend
        for slot in self._relr():
            pointers[slot] = self._word(slot)
        if absolute:
            for slot, value in self._words():
                pointers.setdefault(slot, value)
        hdr = [item.address for item in self.header.segments if item.type == _PT_GNU_EH_FRAME]
        return ElfImage(
            data=self.data,
            machine=self.header.machine,
            entry=self.header.entry,
            absolute=absolute,
            mappings=self.mappings,
            executable=self.executable,
            symbols=symbols,
            local_symbols=self.sections.symbols,
            pointers=pointers,
            symbolic=symbolic,
            got=self._got(got),
            boundaries=self._boundaries(),
            copies=copies,
            resolvers=resolvers,
            initialisers=tuple(dict.fromkeys(self._initialisers(pointers, symbolic, symbols))),
            eh_frame_hdr=hdr[0] if hdr else None,
            eh_frame=self.sections.eh_frame,
            plts=self.sections.plts,
        )

    def _got(self, slots: list[int]) -> tuple[tuple[int, int], ...]:
        if self.sections.got:
            return self.sections.got
        # Without section headers: around the slots that can only be there.
        return ((min(slots), max(slots) + _WORD),) if slots else ()

    def _boundaries(self) -> tuple[int, ...]:
        found = {start for start, _ in (*self.sections.data, *self.sections.got)}
        found.update(end for _, end in (*self.sections.data, *self.sections.got))
        found.update(item.start for item in self.mappings)
        for item in self.header.segments:
            if item.type in {_PT_DYNAMIC, _PT_GNU_RELRO}:
                found.update((item.address, item.address + item.file_size))
        return tuple(sorted(found))

    def _offset(self, address: int) -> int | None:
        for item in self.mappings:
            if item.start <= address < item.end:
                return item.offset + address - item.start
        return None

    def _word(self, address: int) -> int:
        offset = self._offset(address)
        if offset is None or offset + _WORD > len(self.data):
            return 0
        return int.from_bytes(self.data[offset : offset + _WORD], "little")

    def _relocations(self) -> Iterator[tuple[int, int, int, int]]:
        for tag, size_tag in ((_DT_RELA, _DT_RELASZ), (_DT_JMPREL, _DT_PLTRELSZ)):
            offset = self._offset(self.dynamic.get(tag, -1))
            if offset is None:
                continue
            size = min(self.dynamic.get(size_tag, 0), len(self.data) - offset)
            if size // _RELA.size > _MOST_RELOCATIONS:
                raise FormatError("The ELF file has more relocations than are read.")
            table = self.data[offset : offset + size // _RELA.size * _RELA.size]
            for slot, kind, index, addend in _RELA.iter_unpack(table):
                yield slot, index, kind, addend
        if not self.dynamic:
            yield from self._static_relocations()

    def _static_relocations(self) -> Iterator[tuple[int, int, int, int]]:
        """``__rela_iplt_start``: IFUNCs of a static executable, which has no dynamic section."""
        for start, end in self.sections.relocations:
            table = self.data[start : start + (end - start) // _RELA.size * _RELA.size]
            for slot, kind, index, addend in _RELA.iter_unpack(table):
                yield slot, index, kind, addend

    def _relr(self) -> Iterator[int]:
        offset = self._offset(self.dynamic.get(_DT_RELR, -1))
        if offset is None:
            return
        size = min(self.dynamic.get(_DT_RELRSZ, 0), len(self.data) - offset)
        where = count = 0
        for (entry,) in struct.iter_unpack("<Q", self.data[offset : offset + size // 8 * 8]):
            if not entry & 1:
                yield entry
                where = entry + _WORD
                continue
            count += 63
            if count > _MOST_RELOCATIONS:
                raise FormatError("The ELF file has more relocations than are read.")
            bits, slot = entry >> 1, where
            while bits:
                if bits & 1:
                    yield slot
                bits >>= 1
                slot += _WORD
            where += 63 * _WORD

    def _words(self) -> Iterator[tuple[int, int]]:
        """Aligned words that could be pointers."""
        low = min((item.start for item in self.mappings), default=0)
        high = max((item.end for item in self.mappings), default=0)
        ranges = self.sections.data or tuple((item.start, item.end) for item in self.mappings)
        for start, end in ranges:
            first = -(-start // _WORD) * _WORD
            offset = self._offset(first)
            if offset is None:
                continue
            part = self.data[offset : offset + max(end - first, 0) // _WORD * _WORD]
            words = struct.unpack(f"<{len(part) // _WORD}Q", part)
            for at, value in enumerate(words):
                if low < value < high:
                    yield first + at * _WORD, value

    def _initialisers(
        self,
        pointers: dict[int, int],
        symbolic: dict[int, tuple[int, int]],
        symbols: tuple[ImageSymbol, ...],
    ) -> Iterator[int]:
        for tag in (_DT_INIT, _DT_FINI):
            if self.dynamic.get(tag):
                yield self.dynamic[tag]
        arrays = [(self.dynamic.get(tag, 0), self.dynamic.get(size, 0)) for tag, size in _ARRAYS]
        arrays += [(start, end - start) for start, end in self.sections.arrays]
        yield from self.sections.initialisers
        for start, size in arrays:
            for slot in range(start, start + min(size, len(self.data)), _WORD):
                value = pointers.get(slot) or self._word(slot)
                index, addend = symbolic.get(slot, (len(symbols), 0))
                if index < len(symbols) and symbols[index].defined:
                    value = symbols[index].address + addend
                if value:
                    yield value


def taken_addresses(image: ElfImage) -> Iterator[int]:
    """Every address that some code of the file takes, reached or not: where data is parted."""
    for start, end in image.executable:
        code = image.read(start, end - start)
        for match in _LEA.finditer(code):
            yield start + match.end() + 4 + int.from_bytes(match[1], "little", signed=True)
        if image.absolute:
            for match in _ABSOLUTE.finditer(code):
                yield int.from_bytes(match[1], "little")


def data_symbols(image: ElfImage) -> Iterator[int]:
    """Starts of named data."""
    for symbol in (*image.symbols, *image.local_symbols):
        if symbol.kind == _STT_OBJECT and symbol.defined:
            yield symbol.address
