"""The JSON Schema of a report, made from the wire type.

``python -m auditor.report.schema > auditor/report/report.schema.json`` writes the copy that is
shipped; a test compares.
"""

from __future__ import annotations

import sys
from typing import Any

import msgspec

from auditor.report.wire import WireReport

__all__ = ["render", "schema"]


def schema() -> dict[str, Any]:
    """The schema of the whole document (JSON Schema, draft 2020-12)."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "auditor report",
        **msgspec.json.schema(WireReport),
    }


def render() -> str:
    """The schema as text."""
    return msgspec.json.format(msgspec.json.encode(schema()), indent=2).decode() + "\n"


if __name__ == "__main__":
    sys.stdout.write(render())
