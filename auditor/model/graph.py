"""The dependency graph as a value: what leads where, from the entrypoint on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from auditor.model.facts import Symbol
from auditor.model.inventory import Component, Unknown
from auditor.model.terms import Need, Reach, Role

__all__ = [
    "ENTRYPOINT",
    "Binding",
    "Call",
    "Command",
    "DependencyGraph",
    "Edge",
    "EdgeKind",
    "Launch",
    "Observed",
    "Overrides",
]

ENTRYPOINT = "entrypoint"
"""Id of the node that stands for the image's ENTRYPOINT and CMD."""


class EdgeKind(StrEnum):
    """Why one component leads to another."""

    STARTS = "starts"
    """The image's configuration starts it."""
    CHECKS = "checks"
    """The image's HEALTHCHECK starts it, beside what is left running."""
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
    RUNS = "runs"
    """A runtime, or a launcher, is told to run it."""
    IMPORTS = "imports"
    """Its source, or its byte code, loads it."""


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
    address: int | None = None
    """Of the slot that the loader fills with the symbol's address, in the importing file."""


@dataclass(frozen=True, slots=True, order=True)
class Command:
    """A command that a script of the graph runs as a child."""

    script: str
    """Component id."""
    line: int
    text: str
    conditional: bool


@dataclass(frozen=True, slots=True, order=True)
class Call:
    """Something of the platform that an application's source asks for."""

    component: str
    """Component id."""
    name: str
    """As the language's documentation writes it: ``subprocess.run``."""
    capability: str
    need: Need
    """Lowered where it is not sure that the call is made."""
    line: int | None
    member: str
    """The function or method that holds the call; empty for a file's top level."""
    language: str
    module: bool = False
    """Whether the loading of a module is what asks."""
    address: int | None = None
    """Of the instruction, in a program that was compiled."""


@dataclass(frozen=True, slots=True, order=True)
class Observed:
    """A system call that a component was seen to make."""

    component: str
    """Component id."""
    name: str
    """As Linux names it."""
    capability: str
    need: Need
    trace: str
    """Name of the recording."""


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
    calls: tuple[Call, ...] = ()
    """Sorted."""
    languages: Mapping[str, str] = field(default_factory=dict)
    """Id of an entry module's component, or of a compiled program → id of its runtime."""
    explained: tuple[str, ...] = ()
    """Compiled programs whose ``calls`` are all that they ask for, sorted: what else they import,
    or do without a loader, belongs to their language's runtime."""
    sources: tuple[Component, ...] = ()
    """Components that only following the application has shown, sorted by id."""
    observed: tuple[Observed, ...] = ()
    """What traces show, sorted."""
    sampled: float | None = None
    """The share of what runs that a trace shows, where nothing but a trace was read."""
    met: frozenset[str] = frozenset()
    """Ids of components that are taken to ask for nothing: a what-if."""
