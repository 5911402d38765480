"""The dependency graph as a value: what leads where, from the entrypoint on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from auditor.model.inventory import Unknown
from auditor.model.terms import Reach, Role

__all__ = ["ENTRYPOINT", "DependencyGraph", "Edge", "EdgeKind", "Launch"]

ENTRYPOINT = "entrypoint"
"""Id of the node that stands for the image's ENTRYPOINT and CMD."""


class EdgeKind(StrEnum):
    """Why one component leads to another."""

    STARTS = "starts"
    """The image's configuration starts it."""
    EXECS = "execs"
    """Hands its process over to it."""
    SPAWNS = "spawns"
    """Runs it as a child."""
    SOURCES = "sources"
    """A shell reads it with ``.``"""
    INTERPRETER = "interpreter"
    """``#!`` or ``sh -c``."""
    LOADER = "loader"
    """``PT_INTERP``."""
    LINKS = "links"
    """``DT_NEEDED``."""


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """``source`` leads to ``target``; ``detail`` says how, ``line`` where in a script."""

    source: str
    target: str
    kind: EdgeKind
    detail: str = ""
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Launch:
    """What the image's configuration starts."""

    argv: tuple[str, ...]
    """ENTRYPOINT and CMD joined as the OCI runtime would, overrides applied."""
    main: tuple[str, ...]
    """Component ids of what is left running, in the order found."""
    problem: str | None = None
    """A sentence, where it could not be followed."""


@dataclass(frozen=True, slots=True)
class DependencyGraph:
    """Nodes are component ids and ``ENTRYPOINT``; edges sorted."""

    launch: Launch
    edges: tuple[Edge, ...]
    reach: Mapping[str, Reach]
    """Every component id of the inventory."""
    roles: Mapping[str, Role]
    """Every reachable component id."""
    chains: Mapping[str, tuple[str, ...]]
    """Shortest way from ``ENTRYPOINT`` to each reachable component, both ends included."""
    unknowns: tuple[Unknown, ...]
