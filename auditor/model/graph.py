"""The dependency graph as a value: what leads where, from the entrypoint on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from auditor.model.facts import Symbol
from auditor.model.inventory import Unknown
from auditor.model.terms import Reach, Role

__all__ = [
    "ENTRYPOINT",
    "Binding",
    "Command",
    "DependencyGraph",
    "Edge",
    "EdgeKind",
    "Launch",
    "Overrides",
]

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
class Overrides:
    """What a Kubernetes manifest or a compose file would put in the configuration's place.

    ``entrypoint`` stands for ``command`` there: given alone, the image's CMD is dropped.
    ``None`` leaves the image's own.
    """

    entrypoint: tuple[str, ...] | None = None
    cmd: tuple[str, ...] | None = None
    env: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Binding:
    """An imported symbol and the component that the loader would take it from."""

    symbol: Symbol
    provider: str | None
    """Component id; ``None`` where no library in the image exports it."""


@dataclass(frozen=True, slots=True, order=True)
class Command:
    """A command that a script of the graph runs as a child."""

    script: str
    """Component id."""
    line: int
    text: str
    conditional: bool


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
    bindings: Mapping[str, tuple[Binding, ...]]
    """Component id → its imports, bound; for every ELF component that could be linked."""
    commands: tuple[Command, ...]
    unknowns: tuple[Unknown, ...]
