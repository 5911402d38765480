"""The numbers that places of a process enter the kernel with.

A function that gets the number from its caller is a wrapper, and solved at all its callers, whose
own parameters are solved in turn, to a fixed point.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from auditor.formats.x86_64_values import NUMBER, Flow, Location, Values
from auditor.syscalls.gates import Gates
from auditor.syscalls.reach import Function, Reach

__all__ = ["Site", "sites", "solve"]

_MOST_EDGES = 1_000_000
_MOST_PARAMETERS = 20_000


@dataclass(frozen=True, slots=True)
class Site:
    """One instruction that enters the kernel."""

    function: Function
    address: int
    numbers: frozenset[int]
    open: bool
    """Other numbers are possible."""
    abort: bool
    """Only on the way to an abort."""
    givers: Mapping[int, Function] = field(default_factory=dict)
    """Of a wrapper: number → the function that gives it."""


def sites(found: Reach, gates: Gates, last: int | None) -> Iterator[Site]:
    """All places that are reached, with their numbers.

    ``last`` is the number of the call that ends the process: what follows it is not reached.
    """
    solved: dict[tuple[Function, Location], tuple[dict[tuple[int, int], Function], bool]] = {}
    for position, function in enumerate(found.parents):
        at, start = function
        library = found.libraries[at]
        shown = library.scan(start)
        if not shown.gates:
            continue
        abort = position >= found.before_abort
        places = []
        silent = gates.silent(function)
        for gate in shown.gates:
            if gate.kind == "int 0x80":
                places.append(Site(function, gate.site, frozenset(), open=True, abort=abort))
                continue
            values = library.flow(start).at(gate.site, NUMBER)
            numbers: dict[int, Function | None] = dict.fromkeys(values.constants)
            open_ = values.open
            for parameter in sorted(values.parameters):
                key = (function, parameter)
                if key not in solved:
                    solved[key] = solve(found, function, parameter)
                numbers |= {number: giver for (number, _), giver in solved[key][0].items()}
                open_ = open_ or solved[key][1]
            if silent:
                numbers = {key: giver for key, giver in numbers.items() if key not in silent}
                if not numbers and not open_:
                    continue
            givers = {number: giver for number, giver in numbers.items() if giver is not None}
            places.append(Site(function, gate.site, frozenset(numbers), open_, abort, givers))
        yield from _alive(library.flow(start), places, last)


def _alive(flow: Flow, places: Sequence[Site], last: int | None) -> Iterable[Site]:
    """Those that run before the process is at its end."""
    ends = {place.address for place in places if place.numbers == {last} and not place.open}
    if not ends or len(places) == 1:
        return places
    runs = flow.reachable(ends)
    return [place for place in places if place.address in runs]


def solve(
    found: Reach, function: Function, parameter: Location
) -> tuple[dict[tuple[int, int], Function], bool]:
    """Number, and position of the file that gives it → the giver; and whether others may come."""
    numbers: dict[tuple[int, int], Function] = {}
    open_ = False
    edges = _MOST_EDGES
    seen = {(function, parameter)}
    work = [(function, parameter)]
    while work:
        current, wanted = work.pop()
        if current in found.taken or len(seen) > _MOST_PARAMETERS:
            open_ = True
        callers = found.callers(current)
        edges -= len(callers)
        if edges < 0:
            return numbers, True
        for edge in callers:
            at, start = edge.caller
            flow = found.libraries[at].flow(start)
            values: Values = flow.argument(edge.site, wanted, call=edge.call)
            for number in values.constants:
                numbers.setdefault((number, at), edge.caller)
            open_ = open_ or values.open or bool(values.stack)
            for further in values.parameters:
                if (edge.caller, further) not in seen:
                    seen.add((edge.caller, further))
                    work.append((edge.caller, further))
    return numbers, open_
