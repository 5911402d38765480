"""The tables themselves, counted and dated: what ``auditor tables`` shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from auditor.model.terms import Support
from auditor.report.wire import SCHEMA_VERSION
from auditor.tables.rows import Source, Tables

__all__ = ["WireTables", "tables_document"]


class WireTablesSource(msgspec.Struct, frozen=True):
    """Where facts were read."""

    id: str
    title: str
    url: str
    as_of: str
    licence: str
    attribution: str | None


class WireCounts(msgspec.Struct, frozen=True):
    """How many rows there are."""

    capabilities: int
    targets: int
    symbols: int
    aliases: int
    sources: int
    languages: int
    hosts: int
    apis: dict[str, int]
    """Language → names of its libraries that ask for something."""
    launchers: dict[str, int]
    """Language → programs that start applications in it."""
    syscalls: dict[str, int]
    """Architecture → system calls."""
    catalog: dict[str, int]
    """File of the catalogue → rows."""
    rows: int
    """All levels of capabilities, functions and system calls, over all targets."""


class WireTargetRows(msgspec.Struct, frozen=True):
    """A target's rows: level → number."""

    capabilities: dict[str, int]
    symbols: dict[str, int]
    symbols_without_row: int
    """Their level is the capability's."""
    syscalls: dict[str, int]


class WireTables(msgspec.Struct, frozen=True):
    """The whole document. ``age_days`` depends on the day, all else on the tables alone."""

    schema_version: str
    auditor: str
    digest: str
    as_of: str
    age_days: int
    stale: bool
    overlay: list[str]
    """Files that were put over the shipped ones."""
    counts: WireCounts
    targets: dict[str, WireTargetRows]
    oldest: WireTablesSource
    newest: WireTablesSource
    sources: list[WireTablesSource]


def tables_document(tables: Tables, *, version: str, age: int, stale: bool) -> WireTables:
    """The document; ``age`` is in days."""
    targets = {target: _rows(target, tables) for target in tables.targets}
    by_date = sorted(tables.sources.values(), key=lambda source: (source.as_of, source.id))
    return WireTables(
        schema_version=SCHEMA_VERSION,
        auditor=version,
        digest=tables.digest,
        as_of=tables.as_of,
        age_days=age,
        stale=stale,
        overlay=list(tables.overlay),
        counts=WireCounts(
            capabilities=len(tables.capabilities),
            targets=len(tables.targets),
            symbols=len(tables.symbols),
            aliases=len(tables.aliases),
            sources=len(tables.sources),
            languages=len(tables.languages),
            hosts=len(tables.hosts.hosts),
            apis={name: len(apis.rows) for name, apis in tables.apis.items()},
            launchers={name: len(rows) for name, rows in tables.launchers.items()},
            syscalls={arch: len(names) for arch, names in tables.syscalls.names.items()},
            catalog=dict(tables.catalog.counts()),
            rows=sum(
                sum(counts.values())
                for rows in targets.values()
                for counts in (rows.capabilities, rows.symbols, rows.syscalls)
            ),
        ),
        targets=targets,
        oldest=_source(by_date[0]),
        newest=_source(by_date[-1]),
        sources=[_source(source) for source in tables.sources.values()],
    )


def _rows(target: str, tables: Tables) -> WireTargetRows:
    levels = tables.symbol_levels[target]
    return WireTargetRows(
        capabilities=_counted(row.level for row in tables.capability_levels[target].values()),
        symbols=_counted(row.level for row in levels.values()),
        symbols_without_row=len(tables.symbols) - len(levels),
        syscalls=_counted(row.level for row in tables.syscalls.levels[target].values()),
    )


def _counted(levels: Iterable[Support]) -> dict[str, int]:
    counts = Counter(levels)
    return {level.value: counts[level] for level in Support}


def _source(source: Source) -> WireTablesSource:
    return msgspec.convert(source, WireTablesSource, from_attributes=True)
