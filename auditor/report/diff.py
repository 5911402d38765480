"""What changed between two reports."""

from __future__ import annotations

import msgspec

from auditor.model.terms import Severity, Verdict
from auditor.report.wire import SCHEMA_VERSION, WireFinding, WireReport, WireTarget

__all__ = ["WireChangedFinding", "WireChangedTarget", "WireDiff", "diff"]


class WireChangedTarget(msgspec.Struct, frozen=True):
    """One target before and after; ``None`` where a report does not speak of it."""

    id: str
    verdict_before: str | None
    verdict_after: str | None
    score_before: int | None
    score_after: int | None
    better: bool | None
    """By verdict, then by score; ``None`` where neither changed or one is missing."""


class WireChangedFinding(msgspec.Struct, frozen=True):
    """A finding that is new, gone, or of another severity."""

    id: str
    change: str
    """``new``, ``worse``, ``better`` or ``gone``."""
    capability: str
    component: str
    target: str
    severity_before: str | None
    severity_after: str | None
    evidence: list[str]
    """What shows it, in the report that has it."""


class WireDiff(msgspec.Struct, frozen=True):
    """The whole comparison."""

    schema_version: str
    before: str
    """The image of the first report, by its reference."""
    after: str
    same_tables: bool
    """Otherwise a change may come from newer tables rather than from the image."""
    targets: list[WireChangedTarget]
    findings: list[WireChangedFinding]


_ORDER = ("new", "worse", "better", "gone")


def diff(before: WireReport, after: WireReport) -> WireDiff:
    """Findings are the same where rule, component and target are; sorted, what is worse first."""
    old, new = ({item.id: item for item in report.findings} for report in (before, after))
    changes = [_finding(old.get(key), new.get(key)) for key in {*old, *new}]
    targets = {item.id: item for item in before.targets}, {item.id: item for item in after.targets}
    return WireDiff(
        schema_version=SCHEMA_VERSION,
        before=before.image.reference,
        after=after.image.reference,
        same_tables=before.tool.tables_digest == after.tool.tables_digest,
        targets=[
            _target(key, targets[0].get(key), targets[1].get(key))
            for key in dict.fromkeys((*targets[1], *targets[0]))
        ],
        findings=sorted((item for item in changes if item is not None), key=_key),
    )


def _key(item: WireChangedFinding) -> tuple[int, int, str]:
    severity = Severity(item.severity_after or item.severity_before or Severity.NOTE)
    return (_ORDER.index(item.change), -severity.rank, item.id)


def _target(key: str, before: WireTarget | None, after: WireTarget | None) -> WireChangedTarget:
    better = None
    if before is not None and after is not None:
        ranks = [(Verdict(item.verdict).rank, -item.score) for item in (before, after)]
        better = None if ranks[0] == ranks[1] else ranks[1] < ranks[0]
    return WireChangedTarget(
        id=key,
        verdict_before=before.verdict if before is not None else None,
        verdict_after=after.verdict if after is not None else None,
        score_before=before.score if before is not None else None,
        score_after=after.score if after is not None else None,
        better=better,
    )


def _finding(before: WireFinding | None, after: WireFinding | None) -> WireChangedFinding | None:
    known = after or before
    if known is None or (before and after and before.severity == after.severity):
        return None
    if before is None:
        change = "new"
    elif after is None:
        change = "gone"
    else:
        worse = Severity(after.severity).rank > Severity(before.severity).rank
        change = "worse" if worse else "better"
    return WireChangedFinding(
        id=known.id,
        change=change,
        capability=known.capability,
        component=known.component,
        target=known.target,
        severity_before=before.severity if before is not None else None,
        severity_after=after.severity if after is not None else None,
        evidence=[item.detail for item in known.evidence],
    )
