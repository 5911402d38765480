"""What a process can come to run.

From its entry over calls and jumps, and over functions whose address is taken by code, or stands in
data, that is itself come to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from auditor.formats.elf_tables import ImageSymbol
from auditor.syscalls.gates import Gates
from auditor.syscalls.library import Library, Reference
from auditor.tables.syscall_gates import GateClass

__all__ = ["Edge", "Function", "Reach", "reach"]

Function: TypeAlias = tuple[int, int]
"""Position of its file in the process, and its start."""

_LOCAL = 0
_IFUNC = 10
_TLS = 6


class Edge(NamedTuple):
    """How a function is come to from another one."""

    caller: Function
    site: int | None
    """``None``: the caller runs into it."""
    call: bool


@dataclass(slots=True)
class Reach:
    """The functions of a process that can run."""

    libraries: Sequence[Library]
    parents: dict[Function, Function | None] = field(default_factory=dict)
    """Function → the one that led to it first; ``None`` for a root. In the order found."""
    taken: set[Function] = field(default_factory=set)
    """Those that may be called through a pointer."""
    symbols: set[tuple[int, str]] = field(default_factory=set)
    """Imports that are used: position of the file that defines them, name."""
    leads: dict[tuple[int, int], tuple[Function, ...]] = field(default_factory=dict)
    """File and address → the functions that a call or jump there ends in."""
    behind: dict[tuple[int, int], tuple[Function, ...]] = field(default_factory=dict)
    """File and slot → the functions that a call or jump through it ends in."""
    before_abort: int = 0
    """So many of ``parents`` are come to without a way to an abort."""
    _callers: dict[Function, list[Edge]] | None = None

    def callers(self, function: Function) -> Sequence[Edge]:
        """From where a function is come to other than through a pointer."""
        if self._callers is None:
            self._callers = {}
            for edge, callee in self._edges():
                self._callers.setdefault(callee, []).append(edge)
        return self._callers.get(function, ())

    def forget_callers(self) -> None:
        """More may be found, so that they have to be looked at again."""
        self._callers = None

    def _edges(self) -> Iterator[tuple[Edge, Function]]:
        leads, behind = self.leads, self.behind
        for function in self.parents:
            at, start = function
            library = self.libraries[at]
            shown = library.scan(start)
            for site, target, call in shown.branches:
                for callee in leads.get((at, target), ()):
                    if call or callee != function:
                        yield Edge(function, site, call), callee
            for site, slot, call in shown.slots:
                for callee in behind.get((at, slot), ()):
                    yield Edge(function, site, call), callee
            follower = library.follower(start)
            if follower is not None:
                yield Edge(function, None, call=False), (at, follower)


class _Walk:
    def __init__(self, libraries: Sequence[Library], gates: Gates) -> None:
        self.found = Reach(libraries)
        self.gates = gates
        self.held: dict[Function, Function | None] = {}
        """Function behind a closed gate → the first one that leads to it."""
        self.libraries = libraries
        self.work: list[Function] = []
        self._data: set[tuple[int, int]] = set()
        self._seen: set[tuple[int, int]] = set()
        self._bound: dict[tuple[int, str, str | None], tuple[tuple[int, ImageSymbol], ...]] = {}

    def enter(self, function: Function, parent: Function | None) -> None:
        if function in self.found.parents:
            return
        if self.gates.holds(function) is not None:
            self.held.setdefault(function, parent)
            return
        self.found.parents[function] = parent
        self.work.append(function)
        if self.gates.opened(function):
            self.release()

    def release(self) -> None:
        """Enter what was held back and is open now."""
        held, self.held = self.held, {}
        for function, parent in held.items():
            self.enter(function, parent)

    def take(self, at: int, address: int, parent: Function | None) -> None:
        """An address of code is taken."""
        library = self.libraries[at]
        slot = library.stub(address)
        if slot is not None:
            target = library.at_slot(slot)
            if target is not None and (target.address is None or target.address != address):
                self.point(at, target, parent)
                return
        function = (at, library.function(address))
        self.found.taken.add(function)
        self.enter(function, parent)

    def refer(self, at: int, address: int, parent: Function | None) -> None:
        """An address of a file is taken or read."""
        if (at, address) in self._seen:
            return
        self._seen.add((at, address))
        library = self.libraries[at]
        if library.image.is_code(address):
            self.take(at, address, parent)
            return
        start, end = library.data(address)
        if (at, start) in self._data:
            return
        self._data.add((at, start))
        for reference in library.pointers(start, end):
            self.point(at, reference, parent)
        for symbol in library.copied(start, end):
            self._point_symbol(at, symbol, 0, parent, copied=True)

    def point(self, at: int, reference: Reference, parent: Function | None) -> None:
        """A pointer is at hand."""
        if reference.address is not None:
            if self.libraries[at].image.mapping(reference.address) is not None:
                self.refer(at, reference.address, parent)
            else:
                self._beyond(at, reference.address, parent)
        elif reference.symbol is not None:
            self._point_symbol(at, reference.symbol, reference.addend, parent)

    def _beyond(self, at: int, address: int, parent: Function | None) -> None:
        """Data without content in the file may be copied from another one."""
        for symbol in self.libraries[at].copied(*self.libraries[at].data(address)):
            self._point_symbol(at, symbol, 0, parent, copied=True)

    def _point_symbol(
        self,
        at: int,
        symbol: ImageSymbol,
        addend: int,
        parent: Function | None,
        *,
        copied: bool = False,
    ) -> None:
        for owner, definition in self.bind(at, symbol, every=copied or not symbol.function):
            if definition.kind == _TLS or (copied and owner == at):
                continue
            address = definition.address + addend
            if self.libraries[owner].image.is_code(address):
                self.found.symbols.add((owner, definition.name))
                self.take(owner, address, parent)
            else:
                self.refer(owner, address, parent)

    def ask(self, name: str) -> None:
        """A function is looked up by its name, in whichever file."""
        self.found.forget_callers()
        for owner, library in enumerate(self.libraries):
            for symbol in library.exports.get(name, ()):
                if library.image.is_code(symbol.address):
                    self.found.symbols.add((owner, name))
                    self.take(owner, symbol.address, None)

    def bind(
        self, at: int, symbol: ImageSymbol, *, every: bool = False
    ) -> tuple[tuple[int, ImageSymbol], ...]:
        """Who defines a symbol: the first file that does, or each of them."""
        if symbol.binding == _LOCAL:
            return ((at, symbol),) if symbol.defined else ()
        key = (at if symbol.defined else -1, symbol.name, symbol.version)
        known = self._bound.get(key)
        if known is None:
            known = self._bound[key] = tuple(self._definitions(symbol))
        return known if every else known[:1]

    def _definitions(self, symbol: ImageSymbol) -> Iterable[tuple[int, ImageSymbol]]:
        for owner, library in enumerate(self.libraries):
            named = library.exports.get(symbol.name)
            if named:
                match = _choose(named, symbol.version)
                if match is not None:
                    yield owner, match

    def leads(self, at: int, target: int) -> tuple[Function, ...]:
        """The functions that a call or jump to an address ends in, past the linker's stubs."""
        key = (at, target)
        known = self.found.leads.get(key)
        if known is None:
            library = self.libraries[at]
            slot = library.stub(target) if library.image.is_code(target) else None
            if slot is not None:
                known = self.behind(at, slot)
            elif library.image.is_code(target):
                known = ((at, library.function(target)),)
            else:
                known = ()
            self.found.leads[key] = known
        return known

    def behind(self, at: int, slot: int) -> tuple[Function, ...]:
        """The functions that a call or jump through a slot ends in."""
        key = (at, slot)
        known = self.found.behind.get(key)
        if known is None:
            known = self.found.behind[key] = tuple(self._behind_slot(at, slot))
        return known

    def _behind_slot(self, at: int, slot: int) -> Iterator[Function]:
        library = self.libraries[at]
        target = library.at_slot(slot)
        if target is None:
            return
        if target.symbol is None:
            if target.address is not None and library.image.is_code(target.address):
                yield (at, library.function(target.address))
            return
        for owner, definition in self.bind(at, target.symbol):
            if self.libraries[owner].image.is_code(definition.address):
                self.found.symbols.add((owner, definition.name))
                yield (owner, self.libraries[owner].function(definition.address))

    def run(self) -> None:
        """Follow until nothing new is found."""
        parents = self.found.parents
        while self.work:
            function = self.work.pop()
            at, start = function
            library = self.libraries[at]
            shown = library.scan(start)
            callees = {
                callee
                for target in {branch[1] for branch in shown.branches}
                for callee in self.leads(at, target)
            }
            for slot in {branch[1] for branch in shown.slots}:
                callees.update(self.behind(at, slot))
                if slot not in library.image.symbolic and not library.in_got(slot):
                    self.refer(at, slot, function)
            for callee in sorted(callees):
                if callee not in parents:
                    self.enter(callee, function)
            for address in shown.references:
                self.refer(at, address, function)
            follower = library.follower(start)
            if follower is not None:
                self.enter((at, follower), function)


def _choose(named: Sequence[ImageSymbol], version: str | None) -> ImageSymbol | None:
    """As ``do_lookup_x`` of glibc: the same version, or none on either side."""
    if version is None:
        return next((item for item in named if not item.hidden), named[0])
    for item in named:
        if item.version == version:
            return item
    return next((item for item in named if item.version is None), None)


def reach(
    libraries: Sequence[Library],
    entries: Iterable[Function],
    taken: Iterable[Function],
    gates: Gates,
    asks: Callable[[Reach], set[str]] = lambda _: set(),
) -> Reach:
    """Follow from entries, and from functions that something outside may call.

    ``asks`` tells which functions are looked up by name in what was found so far.
    What is only come to on the way to an abort comes last.
    """
    walk = _Walk(libraries, gates)
    for at, address in (*entries, *taken):
        if libraries[at].image.is_code(address):
            walk.take(at, address, None)
    walk.run()
    asked: set[str] = set()
    while fresh := asks(walk.found) - asked:
        asked |= fresh
        for name in sorted(fresh):
            walk.ask(name)
        walk.run()
    walk.found.before_abort = len(walk.found.parents)
    gates.open_all(GateClass.ABORT)
    walk.release()
    walk.run()
    return walk.found
