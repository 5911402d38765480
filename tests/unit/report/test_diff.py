"""Two reports compared."""

from __future__ import annotations

import io

import msgspec

from auditor.report.diff import diff
from auditor.report.table_diff import write


def shown(document):
    stream = io.StringIO()
    write(document, stream)
    return stream.getvalue()


def test_a_report_does_not_differ_from_itself(report):
    document = diff(report, report)
    assert document.findings == []
    assert {item.better for item in document.targets} == {None}
    assert "No finding changed." in shown(document)


def test_findings_are_new_worse_better_or_gone(changed, finding):
    before = changed(
        findings=[finding("note", path="/w"), finding("error", path="/b"), finding(path="/g")]
    )
    after = changed(
        findings=[finding("error", path="/w"), finding("note", path="/b"), finding(path="/n")]
    )
    document = diff(before, after)
    changes = [(item.change, item.component) for item in document.findings]
    assert changes == [
        ("new", "executable:/n"),
        ("worse", "executable:/w"),
        ("better", "executable:/b"),
        ("gone", "executable:/g"),
    ]
    assert "note → error" in shown(document)
    turned = diff(after, before)
    assert {item.change for item in turned.findings} == {"new", "worse", "better", "gone"}


def test_targets_are_better_by_verdict_then_by_score(changed):
    worse, better = changed(verdict="rearchitect", score=80), changed(verdict="adapt", score=60)
    assert diff(worse, better).targets[0].better is True
    assert diff(better, worse).targets[0].better is False
    assert diff(better, changed(verdict="adapt", score=61)).targets[0].better is True
    assert "rearchitect 80 → adapt 60" in shown(diff(worse, better))


def test_a_target_that_one_report_lacks_is_shown(report, changed):
    document = diff(changed(), report)
    lacking = {item.id for item in document.targets if item.verdict_before is None}
    assert lacking == {item.id for item in report.targets} - {"wasip1"}


def test_other_tables_are_said(report):
    tool = msgspec.structs.replace(report.tool, tables_digest="sha256:other")
    document = diff(report, msgspec.structs.replace(report, tool=tool))
    assert not document.same_tables
    assert "different tables" in shown(document)
