"""Bounds as a user sets them, and what is said where one is exceeded."""

from __future__ import annotations

from dataclasses import fields

import pytest

from auditor.errors import BoundExceededError, UsageError
from auditor.image import Bounds
from auditor.image.bounds import Budget, describe, parse_limits


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("total-size=10", "total_size", 10),
        ("total-size=2KiB", "total_size", 2048),
        ("total-size=3M", "total_size", 3 << 20),
        ("total-size=3mb", "total_size", 3 << 20),
        ("total-size=1G", "total_size", 1 << 30),
        ("total-size=7 B", "total_size", 7),
        ("time=90", "time", 90),
        ("time=90s", "time", 90),
        ("time=10m", "time", 600),
        ("time=2h", "time", 7200),
        ("files=5", "files", 5),
        ("links=0", "links", 0),
    ],
)
def test_a_limit_sets_its_bound_and_no_other(text: str, name: str, value: int) -> None:
    assert parse_limits([text]) == Bounds(**{name: value})


def test_of_two_limits_of_a_name_the_last_counts() -> None:
    assert parse_limits(["files=1", "layers=2", "files=3"]) == Bounds(files=3, layers=2)
    assert parse_limits([]) == Bounds()


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("files", "is not NAME=VALUE"),
        ("size=1", "there is no limit 'size'"),
        ("total_size=1", "there is no limit 'total_size'"),
        ("files=", "a whole number"),
        ("files=many", "a whole number"),
        ("files=1K", "a whole number"),
        ("files=-1", "a whole number"),
        ("files=0", "1 or more"),
        ("time=1.5h", "may end in s, m, h"),
        ("time=5M5", "may end in s, m, h"),
        ("total-size=5s", "may end in KiB, MiB, GiB"),
    ],
)
def test_a_limit_that_makes_no_sense_is_wrong_usage(text: str, part: str) -> None:
    with pytest.raises(UsageError, match=part):
        parse_limits([text])


def test_an_unknown_limit_is_told_the_names_with_their_defaults() -> None:
    with pytest.raises(UsageError) as caught:
        parse_limits(["nothing=1"])
    hint = caught.value.hint or ""
    for one in fields(Bounds):
        assert f"{one.name.replace('_', '-')}=" in hint
    assert "total-size=64GiB" in hint


def test_what_is_described_can_be_given_back() -> None:
    assert parse_limits(f"{name}={default}" for name, default, _ in describe()) == Bounds()
    assert all(about for _, _, about in describe())


def test_an_exceeded_bound_names_itself_and_the_option() -> None:
    with pytest.raises(BoundExceededError) as caught:
        Bounds(json_size=5).check("json_size", 6, "the manifest")
    assert str(caught.value) == "the manifest exceeds the bound json-size: 6 is more than 5"
    assert "--limit json-size=N" in str(caught.value.hint)


def test_reading_that_takes_too_long_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("auditor.image.bounds.time.monotonic", lambda: now)
    budget = Budget(Bounds(time=10))
    now = 109.9
    budget.check_time("image")
    now = 110.5
    with pytest.raises(BoundExceededError, match="image exceeds the bound time: 11 is more than"):
        budget.spend_bytes(1, "image")
