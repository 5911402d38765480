"""A trace laid over the graph: what was seen to run, and what it was seen to ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from auditor.graph.reach import edge_order
from auditor.model.graph import (
    ENTRYPOINT,
    DependencyGraph,
    Edge,
    EdgeKind,
    Launch,
    Observed,
)
from auditor.model.inventory import Component, ComponentKind, Inventory, Unknown
from auditor.model.terms import Need, Reach, Role
from auditor.model.trace import Trace, TracedCall
from auditor.tables.syscalls import SyscallTables

__all__ = ["alone", "observe", "sampled"]

STAGE = "trace"
"""The stage of Unknowns where a trace and the analysis differ: a defect of one of them."""
SEEN = "observed"
"""The stage of Unknowns where a trace shows what only run time decides."""
ONE_RUN = 0.75
"""Share of all calls of a program that one recording shows of it. Measured on the programs of
``fixtures/truth`` with more than 25 different calls that several workloads started: seven, whose
single workloads showed .60 (python3.11) to .97 (id) of what all of them showed together."""
PARTLY = 0.5
"""The same where names alone are known, without arguments and without an end of start-up; or where
the program's start was not recorded. Too little for a verdict."""


@dataclass(frozen=True, slots=True)
class _Asked:
    capability: str
    need: Need


def observe(
    graph: DependencyGraph,
    inventory: Inventory,
    trace: Trace,
    tables: SyscallTables,
    resolve: Callable[[str], str | None],
) -> DependencyGraph:
    """The graph with what a trace shows of an image's programs.

    ``resolve`` follows a path of the image to the file that it leads to. What a program was seen
    to call is its own evidence; where a target brings its runtime, it is that of the application.
    Programs that were seen to run and that nothing led to become part of the work, and an Unknown
    says so.
    """
    by_path = {component.path: component for component in inventory.components}
    unknowns: list[Unknown] = []
    reach, roles, chains = dict(graph.reach), dict(graph.roles), dict(graph.chains)
    name = trace.name
    calls: list[Observed] = []
    edges = set(graph.edges)
    first = graph.launch.main[0] if graph.launch.main else None
    for executable, made in _by_executable(trace):
        path = resolve(executable) if executable else None
        component = by_path.get(path or "")
        if not executable and first is not None:
            component = next(item for item in inventory.components if item.id == first)
        if component is None:
            unknowns.append(_not_there(name, executable))
            continue
        if component.id not in roles:
            starters = [resolve(by) for by, started in trace.spawned if started == executable]
            starter = next((by_path[by].id for by in starters if by in by_path), None)
            roles[component.id] = Role.SETUP if executable in trace.handed else Role.MAIN
            chains[component.id] = (*chains.get(starter or "", (ENTRYPOINT,)), component.id)
            kind = EdgeKind.STARTS if starter is None else EdgeKind.SPAWNS
            edges.add(Edge(starter or ENTRYPOINT, component.id, kind, f"seen in {name}"))
            unknowns.append(_not_led_to(component, name, starter))
        reach[component.id] = Reach.OBSERVED
        owner = _owner(component.id, graph)
        reach[owner] = Reach.OBSERVED
        calls += (
            replace(item, component=owner) for item in _calls(made, component.id, name, tables)
        )
    return replace(
        graph,
        edges=tuple(sorted(edges, key=edge_order)),
        reach=reach,
        roles=dict(sorted(roles.items())),
        chains=dict(sorted(chains.items())),
        unknowns=tuple(
            sorted({*graph.unknowns, *unknowns}, key=lambda item: (item.path, item.reason))
        ),
        observed=tuple(sorted({*graph.observed, *calls})),
    )


def alone(trace: Trace, tables: SyscallTables) -> tuple[Inventory, DependencyGraph]:
    """What a trace tells without an image: the programs that ran, and their calls.

    A component is made for each program; of one that the trace does not name, for the trace.
    """
    name = trace.name
    paths = trace.executables or (name,)
    components = {
        path: Component(
            f"{ComponentKind.EXECUTABLE}:{path}", ComponentKind.EXECUTABLE, path, 0, None, None
        )
        for path in dict.fromkeys(paths)
    }
    calls: list[Observed] = []
    for executable, made in _by_executable(trace):
        component = components.get(executable) or components[paths[0]]
        calls += _calls(made, component.id, name, tables)
    roles = {
        component.id: Role.SETUP if path in trace.handed else Role.MAIN
        for path, component in components.items()
    }
    by = {target: source for source, target in trace.spawned}
    main = tuple(
        component.id
        for path, component in components.items()
        if roles[component.id] is Role.MAIN and (path not in by or by[path] in trace.handed)
    )
    edges = [
        Edge(components[source].id, components[target].id, EdgeKind.SPAWNS)
        for source, target in trace.spawned
    ]
    edges += [
        Edge(ENTRYPOINT, component.id, EdgeKind.STARTS)
        for path, component in components.items()
        if path not in by
    ]
    share = sampled(trace)
    reason = f"what did not happen while {name} was recorded is not known"
    unknown = Unknown(paths[0], SEEN, reason, components[paths[0]].id)
    graph = DependencyGraph(
        launch=Launch((), main or tuple(roles)[:1]),
        edges=tuple(sorted(edges)),
        reach={component.id: Reach.OBSERVED for component in components.values()},
        roles=dict(sorted(roles.items())),
        chains={component.id: (ENTRYPOINT, component.id) for component in components.values()},
        bindings={},
        commands=(),
        unknowns=(unknown,),
        observed=tuple(sorted(set(calls))),
        sampled=share,
    )
    ordered = tuple(sorted(components.values(), key=lambda component: component.id))
    return Inventory(ordered, (), 0), graph


def sampled(trace: Trace) -> float:
    """The share of what a program may call that a recording shows, three decimals.

    How much of the workload's own variety is missing is estimated from calls that were seen once
    and twice (Chao, "Nonparametric Estimation of the Number of Classes in a Population", 1984);
    another workload shows more than that, by ``ONE_RUN``. A recording that begins when the program
    runs already has missed its start.
    """
    if not trace.form.counts or not trace.executables:
        return PARTLY
    seen: dict[str, int] = {}
    for call in trace.calls:
        seen[call.name] = seen.get(call.name, 0) + call.count
    once = sum(count == 1 for count in seen.values())
    twice = sum(count == 2 for count in seen.values())  # noqa: PLR2004
    missing = once * (once - 1) / (2 * (twice + 1))
    return round(ONE_RUN * len(seen) / (len(seen) + missing), 3) if seen else 0.0


def _by_executable(trace: Trace) -> list[tuple[str, list[TracedCall]]]:
    made: dict[str, list[TracedCall]] = {path: [] for path in trace.executables}
    for call in trace.calls:
        made.setdefault(call.executable, []).append(call)
    return list(made.items())


def _calls(
    made: Iterable[TracedCall], component: str, name: str, tables: SyscallTables
) -> Iterator[Observed]:
    for call in made:
        asked = _asked(call, tables)
        if asked is not None:
            yield Observed(component, call.name, asked.capability, asked.need, name)


def _asked(call: TracedCall, tables: SyscallTables) -> _Asked | None:
    """What one call asks for: by its arguments, where they are shown and decide."""
    row = tables.row(call.name)
    if row is None:
        return None
    arguments = _values(call.arguments, tables)
    rule = tables.rule(call.name, arguments, _values(call.pointed, tables))
    asked = _Asked(row.capability, row.need) if rule is None else _Asked(rule.capability, rule.need)
    shown = any(call.arguments) or any(call.pointed)
    if call.refused:
        # It ran on without: that is how need is measured.
        return _Asked(asked.capability, Need.INCIDENTAL)
    if rule is None and call.name in tables.rules and not shown and asked.need is Need.ESSENTIAL:
        return _Asked(asked.capability, Need.TYPICAL)
    return asked


def _values(texts: Iterable[str], tables: SyscallTables) -> dict[int, int]:
    """Position → value, of what is known. A constant that no rule names sets none of its bits."""
    found: dict[int, int] = {}
    for position, text in enumerate(texts):
        words = text.split("|") if text else []
        values = [_value(word, tables) for word in words]
        if not words or (len(words) == 1 and values[0] is None):
            continue
        together = 0
        for value in values:
            together |= value or 0
        found[position] = together
    return found


def _value(word: str, tables: SyscallTables) -> int | None:
    if word[:1].isdigit():
        return int(word, 0) if len(word) <= 18 else None  # noqa: PLR2004
    return tables.constants.get(word)


def _owner(component: str, graph: DependencyGraph) -> str:
    """The application that a runtime runs, else the component itself."""
    if graph.roles.get(component) is not Role.RUNTIME:
        return component
    started = (
        edge.target
        for edge in graph.edges
        if edge.source == component
        and edge.kind is EdgeKind.RUNS
        and edge.target in graph.languages
    )
    return next(started, component)


def _not_there(name: str, executable: str) -> Unknown:
    what = executable or "a program that it does not name"
    return Unknown(name, STAGE, f"it shows {what}, which the image does not hold")


def _not_led_to(component: Component, name: str, starter: str | None) -> Unknown:
    if starter is not None:
        by = starter.partition(":")[2]
        reason = f"{name} shows that {by} starts it, which nothing that was read says"
        return Unknown(component.path, SEEN, reason, component.id)
    reason = (
        f"{name} shows it running, and nothing that was read leads to it; this is a defect of the "
        "auditor, unless the recording is of something else"
    )
    return Unknown(component.path, STAGE, reason, component.id, 0)
