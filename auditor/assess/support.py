"""What one target offers for one ask: the sharpest row that the tables have."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from auditor.assess.asks import Ask
from auditor.model.assessment import EvidenceKind, TableRow
from auditor.model.terms import Need, Severity, Support
from auditor.tables.rows import SupportRow, Tables, TargetRow

__all__ = ["Offer", "Offers", "severity"]


@dataclass(frozen=True, slots=True)
class Offer:
    """A support level, the row it was read from, and the flags it takes."""

    level: Support
    row: TableRow
    flags: tuple[str, ...] = ()


class Offers:
    """Looks asks up in the tables, each once: many components ask for the same."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self._known: dict[tuple[str, EvidenceKind, str, str], Offer] = {}

    def find(self, ask: Ask, target: TargetRow) -> Offer:
        """A function's own row first, its capability's otherwise."""
        key = (target.id, ask.kind, ask.detail, ask.capability)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._look_up(ask, target)
        return known

    def _look_up(self, ask: Ask, target: TargetRow) -> Offer:
        if ask.kind is EvidenceKind.WASM_IMPORT:
            return _of_import(ask, target, self.tables)
        imported = ask.kind is EvidenceKind.IMPORT
        row = self.tables.symbol_support(target.id, ask.detail) if imported else None
        return _from_row(row or self.tables.capability_levels[target.id][ask.capability])


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
