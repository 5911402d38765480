"""Whether a report meets what a pipeline asks of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec

from auditor.model.terms import Severity, Verdict
from auditor.report.select import check_targets
from auditor.report.wire import WireFinding, WireGate, WireReport, WireTarget

__all__ = ["Gate", "judge"]

_NAMED = 3
"""Findings that a reason names."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What is asked of each target; a gate that asks nothing is always met."""

    fail_on: Verdict | Severity | None = None
    """Not met by this, nor by anything worse."""
    min_score: int | None = None
    """0 to 100."""
    min_coverage: float | None = None
    """0 to 1."""
    baseline: WireReport | None = None
    """An earlier report: what stands in it is no reason. Alone, it asks that neither the verdict
    nor a finding of severity ``error`` is new or worse."""

    @property
    def conditions(self) -> list[str]:
        """The gate in the words of the command line."""
        asked = {
            "--fail-on": self.fail_on,
            "--min-score": self.min_score,
            "--min-coverage": self.min_coverage,
            "--baseline": self.baseline and self.baseline.image.reference,
        }
        return [f"{option} {value}" for option, value in asked.items() if value is not None]


def judge(report: WireReport, gate: Gate, targets: tuple[str, ...] = ()) -> WireReport:
    """The report with the outcome of a gate in it.

    Each of ``targets`` has to meet it; without any, the headline's has (DESIGN law 10). Raises
    ``UsageError`` for a target that the report does not speak of.
    """
    check_targets(report, targets)
    conditions = gate.conditions
    assessed = {target.id: target for target in report.targets}
    reasons: list[str] = []
    if conditions:
        for identifier in targets or (report.recommendation.target,):
            reasons += _Judge(report, gate, assessed[identifier]).reasons()
    outcome = WireGate(met=not reasons, reasons=reasons, conditions=conditions)
    return msgspec.structs.replace(report, gate=outcome)


@dataclass(frozen=True, slots=True)
class _Judge:
    report: WireReport
    gate: Gate
    target: WireTarget

    def reasons(self) -> list[str]:
        """Why one target does not meet the gate, most general first."""
        about = f"{self.target.id}: "
        return [f"{about}{reason}" for reason in (*self._verdict(), *self._figures(), *self._new())]

    @property
    def _before(self) -> WireTarget | None:
        if self.gate.baseline is None:
            return None
        return next(
            (item for item in self.gate.baseline.targets if item.id == self.target.id), None
        )

    def _verdict(self) -> Iterator[str]:
        verdict, before = Verdict(self.target.verdict), self._before
        worse = before is None or verdict.rank > Verdict(before.verdict).rank
        if not worse:
            return
        asked = self.gate.fail_on
        failing = isinstance(asked, Verdict) and verdict.rank >= asked.rank
        was = f", and was {before.verdict}" if before is not None else ""
        if verdict is Verdict.INSUFFICIENT_EVIDENCE:
            yield f"there is too little evidence for a verdict{was}"
        elif failing or (self._by_baseline_alone and before is not None):
            yield f"the verdict is {verdict}{was}"

    def _figures(self) -> Iterator[str]:
        score, coverage, before = self.target.score, self.target.coverage, self._before
        least = self.gate.min_score
        if least is not None and score < least and (before is None or score < before.score):
            yield f"the score is {score}, under {least}"
        share = self.gate.min_coverage
        if (
            share is not None
            and coverage < share
            and (before is None or coverage < before.coverage)
        ):
            yield f"the coverage is {coverage:g}, under {share:g}"

    def _new(self) -> Iterator[str]:
        severity = Severity.ERROR if self._by_baseline_alone else self.gate.fail_on
        if not isinstance(severity, Severity):
            return
        known = {item.id: item for item in self._baseline_findings()}
        counted = [
            item
            for item in self.report.findings
            if item.target == self.target.id
            and item.waiver is None
            and _rank(item) >= severity.rank
            and (item.id not in known or _rank(item) > _rank(known[item.id]))
        ]
        if counted:
            fresh = "new or worse " if self.gate.baseline is not None else ""
            noun = "finding" if len(counted) == 1 else "findings"
            above = "" if severity is Severity.ERROR else " or above"
            yield f"{len(counted)} {fresh}{noun} of severity {severity}{above}: {_names(counted)}"

    @property
    def _by_baseline_alone(self) -> bool:
        gate = self.gate
        others = (gate.fail_on, gate.min_score, gate.min_coverage)
        return gate.baseline is not None and all(value is None for value in others)

    def _baseline_findings(self) -> Iterable[WireFinding]:
        return self.gate.baseline.findings if self.gate.baseline is not None else ()


def _rank(finding: WireFinding) -> int:
    return Severity(finding.severity).rank


def _names(findings: list[WireFinding]) -> str:
    shown = [
        f"{item.rule} in {item.component.partition(':')[2] or item.component}"
        for item in findings[:_NAMED]
    ]
    more = len(findings) - _NAMED
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")
