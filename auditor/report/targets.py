"""The platforms that verdicts are given for: what ``auditor targets`` shows."""

from __future__ import annotations

from collections import Counter

import msgspec

from auditor.model.terms import Support
from auditor.report.wire import SCHEMA_VERSION
from auditor.tables.rows import Tables, TargetRow

__all__ = ["WireTargetList", "WireTargetRow", "target_list"]


class WireHost(msgspec.Struct, frozen=True):
    """A program that runs a target's binaries, wholly or in part."""

    id: str
    title: str
    version: str
    kind: str
    runs: str
    note: str
    short: list[str]
    """Where it falls short."""
    as_of: str


class WireTargetRow(msgspec.Struct, frozen=True):
    """One target."""

    id: str
    title: str
    summary: str
    headline: bool
    runtimes: list[str]
    hosts: list[WireHost]
    toolchain: str
    levels: dict[str, int]
    """Level → number of capabilities at it; every level is there."""
    source: str
    url: str
    as_of: str


class WireRoute(msgspec.Struct, frozen=True):
    """A way to WebAssembly that is no target of a verdict."""

    id: str
    title: str
    what: str
    status: str
    when: str
    cost: str
    targets: list[str]
    source: str


class WireTargetList(msgspec.Struct, frozen=True):
    """All targets, and routes beside them."""

    schema_version: str
    tables_as_of: str
    targets: list[WireTargetRow]
    routes: list[WireRoute]


def target_list(tables: Tables) -> WireTargetList:
    """Every target, in the order in which reports show them."""
    return WireTargetList(
        schema_version=SCHEMA_VERSION,
        tables_as_of=tables.as_of,
        targets=[_target(row, tables) for row in tables.targets.values()],
        routes=[
            WireRoute(
                id=row.id,
                title=row.title,
                what=row.what,
                status=row.status,
                when=row.when,
                cost=row.cost,
                targets=list(row.targets),
                source=row.source,
            )
            for row in tables.hosts.routes.values()
        ],
    )


def _target(row: TargetRow, tables: Tables) -> WireTargetRow:
    counts = Counter(item.level for item in tables.capability_levels[row.id].values())
    source = tables.sources[row.source]
    return WireTargetRow(
        id=row.id,
        title=row.title,
        summary=row.summary,
        headline=row.headline,
        runtimes=list(row.runtimes),
        hosts=[
            WireHost(
                id=host.id,
                title=host.title,
                version=host.version,
                kind=host.kind.value,
                runs=host.runs[row.id].level.value,
                note=host.runs[row.id].note,
                short=list(host.short),
                as_of=host.as_of,
            )
            for host in tables.hosts.running(row.id)
        ],
        toolchain=row.toolchain,
        levels={level.value: counts[level] for level in Support},
        source=source.id,
        url=source.url,
        as_of=source.as_of,
    )
