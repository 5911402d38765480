"""Coverage: the share of what would have to move that was understood (DESIGN.md, law 2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from auditor.model.graph import DependencyGraph
from auditor.model.inventory import Component, Unknown
from auditor.model.terms import Role

__all__ = ["coverage"]


def coverage(
    components: Mapping[str, Component],
    graph: DependencyGraph,
    unknowns: Iterable[Unknown],
    provided: frozenset[str],
) -> float:
    """1 − the share of bytes of code or source that is Unknown, three decimals.

    What only prepares, a runtime that the target brings, and libraries of the toolchain
    (``provided``) are left out on both sides: they would not be moved. Nothing left running, or
    a hand-over that could not be followed, is no coverage at all. Of a trace alone it is the
    share that a recording shows.
    """
    if graph.sampled is not None:
        return graph.sampled
    if not graph.launch.main or graph.launch.problem is not None:
        return 0.0
    unknown_bytes: dict[str, int] = {}
    for unknown in unknowns:
        if unknown.component is not None:
            known = unknown_bytes.get(unknown.component, 0)
            unknown_bytes[unknown.component] = max(known, unknown.weight)
    total = unknown_total = 0
    for identifier, role in graph.roles.items():
        component = components[identifier]
        if role is Role.RUNTIME:
            weight = unknown_bytes.get(identifier, 0)
        elif role is Role.MAIN and identifier not in provided:
            weight = max(component.weight, unknown_bytes.get(identifier, 0))
        else:
            continue
        total += weight
        unknown_total += min(weight, unknown_bytes.get(identifier, 0))
    return round(1 - unknown_total / total, 3) if total else 1.0
