"""The last step of a scan, and the whole of a second assessment: what-ifs, then the judgement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from auditor.assess import assess
from auditor.assess.replace import Way, replaced
from auditor.errors import UsageError
from auditor.model.assessment import Assessment
from auditor.model.graph import DependencyGraph
from auditor.model.inventory import Inventory
from auditor.model.terms import Support
from auditor.tables.hosts import HostRow, RunsLevel
from auditor.tables.rows import Tables

__all__ = ["Judged", "WhatIf", "check", "judge"]


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What the judgement is asked for."""

    targets: tuple[str, ...] = ()
    """Target ids; empty for all."""
    assume: Mapping[str, Support] = field(default_factory=dict)
    """Capability → the level that every target is taken to offer for it."""
    replace: Mapping[str, Way] = field(default_factory=dict)
    """Id, path or package of components → how they are replaced."""
    runtime: str | None = None
    """``wasmtime`` or ``wasmtime@36``: a host of ``hosts.toml``, and its version."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The judgement, and what it speaks of."""

    graph: DependencyGraph
    assessment: Assessment
    notes: tuple[str, ...]
    """What was asked for, in sentences."""


@dataclass(frozen=True, slots=True)
class _Narrowed:
    targets: tuple[str, ...]
    headline: frozenset[str] | None
    notes: tuple[str, ...]


def check(what: WhatIf, tables: Tables) -> None:
    """Raise ``UsageError`` where a name in it is not one that the tables know."""
    for target in what.targets:
        if target not in tables.targets:
            known = ", ".join(tables.targets)
            raise UsageError(f"there is no target {target!r}", hint=f"targets: {known}")
    for name in what.assume:
        if name not in tables.capabilities:
            near = ", ".join(get_close_matches(name, tables.capabilities))
            hint = f"near: {near}" if near else "auditor rules list shows all capabilities"
            raise UsageError(f"there is no capability {name!r}", hint=hint)
    _narrowed(what, tables)


def judge(inventory: Inventory, graph: DependencyGraph, tables: Tables, what: WhatIf) -> Judged:
    """Assess a graph under what-ifs. Raises ``UsageError`` for names that nothing has."""
    check(what, tables)
    narrowed = _narrowed(what, tables)
    ways = _components(what.replace, inventory, graph)
    if ways:
        graph = replaced(graph, ways)
    assessment = assess(
        inventory,
        graph,
        tables,
        targets=narrowed.targets,
        assume=what.assume,
        headline=narrowed.headline,
    )
    notes = (*narrowed.notes, *_assumed(what.assume), *_replaced(ways))
    return Judged(graph, assessment, notes)


def _assumed(assume: Mapping[str, Support]) -> tuple[str, ...]:
    if not assume:
        return ()
    levels = ", ".join(f"{name}={level}" for name, level in sorted(assume.items()))
    return (f"What if: every target is taken to offer {levels}.",)


_WAYS = {
    Way.WASM: "a WebAssembly build takes the place of",
    Way.NETWORK: "called over the network, in containers of their own:",
    Way.HOST: "an interface of the host takes the place of",
}


def _replaced(ways: Mapping[str, Way]) -> tuple[str, ...]:
    sentences = []
    for way, words in _WAYS.items():
        paths = sorted(item.partition(":")[2] for item, chosen in ways.items() if chosen is way)
        if paths:
            sentences.append(f"What if: {words} {', '.join(paths)}.")
    return tuple(sentences)


def _components(
    chosen: Mapping[str, Way], inventory: Inventory, graph: DependencyGraph
) -> dict[str, Way]:
    """Ids of reachable components by their id, path or package."""
    reached = [item for item in inventory.components if item.id in graph.roles]
    found: dict[str, Way] = {}
    for name, way in chosen.items():
        ids = [item.id for item in reached if name in {item.id, item.path, item.package}]
        if not ids:
            names = {item.path for item in reached} | {item.package or "" for item in reached}
            near = ", ".join(get_close_matches(name, sorted(names - {""})))
            hint = f"near: {near}" if near else "auditor scan -v lists what is reached, by path"
            raise UsageError(f"nothing that is reached is called {name!r}", hint=hint)
        found |= dict.fromkeys(ids, way)
    return found


def _narrowed(what: WhatIf, tables: Tables) -> _Narrowed:
    """The targets that a host of that version runs, among those asked for."""
    if what.runtime is None:
        return _Narrowed(what.targets, None, ())
    name, _, version = what.runtime.partition("@")
    host = tables.hosts.hosts.get(name)
    if host is None:
        known = ", ".join(tables.hosts.hosts)
        raise UsageError(f"there is no runtime {name!r}", hint=f"runtimes: {known}")
    if version and _number(version) is None:
        raise UsageError(
            f"--runtime {what.runtime!r}: {version!r} is no version", hint=f"write {name}@36"
        )
    levels = {target: _level(host, target, version) for target in tables.targets}
    asked = what.targets or tuple(tables.targets)
    runs = [target for target in asked if levels[target] in {RunsLevel.YES, RunsLevel.PARTIAL}]
    if not runs:
        all_runs = [item for item, level in levels.items() if level is RunsLevel.YES]
        hint = f"it runs {', '.join(all_runs)}" if all_runs else "auditor targets shows what does"
        what_runs = ", ".join(what.targets) or "any target"
        raise UsageError(f"{_title(host, version)} is not known to run {what_runs}", hint=hint)
    wholly = [target for target in runs if levels[target] is RunsLevel.YES]
    notes = tuple(_about(host, version, levels, asked, tables))
    return _Narrowed(tuple(runs), frozenset(wholly or runs), notes)


def _level(host: HostRow, target: str, version: str) -> RunsLevel:
    """What a host runs in a version: what is newer than it, it does not."""
    runs = host.runs[target]
    asked, known = _number(version), _number(host.version)
    positive = runs.level in {RunsLevel.YES, RunsLevel.PARTIAL}
    if asked is None or known is None or not positive or asked >= known[: len(asked)]:
        return runs.level
    since = _number(runs.since)
    if since is None:
        return RunsLevel.UNKNOWN
    return runs.level if asked >= since[: len(asked)] else RunsLevel.NO


def _number(version: str) -> tuple[int, ...] | None:
    words = version.partition(" ")[0].split(".")
    if not all(word.isascii() and word.isdigit() and len(word) < 10 for word in words):  # noqa: PLR2004
        return None
    return tuple(map(int, words))


def _title(host: HostRow, version: str) -> str:
    return f"{host.title} {version or host.version}"


def _about(
    host: HostRow,
    version: str,
    levels: Mapping[str, RunsLevel],
    asked: Iterable[str],
    tables: Tables,
) -> Iterable[str]:
    by: dict[RunsLevel, list[str]] = {level: [] for level in RunsLevel}
    for target in asked:
        since = host.runs[target].since
        later = f" (from {since})" if levels[target] is RunsLevel.NO and since else ""
        note = host.runs[target].note if levels[target] is RunsLevel.PARTIAL else ""
        by[levels[target]].append(f"{target}{later}" + (f" ({note})" if note else ""))
    parts = [
        f"{words} {', '.join(by[level])}"
        for level, words in (
            (RunsLevel.YES, "runs"),
            (RunsLevel.PARTIAL, "runs in part"),
            (RunsLevel.NO, "does not run"),
            (RunsLevel.UNKNOWN, "was not checked for"),
        )
        if by[level]
    ]
    source = tables.sources[host.source]
    yield f"{_title(host, version)} {'; '.join(parts)} ({source.title}, {host.as_of})."
    known, given = _number(host.version), _number(version)
    if given is not None and known is None:
        yield f"Versions of {host.title} are not told apart: the table knows {host.version}."
    elif given is not None and known is not None and given > known[: len(given)]:
        yield f"The table knows {host.title} {host.version}, which is older."
