"""Gates: what meets them, what does not, and why."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.errors import UsageError
from auditor.model.terms import Severity, Verdict
from auditor.report.gate import Gate, judge
from auditor.report.wire import WireReport


def reasons(report: WireReport, gate: Gate) -> list[str]:
    outcome = judge(report, gate).gate
    assert outcome.met == (not outcome.reasons)
    return outcome.reasons


def test_a_gate_that_asks_nothing_is_met(changed):
    outcome = judge(changed(verdict="insufficient-evidence", score=0), Gate()).gate
    assert outcome.met
    assert outcome.conditions == []


@pytest.mark.parametrize("asked", Verdict)
@pytest.mark.parametrize("verdict", Verdict)
def test_a_verdict_fails_on_itself_and_on_anything_worse(changed, asked, verdict):
    found = reasons(changed(verdict=verdict), Gate(fail_on=asked))
    assert bool(found) == (verdict.rank >= asked.rank)


@pytest.mark.parametrize(
    "gate", [Gate(min_score=0), Gate(min_coverage=0), Gate(fail_on=Severity.ERROR)]
)
def test_too_little_evidence_meets_no_gate(changed, gate):
    assert reasons(changed(verdict="insufficient-evidence"), gate) == [
        "wasip1: there is too little evidence for a verdict"
    ]


@pytest.mark.parametrize("asked", Severity)
@pytest.mark.parametrize("severity", Severity)
def test_a_severity_fails_on_itself_and_on_anything_worse(changed, finding, asked, severity):
    found = reasons(changed(findings=[finding(severity)]), Gate(fail_on=asked))
    assert bool(found) == (severity.rank >= asked.rank)


def test_the_reason_counts_and_names(changed, finding):
    many = [finding(path=f"/bin/{number}") for number in range(5)]
    (reason,) = reasons(changed(findings=many), Gate(fail_on=Severity.ERROR))
    assert reason == (
        "wasip1: 5 findings of severity error: process.fork in /bin/0, process.fork in /bin/1, "
        "process.fork in /bin/2 and 2 more"
    )


def test_scores_and_coverage_are_met_at_their_bound(changed):
    report = changed(score=60, coverage=0.8)
    assert reasons(report, Gate(min_score=60, min_coverage=0.8)) == []
    assert reasons(report, Gate(min_score=61, min_coverage=0.81)) == [
        "wasip1: the score is 60, under 61",
        "wasip1: the coverage is 0.8, under 0.81",
    ]


def test_what_the_baseline_holds_is_no_reason(changed, finding):
    before = changed(verdict="rearchitect", score=30, findings=[finding("warning")])
    gate = Gate(fail_on=Verdict.ADAPT, min_score=50, baseline=before)
    assert reasons(before, gate) == []
    assert reasons(before, Gate(fail_on=Severity.WARNING, baseline=before)) == []


def test_what_is_new_or_worse_than_the_baseline_is_a_reason(changed, finding):
    before = changed(verdict="adapt", score=60, findings=[finding("warning")])
    after = changed(verdict="rearchitect", score=40, findings=[finding(), finding(path="/b")])
    (reason,) = reasons(after, Gate(fail_on=Severity.WARNING, baseline=before))
    assert reason == (
        "wasip1: 2 new or worse findings of severity warning or above: process.fork in "
        "/usr/bin/app, process.fork in /b"
    )
    assert reasons(after, Gate(fail_on=Verdict.REARCHITECT, min_score=50, baseline=before)) == [
        "wasip1: the verdict is rearchitect, and was adapt",
        "wasip1: the score is 40, under 50",
    ]


def test_a_baseline_alone_asks_for_no_worse_verdict_and_no_new_error(changed, finding):
    before = changed(verdict="adapt", findings=[finding("note")])
    assert reasons(changed(findings=[finding("warning")]), Gate(baseline=before)) == []
    assert reasons(changed(verdict="rearchitect", findings=[finding()]), Gate(baseline=before)) == [
        "wasip1: the verdict is rearchitect, and was adapt",
        "wasip1: 1 new or worse finding of severity error: process.fork in /usr/bin/app",
    ]


def test_every_target_that_is_named_has_to_meet_it(report):
    gate = Gate(min_score=100)
    named = ("wasip1", "core")
    found = judge(report, gate, named).gate.reasons
    assert {reason.partition(":")[0] for reason in found} == {
        item.id for item in report.targets if item.id in named and item.score < 100
    }


def test_a_target_that_was_not_assessed_is_said(report):
    with pytest.raises(UsageError, match="the report does not speak of 'wasip9'"):
        judge(report, Gate(min_score=1), ("wasip9",))


@given(score=st.integers(0, 100), least=st.integers(0, 100), more=st.integers(0, 100))
def test_asking_more_never_meets_more(changed, score, least, more):
    lower, higher = sorted((least, more))
    if judge(changed(score=score), Gate(min_score=higher)).gate.met:
        assert judge(changed(score=score), Gate(min_score=lower)).gate.met
