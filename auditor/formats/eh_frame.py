"""Functions by their unwind tables, which survive stripping (LSB 5.0, 10.6: ``.eh_frame``)."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from auditor.formats.elf_image import ElfImage

__all__ = ["function_ranges"]

_MOST_ENTRIES = 4_000_000
_ABSENT = 0xFF
_SIGNED = 0x08
_PC_RELATIVE = 0x10
_SIZES = {0x00: 8, 0x02: 2, 0x03: 4, 0x04: 8}
_HEAD = struct.Struct("<4siI")
_USUAL = bytes((1, _PC_RELATIVE | _SIGNED | 3, 3, 0x30 | _SIGNED | 3))
"""Version, and how the table's address, its length, and its entries are written."""
_LONGEST = 256
_CIE = re.compile(rb"[\x10-\x40]\0\0\0\0\0\0\0\x01zR\0", re.DOTALL)
"""The first entry of a table that compilers write: length, identifier 0, version 1, ``zR``."""


def function_ranges(image: ElfImage) -> list[tuple[int, int]]:
    """Start and end of each function with an entry, sorted; overlapping ones are cut."""
    found: set[tuple[int, int]] = set()
    indexed = _indexed(image)
    if indexed is None:
        for start, end in _tables(image):
            found.update(_entries(image, start, end))
    else:
        found.update(indexed)
    ranges: list[tuple[int, int]] = []
    for low, high in sorted(found):
        if not image.is_code(low):
            continue
        if ranges and low < ranges[-1][1]:
            if low == ranges[-1][0]:
                ranges[-1] = (low, max(high, ranges[-1][1]))
                continue
            ranges[-1] = (ranges[-1][0], low)
        ranges.append((low, high))
    return ranges


def _indexed(image: ElfImage) -> list[tuple[int, int]] | None:
    """By the search table for unwinders, in its usual form; ``None`` where there is none such."""
    at = image.eh_frame_hdr
    head = image.read(at, _HEAD.size) if at is not None else b""
    if at is None or len(head) < _HEAD.size:
        return None
    form, _, count = _HEAD.unpack(head)
    if form != _USUAL or count > _MOST_ENTRIES:
        return None
    table = image.read(at + _HEAD.size, count * 8)
    mapping = image.mapping(at)
    if mapping is None or len(table) < count * 8:
        return None
    signals: dict[int, bool | None] = {}
    base = mapping.offset - mapping.start
    found = []
    for offset, entry in struct.iter_unpack("<ii", table):
        where = base + at + entry
        if not 0 <= where <= len(image.data) - 16:
            return None
        _, back, _, span = struct.unpack_from("<IIII", image.data, where)
        common = where + 4 - back
        if common not in signals:
            signals[common] = _trampoline(image.data, common)
        signal = signals[common]
        if signal is None:
            return None
        if span:
            low = at + offset
            found.append((low + 1 if signal else low, low + span))
    return found


def _trampoline(data: bytes, at: int) -> bool | None:
    """Whether entries are of a signal's trampoline; ``None``: they are in an unusual form."""
    if not 0 <= at <= len(data) - 16:
        return None
    (length,) = struct.unpack_from("<I", data, at)
    entry = data[at : at + 4 + min(length, _LONGEST)]
    if _encoding(entry) != _PC_RELATIVE | _SIGNED | 3:
        return None
    return b"S" in entry[9:17].partition(b"\0")[0]


def _tables(image: ElfImage) -> Iterator[tuple[int, int]]:
    if image.eh_frame is not None:
        yield image.eh_frame
        return
    if image.eh_frame_hdr is not None:
        head = image.read(image.eh_frame_hdr, 8)
        if len(head) == 8 and head[1] == _PC_RELATIVE | _SIGNED | 3:  # noqa: PLR2004
            start = image.eh_frame_hdr + 4 + int.from_bytes(head[4:], "little", signed=True)
            mapping = image.mapping(start)
            if mapping is not None:
                yield start, mapping.end
                return
    for mapping in image.mappings:
        match = _CIE.search(
            image.data, mapping.offset, mapping.offset + mapping.end - mapping.start
        )
        if match is not None:
            yield mapping.start + match.start() - mapping.offset, mapping.end


def _entries(image: ElfImage, start: int, end: int) -> Iterator[tuple[int, int]]:
    table = image.read(start, end - start)
    encodings: dict[int, int] = {}
    signals: set[int] = set()
    at = 0
    for _ in range(_MOST_ENTRIES):
        if at + 8 > len(table):
            return
        length, back = struct.unpack_from("<II", table, at)
        if not length or length >= 0xFFFFFFF0 or at + 4 + length > len(table):  # noqa: PLR2004
            return
        if back == 0:
            encodings[at] = _encoding(table[at : at + 4 + length])
            if b"S" in table[at + 9 : at + 17].partition(b"\0")[0]:
                signals.add(at)
        else:
            encoding = encodings.get(at + 4 - back, _ABSENT)
            found = _range(table, at + 8, start, encoding)
            if found is not None:
                # Of a signal's trampoline the byte before it is covered, for unwinders to find it.
                yield (found[0] + 1, found[1]) if at + 4 - back in signals else found
        at += 4 + length


def _range(table: bytes, at: int, start: int, encoding: int) -> tuple[int, int] | None:
    size = _SIZES.get(encoding & 0x07)
    if encoding == _ABSENT or size is None or at + 2 * size > len(table):
        return None
    low = int.from_bytes(table[at : at + size], "little", signed=bool(encoding & _SIGNED))
    span = int.from_bytes(table[at + size : at + 2 * size], "little")
    if encoding & 0x70 == _PC_RELATIVE:
        low += start + at
    return (low, low + span) if span else None


def _encoding(entry: bytes) -> int:
    """How a CIE's entries write their addresses (augmentation ``R``)."""
    augmentation, _, rest = entry[9:].partition(b"\0")
    if not augmentation.startswith(b"z"):
        return 0
    at = 0
    for _ in range(3):  # code alignment, data alignment, return address register
        at = _after_leb(rest, at)
    at = _after_leb(rest, at)  # length of the augmentation's data
    for letter in augmentation[1:]:
        if at >= len(rest):
            return _ABSENT
        if letter == ord("R"):
            return rest[at]
        if letter == ord("P"):
            at += 1 + _SIZES.get(rest[at] & 0x07, 8)
        elif letter == ord("L"):
            at += 1
    return 0


def _after_leb(data: bytes, at: int) -> int:
    while at < len(data) and data[at] & 0x80:
        at += 1
    return at + 1
