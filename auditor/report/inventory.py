"""The saved form of a scan: all that a second assessment needs, without the image.

``auditor scan -o inventory=FILE`` writes it, and ``auditor assess FILE`` reads it. It is apart from
the report, and has a version of its own, which follows the internal types: its JSON Schema is kept
beside it, so that a change of theirs is seen. What follows an application was decided with the
tables of the first scan: a call's capability stays, what targets offer for it does not.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import msgspec

from auditor.errors import ReportError
from auditor.image.exclude import Excluded
from auditor.model.facts import ElfFacts, ScriptFacts, WasmFacts
from auditor.model.graph import Binding, Call, Command, DependencyGraph, Edge, Launch, Observed
from auditor.model.image import Image
from auditor.model.inventory import Component, ComponentKind, Inventory, Package, Runtime, Unknown
from auditor.model.settings import Setting
from auditor.model.terms import Reach, Role
from auditor.report.build import Scan
from auditor.report.json import plain
from auditor.report.saved import read_bytes

__all__ = ["INVENTORY_VERSION", "Saved", "read_inventory", "render", "schema_text"]

INVENTORY_VERSION = "1.0.0"
_HINT = "an inventory is what auditor scan -o inventory=FILE writes; a JSON report holds too little"


class _Component(msgspec.Struct, frozen=True, omit_defaults=True):
    id: str
    kind: ComponentKind
    path: str
    size: int
    layer: str | None = None
    runtime: str | None = None
    package: str | None = None
    elf: ElfFacts | None = None
    script: ScriptFacts | None = None
    wasm: WasmFacts | None = None


class _Graph(msgspec.Struct, frozen=True):
    """``DependencyGraph`` without what the inventory holds already."""

    launch: Launch
    edges: tuple[Edge, ...]
    reach: dict[str, Reach]
    roles: dict[str, Role]
    chains: dict[str, tuple[str, ...]]
    bindings: dict[str, tuple[Binding, ...]]
    commands: tuple[Command, ...]
    unknowns: tuple[Unknown, ...]
    calls: tuple[Call, ...]
    languages: dict[str, str]
    explained: tuple[str, ...]
    observed: tuple[Observed, ...]
    sampled: float | None


class _Inventory(msgspec.Struct, frozen=True):
    components: tuple[_Component, ...]
    unknowns: tuple[Unknown, ...]
    files: int
    packages: tuple[Package, ...]
    settings: tuple[Setting, ...]
    packages_by: str | None
    runtimes: tuple[Runtime, ...]


class _Document(msgspec.Struct, frozen=True):
    """The whole document."""

    inventory_version: str
    auditor: str
    """Version that made it."""
    tables_digest: str
    image: Image
    inventory: _Inventory
    graph: _Graph
    servers: dict[str, str]
    """Component id → id of the server that the catalogue knows it as."""
    excluded: tuple[Excluded, ...]


@dataclass(frozen=True, slots=True)
class Saved:
    """A scan without its judgement."""

    auditor: str
    tables_digest: str
    image: Image
    inventory: Inventory
    graph: DependencyGraph
    servers: Mapping[str, str]
    excluded: tuple[Excluded, ...]


class _Version(msgspec.Struct, frozen=True):
    inventory_version: str = ""


def render(scan: Scan) -> str:
    """The document as JSON on one line: the same bytes for the same scan."""
    inventory = scan.inventory
    document = _Document(
        inventory_version=INVENTORY_VERSION,
        auditor=scan.version,
        tables_digest=scan.tables.digest,
        image=scan.image,
        inventory=_Inventory(
            components=tuple(_written(component) for component in inventory.components),
            **{name: getattr(inventory, name) for name in _same(_Inventory, "components")},
        ),
        graph=_Graph(**{name: getattr(scan.graph, name) for name in _same(_Graph)}),
        servers={identifier: row.id for identifier, row in scan.servers.items()},
        excluded=scan.excluded,
    )
    return msgspec.json.encode(_printable(msgspec.to_builtins(document))).decode() + "\n"


def read_inventory(place: str) -> Saved:
    """The inventory in a file; ``-`` is standard input.

    Raises ``ReportError`` for what cannot be read, is no inventory, or has another major version.
    """
    name = "standard input" if place == "-" else place
    data = read_bytes(place, name)
    try:
        version = msgspec.json.decode(data, type=_Version).inventory_version
        if not version:
            raise ReportError(f"{name} is no inventory: it has no inventory_version", hint=_HINT)
        if version.partition(".")[0] != INVENTORY_VERSION.partition(".")[0]:
            raise ReportError(
                f"{name} is an inventory of version {version}, and this auditor reads "
                f"{INVENTORY_VERSION}",
                hint="scan the image again",
            )
        document = msgspec.json.decode(data, type=_Document)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ReportError(f"{name} is no inventory: {error}", hint=_HINT) from None
    saved = document.inventory
    components = tuple(_read(component) for component in saved.components)
    graph = document.graph
    _check({component.id for component in components}, graph, name)
    return Saved(
        auditor=document.auditor,
        tables_digest=document.tables_digest,
        image=document.image,
        inventory=Inventory(
            components, **{key: getattr(saved, key) for key in _same(_Inventory, "components")}
        ),
        graph=DependencyGraph(**{key: getattr(graph, key) for key in _same(_Graph)}),
        servers=document.servers,
        excluded=document.excluded,
    )


def schema_text() -> str:
    """The JSON Schema of the document (draft 2020-12)."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"auditor inventory {INVENTORY_VERSION}",
        **msgspec.json.schema(_Document),
    }
    return msgspec.json.format(msgspec.json.encode(schema), indent=2).decode() + "\n"


def _same(struct: type[msgspec.Struct], *without: str) -> list[str]:
    return [name for name in struct.__struct_fields__ if name not in without]


def _written(component: Component) -> _Component:
    plainly = {
        field.name: getattr(component, field.name)
        for field in fields(component)
        if field.name != "facts"
    }
    match component.facts:
        case ElfFacts() as facts:
            return _Component(**plainly, elf=facts)
        case ScriptFacts() as facts:
            return _Component(**plainly, script=facts)
        case WasmFacts() as facts:
            return _Component(**plainly, wasm=facts)
        case None:
            return _Component(**plainly)


def _read(component: _Component) -> Component:
    return Component(
        id=component.id,
        kind=component.kind,
        path=component.path,
        size=component.size,
        layer=component.layer,
        facts=component.elf or component.script or component.wasm,
        runtime=component.runtime,
        package=component.package,
    )


def _check(known: set[str], graph: _Graph, name: str) -> None:
    """What the judgement looks up without asking must be there."""
    named = {*graph.roles, *graph.launch.main, *graph.bindings, *graph.languages}
    named |= {item.component for item in graph.calls}
    named |= {item.component for item in graph.observed}
    if missing := sorted(named - known):
        raise ReportError(f"{name} is no inventory: it lacks component {missing[0]}", hint=_HINT)
    if lost := sorted(known - graph.reach.keys()):
        raise ReportError(f"{name} is no inventory: {lost[0]} has no reach", hint=_HINT)


def _printable(value: Any) -> Any:
    match value:
        case str():
            return plain(value)
        case dict():
            return {plain(key): _printable(item) for key, item in value.items()}
        case list() | tuple():
            return [_printable(item) for item in value]
        case _:
            return value


if __name__ == "__main__":
    sys.stdout.write(schema_text())
