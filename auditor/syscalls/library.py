"""One file's code and data, each part looked at when it is first reached.

All answers follow from the file's bytes alone.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from auditor.formats import FormatError
from auditor.formats.eh_frame import function_ranges
from auditor.formats.elf_image import ElfImage, data_symbols, read_image, taken_addresses
from auditor.formats.elf_tables import ImageSymbol
from auditor.formats.x86_64 import Scan, scan, thunk_slot
from auditor.formats.x86_64_values import Budget, Flow

__all__ = ["Library", "Reference"]

EM_X86_64 = 62
_CALLS = re.compile(rb"\xe8(?=(....))", re.DOTALL)
_LOCAL = 0
_STUBS = (b"\xff\x25", b"\xf2\xff\x25", b"\xf3\x0f\x1e\xfa")
_WORD = 8
_COVERED = 0.9
_TIMES = 4
_LEAST = 1 << 20


@dataclass(frozen=True, slots=True)
class Reference:
    """What a pointer leads to: an address of the same file, or a symbol of the process."""

    address: int | None
    symbol: ImageSymbol | None = None
    addend: int = 0


class Library:
    """One file of a process. Raises ``FormatError`` where it can't be read."""

    def __init__(self, path: str, data: bytes) -> None:
        self.path = path
        self.image: ElfImage = read_image(data)
        if self.image.machine != EM_X86_64:
            raise FormatError("The file is for another processor than x86-64.")
        self.ranges = function_ranges(self.image)
        self._starts = [low for low, _ in self.ranges]
        self._scans: dict[int, Scan] = {}
        self._flows: dict[int, Flow] = {}
        self._stubs: dict[int, int | None] = {}
        self._functions: dict[int, int] = {}
        self._budget = Budget()
        self._bytes = _TIMES * sum(high - low for low, high in self.image.executable) + _LEAST
        """Code that may still be decoded: functions that overlap are read more than once."""

    @property
    def exhausted(self) -> bool:
        """Whether there was more to look at than is allowed."""
        return self._bytes <= 0 or self._budget.steps < 0

    @cached_property
    def exports(self) -> dict[str, list[ImageSymbol]]:
        """Name → definitions that other files can bind to."""
        found: dict[str, list[ImageSymbol]] = {}
        for symbol in self.image.symbols:
            if symbol.defined and symbol.binding != _LOCAL and symbol.name:
                found.setdefault(symbol.name, []).append(symbol)
        return found

    @cached_property
    def names(self) -> dict[int, str]:
        """Address of a function → a name under which it is exported, the shortest."""
        found: dict[int, str] = {}
        for name, symbols in self.exports.items():
            for symbol in symbols:
                if symbol.function:
                    before = found.get(symbol.address)
                    if before is None or (len(name), name) < (len(before), before):
                        found[symbol.address] = name
        return found

    def function(self, address: int) -> int:
        """The start of the function that holds an address of code."""
        known = self._functions.get(address)
        if known is None:
            known = self._functions[address] = self._function(address)
        return known

    def scan(self, start: int) -> Scan:
        """What the function at a start shows."""
        known = self._scans.get(start)
        if known is None:
            end, certain = self._limit(start)
            code = self.image.read(start, end - start) if self._bytes > 0 else b""
            known = scan(code, start, stop=not certain, absolute=self.image.absolute)
            self._bytes -= known.end - start
            self._scans[start] = known
        return known

    def follower(self, start: int) -> int | None:
        """The function that the one at a start runs into at its end, if it does."""
        shown = self.scan(start)
        if not shown.falls or shown.end <= start or not self.image.is_code(shown.end):
            return None
        follower = self.function(shown.end)
        return None if follower == start else follower

    def flow(self, start: int) -> Flow:
        """The function's instructions, to look for values in."""
        known = self._flows.get(start)
        if known is None:
            code = self.image.read(start, self.scan(start).end - start)
            known = self._flows[start] = Flow(code, start, self._budget)
        return known

    def stub(self, address: int) -> int | None:
        """The slot that a stub at an address jumps through, if it is one."""
        if address in self._stubs:
            return self._stubs[address]
        code = self.image.read(address, 16)
        slot = thunk_slot(code, address) if code.startswith(_STUBS) else None
        self._stubs[address] = slot
        return slot

    def at_slot(self, slot: int) -> Reference | None:
        """What the word at an address points to, by its relocation."""
        image = self.image
        if slot in image.symbolic:
            index, addend = image.symbolic[slot]
            if index < len(image.symbols):
                return Reference(None, image.symbols[index], addend)
        if slot in image.pointers:
            return Reference(image.pointers[slot])
        if slot in image.resolvers:
            return Reference(image.resolvers[slot])
        return None

    def data(self, address: int) -> tuple[int, int]:
        """The piece of data that holds an address: between two places that are pointed at."""
        if self.in_got(address):
            return address, address + _WORD
        at = bisect_right(self._parts, address)
        start = self._parts[at - 1] if at else 0
        end = self._parts[at] if at < len(self._parts) else 1 << 64
        return start, end

    def in_got(self, address: int) -> bool:
        """Whether it is a slot that the linker made for one symbol."""
        return any(low <= address < high for low, high in self.image.got)

    def pointers(self, start: int, end: int) -> Iterator[Reference]:
        """What the words of a piece of data point to."""
        slots = self._slots
        for at in range(bisect_left(slots, start), bisect_left(slots, end)):
            found = self.at_slot(slots[at])
            if found is not None:
                yield found

    def copied(self, start: int, end: int) -> Iterator[ImageSymbol]:
        """The symbols whose content the loader copies into a piece of data."""
        places = self._copies
        for at in range(bisect_left(places, start), bisect_left(places, end)):
            index = self.image.copies[places[at]]
            if index < len(self.image.symbols):
                yield self.image.symbols[index]

    @cached_property
    def _copies(self) -> list[int]:
        return sorted(self.image.copies)

    @cached_property
    def _slots(self) -> list[int]:
        image = self.image
        return sorted({*image.pointers, *image.symbolic, *image.resolvers})

    @cached_property
    def _parts(self) -> list[int]:
        image = self.image
        found = set(data_symbols(image))
        found.update(taken_addresses(image))
        found.update(image.pointers.values())
        found.update(image.copies)
        found.update(image.boundaries)
        return sorted(found)

    @cached_property
    def _gap_starts(self) -> list[int]:
        """Where functions seem to start in code that no unwind entry covers."""
        image = self.image
        found = {item.address for item in (*image.symbols, *image.local_symbols) if item.function}
        found.update(image.pointers.values(), image.initialisers, image.resolvers.values())
        found.add(image.entry)
        covered = sum(high - low for low, high in self.ranges)
        if covered < _COVERED * sum(high - low for low, high in image.executable):
            for start, end in image.executable:
                code = image.read(start, end - start)
                for match in _CALLS.finditer(code):
                    offset = int.from_bytes(match[1], "little", signed=True)
                    found.add(start + match.end() + 4 + offset)
            found.update(taken_addresses(image))
        return sorted(item for item in found if image.is_code(item) and not self._inside(item))

    def _inside(self, address: int) -> tuple[int, int] | None:
        at = bisect_right(self._starts, address) - 1
        if at >= 0 and address < self.ranges[at][1]:
            return self.ranges[at]
        return None

    def _function(self, address: int) -> int:
        inside = self._inside(address)
        if inside is not None and self.stub(address) is None:
            return inside[0]
        if inside is not None:
            return address
        at = bisect_right(self._gap_starts, address) - 1
        if at >= 0:
            start = self._gap_starts[at]
            if start == address or (
                self._limit(start)[0] > address and self.scan(start).end > address
            ):
                return start
        return address

    def _limit(self, start: int) -> tuple[int, bool]:
        """Where a function ends at the latest, and whether it ends there."""
        inside = self._inside(start)
        if inside is not None and inside[0] == start:
            return inside[1], True
        if inside is not None:
            return inside[1], False
        limit = start
        for low, high in self.image.executable:
            if low <= start < high:
                limit = high
        for starts in (self._starts, self._gap_starts):
            at = bisect_right(starts, start)
            if at < len(starts):
                limit = min(limit, starts[at])
        return limit, False
