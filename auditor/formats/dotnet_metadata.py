"""The metadata of a managed assembly: tables and heaps (ECMA-335, II.22 to II.25).

Every read is bounded by the file; what does not fit is a ``FormatError``.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from auditor.formats import FormatError

__all__ = ["LARGEST", "Metadata", "parse_metadata"]

LARGEST = 32 << 20
"""Bytes of an assembly."""
_ROWS = 500_000
"""Of all tables together."""
_LONGEST = 256
"""Characters of a name."""
_CLI, _SECTIONS = 14, 96

_CODED = {
    "TypeDefOrRef": (2, (0x02, 0x01, 0x1B)),
    "HasConstant": (2, (0x04, 0x08, 0x17)),
    "HasCustomAttribute": (
        5,
        (
            *(0x06, 0x04, 0x01, 0x02, 0x08, 0x09, 0x0A, 0x00, 0x0E, 0x17, 0x14),
            *(0x11, 0x1A, 0x1B, 0x20, 0x23, 0x26, 0x27, 0x28, 0x2A, 0x2C, 0x2B),
        ),
    ),
    "HasFieldMarshal": (1, (0x04, 0x08)),
    "HasDeclSecurity": (2, (0x02, 0x06, 0x20)),
    "MemberRefParent": (3, (0x02, 0x01, 0x1A, 0x06, 0x1B)),
    "HasSemantics": (1, (0x14, 0x17)),
    "MethodDefOrRef": (1, (0x06, 0x0A)),
    "MemberForwarded": (1, (0x04, 0x06)),
    "Implementation": (2, (0x26, 0x23, 0x27)),
    "CustomAttributeType": (3, (0x06, 0x0A)),
    "ResolutionScope": (2, (0x00, 0x1A, 0x23, 0x01)),
    "TypeOrMethodDef": (1, (0x02, 0x06)),
}
"""Coded indexes: bits of the tag, and the tables that it chooses from."""
_TABLES = {
    0x00: "2 S G G G",
    0x01: "ResolutionScope S S",
    0x02: "4 S S TypeDefOrRef t04 t06",
    0x03: "t04",
    0x04: "2 S B",
    0x05: "t06",
    0x06: "4 2 2 S B t08",
    0x07: "t08",
    0x08: "2 2 S",
    0x09: "t02 TypeDefOrRef",
    0x0A: "MemberRefParent S B",
    0x0B: "2 HasConstant B",
    0x0C: "HasCustomAttribute CustomAttributeType B",
    0x0D: "HasFieldMarshal B",
    0x0E: "2 HasDeclSecurity B",
    0x0F: "2 4 t02",
    0x10: "4 t04",
    0x11: "B",
    0x12: "t02 t14",
    0x13: "t14",
    0x14: "2 S TypeDefOrRef",
    0x15: "t02 t17",
    0x16: "t17",
    0x17: "2 S B",
    0x18: "2 t06 HasSemantics",
    0x19: "t02 MethodDefOrRef MethodDefOrRef",
    0x1A: "S",
    0x1B: "B",
    0x1C: "2 MemberForwarded S t1A",
    0x1D: "4 t04",
    0x1E: "4 4",
    0x1F: "4",
    0x20: "4 2 2 2 2 4 B S S",
    0x21: "4",
    0x22: "4 4 4",
    0x23: "2 2 2 2 4 B S S B",
    0x24: "4 t23",
    0x25: "4 4 4 t23",
    0x26: "4 S B",
    0x27: "4 4 S S Implementation",
    0x28: "4 4 S Implementation",
    0x29: "t02 t02",
    0x2A: "2 2 TypeOrMethodDef S",
    0x2B: "MethodDefOrRef B",
    0x2C: "t2A TypeDefOrRef",
}
"""Columns of each table: bytes, S(tring), G(uid), B(lob), an index of a table, a coded index."""
_READ = frozenset({0x01, 0x02, 0x06, 0x0A, 0x1A, 0x1B, 0x1C, 0x20, 0x23, 0x29, 0x2B})


@dataclass(slots=True)
class Metadata:
    """One assembly's tables."""

    data: bytes
    entry: int
    """Token of the method that it starts with; 0 for a library."""
    tables: dict[int, list[tuple[int, ...]]] = field(default_factory=dict)
    """Number of a table → its rows; of a coded index the token."""
    strings: bytes = b""
    blobs: bytes = b""
    sections: tuple[tuple[int, int, int], ...] = ()
    """Address, size and offset in the file of each."""

    def row(self, table: int, index: int) -> tuple[int, ...] | None:
        """A row by its 1-based index."""
        rows = self.tables.get(table, [])
        return rows[index - 1] if 0 < index <= len(rows) else None

    def string(self, offset: int) -> str:
        """A text of the heap, shortened; empty where there is none."""
        end = self.strings.find(b"\0", offset, offset + _LONGEST)
        end = end if end >= 0 else offset + _LONGEST
        return self.strings[offset:end].decode("utf-8", "replace")

    def blob(self, offset: int) -> bytes:
        """The beginning of a blob."""
        first = self.blobs[offset : offset + 4]
        skip = 1 if not first or first[0] < 0x80 else 2 if first[0] < 0xC0 else 4  # noqa: PLR2004
        return self.blobs[offset + skip : offset + skip + 64]

    def offset(self, address: int) -> int:
        """Where an address is in the file. Raises ``FormatError``."""
        return _offset(self.sections, address)


def parse_metadata(data: bytes) -> Metadata:
    """Read an assembly's tables. Raises ``FormatError`` for what is none."""
    if len(data) > LARGEST:
        raise FormatError(f"an assembly of more than {LARGEST >> 20} MiB is not read")
    try:
        return _parse(data)
    except (struct.error, IndexError, OverflowError):
        raise FormatError("its metadata is cut off or damaged") from None


def _parse(data: bytes) -> Metadata:
    header = struct.unpack_from("<I", data, 0x3C)[0]
    if data[:2] != b"MZ" or data[header : header + 4] != b"PE\0\0":
        raise FormatError("it is no PE file")
    count, size = struct.unpack_from("<H12xH", data, header + 6)
    optional = header + 24
    wide = struct.unpack_from("<H", data, optional)[0] == 0x20B  # noqa: PLR2004 - PE32+
    directory = optional + (112 if wide else 96) + 8 * _CLI
    if directory + 8 > optional + size or count > _SECTIONS:
        raise FormatError("it is no managed assembly")
    sections = tuple(
        (address, max(virtual, raw), offset)
        for virtual, address, raw, offset in (
            struct.unpack_from("<8xIIII", data, optional + size + 40 * number)
            for number in range(count)
        )
    )
    cli = struct.unpack_from("<I", data, directory)[0]
    if cli == 0:
        raise FormatError("it is native code, and no managed assembly")
    root, _, entry = struct.unpack_from("<8xI4xII", data, _offset(sections, cli))
    found = Metadata(data, entry, sections=sections)
    _streams(found, _offset(sections, root))
    return found


def _offset(sections: tuple[tuple[int, int, int], ...], address: int) -> int:
    for start, size, offset in sections:
        if start <= address < start + size:
            return address - start + offset
    raise FormatError("an address of its lies in no section")


def _streams(found: Metadata, root: int) -> None:
    data = found.data
    if data[root : root + 4] != b"BSJB":
        raise FormatError("its metadata has no signature")
    length = struct.unpack_from("<I", data, root + 12)[0]
    at = root + 16 + length
    count = struct.unpack_from("<H", data, at + 2)[0]
    at += 4
    tables: int | None = None
    for _ in range(min(count, 16)):
        offset, size = struct.unpack_from("<II", data, at)
        end = data.index(b"\0", at + 8, at + 48) if b"\0" in data[at + 8 : at + 48] else at + 40
        name = data[at + 8 : end]
        at += 8 + (end - at - 8) // 4 * 4 + 4
        match name:
            case b"#Strings":
                found.strings = data[root + offset : root + offset + size]
            case b"#Blob":
                found.blobs = data[root + offset : root + offset + size]
            case b"#~" | b"#-":
                tables = root + offset
    if tables is None:
        raise FormatError("its metadata has no tables")
    _tables(found, tables)


def _tables(found: Metadata, at: int) -> None:
    heaps, valid = struct.unpack_from("<6xBxQ", found.data, at)
    numbers = [number for number in range(64) if valid >> number & 1]
    if any(number not in _TABLES for number in numbers):
        raise FormatError("its metadata has a table that is not known")
    counts = struct.unpack_from(f"<{len(numbers)}I", found.data, at + 24)
    if sum(counts) > _ROWS:
        raise FormatError(f"its metadata has more than {_ROWS} rows")
    rows = dict(zip(numbers, counts, strict=True))
    at += 24 + 4 * len(numbers)
    for number in numbers:
        columns = _TABLES[number].split()
        layout = struct.Struct("<" + "".join(_width(one, heaps, rows) for one in columns))
        size = layout.size * rows[number]
        if at + size > len(found.data):
            raise FormatError("its tables are longer than the file")
        if number in _READ:
            coded = [_CODED.get(column) for column in columns]
            found.tables[number] = [
                tuple(map(_decoded, values, coded))
                for values in layout.iter_unpack(found.data[at : at + size])
            ]
        at += size


def _width(column: str, heaps: int, rows: dict[int, int]) -> str:
    """The form of a column, which depends on how large what it points to is."""
    if column in {"2", "4"}:
        return {"2": "H", "4": "I"}[column]
    if column in {"S", "G", "B"}:
        return "I" if heaps & {"S": 1, "G": 2, "B": 4}[column] else "H"
    if column.startswith("t"):
        return "I" if rows.get(int(column[1:], 16), 0) > 0xFFFF else "H"  # noqa: PLR2004
    bits, tables = _CODED[column]
    most = max(rows.get(table, 0) for table in tables)
    return "I" if most >= 1 << (16 - bits) else "H"


def _decoded(value: int, coded: tuple[int, tuple[int, ...]] | None) -> int:
    """A coded index as a token: the table in the highest byte."""
    if coded is None:
        return value
    bits, tables = coded
    tag = value & ((1 << bits) - 1)
    return (tables[tag] << 24) | (value >> bits) if tag < len(tables) else 0
