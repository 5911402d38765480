"""What one target offers for one ask: the sharpest row that the tables have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from auditor.assess.asks import Ask
from auditor.model.assessment import EvidenceKind, TableRow
from auditor.model.terms import Need, Severity, Support
from auditor.tables.catalog import MODULES, ModuleState
from auditor.tables.languages import LanguageLevel
from auditor.tables.rows import SupportRow, Tables, TargetRow

__all__ = ["Offer", "Offers", "severity"]


@dataclass(frozen=True, slots=True)
class Offer:
    """A support level, the row it was read from, and the flags it takes."""

    level: Support
    row: TableRow
    flags: tuple[str, ...] = ()
    effort: int | None = None
    """Points for making do with it, where these are not the capability's own."""


_JUDGEMENT = "judgement"
"""Id of the source of what nobody wrote down."""


class Offers:
    """Looks asks up in the tables, each once: many components ask for the same."""

    def __init__(self, tables: Tables, assume: Mapping[str, Support]) -> None:
        self.tables = tables
        self._assume = assume
        self._known: dict[tuple[str, EvidenceKind, str, str, str | None], Offer] = {}

    def find(self, ask: Ask, target: TargetRow) -> Offer:
        """A function's own row first, its capability's otherwise."""
        key = (target.id, ask.kind, ask.detail, ask.capability, ask.language)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._look_up(ask, target)
        return known

    def _look_up(self, ask: Ask, target: TargetRow) -> Offer:
        if ask.capability in self._assume:
            return Offer(
                self._assume[ask.capability],
                TableRow("--assume", ask.capability, _JUDGEMENT, self.tables.as_of, "assumed"),
            )
        if ask.kind is EvidenceKind.WASM_IMPORT:
            return _of_import(ask, target, self.tables)
        if ask.kind is EvidenceKind.RUNTIME:
            return _of_runtime(ask, target, self.tables)
        if ask.kind is EvidenceKind.MODULE:
            return _of_module(ask, target, self.tables)
        if ask.kind is EvidenceKind.SYSCALL:
            return _of_syscall(ask, target, self.tables)
        imported = ask.kind is EvidenceKind.IMPORT
        row = self.tables.symbol_support(target.id, ask.detail) if imported else None
        return _from_row(row or self._general(ask, target))

    def _general(self, ask: Ask, target: TargetRow) -> SupportRow:
        """A capability's row: the target's, unless what builds the language has one instead."""
        language = self.tables.languages.get(ask.language or "")
        instead = language.instead.get(target.id, {}) if language is not None else {}
        return (
            instead.get(ask.capability) or self.tables.capability_levels[target.id][ask.capability]
        )


def severity(support: Support, need: Need) -> Severity:
    """How much one unmet need weighs (DESIGN.md, "Severity")."""
    if need is Need.INCIDENTAL or support in {Support.FULL, Support.FLAGS, Support.EMULATED}:
        return Severity.NOTE
    if need is Need.ESSENTIAL and support.absent:
        return Severity.ERROR
    return Severity.WARNING


def _from_row(row: SupportRow) -> Offer:
    table = TableRow(row.file, row.key, row.source, row.as_of, row.note)
    return Offer(row.level, table, row.flags)


_RUNTIMES = {
    LanguageLevel.SUPPORTED: Support.EMULATED,
    LanguageLevel.EXPERIMENTAL: Support.PARTIAL,
    LanguageLevel.FORK: Support.PARTIAL,
    LanguageLevel.COMMUNITY: Support.PARTIAL,
    LanguageLevel.UNSUPPORTED: Support.NONE,
    LanguageLevel.UNKNOWN: Support.UNKNOWN,
}
"""A swapped runtime is never full support: the program has to be tried on it. That of a compiled
program is linked into it, and so is another matter."""
_SWAP = 3
"""Points for a build of the runtime that is there: the program is tried on it, and adapted."""
_MODULES = {
    ModuleState.MISSING: Support.NONE,
    ModuleState.UNKNOWN: Support.UNKNOWN,
}
"""What loading a module comes to; one that is broken or limited can be loaded."""
_LIKE = {"wasip2": "wasip1", "wasip3": "wasip1", "wasi-http": "wasip1"}
"""Targets whose CPython is another's, built for components by other hands (componentize-py):
what is missing there may be missing here."""


def _of_runtime(ask: Ask, target: TargetRow, tables: Tables) -> Offer:
    """The target's build of the runtime that runs the program."""
    language = tables.languages.get(ask.detail)
    if language is None:
        return _from_row(tables.capability_levels[target.id][ask.capability])
    row = language.targets[target.id]
    note = f"{row.toolchain}; {row.note}" if row.toolchain else row.note
    table = TableRow("languages.toml", f"{ask.detail}.{target.id}", row.source, row.as_of, note)
    level = _RUNTIMES[row.level]
    if row.level is LanguageLevel.SUPPORTED and tables.is_compiled(ask.detail):
        level = Support.FULL  # nothing is swapped: the program is built for the target
    return Offer(level, table, effort=None if level.absent or level is Support.FULL else _SWAP)


def _of_module(ask: Ask, target: TargetRow, tables: Tables) -> Offer:
    """A module of a language's own library, where the target's build has it or lacks it."""
    base = _LIKE.get(target.id, target.id)
    known = tables.catalog.python_module(ask.detail, base) if ask.language == "python" else ()
    rows = [row for row in known if row.state in _MODULES]
    if not rows:
        row = tables.capability_levels[target.id][ask.capability]
        note = "the target's build of the runtime has the module"
        table = TableRow(row.file, row.key, row.source, row.as_of, note)
        return Offer(Support.FULL, table)
    module = max(rows, key=lambda row: _MODULES[row.state].rank)
    level, note = _MODULES[module.state], module.note or f"{module.module} is {module.state}"
    if base != target.id:
        level, note = Support.UNKNOWN, f"on {base}: {note}; not checked here"
    table = TableRow(MODULES, module.module, module.source, module.as_of, note)
    return Offer(level, table)


def _of_syscall(ask: Ask, target: TargetRow, tables: Tables) -> Offer:
    """The call's own row, unless its arguments made it ask for something else."""
    row = tables.syscalls.row(ask.detail)
    if row is not None and row.capability == ask.capability:
        return _from_row(tables.syscalls.support(target.id, ask.detail))
    return _from_row(tables.capability_levels[target.id][ask.capability])


def _of_import(ask: Ask, target: TargetRow, tables: Tables) -> Offer:
    """A WebAssembly import is there where the target's interface has its module."""
    module, _, function = ask.detail.partition("#")

    def offered_by(row: TargetRow) -> bool:
        known = not row.import_functions or function in row.import_functions
        return known and any(fnmatchcase(module, pattern) for pattern in row.import_modules)

    if offered_by(target):
        level, note = Support.FULL, ""
    elif any(offered_by(tables.targets[origin]) for origin in target.adapter_from):
        level, note = Support.PARTIAL, "through an adapter"
    else:
        level, note = Support.NONE, f"{target.title} has no {ask.detail!r}"
    source = tables.sources[target.source]
    file = f"targets/{target.id}.toml"
    return Offer(level, TableRow(file, "import_modules", target.source, source.as_of, note))
