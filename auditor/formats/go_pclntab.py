"""Go's table of functions: their names, where their code lies, and which line it came from.

Every Go program has it, also a stripped one, since the runtime needs it for its garbage collector
and its panics. Layout: ``src/runtime/symtab.go`` (``pcHeader``, ``functab``) and ``runtime2.go``
(``_func``) of Go, in the two forms of Go 1.18 and 1.20; a program of an older Go is not read.
Nothing here trusts a number of the table.
"""

from __future__ import annotations

import re
import struct
from bisect import bisect_right
from dataclasses import dataclass, field

from auditor.formats import FormatError
from auditor.model.go import GoFunction

__all__ = ["FunctionTable", "find_function_table"]

_MAGIC = re.compile(rb"[\xf0\xf1]\xff\xff\xff\x00\x00[\x01\x04]\x08")
"""Little-endian, and addresses of eight bytes."""
_OLDER = re.compile(rb"[\xfa\xfb]\xff\xff\xff\x00\x00[\x01\x02\x04][\x04\x08]")
_HEADER = struct.Struct("<8x8Q")
_ENTRY = struct.Struct("<II")
_NAME, _FILE, _LINE = 4, 20, 24
"""Offsets in a function's record of what leads to its name, its files and its lines."""
_MOST = 2_000_000
"""Functions of one program; Kubernetes' largest has some 150,000."""
_TRIES = 16
_LONGEST_NAME = 1 << 16
_ROWS = 1 << 16
"""Rows of value tables that are read of the smallest program; of others, one a byte."""


@dataclass(slots=True)
class _Values:
    """Tables of a value for each piece of code, read when asked for, each once."""

    data: bytes
    start: int
    """Offset in the file that the tables' own are counted from."""
    quantum: int
    """Bytes of the smallest instruction."""
    left: int
    """Rows that may still be read: tables of a made-up program can overlap."""
    _known: dict[int, tuple[list[int], list[int]]] = field(default_factory=dict)

    def at(self, table: int, offset: int) -> int:
        """The value at an offset from the function's start; 0 where there is none."""
        known = self._known.get(table)
        if known is None:
            known = self._known[table] = self._read(self.start + table)
        ends, values = known
        index = bisect_right(ends, offset)
        return max(values[index], 0) if index < len(values) else 0

    def _read(self, at: int) -> tuple[list[int], list[int]]:
        """Where each value ends, and the values: pairs of a signed and an unsigned difference."""
        ends: list[int] = []
        values: list[int] = []
        value, offset = -1, 0
        while self.left > 0:
            self.left -= 1
            difference, at = _varint(self.data, at)
            if difference == 0 and values:
                break
            value += (difference >> 1) ^ -(difference & 1)
            advance, at = _varint(self.data, at)
            if not advance:
                break
            offset += advance * self.quantum
            ends.append(offset)
            values.append(value)
        return ends, values


@dataclass(frozen=True, slots=True)
class FunctionTable:
    """A function table that was found. Made by ``find_function_table``."""

    data: bytes
    start: int
    """Offset in the file."""
    text: int
    """Address of the first code, where the header has it, else 0."""
    functions: tuple[GoFunction, ...]
    """In the order of their code."""
    _values: _Values

    def line(self, function: GoFunction, offset: int) -> int:
        """The line of source that an instruction came from.

        0 where the table has none, and where the instruction came from another file than the
        function's start: it belongs to a function that was put in its place.
        """
        inside = offset - function.offset
        files = self._field(function, _FILE)
        if self._values.at(files, inside) != self._values.at(files, 0):
            return 0
        return self._values.at(self._field(function, _LINE), inside)

    def _field(self, function: GoFunction, field: int) -> int:
        at = function.record + field
        return int.from_bytes(self.data[at : at + 4], "little")


def find_function_table(data: bytes) -> FunctionTable | None:
    """The table, or ``None`` where no Go program is.

    Raises ``FormatError`` for a table that makes no sense, and for one of a Go before 1.18.
    """
    problem: FormatError | None = None
    for found, _ in zip(_MAGIC.finditer(data), range(_TRIES), strict=False):
        try:
            return _read(data, found.start())
        except FormatError as error:
            problem = error
    if problem is not None:
        raise problem
    if _OLDER.search(data) is not None:
        raise FormatError("its function table is that of a Go before 1.18, which is not read")
    return None


def _read(data: bytes, start: int) -> FunctionTable:
    if start + 8 + _HEADER.size > len(data):
        raise FormatError("Go's function table is cut off")
    count, _files, text, names, _units, _filetab, lines, index = _HEADER.unpack_from(data, start)
    size = len(data) - start
    if not 0 < count <= _MOST or max(names, lines, index) >= size or not names < lines < index:
        raise FormatError("the header of Go's function table makes no sense")
    if index + count * _ENTRY.size + 4 > size:
        raise FormatError("Go's function table is cut off")
    functions = _functions(data, start + names, start + index, count)
    values = _Values(data, start + lines, data[start + 6], max(size, _ROWS))
    return FunctionTable(data, start, text, functions, values)


def _functions(data: bytes, names: int, index: int, count: int) -> tuple[GoFunction, ...]:
    """Rows of offset and record; the offset of the next row is where a function ends."""
    rows = list(_ENTRY.iter_unpack(data[index : index + count * _ENTRY.size]))
    last = int.from_bytes(data[index + count * 8 : index + count * 8 + 4], "little")
    ends = [offset for offset, _ in rows[1:]] + [last]
    functions: list[GoFunction] = []
    left = 4 * len(data)  # names may be shared, and must not be made to fill the memory
    for (offset, record), end in zip(rows, ends, strict=True):
        at = index + record
        if end < offset or at + _LINE + 4 > len(data):
            raise FormatError("Go's function table makes no sense")
        name = _name(data, names + int.from_bytes(data[at + _NAME : at + _NAME + 4], "little"))
        left -= len(name)
        if left < 0:
            raise FormatError("the names of Go's function table make no sense")
        functions.append(GoFunction(name, offset, end - offset, at))
    return tuple(functions)


def _name(data: bytes, at: int) -> str:
    end = data.find(b"\0", at, at + _LONGEST_NAME)
    if end < 0:
        raise FormatError("a name of Go's function table has no end")
    return data[at:end].decode("utf-8", "replace")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 35, 7):
        if at >= len(data):
            return 0, at
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, at
    return 0, at
