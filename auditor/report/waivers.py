"""Findings that somebody accepted, with a reason and a last day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase

import msgspec

from auditor.report.phrases import path_of
from auditor.report.wire import WireFinding, WireReport, WireWaived

__all__ = ["Waiver", "waive"]


@dataclass(frozen=True, slots=True)
class Waiver:
    """What is accepted: a finding that matches every criterion given; globs but for the target."""

    reason: str
    rule: str | None = None
    component: str | None = None
    """Of the component's id (``executable:/usr/sbin/*``)."""
    package: str | None = None
    path: str | None = None
    """Of the component's path."""
    target: str | None = None
    expires: date | None = None
    """The last day on which it holds."""
    owner: str | None = None
    where: str = ""
    """Where it stands, for messages (``.auditor.toml, waiver 2``)."""

    def matches(self, finding: WireFinding) -> bool:
        """Whether it speaks of a finding; any piece of evidence may name the package."""
        packages = [item.package or "" for item in finding.evidence]
        criteria = (
            (self.rule, [finding.rule]),
            (self.component, [finding.component]),
            (self.package, packages),
            (self.path, [path_of(finding.component)]),
        )
        return (self.target is None or self.target == finding.target) and all(
            glob is None or any(fnmatchcase(name, glob) for name in names)
            for glob, names in criteria
        )


def waive(
    report: WireReport, waivers: Sequence[Waiver], today: date
) -> tuple[WireReport, list[str]]:
    """The report with its waived findings marked, and sentences about waivers that do nothing.

    A verdict and a score speak of the image, and stay. A waived finding stays in the JSON report,
    leaves SARIF and its like, and is no reason for a gate.
    """
    good = [item for item in waivers if item.expires is None or today <= item.expires]
    used: set[int] = set()
    findings: list[WireFinding] = []
    waived: list[WireWaived] = []
    for finding in report.findings:
        found = next((item for item in good if item.matches(finding)), None)
        used |= {number for number, item in enumerate(waivers) if item.matches(finding)}
        if found is not None:
            waived.append(_waived(finding, found))
        reason = found.reason if found is not None else None
        findings.append(msgspec.structs.replace(finding, waiver=reason))
    marked = msgspec.structs.replace(report, findings=findings, waived=waived)
    return marked, list(_idle(waivers, good, used))


def _waived(finding: WireFinding, waiver: Waiver) -> WireWaived:
    return WireWaived(
        finding=finding.id,
        reason=waiver.reason,
        expires=waiver.expires.isoformat() if waiver.expires is not None else None,
        owner=waiver.owner,
        where=waiver.where,
    )


def _idle(waivers: Sequence[Waiver], good: list[Waiver], used: set[int]) -> Iterable[str]:
    for number, item in enumerate(waivers):
        if number not in used:
            yield f"{item.where} ({item.reason}) matches no finding"
        elif item not in good:
            yield f"{item.where} ({item.reason}) expired on {item.expires}"
