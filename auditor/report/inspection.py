"""One component in full: what ``auditor inspect`` shows."""

from __future__ import annotations

import msgspec

from auditor.model.facts import ElfFacts
from auditor.model.inventory import Component, Unknown
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
    syscalls: dict[str, list[str]] | None
    """``None``: system calls are not read in this version."""
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
    component: Component, linked: Linked, unknowns: tuple[Unknown, ...], tables: Tables
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
        syscalls=None,
        capabilities=sorted({row.capability for row in rows.values() if row is not None}),
        targets=[_symbols(target, names, tables) for target in tables.targets],
        unknowns=[unknown.reason for unknown in unknowns],
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
