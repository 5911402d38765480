"""The laws of the score, held by property tests; and its worked examples."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from auditor.assess.score import CAP_BLOCKED, ENOUGH, Unmet, evaluate, verdict_of
from auditor.assess.support import severity
from auditor.model.terms import Need, Severity, Support, Verdict

EFFORTS = (0, 1, 3, 5, 8, 13)


def unmet(capability, need=Need.ESSENTIAL, support=Support.NONE, effort=8):
    return Unmet(capability, need, support, severity(support, need), effort)


needs = st.builds(
    unmet,
    capability=st.sampled_from([f"c{i}" for i in range(12)]),
    need=st.sampled_from(Need),
    support=st.sampled_from([level for level in Support if level is not Support.FULL]),
    effort=st.sampled_from(EFFORTS),
)
lists = st.lists(needs, max_size=12, unique_by=lambda item: item.capability)
shares = st.floats(0, 1)


@given(lists, shares)
def test_deductions_add_up_to_what_is_missing_from_100(items, coverage):
    result = evaluate(items, coverage)
    assert sum(step.points for step in result.steps) == 100 - result.score
    assert all(step.points > 0 for step in result.steps)


@given(lists, shares)
def test_the_verdict_alone_is_that_of_the_whole(items, coverage):
    assert verdict_of(items, coverage) is evaluate(items, coverage).verdict


@given(lists, shares)
def test_the_score_lies_within_its_interval_and_bounds(items, coverage):
    result = evaluate(items, coverage)
    assert 0 <= result.low <= result.score <= result.high <= 100


@given(lists, needs, shares)
def test_one_more_need_never_raises_the_score_or_betters_the_verdict(items, extra, coverage):
    if extra.capability in {item.capability for item in items}:
        return
    before, after = evaluate(items, coverage), evaluate([*items, extra], coverage)
    assert after.score <= before.score
    assert after.high <= before.high
    assert after.effort >= before.effort
    if coverage >= ENOUGH:
        assert after.verdict.rank >= before.verdict.rank


@given(lists, shares, shares)
def test_knowing_less_only_widens_the_interval_downward(items, one, other):
    more, less = evaluate(items, max(one, other)), evaluate(items, min(one, other))
    assert less.high == more.high
    assert less.low <= more.low
    assert less.score <= more.score


@given(st.data(), lists, shares)
def test_the_order_of_input_has_no_effect(data, items, coverage):
    shuffled = data.draw(st.permutations(items))
    assert evaluate(items, coverage) == evaluate(shuffled, coverage)


@given(lists)
def test_an_absent_essential_capability_caps_score_and_verdict(items):
    result = evaluate([*items, unmet("blocker", effort=3)], 1.0)
    assert result.score <= CAP_BLOCKED
    assert result.verdict.rank >= Verdict.REARCHITECT.rank


@given(lists, st.floats(0, ENOUGH, exclude_max=True))
def test_too_little_coverage_gives_no_confident_number(items, coverage):
    result = evaluate(items, coverage)
    assert result.verdict is Verdict.INSUFFICIENT_EVIDENCE
    assert result.score == 0


def test_nothing_unmet_is_a_rebuild_at_100():
    assert evaluate([], 1.0).verdict is Verdict.REBUILD
    assert evaluate([], 1.0).score == 100


def test_wasm_that_a_target_meets_is_already_there_at_100():
    result = evaluate([], 1.0, wasm=True)
    assert (result.verdict, result.score) == (Verdict.ALREADY_WASM, 100)


def test_something_incidental_asks_for_an_adaptation_and_costs_little():
    result = evaluate([unmet("fs.permissions", Need.INCIDENTAL, effort=1)], 1.0)
    assert result.verdict is Verdict.ADAPT
    assert result.score >= 95


def test_two_rearchitectures_are_worth_less_than_the_container():
    result = evaluate([unmet("process.fork"), unmet("ipc.shm")], 1.0)
    assert result.verdict is Verdict.KEEP_IN_CONTAINER


def test_severity_follows_need_and_support():
    assert severity(Support.NONE, Need.ESSENTIAL) is Severity.ERROR
    assert severity(Support.STUB, Need.ESSENTIAL) is Severity.ERROR
    assert severity(Support.PARTIAL, Need.ESSENTIAL) is Severity.WARNING
    assert severity(Support.UNKNOWN, Need.ESSENTIAL) is Severity.WARNING
    assert severity(Support.NONE, Need.TYPICAL) is Severity.WARNING
    assert severity(Support.NONE, Need.INCIDENTAL) is Severity.NOTE
    assert severity(Support.EMULATED, Need.ESSENTIAL) is Severity.NOTE
