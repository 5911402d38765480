"""Each item has a process of its own: what happens there costs that one item alone."""

from __future__ import annotations

import os
import time

import pytest

from bench.apart import apart

# A test runner has threads of its own; the scripts have none when they fork.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


def work(item: str) -> int:
    """Do as the item says."""
    match item:
        case "raise":
            raise ValueError("no such thing")
        case "die":
            os._exit(1)
        case "hang":
            time.sleep(60)
    return len(item)


def test_a_result_an_error_a_crash_and_a_hang_are_told_apart() -> None:
    items = ["raise", "die", "hang", "well"]

    outcomes = {one.item: one for one in apart(work, items, jobs=2, seconds=0.5)}

    assert sorted(outcomes) == sorted(items)
    assert outcomes["well"].result == 4
    assert outcomes["well"].error == ""
    assert outcomes["raise"].result is None
    assert "ValueError: no such thing" in outcomes["raise"].error
    assert outcomes["die"].error == "the process died"
    assert "took more than" in outcomes["hang"].error


def test_all_items_come_back_whatever_the_number_of_jobs() -> None:
    items = ["a" * length for length in range(7)]

    results = {one.result for one in apart(work, items, jobs=3, seconds=10)}

    assert results == set(range(7))
