"""Accepted findings: what matches, what stays, what leaves."""

from __future__ import annotations

import json
from datetime import date

import msgspec
import pytest

from auditor.model.terms import Severity
from auditor.report.formats import RENDERERS
from auditor.report.gate import Gate, judge
from auditor.report.waivers import Waiver, waive

TODAY = date(2026, 11, 23)


@pytest.fixture
def two(changed, finding):
    """A report with an error in nginx, of a package, and one elsewhere."""
    fact = msgspec.structs.replace(finding().evidence[0], package="nginx")
    nginx = finding(path="/usr/sbin/nginx", evidence=[fact])
    return changed(findings=[nginx, finding(rule="io.epoll", path="/app/run")])


def waived(report, **criteria):
    marked, idle = waive(report, [Waiver("accepted", where="w", **criteria)], TODAY)
    assert bool(marked.waived) != bool(idle)
    return [item.finding.rpartition(":")[2] for item in marked.waived]


@pytest.mark.parametrize(
    "criteria",
    [
        {"rule": "process.*"},
        {"component": "executable:/usr/*"},
        {"package": "ngin?"},
        {"path": "/usr/sbin/*"},
        {"path": "/usr/*", "rule": "process.fork", "target": "wasip1"},
        {"path": "/usr/*", "expires": TODAY},
    ],
)
def test_every_criterion_has_to_match(two, criteria):
    assert waived(two, **criteria) == ["/usr/sbin/nginx"]


@pytest.mark.parametrize(
    "criteria",
    [
        {"rule": "process"},
        {"path": "/usr/*", "target": "wasip2"},
        {"path": "/usr/*", "rule": "io.epoll"},
        {"package": "redis"},
    ],
)
def test_what_does_not_match_is_said_to_match_nothing(two, criteria):
    assert waived(two, **criteria) == []


def test_an_expired_waiver_does_nothing_and_is_said(two):
    old = Waiver("it was so", rule="process.*", expires=date(2026, 11, 22), where="file, waiver 1")
    marked, idle = waive(two, [old], TODAY)
    assert marked.waived == []
    assert idle == ["file, waiver 1 (it was so) expired on 2026-11-22"]


def test_a_waived_finding_stays_in_json_and_leaves_what_asks_for_work(two):
    marked, _ = waive(two, [Waiver("accepted", rule="process.*", owner="me", where="w")], TODAY)
    document = json.loads(RENDERERS["json"](marked))
    assert len(document["findings"]) == 2
    assert document["waived"][0]["reason"] == "accepted"
    assert document["waived"][0]["owner"] == "me"
    assert "accepted" in RENDERERS["csv"](marked)
    for name in ("sarif", "gitlab", "junit"):
        assert "io.epoll" in RENDERERS[name](marked)
        assert "process.fork" not in RENDERERS[name](marked)
    assert "1 finding is waived" in RENDERERS["markdown"](marked)


def test_a_waived_finding_is_no_reason_for_a_gate_and_the_verdict_stays(two):
    marked, _ = waive(two, [Waiver("accepted", rule="*", where="w")], TODAY)
    assert judge(marked, Gate(fail_on=Severity.NOTE)).gate.met
    assert marked.recommendation == two.recommendation
    assert marked.targets == two.targets
