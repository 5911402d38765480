"""One component in full: what ``auditor inspect`` shows."""

from __future__ import annotations

import msgspec

from auditor.model.facts import ElfFacts
from auditor.model.inventory import Component, Unknown
from auditor.model.syscalls import SyscallFacts
from auditor.model.terms import Support
from auditor.report.wire import SCHEMA_VERSION
from auditor.tables.rows import Tables

__all__ = ["WireInspection", "inspection"]


class WireElf(msgspec.Struct, frozen=True):
    """What the file says of itself."""

    type: str
    machine: str
    bits: int
    interpreter: str | None
    soname: str | None
    rpath: list[str]
    runpath: list[str]
    static: bool
    stripped: bool
    build_id: str | None
    code_size: int


class WireLibrary(msgspec.Struct, frozen=True):
    """A library of the process; ``path`` is ``None`` where the loader would not find it."""

    soname: str
    path: str | None
    toolchain: bool
    """Brought by every target's toolchain."""


class WireImports(msgspec.Struct, frozen=True):
    """Imported functions: of the C library and its kin, and of other libraries."""

    libc: list[str]
    other: list[str]


class WireTargetSymbols(msgspec.Struct, frozen=True):
    """The component's own libc functions, held against one target."""

    id: str
    missing: list[str]
    stubbed: list[str]
    partial: list[str]
    flags: list[str]
    """Functions that take compile or link flags, or are emulated by them."""
    unknown: list[str]


class WireWitness(msgspec.Struct, frozen=True):
    """A place that makes a call: the library, its exported function, the instruction."""

    component: str
    library: str
    function: str | None
    address: int


class WireSites(msgspec.Struct, frozen=True):
    """Instructions that enter the kernel, by what is known of the number."""

    resolved: int
    bounded: int
    unknown: int


class WireSyscalls(msgspec.Struct, frozen=True):
    """What the file with its libraries can call; names, sorted."""

    must: list[str]
    may: list[str]
    """Start-up apart."""
    abort_only: list[str]
    """The part of ``may`` that only abort paths reach."""
    loader: list[str]
    """Start-up and dynamic loader."""
    witnesses: dict[str, WireWitness]
    sites: WireSites
    modules: list[str]
    """Libraries that it loads by these names; they are not part of this."""
    modules_unknown: bool
    """It loads others, by names that are not known."""
    gates: list[str]
    """Of ``signatures/syscalls/gates.toml``: what kept something out."""
    unreadable: list[str]


class WireInspection(msgspec.Struct, frozen=True):
    """The whole document. ``elf`` and what follows are for ELF files."""

    schema_version: str
    id: str
    kind: str
    path: str
    size: int
    layer: str | None
    runtime: str | None
    elf: WireElf | None
    libraries: list[WireLibrary]
    imports: WireImports
    syscalls: WireSyscalls | None
    """``None``: not an ELF file for x86-64 that can run."""
    capabilities: list[str]
    targets: list[WireTargetSymbols]
    unknowns: list[str]


class Linked(msgspec.Struct, frozen=True):
    """What linking found for the component."""

    libraries: tuple[tuple[str, str | None, bool], ...]
    """Soname, path, whether a toolchain brings it."""
    libc: tuple[str, ...]
    other: tuple[str, ...]


def inspection(
    component: Component,
    linked: Linked,
    unknowns: tuple[Unknown, ...],
    tables: Tables,
    calls: SyscallFacts | None = None,
) -> WireInspection:
    """The document for one component."""
    names = sorted({tables.canonical(name) for name in linked.libc})
    rows = {name: tables.symbol(name) for name in names}
    return WireInspection(
        schema_version=SCHEMA_VERSION,
        id=component.id,
        kind=component.kind.value,
        path=component.path,
        size=component.size,
        layer=component.layer,
        runtime=component.runtime,
        elf=_elf(component.facts) if isinstance(component.facts, ElfFacts) else None,
        libraries=[WireLibrary(*library) for library in linked.libraries],
        imports=WireImports(libc=names, other=sorted(set(linked.other))),
        syscalls=_syscalls(calls) if calls is not None else None,
        capabilities=sorted({row.capability for row in rows.values() if row is not None}),
        targets=[_symbols(target, names, tables) for target in tables.targets],
        unknowns=[unknown.reason for unknown in unknowns],
    )


def _syscalls(calls: SyscallFacts) -> WireSyscalls:
    return WireSyscalls(
        must=list(calls.must),
        may=list(calls.may),
        abort_only=list(calls.abort_only),
        loader=list(calls.loader),
        witnesses={
            name: WireWitness(item.component, item.library, item.function, item.address)
            for name, item in calls.witnesses.items()
        },
        sites=WireSites(calls.sites.resolved, calls.sites.bounded, calls.sites.unknown),
        modules=list(calls.modules),
        modules_unknown=calls.modules_unknown,
        gates=list(calls.gates),
        unreadable=list(calls.unreadable),
    )


def _elf(facts: ElfFacts) -> WireElf:
    return WireElf(
        type=facts.type.value,
        machine=facts.machine,
        bits=facts.bits,
        interpreter=facts.interpreter,
        soname=facts.soname,
        rpath=list(facts.rpath),
        runpath=list(facts.runpath),
        static=facts.static,
        stripped=facts.stripped,
        build_id=facts.build_id,
        code_size=facts.code_size,
    )


def _symbols(target: str, names: list[str], tables: Tables) -> WireTargetSymbols:
    levels: dict[str, Support] = {}
    for name in names:
        row = tables.symbol_support(target, name)
        known = tables.symbol(name)
        if row is None and known is not None:
            row = tables.capability_levels[target][known.capability]
        levels[name] = row.level if row is not None else Support.UNKNOWN

    def at(*wanted: Support) -> list[str]:
        return [name for name in names if levels[name] in wanted]

    return WireTargetSymbols(
        id=target,
        missing=at(Support.NONE),
        stubbed=at(Support.STUB),
        partial=at(Support.PARTIAL),
        flags=at(Support.FLAGS, Support.EMULATED),
        unknown=at(Support.UNKNOWN),
    )
