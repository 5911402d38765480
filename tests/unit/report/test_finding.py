"""One finding explained."""

from __future__ import annotations

import io

import pytest

from auditor.errors import UsageError
from auditor.report.fingerprint import fingerprint
from auditor.report.table_finding import find, write


def test_a_finding_is_found_by_id_and_by_fingerprint(report):
    for finding in report.findings:
        assert find(report, finding.id) is finding
        assert find(report, fingerprint(finding)[:16].upper()) is finding


@pytest.mark.parametrize("name", ["wasip1:process.frok:/usr/bin/app", "abc", "deadbeef0", ""])
def test_what_is_no_finding_is_said_with_names_that_come_near(changed, finding, name):
    with pytest.raises(UsageError) as caught:
        find(changed(findings=[finding()]), name)
    assert caught.value.exit_code == 64
    if "frok" in name:
        assert caught.value.hint == "near: wasip1:process.fork:/usr/bin/app"


def test_the_way_the_facts_and_the_row_are_shown(report):
    finding = report.findings[0]
    stream = io.StringIO()
    write(finding, report, stream)
    text = stream.getvalue()
    for part in ("The way there", "Evidence", "What helps: ", finding.table.file, "https://"):
        assert part in text
    for fact in finding.evidence:
        assert fact.detail in text
