"""A report cut to some of its targets."""

from __future__ import annotations

import msgspec

from auditor.errors import UsageError
from auditor.model.terms import Verdict
from auditor.report.wire import WireReport, WireTarget

__all__ = ["check_targets", "only"]


def only(report: WireReport, targets: tuple[str, ...]) -> WireReport:
    """The report about ``targets`` alone; the best of them is recommended.

    The sentences of the headline stay where it is among them. Raises ``UsageError`` for a target
    that the report does not speak of.
    """
    check_targets(report, targets)
    findings = [item for item in report.findings if item.target in targets]
    split = report.split
    kept_ids = {item.id for item in findings}
    kept = [target for target in report.targets if target.id in targets]
    recommendation = report.recommendation
    if recommendation.target not in targets:
        best = min(kept, key=_preference)
        recommendation = msgspec.structs.replace(
            recommendation,
            target=best.id,
            verdict=best.verdict,
            route=best.verdict,
            summary=f"On {best.title}, the verdict is {best.verdict} with a score of {best.score}.",
            next_step=f"Scan with --target {best.id} for what to do next.",
        )
    return msgspec.structs.replace(
        report,
        targets=kept,
        recommendation=recommendation,
        findings=findings,
        split=split if split is not None and split.target in targets else None,
        unblock_sets=[item for item in report.unblock_sets if item.target in targets],
        manifests=[item for item in report.manifests if item.target in targets],
        waived=[item for item in report.waived if item.finding in kept_ids],
    )


def check_targets(report: WireReport, targets: tuple[str, ...]) -> None:
    """Raise ``UsageError`` for a target that the report does not speak of."""
    assessed = [target.id for target in report.targets]
    for identifier in targets:
        if identifier not in assessed:
            raise UsageError(
                f"the report does not speak of {identifier!r}",
                hint=f"its targets: {', '.join(assessed)}",
            )


def _preference(target: WireTarget) -> tuple[int, int, str]:
    return (Verdict(target.verdict).rank, -target.score, target.id)
