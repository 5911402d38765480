"""What every run calls that comes to its end: what lies on all ways through a function.

A function that is left by an exception, ``exit`` or a signal has not come to its end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from auditor.formats.x86_64_values import FIRST_ARGUMENT
from auditor.syscalls.reach import Function, Reach

__all__ = ["inevitable", "program"]

_START = "__libc_start_main"
_MOST_FUNCTIONS = 2_000


def program(found: Reach, entry: Function) -> Function:
    """``main``, where the entry hands it to the C library; else the entry itself."""
    at, start = entry
    library = found.libraries[at]
    for edge in (*library.scan(start).branches, *library.scan(start).slots):
        site, target, _ = edge
        callees = (*found.leads.get((at, target), ()), *found.behind.get((at, target), ()))
        for owner, address in callees:
            if found.libraries[owner].names.get(address) == _START:
                values = library.flow(start).argument(site, FIRST_ARGUMENT, call=True)
                places = [value for value in values.constants if library.image.is_code(value)]
                if len(places) == 1 and not values.open:
                    return (at, library.function(places[0]))
    return entry


def inevitable(found: Reach, start: Function, certain: Mapping[tuple[int, int], int]) -> set[int]:
    """Numbers of the calls that a function makes on every way through it.

    ``certain``: file and address of each place that enters the kernel by one number → that.
    """
    numbers: set[int] = set()
    seen = {start}
    work = [start]
    while work and len(seen) < _MOST_FUNCTIONS:
        at, address = work.pop()
        library = found.libraries[at]
        passed = library.flow(address).inevitable()
        numbers.update(certain[at, site] for site in passed if (at, site) in certain)
        for callee in _callees(found, (at, address), set(passed)):
            if callee not in seen:
                seen.add(callee)
                work.append(callee)
    return numbers


def _callees(found: Reach, function: Function, passed: set[int]) -> Iterable[Function]:
    at, start = function
    shown = found.libraries[at].scan(start)
    for branches, places in ((shown.branches, found.leads), (shown.slots, found.behind)):
        for site, target, _ in branches:
            callees = places.get((at, target), ()) if site in passed else ()
            if len(callees) == 1 and callees[0] in found.parents:
                yield callees[0]
