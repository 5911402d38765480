"""``hosts.toml`` and ``routes.toml``: what runs the targets, and ways that are no targets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from auditor.tables.checks import Shape, check_source, check_targets, check_words
from auditor.tables.files import Files, complain
from auditor.tables.rows import Source, TargetRow

__all__ = ["HostKind", "HostRow", "Hosts", "RouteRow", "Runs", "RunsLevel", "load_hosts"]

HOSTS = "hosts.toml"
ROUTES = "routes.toml"


class HostKind(StrEnum):
    """What a host is used as."""

    RUNTIME = "runtime"
    PLATFORM = "platform"
    """Calls components at its own triggers."""
    SHIM = "shim"
    """Lets a container engine start WebAssembly."""


class RunsLevel(StrEnum):
    """Whether a host runs what was built for a target."""

    YES = "yes"
    PARTIAL = "partial"
    NO = "no"
    UNKNOWN = "unknown"
    """Nobody checked."""


@dataclass(frozen=True, slots=True)
class Runs:
    """A host and one target."""

    level: RunsLevel
    note: str
    """Starts with "derived" where the row was worked out and not read."""
    since: str = ""
    """The first version that does, where that is known."""
    since_source: str = ""
    """Id of the source that says so."""


@dataclass(frozen=True, slots=True)
class HostRow:
    """A program that runs WebAssembly."""

    id: str
    title: str
    version: str
    as_of: str
    """ISO date of the copy that was read."""
    kind: HostKind
    extensions: tuple[str, ...]
    """What it offers beyond the standards."""
    short: tuple[str, ...]
    """Where it falls short."""
    source: str
    runs: Mapping[str, Runs]
    """Every target is there, in the order in which reports show them."""


@dataclass(frozen=True, slots=True)
class RouteRow:
    """A way to WebAssembly that is no target of a verdict."""

    id: str
    title: str
    what: str
    status: str
    when: str
    """When to use it."""
    cost: str
    targets: tuple[str, ...]
    """Targets whose hosts it leads to; empty where it needs a host of its own."""
    source: str


@dataclass(frozen=True, slots=True)
class Hosts:
    """Hosts and routes by id, in the order of their files."""

    hosts: Mapping[str, HostRow]
    """Every program that runs WebAssembly."""
    routes: Mapping[str, RouteRow]
    """Every way that is no target."""

    def running(self, target: str) -> tuple[HostRow, ...]:
        """Hosts that run a target wholly or in part, those that do so wholly first."""
        found = (RunsLevel.YES, RunsLevel.PARTIAL)
        return tuple(
            host
            for level in found
            for host in self.hosts.values()
            if host.runs[target].level is level
        )


class _RunsShape(Shape, frozen=True):
    level: RunsLevel
    note: str = ""
    since: str = ""
    since_source: str = ""


class _HostShape(Shape, frozen=True):
    title: str
    version: str
    kind: HostKind
    extensions: tuple[str, ...]
    short: tuple[str, ...]
    source: str
    runs: dict[str, _RunsShape]


class _RouteShape(Shape, frozen=True):
    title: str
    what: str
    status: str
    when: str
    cost: str
    targets: tuple[str, ...]
    source: str


def load_hosts(
    files: Files, sources: Mapping[str, Source], targets: Mapping[str, TargetRow]
) -> Hosts:
    """Read and validate both files. Raises ``TableError`` for a wrong row."""
    hosts = files.toml_tables(HOSTS, _HostShape)
    routes = files.toml_tables(ROUTES, _RouteShape)
    return Hosts(
        {key: _host(key, shape, sources, targets) for key, shape in hosts.items()},
        {key: _route(key, shape, sources, targets) for key, shape in routes.items()},
    )


def _host(
    key: str, shape: _HostShape, sources: Mapping[str, Source], targets: Mapping[str, TargetRow]
) -> HostRow:
    where = f"[{key}]"
    check_source(HOSTS, where, shape.source, sources)
    check_words(HOSTS, where, {"title": shape.title, "version": shape.version})
    check_targets(HOSTS, f"[{key}.runs]", shape.runs, targets)
    for target, runs in shape.runs.items():
        if runs.since or runs.since_source:
            check_source(HOSTS, f"[{key}.runs.{target}] since", runs.since_source, sources)
            check_words(HOSTS, f"[{key}.runs.{target}]", {"since": runs.since})
    rows = ((target, shape.runs[target]) for target in targets)
    return HostRow(
        id=key,
        title=shape.title,
        version=shape.version,
        as_of=sources[shape.source].as_of,
        kind=shape.kind,
        extensions=shape.extensions,
        short=shape.short,
        source=shape.source,
        runs={
            target: Runs(row.level, row.note, row.since, row.since_source) for target, row in rows
        },
    )


def _route(
    key: str, shape: _RouteShape, sources: Mapping[str, Source], targets: Mapping[str, TargetRow]
) -> RouteRow:
    where = f"[{key}]"
    check_source(ROUTES, where, shape.source, sources)
    words = {
        "title": shape.title,
        "what": shape.what,
        "status": shape.status,
        "when": shape.when,
        "cost": shape.cost,
    }
    check_words(ROUTES, where, words)
    for target in shape.targets:
        if target not in targets:
            raise complain(ROUTES, where, f"no target {target!r}")
    return RouteRow(key, **words, targets=shape.targets, source=shape.source)
