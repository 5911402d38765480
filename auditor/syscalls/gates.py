"""Which functions of a process are held back, by ``signatures/syscalls/gates.toml``."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from auditor.formats.x86_64_values import NUMBER
from auditor.syscalls.library import Library
from auditor.tables.syscall_gates import GateClass, GateRow
from auditor.tables.syscalls import SyscallTables

__all__ = ["Gates"]

_ARCH = "amd64"
_MOST_PER_STRING = 16


class Gates:
    """The gates of one process, with what is closed."""

    def __init__(
        self, libraries: Sequence[Library], names: Sequence[str], tables: SyscallTables
    ) -> None:
        self._libraries = libraries
        self._open: set[tuple[int, str]] = set()
        """Position of the library, and gate."""
        self._rows: dict[int, list[_Bound]] = {}
        self._used: set[tuple[int, str]] = set()
        self._openers: dict[tuple[int, int], list[str]] = {}
        for at, (library, name) in enumerate(zip(libraries, names, strict=True)):
            for row in tables.gates:
                if fnmatchcase(name, row.library):
                    self._rows.setdefault(at, []).append(_Bound(library, row, tables))
                    for address in _addresses(library, row.opened_by):
                        start = library.function(address)
                        self._openers.setdefault((at, start), []).append(row.name)

    def holds(self, function: tuple[int, int]) -> GateRow | None:
        """The closed gate that holds a function back."""
        at, start = function
        for bound in self._rows.get(at, ()):
            closed = (at, bound.row.name) not in self._open
            if closed and not bound.row.only and bound.fits(start):
                self._used.add((at, bound.row.name))
                return bound.row
        return None

    def silent(self, function: tuple[int, int]) -> set[int]:
        """Numbers of the calls that a function makes itself, and that are held back."""
        at, start = function
        numbers: set[int] = set()
        for bound in self._rows.get(at, ()):
            closed = (at, bound.row.name) not in self._open
            if closed and bound.only and bound.fits(start):
                self._used.add((at, bound.row.name))
                numbers |= bound.only
        return numbers

    def closed(self) -> tuple[str, ...]:
        """Names of the gates that keep something out, sorted."""
        return tuple(sorted({name for _, name in self._used - self._open}))

    def opened(self, function: tuple[int, int]) -> bool:
        """Open what a function opens that is reached; whether anything was closed before."""
        if function not in self._openers:
            return False
        at = function[0]
        fresh = {(at, name) for name in self._openers[function]} - self._open
        self._open |= fresh
        return bool(fresh)

    def open_all(self, kind: GateClass) -> None:
        """Open every gate of a class."""
        for at, bounds in self._rows.items():
            self._open |= {(at, item.row.name) for item in bounds if item.row.kind is kind}


class _Bound:
    """A gate in one library."""

    def __init__(self, library: Library, row: GateRow, tables: SyscallTables) -> None:
        self.row = row
        self._calls = _numbers(row.calls, tables)
        self.only = _numbers(row.only, tables)
        self._library = library
        self._callers = {library.function(item) for item in _addresses(library, row.called_by)}
        self._exports = {library.function(item) for item in _addresses(library, row.exports)}
        self._callees = [_addresses(library, (name,)) for name in row.callees]
        self._fatal = _addresses(library, row.fatal)
        self._strings = [_places(library, text.encode()) for text in row.strings]

    def fits(self, start: int) -> bool:
        """Whether the function at a start is one that the gate speaks of."""
        row = self.row
        return (
            (not row.exports or start in self._exports)
            and (not row.strings or self._speaks(start))
            and (not row.callees or self._is_caller(start))
            and (not row.called_by or self._is_called(start))
            and (not row.fatal or self._is_fatal(start))
            and (not row.calls or self._calls <= self._made(start))
        )

    def _speaks(self, start: int) -> bool:
        taken = set(self._library.scan(start).references)
        return all(taken & places for places in self._strings)

    def _is_caller(self, start: int) -> bool:
        if start in self._library.names:
            return False
        called = self._called(start)
        return all(callee and callee & called for callee in self._callees)

    def _is_called(self, start: int) -> bool:
        if start in self._library.names:
            return False
        return any(start in self._called(caller) for caller in self._callers)

    def _made(self, start: int) -> set[int]:
        """Numbers with which the function itself enters the kernel."""
        sites = self._library.scan(start).gates
        flow = self._library.flow(start) if sites else None
        return {number for site in sites if flow for number in flow.at(site.site, NUMBER).constants}

    def _called(self, start: int) -> set[int]:
        return {target for _, target, _ in self._library.scan(start).branches}

    def _is_fatal(self, start: int) -> bool:
        shown = self._library.scan(start)
        if shown.returns or shown.falls or shown.indirect or shown.gates:
            return False
        if len(shown.branches) != 1 or shown.slots or not shown.branches[0][2]:
            return False
        callee = shown.branches[0][1]
        if not self._library.image.is_code(callee):
            return False
        return bool(self._called(self._library.function(callee)) & self._fatal)


def _numbers(names: Sequence[str], tables: SyscallTables) -> set[int]:
    return {
        tables.rows[name].numbers[_ARCH] for name in names if _ARCH in tables.rows[name].numbers
    }


def _addresses(library: Library, names: Sequence[str]) -> set[int]:
    return {
        symbol.address
        for name in names
        for symbol in library.exports.get(name, ())
        if library.image.is_code(symbol.address)
    }


def _places(library: Library, text: bytes) -> set[int]:
    """Addresses of a string, whole, or as the end of a longer one."""
    found: set[int] = set()
    image = library.image
    at = image.data.find(text + b"\0")
    while at >= 0 and len(found) < _MOST_PER_STRING:
        for mapping in image.mappings:
            if mapping.offset <= at < mapping.offset + mapping.end - mapping.start:
                found.add(mapping.start + at - mapping.offset)
        at = image.data.find(text + b"\0", at + 1)
    return found
