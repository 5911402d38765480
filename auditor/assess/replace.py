"""What if some components were replaced: a graph without what that takes away."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum

from auditor.assess.asks import CONNECT
from auditor.model.graph import ENTRYPOINT, Call, DependencyGraph, Edge
from auditor.model.terms import Need, Reach

__all__ = ["Way", "replaced"]


class Way(StrEnum):
    """How a component is replaced."""

    WASM = "wasm"
    """A WebAssembly build of it, or another of its kind, asks for nothing that is not met."""
    NETWORK = "network"
    """It stays in its container, and what led to it calls it over the network."""
    HOST = "host"
    """An interface of the host does its work, and nothing of it is left."""


def replaced(graph: DependencyGraph, ways: Mapping[str, Way]) -> DependencyGraph:
    """The graph of the same image with some components replaced, by their ids.

    What only a component led to that goes away goes with it. Pure.
    """
    gone = {identifier for identifier, way in ways.items() if way is not Way.WASM}
    edges = tuple(edge for edge in graph.edges if not {edge.source, edge.target} & gone)
    chains = _chains(edges)
    roles = {
        identifier: role
        for identifier, role in graph.roles.items()
        if identifier in chains and identifier not in gone
    }
    calls = [
        Call(edge.source, _words(edge), CONNECT, Need.ESSENTIAL, edge.line, "", "")
        for edge in graph.edges
        if ways.get(edge.target) is Way.NETWORK and edge.source in roles
    ]
    main = tuple(item for item in graph.launch.main if item in roles)
    problem = graph.launch.problem
    if not main and graph.launch.main and problem is None:
        problem = "what is left running was replaced, and nothing of it is to be judged"
    return replace(
        graph,
        launch=replace(graph.launch, main=main, problem=problem),
        edges=edges,
        reach={
            identifier: reach if identifier in roles else Reach.PRESENT
            for identifier, reach in graph.reach.items()
        },
        roles=roles,
        chains={identifier: chains[identifier] for identifier in roles},
        unknowns=tuple(item for item in graph.unknowns if item.component not in ways),
        calls=(*graph.calls, *dict.fromkeys(calls)),
        languages={key: value for key, value in graph.languages.items() if key not in ways},
        met=graph.met | {item for item, way in ways.items() if way is Way.WASM},
    )


def _chains(edges: tuple[Edge, ...]) -> dict[str, tuple[str, ...]]:
    """Shortest ways from the entrypoint; of several the first in the order of the edges."""
    onward: dict[str, list[str]] = {}
    for edge in edges:
        onward.setdefault(edge.source, []).append(edge.target)
    found: dict[str, tuple[str, ...]] = {ENTRYPOINT: (ENTRYPOINT,)}
    queue = deque([ENTRYPOINT])
    while queue:
        here = queue.popleft()
        for item in onward.get(here, ()):
            if item not in found:
                found[item] = (*found[here], item)
                queue.append(item)
    del found[ENTRYPOINT]
    return found


def _words(edge: Edge) -> str:
    return f"{edge.target.partition(':')[2]}, called over the network"
