"""What each component asks of its platform: facts held against the tables, target apart.

An ELF component asks for what it imports from a library that every target's toolchain brings
(libc and its kin). What it imports from another library is that library's business, and that
library is a component of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from auditor.model.assessment import EvidenceKind
from auditor.model.facts import ElfFacts, Symbol, WasmFacts
from auditor.model.graph import Binding, Call, Command, DependencyGraph
from auditor.model.inventory import Component, ComponentKind, Inventory
from auditor.model.terms import Need, Role
from auditor.tables.rows import Tables

__all__ = ["CONNECT", "LANGUAGE", "UNLISTED", "WASM_IMPORTS", "Ask", "Asks", "gather"]

CONNECT = "net.tcp.connect"
SPAWN = "process.spawn"
UNLISTED = "libc.unlisted"
"""Capability of a libc function that no table knows."""
WASM_IMPORTS = "wasm.imports"
"""Capability of host functions that a WebAssembly binary imports."""
SERVED = "net.http.serve"
"""Capability of answering requests that somebody else accepts."""
LANGUAGE = "runtime.language"
"""Capability of a build of the runtime that runs the program."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One capability that one fact of a component asks for."""

    capability: str
    kind: EvidenceKind
    detail: str
    need: Need
    line: int | None = None
    member: str | None = None
    path: str | None = None
    """Where the fact stands, if not in the component's own file."""
    address: int | None = None
    """Of the call, or of an import's slot, in a binary."""
    language: str | None = None
    """The language that ``detail`` is a name of, where it is one of a language's library."""


Asks = Mapping[str, tuple[Ask, ...]]
"""Component id → its asks, sorted."""


def gather(inventory: Inventory, graph: DependencyGraph, tables: Tables) -> Asks:
    """Every component's asks."""
    toolchain = frozenset(
        component.id
        for component in inventory.components
        if tables.is_toolchain_component(component)
    )
    commands: dict[str, list[Command]] = {}
    for command in graph.commands:
        commands.setdefault(command.script, []).append(command)
    calls: dict[str, list[Call]] = {}
    for call in graph.calls:
        calls.setdefault(call.component, []).append(call)
    configured = _configured(inventory, graph)
    asks: dict[str, tuple[Ask, ...]] = {}
    for component in inventory.components:
        if component.id in graph.met:
            asks[component.id] = ()
            continue
        found = {
            *(configured if component.id in graph.launch.main[:1] else ()),
            *_asks(component, graph, tables, toolchain, commands.get(component.id, ())),
            *map(_of_call, calls.get(component.id, ())),
        }
        if component.id in graph.languages:
            runtime = graph.languages[component.id]
            found.add(Ask(LANGUAGE, EvidenceKind.RUNTIME, runtime, Need.ESSENTIAL))
        asks[component.id] = tuple(sorted(found, key=_order))
    return asks


def _configured(inventory: Inventory, graph: DependencyGraph) -> tuple[Ask, ...]:
    """What settings ask for, but for those of a launcher that falls away."""
    gone = {_plain(call.name) for call in graph.calls if call.capability == SERVED}
    asks: list[Ask] = []
    for item in inventory.settings:
        owner = item.name.partition(".")[0]
        if item.capability is None or item.need is None or _plain(owner) in gone:
            continue
        in_file = item.where.startswith("/")
        asks.append(
            Ask(
                item.capability,
                EvidenceKind.SETTING,
                item.text if in_file else f"{item.where}: {item.text}",
                item.need,
                item.line,
                path=item.where if in_file else None,
            )
        )
    return tuple(asks)


def _plain(name: str) -> str:
    """``PHP-FPM`` and ``php_fpm`` are one."""
    return "".join(char for char in name.lower() if char.isalnum())


def _order(ask: Ask) -> tuple[str, str, str, int, int, str, int]:
    return (
        ask.capability,
        ask.kind,
        ask.detail,
        ask.need.rank,
        ask.line or 0,
        ask.member or "",
        ask.address or 0,
    )


def _of_call(call: Call) -> Ask:
    kind = EvidenceKind.MODULE if call.module else EvidenceKind.CALL
    member = call.member or None
    return Ask(
        call.capability,
        kind,
        call.name,
        call.need,
        call.line,
        member,
        address=call.address,
        language=call.language,
    )


def _asks(
    component: Component,
    graph: DependencyGraph,
    tables: Tables,
    toolchain: frozenset[str],
    commands: Iterable[Command],
) -> Iterable[Ask]:
    if component.id in toolchain or component.id in graph.explained:
        return ()
    match component.facts:
        case ElfFacts() as facts:
            bindings = graph.bindings.get(component.id)
            symbols = (
                _unbound(facts, tables)
                if bindings is None
                else _from_toolchain(bindings, toolchain)
            )
            asks = {
                _of_symbol(symbol, tables, surely=surely, address=address)
                for symbol, surely, address in symbols
            }
            return tuple(
                _lowered(ask) if component.kind is ComponentKind.LIBRARY else ask
                for ask in asks
                if ask is not None
            )
        case WasmFacts() as facts:
            return tuple(
                Ask(
                    WASM_IMPORTS,
                    EvidenceKind.WASM_IMPORT,
                    f"{item.module}#{item.name}" if item.name else item.module,
                    Need.ESSENTIAL,
                )
                for item in facts.imports
            )
        case _:
            role = graph.roles.get(component.id)
            need = Need.ESSENTIAL if role is Role.MAIN else Need.TYPICAL
            return tuple(
                Ask(SPAWN, EvidenceKind.COMMAND, command.text, need, command.line)
                for command in commands
            )


def _from_toolchain(
    bindings: Iterable[Binding], toolchain: frozenset[str]
) -> Iterable[tuple[Symbol, bool, int | None]]:
    """Symbols that the toolchain's libraries provide, surely; or that nobody does and must."""
    for binding in bindings:
        if binding.provider in toolchain:
            yield binding.symbol, True, binding.address
        elif binding.provider is None and not binding.symbol.weak:
            yield binding.symbol, binding.symbol.library is not None, binding.address


def _unbound(facts: ElfFacts, tables: Tables) -> Iterable[tuple[Symbol, bool, int | None]]:
    """Without a process to bind in: symbols whose version names a toolchain library."""
    for symbol in facts.imports:
        if tables.is_toolchain_library(symbol.library):
            yield symbol, True, None
        elif symbol.library is None:
            yield symbol, False, None


def _of_symbol(symbol: Symbol, tables: Tables, *, surely: bool, address: int | None) -> Ask | None:
    """The ask behind a symbol; ``surely`` where it is known to be the toolchain's.

    Data and C++ names of the standard library ask for nothing that is known. A function that
    no table knows is unlisted, unless it may well belong to a library that is not there.
    """
    row = tables.symbol(symbol.name)
    if row is not None:
        return Ask(row.capability, EvidenceKind.IMPORT, symbol.name, row.need, address=address)
    if not surely or not symbol.function or symbol.name.startswith("_Z"):
        return None
    return Ask(UNLISTED, EvidenceKind.IMPORT, symbol.name, Need.INCIDENTAL, address=address)


def _lowered(ask: Ask) -> Ask:
    """A library can make a call; that this program has it made is not shown yet."""
    if ask.need is not Need.ESSENTIAL:
        return ask
    return replace(ask, need=Need.TYPICAL)
