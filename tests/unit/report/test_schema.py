"""The schema that is shipped is the one that the wire type makes."""

from __future__ import annotations

from pathlib import Path

import jsonschema

from auditor.report.schema import render, schema

SHIPPED = Path(__file__).parents[3] / "auditor" / "report" / "report.schema.json"


def test_the_shipped_schema_is_current():
    assert SHIPPED.read_text() == render()


def test_the_schema_is_valid():
    jsonschema.Draft202012Validator.check_schema(schema())
