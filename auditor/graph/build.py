"""The steps of the graph: walk the command lines, link the executables, spread reach."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from auditor.applications import Applications, Context
from auditor.formats.elf_slots import import_slots
from auditor.graph.launch import Environment, command_line
from auditor.graph.reach import Starts, edge_order, spread
from auditor.graph.sources import Sources
from auditor.graph.walk import Walk, Walker
from auditor.image.rootfs import RootFS
from auditor.linking import LinkMap, link
from auditor.model.facts import ElfFacts
from auditor.model.graph import Binding, Call, DependencyGraph, Edge, EdgeKind, Launch, Overrides
from auditor.model.image import ImageConfig
from auditor.model.inventory import Component, ComponentKind, Inventory, RuntimeKind, Unknown
from auditor.tables.rows import Tables

__all__ = ["build"]


def build(
    rootfs: RootFS,
    config: ImageConfig,
    inventory: Inventory,
    tables: Tables,
    overrides: Overrides,
) -> DependencyGraph:
    """The dependency graph of an image, from its entrypoint on."""
    by_path = {component.path: component for component in inventory.components}
    environment = Environment.of(rootfs, config, overrides)
    argv = command_line(config, overrides)
    context = Context(rootfs, environment.variables, environment.working_dir, tables)
    applications = Applications(context)
    if argv:
        runtimes = _one_each(inventory.components)
        walker = Walker(environment, by_path.get, tables.wrappers, applications, runtimes)
        walk = walker.start(argv)
        walker.check(config.healthcheck)
    else:
        walk = Walk(problem="the image has no ENTRYPOINT and no CMD")
    sources = Sources(applications, by_path)
    for started in walk.started:
        sources.add(started)
    for runtime in inventory.runtimes:
        program = walk.executables.get(runtime.component or "")
        if program is not None and runtime.kind is RuntimeKind.COMPILED:
            sources.add_program(program, runtime.id)
    main = tuple(dict.fromkeys((*walk.main, *sources.main)))
    linking = _Linking(rootfs, by_path, tables, environment.variables.get("LD_LIBRARY_PATH", ""))
    linked = walk.executables | sources.natives
    for identifier in sorted(linked):
        linking.add(linked[identifier])
    edges = tuple(sorted(walk.edges | linking.edges | sources.edges, key=edge_order))
    found = tuple(sorted(sources.found.values(), key=lambda component: component.id))
    hosts = tuple(started.host for started in walk.started if started.handed)
    spreading = spread(
        edges,
        Starts(main, hosts, tuple(sorted(sources.shortcuts)), tuple(sources.prepares)),
        (*inventory.components, *found),
    )
    unknowns = walk.unknowns | linking.unknowns | sources.unknowns
    unknowns |= _unread_applications(walk, by_path, unknowns)
    return DependencyGraph(
        launch=Launch(argv, main, walk.problem),
        edges=edges,
        reach=spreading.reach,
        roles=spreading.roles,
        chains=spreading.chains,
        bindings={key: linking.bindings[key] for key in sorted(linking.bindings)},
        commands=tuple(sorted(walk.commands)),
        unknowns=tuple(sorted(unknowns, key=lambda unknown: (unknown.path, unknown.reason))),
        calls=tuple(sorted(sources.calls, key=_call_order)),
        languages=dict(sorted(sources.languages.items())),
        explained=tuple(sorted(sources.explained)),
        sources=found,
    )


@dataclass(slots=True)
class _Linking:
    """Links executables and gathers edges and bindings over all of them."""

    rootfs: RootFS
    by_path: Mapping[str, Component]
    tables: Tables
    library_path: str
    edges: set[Edge] = field(default_factory=set)
    unknowns: set[Unknown] = field(default_factory=set)
    bindings: dict[str, tuple[Binding, ...]] = field(default_factory=dict)
    _slots: dict[str, Mapping[str, int]] = field(default_factory=dict)

    def add(self, executable: Component) -> None:
        """Link one executable, unless nothing is known of it or it needs no loader."""
        if not isinstance(executable.facts, ElfFacts) or executable.facts.static:
            return
        linked = link(self.rootfs, executable, self.by_path.get, library_path=self.library_path)
        self._take_edges(executable, linked)
        self._take_missing(linked)
        for identifier, bound in linked.bindings().items():
            slots = self._slots_of(identifier, linked)
            placed = (replace(item, address=slots.get(item.symbol.name)) for item in bound)
            # A library bound in two processes keeps every provider it was bound to.
            merged = {*self.bindings.get(identifier, ()), *placed}
            self.bindings[identifier] = tuple(sorted(merged, key=_binding_order))

    def _slots_of(self, identifier: str, linked: LinkMap) -> Mapping[str, int]:
        """Where a linked file keeps the addresses of its imports."""
        if identifier not in self._slots:
            path = next(o.component.path for o in linked.objects if o.component.id == identifier)
            entry = self.rootfs.resolve(path)
            content = self.rootfs.read(entry) if entry is not None else b""
            self._slots[identifier] = import_slots(content)
        return self._slots[identifier]

    def _take_edges(self, executable: Component, linked: LinkMap) -> None:
        if linked.interpreter is not None and isinstance(executable.facts, ElfFacts):
            interpreter = executable.facts.interpreter or ""
            self.edges.add(Edge(executable.id, linked.interpreter, EdgeKind.LOADER, interpreter))
        for loaded in linked.objects:
            for soname, library in loaded.needs:
                self.edges.add(Edge(loaded.component.id, library, EdgeKind.LINKS, soname))

    def _take_missing(self, linked: LinkMap) -> None:
        by_id = {loaded.component.id: loaded.component for loaded in linked.objects}
        for missing in linked.missing:
            if self.tables.is_toolchain_library(missing.soname):
                continue  # the target's toolchain brings its own
            component = by_id[missing.needed_by]
            reason = f"needs {missing.soname}, which the loader would not find in the image"
            self.unknowns.add(
                Unknown(component.path, "linking", reason, component.id, component.weight)
            )


def _one_each(components: tuple[Component, ...]) -> tuple[Component, ...]:
    """One program for each interpreter of the image: that with the shortest path."""
    found: dict[str, Component] = {}
    for item in components:
        if item.kind is not ComponentKind.EXECUTABLE or item.runtime is None:
            continue
        known = found.get(item.runtime)
        if known is None or (len(item.path), item.path) < (len(known.path), known.path):
            found[item.runtime] = item
    return tuple(found[key] for key in sorted(found))


def _unread_applications(
    walk: Walk, by_path: Mapping[str, Component], told: set[Unknown]
) -> set[Unknown]:
    """A language runtime that is left running runs something that is not followed."""
    components = {component.id: component for component in by_path.values()}
    explained = {unknown.component for unknown in told}
    return {
        Unknown(
            components[identifier].path,
            "application",
            f"the application that {components[identifier].runtime} runs is not followed",
            identifier,
            1,
        )
        for identifier in walk.main
        if components[identifier].kind is ComponentKind.EXECUTABLE
        and components[identifier].runtime is not None
        and identifier not in explained
    }


def _call_order(call: Call) -> tuple[str, str, str, int, str]:
    return (call.component, call.capability, call.name, call.line or 0, call.member)


def _binding_order(binding: Binding) -> tuple[str, str, str]:
    return (binding.symbol.name, binding.symbol.version or "", binding.provider or "")
