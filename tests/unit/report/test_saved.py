"""Reports read back."""

from __future__ import annotations

import io
import json
import sys
from types import SimpleNamespace

import pytest

from auditor.errors import ReportError
from auditor.report.json import render
from auditor.report.saved import read_report


def test_a_report_comes_back_as_it_was(report, tmp_path):
    file = tmp_path / "report.json"
    file.write_text(render(report))
    assert render(read_report(str(file))) == render(report)


def test_a_dash_is_standard_input(report, monkeypatch):
    stream = SimpleNamespace(buffer=io.BytesIO(render(report).encode()))
    monkeypatch.setattr(sys, "stdin", stream)
    assert read_report("-") == report


def test_a_report_of_an_older_minor_version_is_read(report, tmp_path):
    document = json.loads(render(report))
    document["schema_version"] = "1.3.0"
    del document["rules"], document["gate"]["conditions"], document["image"]["base_layers"]
    document["new"] = "from a later version"
    file = tmp_path / "report.json"
    file.write_text(json.dumps(document))
    assert read_report(str(file)).rules == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is no report: Input data was truncated"),
        ("[]", "is no report: Expected `object`, got `array`"),
        ("{}", "is no report: it has no schema_version"),
        ('{"schema_version": "2.0.0"}', "is a report of schema version 2.0.0, and this auditor"),
        ('{"schema_version": "1.4.0"}', "is no report: Object missing required field"),
        ('{"schema_version": "1.4.0", "tool": 1}', "is no report: Expected `object`, got `int`"),
    ],
)
def test_what_is_no_report_is_said(tmp_path, text, sentence):
    file = tmp_path / "report.json"
    file.write_text(text)
    with pytest.raises(ReportError) as caught:
        read_report(str(file))
    assert sentence in str(caught.value)


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(ReportError, match="cannot be read: No such file"):
        read_report(str(tmp_path / "none.json"))
