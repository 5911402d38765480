"""The small committed images and the report's schema."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture
def small():
    """Path of a small committed image."""
    return lambda name: ROOT / "fixtures" / "small" / name


@pytest.fixture(scope="session")
def schema():
    """The JSON Schema of reports, as committed."""
    return json.loads((ROOT / "auditor" / "report" / "report.schema.json").read_text())
