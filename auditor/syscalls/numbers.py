"""The numbers that places of a process enter the kernel with.

A function that gets the number from its caller is a wrapper, and solved at all its callers, whose
own parameters are solved in turn, to a fixed point.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from auditor.formats.x86_64_values import NUMBER, Location, Values
from auditor.syscalls.reach import Function, Reach

__all__ = ["Site", "sites"]

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
    callers: dict[int, Function]
    """Of a wrapper: number → the function that gives it."""


def sites(found: Reach) -> Iterator[Site]:
    """All places that are reached, with their numbers."""
    solved: dict[tuple[Function, Location], tuple[dict[int, Function], bool]] = {}
    for position, function in enumerate(found.parents):
        abort = position >= found.before_abort
        at, start = function
        library = found.libraries[at]
        for gate in library.scan(start).gates:
            if gate.kind == "int 0x80":
                yield Site(function, gate.site, frozenset(), open=True, abort=abort, callers={})
                continue
            values = library.flow(start).at(gate.site, NUMBER)
            numbers = set(values.constants)
            open_, callers = values.open, {}
            for parameter in sorted(values.parameters):
                key = (function, parameter)
                if key not in solved:
                    solved[key] = _solve(found, function, parameter)
                more, more_open = solved[key]
                numbers |= more.keys()
                callers.update(more)
                open_ = open_ or more_open
            yield Site(function, gate.site, frozenset(numbers), open_, abort, callers)


def _solve(
    found: Reach, function: Function, parameter: Location
) -> tuple[dict[int, Function], bool]:
    """Number → who gives it, and whether others are possible."""
    numbers: dict[int, Function] = {}
    open_ = False
    seen = {(function, parameter)}
    work = [(function, parameter)]
    while work:
        current, wanted = work.pop()
        if current in found.taken or len(seen) > _MOST_PARAMETERS:
            open_ = True
        for edge in found.callers.get(current, ()):
            at, start = edge.caller
            flow = found.libraries[at].flow(start)
            values: Values = flow.argument(edge.site, wanted, call=edge.call)
            for number in values.constants:
                numbers.setdefault(number, edge.caller)
            open_ = open_ or values.open or bool(values.stack)
            for further in values.parameters:
                if (edge.caller, further) not in seen:
                    seen.add((edge.caller, further))
                    work.append((edge.caller, further))
    return numbers, open_
