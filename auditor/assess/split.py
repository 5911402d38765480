"""The split: which processes of an image could move to a target, and which stay.

A process is the smallest thing that can move: what it links and loads goes along with it. The cut
runs where one process starts another, and where one calls out over the network; that is what
would cross between WebAssembly and the container.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping

from auditor.assess.asks import Ask, Asks
from auditor.model.assessment import Crossing, Part, Side, Split
from auditor.model.graph import DependencyGraph, Edge, EdgeKind
from auditor.model.terms import Need, Role, Verdict

__all__ = ["split"]

_WITHIN = frozenset(
    {
        EdgeKind.EXECS,
        EdgeKind.SOURCES,
        EdgeKind.INTERPRETER,
        EdgeKind.LOADER,
        EdgeKind.LINKS,
        EdgeKind.RUNS,
        EdgeKind.IMPORTS,
    }
)
"""What stays inside one process, or takes its place."""
_OUT = ("net.tcp.connect", "net.unix", "net.udp")
"""Capabilities of a program that calls another."""
_MOST_NAMED = 3


def split(
    target: str,
    graph: DependencyGraph,
    asks: Asks,
    verdict: Callable[[Iterable[str]], Verdict],
) -> Split | None:
    """The split for one target; ``None`` where nothing is left running.

    ``verdict`` judges components together, as one process.
    """
    starts = _starts(graph)
    if not starts:
        return None
    members = {start: _members(start, graph, starts) for start in starts}
    parts = []
    for start in starts:
        found = verdict(members[start])
        side = Side.MOVES if found.rank <= Verdict.ADAPT.rank else Side.STAYS
        parts.append(Part(start, side, found, tuple(sorted(members[start] - {start}))))
    sides = {part.start: part.side for part in parts}
    return Split(
        target=target,
        parts=tuple(parts),
        falls_away=tuple(
            sorted(
                item
                for item, role in graph.roles.items()
                if role is not Role.MAIN and _starts_something(item, graph)
            )
        ),
        crossings=(*_between(graph, members, sides), *_outward(members, sides, asks)),
    )


def _starts(graph: DependencyGraph) -> tuple[str, ...]:
    """What is left running, and what that starts as processes of their own."""
    found = [item for item in graph.launch.main if graph.roles.get(item) is Role.MAIN]
    found += [
        edge.target
        for edge in graph.edges
        if edge.kind is EdgeKind.SPAWNS
        and graph.roles.get(edge.source) is Role.MAIN
        and graph.roles.get(edge.target) is Role.MAIN
    ]
    return tuple(dict.fromkeys(found))


def _members(start: str, graph: DependencyGraph, starts: Iterable[str]) -> frozenset[str]:
    """All that one process loads, without what is a process of its own."""
    onward: dict[str, list[str]] = {}
    for edge in graph.edges:
        if edge.kind in _WITHIN and graph.roles.get(edge.target) is Role.MAIN:
            onward.setdefault(edge.source, []).append(edge.target)
    others = set(starts) - {start}
    found = {start}
    queue = deque([start])
    while queue:
        for item in onward.get(queue.popleft(), ()):
            if item not in found and item not in others:
                found.add(item)
                queue.append(item)
    return frozenset(found)


def _starts_something(item: str, graph: DependencyGraph) -> bool:
    """Whether it is a program, rather than a library that one of them loads."""
    return any(
        edge.target == item
        and edge.kind not in {EdgeKind.LINKS, EdgeKind.LOADER, EdgeKind.IMPORTS, EdgeKind.SOURCES}
        for edge in graph.edges
    )


def _between(
    graph: DependencyGraph,
    members: Mapping[str, frozenset[str]],
    sides: Mapping[str, Side],
) -> Iterator[Crossing]:
    """One process of one side starts one of the other."""

    def owners(edge: Edge) -> list[str]:
        return [start for start, found in members.items() if edge.source in found]

    for edge in graph.edges:
        if edge.kind is EdgeKind.SPAWNS and edge.target in sides:
            for owner in owners(edge):
                if sides[owner] is not sides[edge.target]:
                    yield Crossing(edge.source, edge.target, "process.spawn", (edge.detail,))


def _outward(
    members: Mapping[str, frozenset[str]], sides: Mapping[str, Side], asks: Asks
) -> Iterator[Crossing]:
    """What moves calls others over the network: they stay where they are."""
    moving = {
        item for start, found in members.items() if sides[start] is Side.MOVES for item in found
    }
    for item in sorted(moving):
        for capability in _OUT:
            named = sorted({ask.detail for ask in asks[item] if _calls(ask, capability)})
            if named:
                yield Crossing(item, None, capability, tuple(named[:_MOST_NAMED]))


def _calls(ask: Ask, capability: str) -> bool:
    return ask.capability == capability and ask.need is not Need.INCIDENTAL
