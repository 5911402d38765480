"""A Go executable: its build information, its functions, and which of them names which.

The references are read from machine code: direct calls and jumps, and addresses taken of a
function, or of what holds one (a closure, an interface's table of methods). A reference counts
only where it hits the start of a function exactly, so that bytes that merely look like a call
are not taken for one. amd64 and arm64.
"""

from __future__ import annotations

import re
import struct
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from auditor.formats import FormatError
from auditor.formats.elf_header import Header, read_header
from auditor.formats.go_build_info import find_build_info
from auditor.formats.go_pclntab import FunctionTable, find_function_table
from auditor.model.go import GoBuildInfo, GoFunction, GoReference

__all__ = ["GoProgram", "parse_go"]

_AMD64 = 62
_ARM64 = 183
_MODULE_TEXT = 176
"""Offset of ``text`` in ``moduledata`` (``src/runtime/symtab.go``): one pointer, six slices, one
pointer and two addresses stand before it."""
_BRANCH = re.compile(rb"[\xe8\xe9]")
_LEA = re.compile(rb"[\x48\x4c]\x8d[\x05\x0d\x15\x1d\x25\x2d\x35\x3d]")
"""``lea r64, [rip + disp32]``."""
_BRANCHES, _BRANCH_CODE, _DISTANCE = 0x7C000000, 0x14000000, 0x03FFFFFF
"""``b`` and ``bl``: mask, value and operand (Arm ARM, C6.2)."""
_PAGES, _PAGE_CODE = 0x9F000000, 0x90000000
"""``adrp``."""
_ADDS, _ADD_CODE = 0xFFC00000, 0x91000000
"""``add`` of an unshifted constant."""
_WORD = 64
"""Bits."""
_SAMPLE = 60
"""Functions, the longest, that tell where the code lies."""
_METHODS = 3
"""Words of an interface's table before its methods (``ITab`` of ``src/internal/abi/iface.go``)."""
_HELD = 8 * 64
"""Bytes looked at behind a taken address."""


@dataclass(frozen=True, slots=True)
class GoProgram:
    """A Go executable that was read. Made by ``parse_go``."""

    build: GoBuildInfo | None
    table: FunctionTable
    text: int
    """Address of the first code of Go's."""
    _header: Header
    _starts: Mapping[int, str] = field(repr=False)
    """Offset from ``text`` → name."""

    @property
    def functions(self) -> tuple[GoFunction, ...]:
        """In the order of their code."""
        return self.table.functions

    def line(self, function: GoFunction, offset: int) -> int:
        """The line of source of an instruction; 0 where it is not known."""
        return self.table.line(function, offset)

    def references(self, function: GoFunction) -> Iterator[GoReference]:
        """What the code of a function names, in its order."""
        code = self._bytes(self.text + function.offset, function.size)
        if self._header.machine == _AMD64:
            yield from self._of_amd64(code, function.offset)
        else:
            yield from self._of_arm64(code, function.offset)

    def _of_amd64(self, code: bytes, start: int) -> Iterator[GoReference]:
        starts = self._starts
        for found in _BRANCH.finditer(code, 0, max(len(code) - 4, 0)):
            at = found.start()
            target = start + at + 5 + int.from_bytes(code[at + 1 : at + 5], "little", signed=True)
            if target in starts and target != start:
                yield GoReference(starts[target], start + at, called=True)
        for found in _LEA.finditer(code, 0, max(len(code) - 6, 0)):
            at = found.start()
            distance = int.from_bytes(code[at + 3 : at + 7], "little", signed=True)
            yield from self._taken(start + at, start + at + 7 + distance)

    def _of_arm64(self, code: bytes, start: int) -> Iterator[GoReference]:
        """Branches, and ``adrp`` with the ``add`` behind it."""
        words = array("I", code[: len(code) & ~3])
        starts = self._starts
        for index, word in enumerate(words):
            if word & _BRANCHES == _BRANCH_CODE:
                target = start + 4 * (index + _signed(word & _DISTANCE, 26))
                if target in starts and target != start:
                    yield GoReference(starts[target], start + 4 * index, called=True)
        for index, (word, following) in enumerate(pairwise(words)):
            if word & _PAGES == _PAGE_CODE and following & _ADDS == _ADD_CODE:
                pages = _signed((word >> 29 & 3) | (word >> 3 & 0x1FFFFC), 21)
                address = (self.text + start + 4 * index & ~0xFFF) + (pages << 12)
                address += following >> 10 & 0xFFF
                yield from self._taken(start + 4 * index, address - self.text)

    def _taken(self, at: int, target: int) -> Iterator[GoReference]:
        """An address is taken: of a function, or of data that starts with functions' addresses."""
        if target in self._starts:
            yield GoReference(self._starts[target], at, called=False)
            return
        held = self._bytes(self.text + target, _HELD)
        words = [word - self.text for (word,) in struct.iter_unpack("<Q", held[: len(held) & ~7])]
        # A closure starts with its function; nothing else of what is behind belongs to it.
        for word in words[:1] if words and words[0] in self._starts else words[_METHODS:]:
            if word not in self._starts:
                break
            yield GoReference(self._starts[word], at, called=False)

    def _bytes(self, address: int, size: int) -> bytes:
        for load in self._header.loads:
            if load.address <= address < load.address + load.file_size:
                at = load.offset + address - load.address
                return self.table.data[at : min(at + size, load.offset + load.file_size)]
        return b""


def parse_go(data: bytes) -> GoProgram | None:
    """Read a Go executable; ``None`` where it is no Go program.

    Raises ``FormatError`` with a sentence where it is one that cannot be read.
    """
    header = read_header(data)
    table = find_function_table(data)
    if table is None:
        return None
    if header.machine not in {_AMD64, _ARM64} or header.bits != _WORD or not header.little_endian:
        raise FormatError("it is a Go program for a processor whose code is not read")
    starts = {function.offset: function.name for function in table.functions}
    text = _text(data, header, table, starts)
    return GoProgram(find_build_info(data), table, text, header, starts)


def _text(data: bytes, header: Header, table: FunctionTable, starts: Mapping[int, str]) -> int:
    """Where Go's code begins: of all places that could be, the one where calls hit functions."""
    best, most = 0, 0
    longest = sorted(table.functions, key=lambda item: (-item.size, item.offset))[:_SAMPLE]
    for text in _candidates(data, header, table):
        program = GoProgram(None, table, text, header, starts)
        hits = sum(1 for item in longest for found in program.references(item) if found.called)
        if hits > most:
            best, most = text, hits
    if not most:
        raise FormatError("where the code of this Go program lies cannot be told")
    return best


def _candidates(data: bytes, header: Header, table: FunctionTable) -> Iterator[int]:
    """The header's word (before Go 1.26), ``moduledata``'s, then sections and segments."""
    seen: set[int] = set()
    for address in _told(data, header, table):
        code = [(load.address, load.address + load.file_size) for load in header.code]
        if address not in seen and any(start <= address < end for start, end in code):
            seen.add(address)
            yield address


def _told(data: bytes, header: Header, table: FunctionTable) -> Iterator[int]:
    yield table.text
    for load in header.loads:
        if load.offset <= table.start < load.offset + load.file_size:
            pointer = struct.pack("<Q", load.address + table.start - load.offset)
            at = data.find(pointer)
            while 0 <= at <= len(data) - _MODULE_TEXT - 8:
                yield int.from_bytes(data[at + _MODULE_TEXT : at + _MODULE_TEXT + 8], "little")
                at = data.find(pointer, at + 1)
    yield from (section.address for section in header.sections)
    yield from (load.address for load in header.code)


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) else value
