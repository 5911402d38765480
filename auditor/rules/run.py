"""Cases → the model's values → ``assess`` → what differs from what was expected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from auditor.assess import assess
from auditor.model.assessment import Assessment
from auditor.model.facts import (
    ElfFacts,
    ElfType,
    ScriptFacts,
    Symbol,
    WasmFacts,
    WasmForm,
    WasmImport,
)
from auditor.model.graph import ENTRYPOINT, Binding, Call, Command, DependencyGraph, Launch
from auditor.model.inventory import Component, ComponentKind, Inventory
from auditor.model.terms import Reach, Role, Support
from auditor.rules.cases import Case, Kind, read
from auditor.tables.rows import SymbolRow, Tables

__all__ = ["Failure", "Outcome", "run"]

_SIZE = 1000
_DIRECT = "asks for "
"""Begins the name of a made-up function that places an ask; no real function has a space."""
_KINDS = {
    Kind.EXECUTABLE: ComponentKind.EXECUTABLE,
    Kind.LIBRARY: ComponentKind.LIBRARY,
    Kind.SCRIPT: ComponentKind.SCRIPT,
    Kind.SOURCE: ComponentKind.SOURCE,
    Kind.WASM: ComponentKind.WASM,
}


@dataclass(frozen=True, slots=True)
class Failure:
    """One expectation that is not met."""

    file: str
    case: str
    target: str
    capability: str
    expected: str
    """A level, or ``absent``."""
    found: str
    """A level, or ``absent``."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to."""

    files: int
    cases: int
    expectations: int
    failures: tuple[Failure, ...]


def run(directory: Path, tables: Tables) -> Outcome:
    """Run all cases of a directory. Raises ``TableError`` for a case that makes no sense."""
    cases = read(directory, tables)
    told = _with_direct_asks(tables)
    failures = [failure for case in cases for failure in _failures(case, told)]
    return Outcome(
        files=len({case.file for case in cases}),
        cases=len(cases),
        expectations=sum(len(case.expect) + len(case.absent) for case in cases),
        failures=tuple(failures),
    )


def _with_direct_asks(tables: Tables) -> Tables:
    """The tables, and for each capability a function that asks for it and for nothing else."""
    made = {
        f"{_DIRECT}{row.name}": SymbolRow(f"{_DIRECT}{row.name}", row.name, row.need, row.source)
        for row in tables.capabilities.values()
    }
    return replace(tables, symbols={**tables.symbols, **made})


def _failures(case: Case, tables: Tables) -> Iterator[Failure]:
    levels = _levels(_assessed(case, tables))
    for target, capability, expected in case.expect:
        found = levels.get((target, capability))
        if found is not expected:
            shown = found.value if found is not None else "absent"
            yield Failure(case.file, case.name, target, capability, expected.value, shown)
    for capability in case.absent:
        for target in tables.targets:
            level = levels.get((target, capability), Support.FULL)
            if level is not Support.FULL:
                yield Failure(case.file, case.name, target, capability, "absent", level.value)


def _levels(assessment: Assessment) -> Mapping[tuple[str, str], Support]:
    """Target and capability → what is offered: by its finding, or in full where there is none."""
    found = {
        (target, use.capability): Support.FULL
        for use in assessment.capabilities
        for target in use.support
    }
    for finding in assessment.findings:
        found[finding.target, finding.capability] = finding.support
    return found


def _assessed(case: Case, tables: Tables) -> Assessment:
    """The case's component as all there is in an image, but for the C library."""
    component, libc = _component(case), _libc()
    components = tuple(sorted((component, libc), key=lambda item: item.id))
    graph = DependencyGraph(
        launch=Launch((component.path,), (component.id,)),
        edges=(),
        reach={component.id: Reach.REACHABLE, libc.id: Reach.REACHABLE},
        roles={component.id: Role.MAIN, libc.id: Role.MAIN},
        chains={item.id: (ENTRYPOINT, item.id) for item in components},
        bindings={component.id: tuple(_bindings(component, libc))},
        commands=tuple(
            Command(component.id, line, text, conditional=False)
            for line, text in enumerate(case.component.commands, 2)
        ),
        unknowns=(),
        calls=tuple(_calls(case, component, tables)),
        languages={component.id: case.component.runtime} if case.component.runtime else {},
    )
    return assess(Inventory(components, (), len(components)), graph, tables)


def _bindings(component: Component, libc: Component) -> Iterable[Binding]:
    if isinstance(component.facts, ElfFacts):
        for symbol in component.facts.imports:
            yield Binding(symbol, libc.id)


def _calls(case: Case, component: Component, tables: Tables) -> Iterator[Call]:
    made = case.component
    for names, module in ((made.calls, False), (made.modules, True)):
        for line, text in enumerate(names, 1):
            language, _, name = text.partition(":")
            for row in tables.apis[language].of(name, imported=module):
                yield Call(component.id, name, row.capability, row.need, line, "", language, module)


def _component(case: Case) -> Component:
    made, kind = case.component, _KINDS[case.kind]
    facts: ElfFacts | ScriptFacts | WasmFacts | None
    match case.kind:
        case Kind.WASM:
            imports = tuple(_wasm_import(text) for text in made.wasm_imports)
            facts = WasmFacts(WasmForm.MODULE, _SIZE, imports, (), ())
        case Kind.SCRIPT:
            facts = ScriptFacts("/bin/sh", None, _SIZE, posix_shell=True)
        case Kind.SOURCE:
            facts = None
        case Kind.EXECUTABLE | Kind.LIBRARY:
            names = (*made.imports, *(f"{_DIRECT}{name}" for name in made.asks))
            facts = _elf(kind, names, "libcase.so.1" if case.kind is Kind.LIBRARY else None)
    path = f"/case/{case.kind}"
    return Component(f"{kind}:{path}", kind, path, _SIZE, None, facts)


def _libc() -> Component:
    kind, path = ComponentKind.LIBRARY, "/lib/libc.so.6"
    return Component(f"{kind}:{path}", kind, path, _SIZE, None, _elf(kind, (), "libc.so.6"))


def _elf(kind: ComponentKind, imports: tuple[str, ...], soname: str | None) -> ElfFacts:
    library = kind is ComponentKind.LIBRARY
    return ElfFacts(
        type=ElfType.LIBRARY if library else ElfType.EXECUTABLE,
        machine="amd64",
        bits=64,
        interpreter=None if library else "/lib64/ld-linux-x86-64.so.2",
        needed=("libc.so.6",),
        soname=soname,
        rpath=(),
        runpath=(),
        imports=tuple(Symbol(name) for name in imports),
        exports=(),
        static=False,
        stripped=True,
        build_id=None,
        code_size=_SIZE,
    )


def _wasm_import(text: str) -> WasmImport:
    """``module#function``, or the interface of a component (``wasi:cli/environment@0.2.0``)."""
    module, _, name = text.partition("#")
    return WasmImport(module, name)
