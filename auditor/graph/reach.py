"""Reach, roles and chains: what the entrypoint leads to. The one user of networkx."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import networkx as nx

from auditor.model.graph import ENTRYPOINT, Edge
from auditor.model.inventory import Component, ComponentKind
from auditor.model.terms import Reach, Role

__all__ = ["Spread", "Starts", "edge_order", "spread"]


@dataclass(frozen=True, slots=True)
class Starts:
    """Where the roles begin."""

    main: tuple[str, ...]
    """What is left running."""
    hosts: tuple[str, ...] = ()
    """Runtimes and launchers that run some of it, and are exchanged on a target."""
    shortcuts: tuple[tuple[str, str], ...] = ()
    """From what starts a runtime to what the runtime runs."""
    prepares: tuple[str, ...] = ()
    """What a runtime runs and ends with, before the work."""


@dataclass(frozen=True, slots=True)
class Spread:
    """What ``spread`` found, by component id."""

    reach: Mapping[str, Reach]
    roles: Mapping[str, Role]
    chains: Mapping[str, tuple[str, ...]]


def spread(edges: tuple[Edge, ...], starts: Starts, components: tuple[Component, ...]) -> Spread:
    """Spread reach from the entrypoint, and the main role from what is left running.

    Edges are added in their sorted order, so that of several shortest chains the same one is
    taken each time.
    """
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_node(ENTRYPOINT)
    graph.add_edges_from((edge.source, edge.target) for edge in edges)
    paths = nx.single_source_shortest_path(graph, ENTRYPOINT)
    chains = {node: tuple(path) for node, path in sorted(paths.items()) if node != ENTRYPOINT}
    ids = [component.id for component in components]
    return Spread(
        reach={id_: Reach.REACHABLE if id_ in chains else Reach.PRESENT for id_ in ids},
        roles=_roles(graph, starts, components, chains),
        chains=chains,
    )


def edge_order(edge: Edge) -> tuple[str, str, str, str, int]:
    """The order of edges in a graph, which knows of edges without a line."""
    return (edge.source, edge.target, edge.kind, edge.detail, edge.line or 0)


def _roles(
    graph: nx.DiGraph[str],
    starts: Starts,
    components: tuple[Component, ...],
    chains: Mapping[str, tuple[str, ...]],
) -> dict[str, Role]:
    runtimes = {
        component.id
        for component in components
        if component.runtime is not None and component.kind is ComponentKind.EXECUTABLE
    }
    behind: set[str] = set()
    work: set[str] = set()
    for start in (*starts.main, *starts.hosts):
        behind |= {start} | nx.descendants(graph, start)
    # The work is what can be reached without passing through a runtime.
    launchers = set(starts.hosts) - set(starts.main)
    without = graph.subgraph(node for node in graph if node not in runtimes | launchers).copy()
    without.add_edges_from(
        (origin, target) for origin, target in starts.shortcuts if origin in without
    )
    for start in starts.main:
        if start in without:
            work |= {start} | nx.descendants(without, start)
    prepares = set(starts.prepares).intersection(graph)
    prepares |= {node for start in tuple(prepares) for node in nx.descendants(graph, start)}
    roles: dict[str, Role] = {}
    for identifier in chains:
        if identifier in work:
            roles[identifier] = Role.MAIN
        elif identifier in behind and identifier not in prepares:
            roles[identifier] = Role.RUNTIME
        else:
            roles[identifier] = Role.SETUP
    return roles
