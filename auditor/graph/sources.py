"""What followed applications add to the graph: components, edges, calls and Unknowns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from auditor.applications import Applications, Asked, Certainty, Followed, Module, Start
from auditor.model.graph import Call, Edge, EdgeKind
from auditor.model.inventory import Component, ComponentKind, Unknown
from auditor.model.terms import Need

__all__ = ["Sources", "Started"]

_SURELY = {
    Certainty.SURE: Need.ESSENTIAL,
    Certainty.LIKELY: Need.TYPICAL,
    Certainty.POSSIBLE: Need.INCIDENTAL,
}
"""The most that a call can need, by how sure it is that it is made."""


@dataclass(frozen=True, slots=True)
class Started:
    """A runtime or a launcher that was told to run an application."""

    host: str
    """Component id of the runtime, or of the script that the runtime reads."""
    origin: str
    """Component id of what started it."""
    runtime: str
    start: Start
    detail: str
    handed: bool
    compiled: bool = False
    """Whether the host is the application itself, whose role the walk has told."""


@dataclass(slots=True)
class Sources:
    """Follows what was started and gathers over all of it."""

    applications: Applications
    by_path: Mapping[str, Component]
    found: dict[str, Component] = field(default_factory=dict)
    """Path → component that the inventory does not have."""
    edges: set[Edge] = field(default_factory=set)
    shortcuts: set[tuple[str, str]] = field(default_factory=set)
    """From what starts a runtime to what the runtime runs: the work goes on there."""
    natives: dict[str, Component] = field(default_factory=dict)
    calls: set[Call] = field(default_factory=set)
    unknowns: set[Unknown] = field(default_factory=set)
    languages: dict[str, str] = field(default_factory=dict)
    main: list[str] = field(default_factory=list)
    prepares: list[str] = field(default_factory=list)
    """Entry modules of what is not left running."""
    explained: set[str] = field(default_factory=set)
    """Programs that ask for nothing but what their calls tell."""

    def add_program(self, program: Component, runtime: str) -> None:
        """Follow a compiled program, which is its own application."""
        start = self.applications.start(runtime, (program.path,))
        if start is None:
            return
        if start.problem is not None:
            self.unknowns.add(
                Unknown(program.path, runtime, start.problem, program.id, program.weight)
            )
            return
        self.add(Started(program.id, program.id, runtime, start, "", handed=False, compiled=True))
        if start.explains:
            self.explained.add(program.id)

    def add(self, started: Started) -> None:
        """Follow one start."""
        followed = self.applications.follow(started.runtime, started.start)
        sizes: Counter[str] = Counter()
        for module in followed.modules.values():
            sizes[module.file] += module.size
        ids = {
            key: self._component(module, sizes[module.file]).id
            for key, module in followed.modules.items()
        }
        self._imports(started, followed, ids)
        language = self.applications.language_of(started.runtime)
        for asked in followed.asked.values():
            self.calls.add(_call(asked, followed.modules[asked.module], ids, language))
        for unknown in followed.unknowns:
            component = self._at(unknown.path)
            identifier = component.id if component is not None else started.host
            self.unknowns.add(replace(unknown, component=identifier))
        entries = [ids[key] for key in started.start.modules if key in ids]
        for entry in dict.fromkeys(entries):
            self.languages[entry] = started.runtime
            if started.compiled:
                continue
            chosen = self.main if started.handed else self.prepares
            if entry not in chosen:
                chosen.append(entry)
        for served in started.start.served if entries else ():
            self.calls.add(
                Call(
                    entries[0],
                    served.launcher,
                    served.capability,
                    Need.ESSENTIAL,
                    None,
                    "",
                    language,
                )
            )

    def _imports(self, started: Started, followed: Followed, ids: Mapping[str, str]) -> None:
        for item in followed.imports:
            if item.native:
                self._native(item.target, ids[item.source], item.detail, item.line)
                continue
            target = ids[item.target]
            if item.source:
                if ids[item.source] != target:
                    line = item.line or None
                    self.edges.add(
                        Edge(ids[item.source], target, EdgeKind.IMPORTS, item.detail, line)
                    )
            elif started.host != target:
                self.edges.add(Edge(started.host, target, EdgeKind.RUNS, started.detail))
                self.shortcuts.add((started.origin, target))

    def _native(self, path: str, source: str, detail: str, line: int) -> None:
        component = self.by_path.get(path)
        if component is None:
            return
        self.edges.add(Edge(source, component.id, EdgeKind.IMPORTS, detail, line or None))
        self.natives[component.id] = component

    def _component(self, module: Module, size: int) -> Component:
        """The component of a module's file; ``size`` is that of all its reached modules."""
        known = self._at(module.file)
        if known is None:
            known = self.found[module.file] = Component(
                id=f"{ComponentKind.SOURCE}:{module.file}",
                kind=ComponentKind.SOURCE,
                path=module.file,
                size=size,
                layer=module.layer,
                facts=None,
            )
        return known

    def _at(self, path: str) -> Component | None:
        return self.by_path.get(path) or self.found.get(path)


def _call(asked: Asked, module: Module, ids: Mapping[str, str], language: str) -> Call:
    most = _SURELY[asked.certainty]
    need = asked.api.need if asked.api.need.rank <= most.rank else most
    member = _member(module.member, asked.unit)
    return Call(
        component=ids[asked.module],
        name=asked.name,
        capability=asked.api.capability,
        need=need,
        line=asked.line or None,
        member=member,
        language=language,
        module=asked.api.use == "import",
        address=asked.address or None,
    )


def _member(module: str, unit: str) -> str:
    """``com.example.Main`` and its unit ``Main.run`` are ``com.example.Main.run``."""
    first, dot, rest = unit.partition(".")
    if module.rpartition(".")[2] == first:
        unit = rest if dot else ""
    return ".".join(part for part in (module, unit) if part)
