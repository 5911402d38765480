"""What the page's template shows and has not to work out itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from auditor.report.phrases import findings_of
from auditor.report.wire import (
    WireCapability,
    WireFinding,
    WirePackage,
    WireReport,
    WireSource,
    WireTarget,
    WireUnknown,
)

__all__ = [
    "FACTS",
    "SHOWN",
    "PackageView",
    "TargetView",
    "capabilities",
    "packages",
    "sources",
    "targets",
    "unknowns",
]

SHOWN = 25
"""Findings of one severity that a target's section shows; the graph has all."""
FACTS = 12
"""Evidence that a finding shows there."""
_NAMED = 2
_LEVELS = ("full", "flags", "emulated", "partial", "unknown", "stub", "none")
"""Best first, as in ``auditor.model.terms.Support``."""


@dataclass(frozen=True, slots=True)
class TargetView:
    """A target's row, and its section."""

    target: WireTarget
    chosen: bool
    counts: tuple[tuple[str, int], ...]
    """Severity → findings that are not waived."""
    most: str
    """The capabilities that cost the most points."""
    blockers: Sequence[WireFinding]
    """Worst first, at most ``SHOWN``; some may be warnings."""
    warnings: Sequence[WireFinding]
    """The others."""
    more_blockers: int
    more_warnings: int


@dataclass(frozen=True, slots=True)
class PackageView:
    """A package and how much of it is reached."""

    package: WirePackage
    reached: int
    """Components of it that the entrypoint leads to."""


def targets(report: WireReport) -> list[TargetView]:
    """Every target, in the report's order."""
    by_id = {finding.id: finding for finding in report.findings}
    views = []
    for target in report.targets:
        findings = findings_of(report, target.id)
        counts = Counter(item.severity for item in findings)
        blockers = [by_id[item] for item in target.blockers if item in by_id]
        told = set(target.blockers)
        warnings = [i for i in findings if i.severity == "warning" and i.id not in told]
        views.append(
            TargetView(
                target=target,
                chosen=target.id == report.recommendation.target,
                counts=tuple((name, counts[name]) for name in ("error", "warning", "note")),
                most=_most(target),
                blockers=blockers[:SHOWN],
                warnings=warnings[:SHOWN],
                more_blockers=max(len(blockers) - SHOWN, 0),
                more_warnings=max(len(warnings) - SHOWN, 0),
            )
        )
    return views


def capabilities(report: WireReport) -> tuple[list[WireCapability], list[WireCapability]]:
    """Capabilities that some target lacks or has in part, worst first; and the rest, by name."""

    def lack(item: WireCapability) -> int:
        return sum(_LEVELS.index(level) for level in item.support.values() if level in _LEVELS)

    lacking = [item for item in report.capabilities if lack(item)]
    rest = [item for item in report.capabilities if not lack(item)]
    return sorted(lacking, key=lambda item: (-lack(item), item.name)), rest


def packages(report: WireReport) -> list[PackageView]:
    """Packages, those with the most reached components first."""
    reached = Counter(item.package for item in report.components if item.reach != "present")
    views = [PackageView(item, reached[item.name]) for item in report.packages]
    return sorted(views, key=lambda view: (-view.reached, view.package.name, view.package.version))


def unknowns(report: WireReport) -> tuple[list[WireUnknown], list[WireUnknown]]:
    """What is not known of what counts, and of what the entrypoint does not lead to."""
    reached = {item.id for item in report.components if item.reach != "present"}
    near: list[WireUnknown] = []
    far: list[WireUnknown] = []
    for item in report.unknowns:
        about = item.stage == "packages" or item.component in reached
        (near if about else far).append(item)
    return near, far


def sources(report: WireReport) -> dict[str, WireSource]:
    """Source id → source."""
    return {item.id: item for item in report.sources}


def _most(target: WireTarget) -> str:
    names = [item.capability for item in target.deductions if item.capability is not None]
    more = [f"+{len(names) - _NAMED}"] if len(names) > _NAMED else []
    return ", ".join([*names[:_NAMED], *more])
