"""From the files of a process to the set of its system calls."""

from __future__ import annotations

import gc
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from auditor.formats import FormatError
from auditor.model.facts import ElfFacts
from auditor.model.syscalls import Sites, SyscallFacts, Witness
from auditor.syscalls.gates import Gates
from auditor.syscalls.library import Library
from auditor.syscalls.must import inevitable, program
from auditor.syscalls.names import functions_asked_for, libraries_asked_for
from auditor.syscalls.numbers import Site, sites
from auditor.syscalls.reach import Function, Reach, reach
from auditor.tables.rows import Tables

__all__ = ["ProcessObject", "system_calls"]

_ARCH = "amd64"


@dataclass(frozen=True, slots=True)
class ProcessObject:
    """A file of a process."""

    path: str
    data: bytes = field(repr=False)
    facts: ElfFacts


def system_calls(
    objects: Sequence[ProcessObject], tables: Tables, modules: Sequence[ProcessObject] = ()
) -> SyscallFacts:
    """Which system calls a process can make.

    ``objects`` are the executable, its libraries in load order, and its loader; ``modules`` what it
    loads while it runs, of which every exported function may be called.
    """
    collects = gc.isenabled()
    gc.disable()  # many small values and no cycles among them: a fifth of the time
    try:
        return _analysed(objects, tables, modules)
    finally:
        if collects:
            gc.enable()


def _analysed(
    objects: Sequence[ProcessObject], tables: Tables, modules: Sequence[ProcessObject]
) -> SyscallFacts:
    libraries: list[Library] = []
    readable: list[ProcessObject] = []
    unreadable: list[str] = []
    loader = objects[0].facts.interpreter if objects else None
    entries: list[Function] = []
    taken: list[Function] = []
    for position, item in enumerate((*objects, *modules)):
        try:
            library = Library(item.path, item.data)
        except FormatError as error:
            unreadable.append(f"{item.path}: {error}")
            continue
        at = len(libraries)
        libraries.append(library)
        readable.append(item)
        if position == 0 and library.image.entry:
            entries.append((at, library.image.entry))
        if not _is_loader(item, loader):
            entries += [(at, address) for address in library.image.initialisers]
        if position >= len(objects) or (position == 0 and not library.image.entry):
            taken += [(at, address) for address in library.names]
    names = [item.facts.soname or item.path.rsplit("/", 1)[-1] for item in readable]
    gates = Gates(libraries, names, tables.syscalls)
    found = reach(libraries, entries, taken, gates, functions_asked_for)
    found.forget_callers()
    last = tables.syscalls.rows["exit_group"].numbers.get(_ARCH)
    places = list(sites(found, gates, last))
    first_reads = bool(libraries) and readable[0] is objects[0]
    unreadable += [
        f"{library.path}: The file has more code in the way of itself than is read."
        for library in libraries
        if library.exhausted
    ]
    return _facts(
        objects[0] if objects else None,
        found,
        places,
        tables,
        must=_must(found, entries[:1], places, last) if first_reads else set(),
        gates=gates.closed(),
        unreadable=unreadable,
    )


def _is_loader(item: ProcessObject, interpreter: str | None) -> bool:
    return interpreter is not None and (
        item.path == interpreter or item.path.rsplit("/", 1)[-1] == interpreter.rsplit("/", 1)[-1]
    )


def _must(
    found: Reach, entries: Sequence[Function], places: Sequence[Site], last: int | None
) -> set[int]:
    certain = {
        (place.function[0], place.address): next(iter(place.numbers))
        for place in places
        if len(place.numbers) == 1 and not place.open and not place.givers
    }
    numbers: set[int] = set()
    for at, address in entries:
        library = found.libraries[at]
        if library.image.is_code(address):
            start = program(found, (at, library.function(address)))
            numbers |= inevitable(found, start, certain)
            if last is not None and last in certain.values():
                numbers.add(last)  # whichever way it comes to its end
    return numbers


def _facts(
    first: ProcessObject | None,
    found: Reach,
    places: Sequence[Site],
    tables: Tables,
    *,
    must: Collection[int],
    gates: tuple[str, ...],
    unreadable: Sequence[str],
) -> SyscallFacts:
    component = first.path if first else ""
    witnesses: dict[str, Witness] = {}
    before: set[str] = set()
    resolved = bounded = unknown = 0
    for place in places:
        names = {
            name
            for number in place.numbers
            if (name := tables.syscalls.name(_ARCH, number)) is not None
        }
        if place.open or not names:
            unknown += 1
        elif len(names) == 1:
            resolved += 1
        else:
            bounded += 1
        for name in sorted(names - witnesses.keys()):
            witnesses[name] = _witness(component, found, place)
            if not place.abort:
                before.add(name)
    wanted, modules_unknown = libraries_asked_for(found)
    interpreter = first.facts.interpreter if first else None
    startup = {
        call
        for row in tables.syscalls.startup
        if first and row.fits(interpreter)
        for call in row.calls
    }
    return SyscallFacts(
        must=tuple(sorted(filter(None, (tables.syscalls.name(_ARCH, item) for item in must)))),
        may=tuple(sorted(witnesses)),
        abort_only=tuple(sorted(witnesses.keys() - before)),
        loader=tuple(sorted(startup)),
        witnesses=dict(sorted(witnesses.items())),
        sites=Sites(resolved, bounded, unknown + len(unreadable)),
        modules=tuple(sorted(wanted)),
        modules_unknown=modules_unknown,
        gates=gates,
        unreadable=tuple(unreadable),
    )


def _witness(component: str, found: Reach, place: Site) -> Witness:
    at, _ = place.function
    library = found.libraries[at]
    function: Function | None = place.function
    name = None
    while function is not None and function[0] == at:
        name = library.names.get(function[1])
        if name is not None:
            break
        function = found.parents[function]
    return Witness(component, library.path, name, place.address)
