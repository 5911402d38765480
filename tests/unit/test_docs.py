"""What the documentation says of the project is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/sources.md").read_text()
ROWS = re.findall(r"^\| ([^|]+) \| `(tests/[^`]+)` \| ([^|]+) \|$", PAGE, re.MULTILINE)


@pytest.mark.parametrize(("promise", "file", "tests"), ROWS)
def test_every_test_that_the_page_on_sources_names_is_there(
    promise: str, file: str, tests: str
) -> None:
    there = set(re.findall(r"def test_(\w+)\(", (ROOT / file).read_text()))
    named = set(re.findall(r"`(\w+)`", tests))
    assert named, promise
    assert named <= there


def test_the_page_on_sources_shows_what_it_promises() -> None:
    assert len(ROWS) > 20
