"""Capabilities and functions in full: what ``auditor rules`` shows."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

import msgspec

from auditor.errors import UsageError
from auditor.report.wire import SCHEMA_VERSION
from auditor.tables.rows import CapabilityRow, SupportRow, SymbolRow, Tables

__all__ = ["EFFORTS", "WireRule", "WireRuleList", "rule", "rule_list"]

EFFORTS = {
    0: "nothing to do",
    1: "a flag",
    3: "a local change",
    5: "redesign of a part",
    8: "re-architecture",
    13: "not known, counted as more than a re-architecture",
}
"""What the points of an effort stand for."""
_FUNCTIONS_NAMED = 20
_NAMES_NAMED = 6
_NEAR = 5


class WireRuleLine(msgspec.Struct, frozen=True):
    """A capability in one line."""

    capability: str
    title: str
    need: str
    effort: int
    levels: dict[str, str]
    """Target → level."""


class WireRuleList(msgspec.Struct, frozen=True):
    """All capabilities."""

    schema_version: str
    tables_as_of: str
    rules: list[WireRuleLine]


class WireLevel(msgspec.Struct, frozen=True):
    """What one target offers."""

    target: str
    title: str
    level: str
    note: str
    flags: list[str]
    source: str
    as_of: str


class WireFunctions(msgspec.Struct, frozen=True):
    """Names that fall under a capability: functions of the C library, or of a language's."""

    count: int
    first: list[str]


class WireFunction(msgspec.Struct, frozen=True):
    """A libc function that was asked for."""

    name: str
    canonical: str
    """The name that its rows stand under."""
    need: str
    source: str
    levels: list[WireLevel]
    """A target that has no row for it is left out: there the capability's level counts."""


class WireRuleSource(msgspec.Struct, frozen=True):
    """A source that one of the rows names."""

    id: str
    title: str
    url: str
    as_of: str


class WireRule(msgspec.Struct, frozen=True):
    """One capability in full."""

    schema_version: str
    capability: str
    title: str
    summary: str
    why: str
    remedy: str
    interface: str | None
    need: str
    need_reason: str | None
    """Why, where it was judged; ``None`` where it was measured."""
    effort: int
    effort_meaning: str
    source: str
    levels: list[WireLevel]
    functions: WireFunctions
    function: WireFunction | None
    apis: dict[str, WireFunctions]
    """Language → names of its libraries whose use asks for the capability."""
    sources: list[WireRuleSource]


def rule_list(tables: Tables) -> WireRuleList:
    """Every capability, in the order of the tables."""
    return WireRuleList(
        SCHEMA_VERSION,
        tables.as_of,
        [
            WireRuleLine(
                capability=row.name,
                title=row.title,
                need=row.need.value,
                effort=row.effort,
                levels={
                    target: tables.capability_levels[target][row.name].level.value
                    for target in tables.targets
                },
            )
            for row in tables.capabilities.values()
        ],
    )


def rule(name: str, tables: Tables) -> WireRule:
    """A capability by its name, or by a libc function that asks for it.

    Raises ``UsageError`` with names that come near for any other name.
    """
    symbol = None
    row = tables.capabilities.get(name)
    if row is None:
        symbol = tables.symbol(name)
        if symbol is None:
            raise _unknown(name, tables)
        row = tables.capabilities[symbol.capability]
    levels = [
        _level(target, tables.capability_levels[target][row.name], tables)
        for target in tables.targets
    ]
    function = _function(name, symbol, tables) if symbol is not None else None
    return WireRule(
        schema_version=SCHEMA_VERSION,
        capability=row.name,
        title=row.title,
        summary=row.summary,
        why=row.why,
        remedy=row.remedy,
        interface=row.interface,
        need=row.need.value,
        need_reason=row.reason,
        effort=row.effort,
        effort_meaning=EFFORTS[row.effort],
        source=row.source,
        levels=levels,
        functions=_functions(row, tables),
        function=function,
        apis=_apis(row, tables),
        sources=_sources(row, levels, function, tables),
    )


def _level(target: str, row: SupportRow, tables: Tables) -> WireLevel:
    return WireLevel(
        target=target,
        title=tables.targets[target].title,
        level=row.level.value,
        note=row.note,
        flags=list(row.flags),
        source=row.source,
        as_of=row.as_of,
    )


def _functions(row: CapabilityRow, tables: Tables) -> WireFunctions:
    """Names that people write come first; those of an implementation start with ``_``."""
    names = [symbol.name for symbol in tables.symbols.values() if symbol.capability == row.name]
    names.sort(key=lambda name: (name.startswith("_"), name))
    return WireFunctions(len(names), names[:_FUNCTIONS_NAMED])


def _apis(row: CapabilityRow, tables: Tables) -> dict[str, WireFunctions]:
    found: dict[str, WireFunctions] = {}
    for language, apis in tables.apis.items():
        names = [
            name
            for name, rows in apis.rows.items()
            if any(api.capability == row.name for api in rows)
        ]
        if names:
            names.sort(key=lambda name: (name.startswith("_"), name))
            found[language] = WireFunctions(len(names), names[:_NAMES_NAMED])
    return found


def _function(name: str, symbol: SymbolRow, tables: Tables) -> WireFunction:
    rows = ((target, tables.symbol_support(target, name)) for target in tables.targets)
    return WireFunction(
        name=name,
        canonical=symbol.name,
        need=symbol.need.value,
        source=symbol.source,
        levels=[_level(target, row, tables) for target, row in rows if row is not None],
    )


def _sources(
    row: CapabilityRow,
    levels: Iterable[WireLevel],
    function: WireFunction | None,
    tables: Tables,
) -> list[WireRuleSource]:
    named = {row.source, *(level.source for level in levels)}
    if function is not None:
        named |= {function.source, *(level.source for level in function.levels)}
    return [
        WireRuleSource(source.id, source.title, source.url, source.as_of)
        for source in (tables.sources[name] for name in sorted(named))
    ]


def _unknown(name: str, tables: Tables) -> UsageError:
    capabilities = difflib.get_close_matches(name, tables.capabilities, n=_NEAR)
    parts = [item for item in tables.capabilities if name in item.split(".")]
    functions = difflib.get_close_matches(name, [*tables.symbols, *tables.aliases], n=_NEAR)
    near = list(dict.fromkeys([*parts, *capabilities, *functions]))[:_NEAR]
    also = f"near: {', '.join(near)}; " if near else ""
    return UsageError(
        f"there is no capability and no function of the C library named {name!r}",
        hint=f"{also}auditor rules list shows all capabilities",
    )
