"""Tables of an ELF-64 file: the dynamic section, symbols with versions, sections."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from auditor.formats.elf_header import Header

__all__ = [
    "ImageSymbol",
    "Sections",
    "dynamic_entries",
    "read_sections",
    "read_symbols",
    "symbol_versions",
]

_DT_STRTAB, _DT_SYMTAB, _DT_STRSZ = 5, 6, 10
_DT_HASH, _DT_GNU_HASH = 4, 0x6FFFFEF5
_DT_VERSYM, _DT_VERDEF, _DT_VERDEFNUM = 0x6FFFFFF0, 0x6FFFFFFC, 0x6FFFFFFD
_DT_VERNEED, _DT_VERNEEDNUM = 0x6FFFFFFE, 0x6FFFFFFF
_SHT_SYMTAB, _SHT_RELA, _SHT_NOBITS = 2, 4, 8
_SHT_ARRAYS = frozenset({14, 15, 16})
_SHF_ALLOC, _SHF_EXECINSTR = 2, 4
_HIDDEN = 0x8000
_SYMBOL = struct.Struct("<IBBHQQ")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_MOST_SYMBOLS = 2_000_000
_MOST_SECTIONS = 65_536
_MOST_GOTS = 8
_MOST_VERSIONS = 65_536
_CODE_KINDS = frozenset({0, 2, 10})

Offset = Callable[[int], int | None]
"""Address → offset in the file; ``None`` outside."""


@dataclass(frozen=True, slots=True)
class ImageSymbol:
    """A symbol and where it is."""

    name: str
    version: str | None
    hidden: bool
    """Not the default version of its name."""
    address: int
    size: int
    kind: int
    """``STT_``: 1 object, 2 function, 10 GNU IFUNC."""
    binding: int
    """``STB_``: 0 local, 1 global, 2 weak, 10 unique."""
    defined: bool

    @property
    def function(self) -> bool:
        """Whether it can be called; an untyped one may be."""
        return self.kind in _CODE_KINDS


@dataclass(frozen=True, slots=True)
class Sections:
    """What section headers tell; all empty where there are none."""

    code: tuple[tuple[int, int], ...] = ()
    data: tuple[tuple[int, int], ...] = ()
    plts: tuple[tuple[int, int], ...] = ()
    got: tuple[tuple[int, int], ...] = ()
    arrays: tuple[tuple[int, int], ...] = ()
    """Of initialisers and finalisers."""
    initialisers: tuple[int, ...] = ()
    """Starts of ``.init`` and ``.fini``."""
    relocations: tuple[tuple[int, int], ...] = ()
    """Offsets of tables that are loaded."""
    eh_frame: tuple[int, int] | None = None
    symbols: tuple[ImageSymbol, ...] = ()


def dynamic_entries(data: bytes, offset: int, size: int) -> dict[int, int]:
    """Tag → value; the first of each, which is enough for all but ``DT_NEEDED``."""
    found: dict[int, int] = {}
    part = data[offset : offset + size // 16 * 16]
    for tag, value in struct.iter_unpack("<QQ", part[: len(part) // 16 * 16]):
        if not tag:
            break
        found.setdefault(tag, value)
    return found


def _text(data: bytes, start: int) -> str:
    end = data.find(b"\0", start)
    return data[start : end if end >= 0 else start].decode("utf-8", "replace")


def symbol_versions(dynamic: Mapping[int, int], offset: Offset) -> dict[int, int]:
    """Tag → offset of the version tables that are there."""
    found: dict[int, int] = {}
    for tag in (_DT_VERSYM, _DT_VERDEF, _DT_VERNEED):
        where = offset(dynamic.get(tag, -1))
        if where is not None:
            found[tag] = where
    return found


def _version_names(
    data: bytes, dynamic: Mapping[int, int], tables: Mapping[int, int], strings: int
) -> dict[int, str]:
    names: dict[int, str] = {}
    at = tables.get(_DT_VERDEF, 0)
    for _ in range(min(dynamic.get(_DT_VERDEFNUM, 0), _MOST_VERSIONS) if at else 0):
        _, _, index, _, _, aux, following = struct.unpack_from("<HHHHIII", data, at)
        (name,) = struct.unpack_from("<I", data, at + aux)
        names[index & 0x7FFF] = _text(data, strings + name)
        if not following:
            break
        at += following
    at = tables.get(_DT_VERNEED, 0)
    for _ in range(min(dynamic.get(_DT_VERNEEDNUM, 0), _MOST_VERSIONS) if at else 0):
        _, count, _, aux, following = struct.unpack_from("<HHIII", data, at)
        where = at + aux
        for _ in range(count):
            _, _, other, name, more = struct.unpack_from("<IHHII", data, where)
            names[other & 0x7FFF] = _text(data, strings + name)
            where += more
        if not following:
            break
        at += following
    return names


def _symbol_count(data: bytes, dynamic: Mapping[int, int], offset: Offset) -> int:
    """From the hash tables, as the loader has it; ``DT_SYMTAB`` gives no length."""
    at = offset(dynamic.get(_DT_HASH, -1))
    if at is not None:
        count: int = struct.unpack_from("<II", data, at)[1]
        return count
    at = offset(dynamic.get(_DT_GNU_HASH, -1))
    if at is not None:
        buckets, first, bloom, _ = struct.unpack_from("<IIII", data, at)
        start = at + 16 + bloom * 8
        part = data[start : start + min(buckets, _MOST_SYMBOLS) * 4]
        last: int = max((item for (item,) in struct.iter_unpack("<I", part)), default=0)
        if last >= first:
            chain = start + buckets * 4 + (last - first) * 4
            while not data[chain] & 1:
                last, chain = last + 1, chain + 4
            return last + 1
        return max(int(first), _between(dynamic))
    return _between(dynamic)


def _between(dynamic: Mapping[int, int]) -> int:
    """Linkers put the strings behind the symbols."""
    size = dynamic.get(_DT_STRTAB, 0) - dynamic.get(_DT_SYMTAB, 0)
    return max(size, 0) // _SYMBOL.size


def read_symbols(
    data: bytes, dynamic: Mapping[int, int], offset: Offset, versions: Mapping[int, int]
) -> tuple[ImageSymbol, ...]:
    """The dynamic symbol table."""
    table, strings = offset(dynamic.get(_DT_SYMTAB, -1)), offset(dynamic.get(_DT_STRTAB, -1))
    if table is None or strings is None:
        return ()
    count = max(_symbol_count(data, dynamic, offset), 0)
    if dynamic.get(_DT_GNU_HASH) is not None and dynamic.get(_DT_HASH) is None:
        count = max(count, _between(dynamic) if _plausible(dynamic) else 0)
    count = min(count, _MOST_SYMBOLS, (len(data) - table) // _SYMBOL.size)
    names = _version_names(data, dynamic, versions, strings)
    at = versions.get(_DT_VERSYM)
    indices: tuple[int, ...] = (0,) * count
    if at is not None and at + 2 * count <= len(data):
        indices = struct.unpack_from(f"<{count}H", data, at)
    part = data[table : table + count * _SYMBOL.size]
    return tuple(_symbols(data, part, strings, names, indices))


def _plausible(dynamic: Mapping[int, int]) -> bool:
    """Whether the strings follow the symbols at once: no other table in between."""
    start, end = dynamic.get(_DT_SYMTAB, 0), dynamic.get(_DT_STRTAB, 0)
    tables = (_DT_HASH, _DT_GNU_HASH, 7, 23, 36, _DT_VERSYM, _DT_VERDEF, _DT_VERNEED)
    return start < end and not any(start < dynamic.get(tag, 0) < end for tag in tables)


def _symbols(
    data: bytes, table: bytes, strings: int, names: Mapping[int, str], indices: tuple[int, ...]
) -> Iterator[ImageSymbol]:
    for (name, info, _, shndx, value, size), index in zip(
        _SYMBOL.iter_unpack(table), indices, strict=True
    ):
        yield ImageSymbol(
            _text(data, strings + name) if name else "",
            names.get(index & 0x7FFF) if index & 0x7FFF > 1 else None,
            bool(index & _HIDDEN),
            value,
            size,
            info & 0xF,
            info >> 4,
            shndx != 0,
        )


def read_sections(data: bytes, header: Header) -> Sections:
    """Section headers, as far as they are there and make sense."""
    start, end = header.section_headers
    if not header.sections or end > len(data) or (end - start) // _SECTION.size > _MOST_SECTIONS:
        return Sections()
    rows = list(_SECTION.iter_unpack(data[start : start + (end - start) // 64 * 64]))
    names = struct.unpack_from("<H", data, 62)[0]
    strings = rows[names][4] if names < len(rows) else len(data)
    named = [(_text(data, strings + row[0]), row) for row in rows]
    loaded = [(name, row) for name, row in named if row[2] & _SHF_ALLOC and row[5]]
    content = [(name, row) for name, row in loaded if row[1] != _SHT_NOBITS]
    code = [(name, row) for name, row in content if row[2] & _SHF_EXECINSTR]
    frames = [(row[3], row[3] + row[5]) for name, row in content if name == ".eh_frame"]
    symbols: list[ImageSymbol] = []
    for _, row in named:
        if row[1] == _SHT_SYMTAB and row[6] < len(rows):
            count = min(row[5] // _SYMBOL.size, _MOST_SYMBOLS)
            part = data[row[4] : row[4] + count * _SYMBOL.size]
            part = part[: len(part) // _SYMBOL.size * _SYMBOL.size]
            no_versions = (0,) * (len(part) // _SYMBOL.size)
            symbols += _symbols(data, part, rows[row[6]][4], {}, no_versions)
    return Sections(
        code=_ranges(row for _, row in code),
        data=_ranges(row for _, row in content if not row[2] & _SHF_EXECINSTR),
        plts=_ranges(row for name, row in code if name.startswith(".plt")),
        got=_ranges(row for name, row in content if name in {".got", ".got.plt"})[:_MOST_GOTS],
        arrays=_ranges(row for _, row in content if row[1] in _SHT_ARRAYS),
        initialisers=tuple(row[3] for name, row in code if name in {".init", ".fini"}),
        relocations=tuple((row[4], row[4] + row[5]) for _, row in content if row[1] == _SHT_RELA),
        eh_frame=frames[0] if frames else None,
        symbols=tuple(symbols),
    )


def _ranges(rows: Iterator[tuple[int, ...]]) -> tuple[tuple[int, int], ...]:
    return tuple(sorted((row[3], row[3] + row[5]) for row in rows))
