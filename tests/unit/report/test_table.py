"""The terminal report, where a real image does not show it."""

from __future__ import annotations

import io
from pathlib import Path

import msgspec
import pytest

import auditor
from auditor.report import table
from auditor.report.wire import WireKnown

HELLO = Path(__file__).parents[3] / "fixtures" / "small" / "hello"


@pytest.fixture(scope="module")
def report():
    return auditor.scan(f"oci-dir:{HELLO}")


def shown(report):
    stream = io.StringIO()
    table.write(report, stream)
    return stream.getvalue()


def known(*, agrees):
    return WireKnown(
        component="executable:/usr/bin/hello",
        id="server",
        title="A Server",
        summary="It serves.",
        reasons=["process.fork"],
        instead="Call it.",
        also=None,
        agrees=agrees,
        source="judgement",
    )


def test_where_catalogue_and_evidence_disagree_both_are_shown(report):
    text = shown(msgspec.structs.replace(report, catalog=[known(agrees=False)]))
    assert "Known as A Server: It serves. Call it." in text
    assert "The evidence says otherwise: rebuild." in text
    assert report.recommendation.verdict == "rebuild"


def test_where_they_agree_nothing_more_is_said(report):
    text = shown(msgspec.structs.replace(report, catalog=[known(agrees=True)]))
    assert "Known as A Server" in text
    assert "otherwise" not in text


def test_the_tables_date_is_told(report):
    assert f"Held against tables of {report.tool.tables_as_of}" in shown(report)
