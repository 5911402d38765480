"""Found calls are held against observed ones; both are counted by what the kernel does."""

from __future__ import annotations

import pytest

from auditor.tables import load
from bench.binaries import read_list, without_sections
from bench.observed import CLASSES, Recall, fold, read_modules, read_observed


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("open", "openat"),
        ("creat", "open"),
        ("lstat", "newfstatat"),
        ("fork", "clone3"),
        ("poll", "ppoll"),
        ("getrlimit", "prlimit64"),
    ],
)
def test_calls_that_the_kernel_treats_alike_count_as_one(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("read", "write"), ("open", "close"), ("poll", "select"), ("kill", "tgkill"), ("mmap", "brk")],
)
def test_other_calls_do_not(one: str, other: str) -> None:
    assert fold(one) != fold(other)


def test_an_equivalent_call_is_no_miss_but_is_not_found_exactly() -> None:
    score = Recall.of(["openat", "read", "socket"], ["open", "read", "write"])

    assert (score.observed, score.found, score.exact_found) == (3, 2, 1)
    assert score.missed == ("socket",)
    assert score.share == pytest.approx(2 / 3)
    assert score.exact_share == pytest.approx(1 / 3)


def test_two_equivalent_calls_are_one_that_was_observed() -> None:
    score = Recall.of(["open", "openat", "read"], ["read"])

    assert (score.observed, score.found, score.exact_observed) == (2, 1, 3)
    assert score.missed == ("open", "openat")


def test_a_failure_finds_nothing_and_weighs_all_that_was_observed() -> None:
    good = Recall.of(["read"], ["read"])
    failed = Recall.of(["read", "write", "close"], [])

    total = Recall.total([good, failed])

    assert (total.observed, total.found, total.share) == (4, 1, 0.25)
    assert total.missed == ("close", "read", "write")


def test_the_observed_calls_are_calls_of_linux_and_every_class_has_executables() -> None:
    known = load().syscalls.rows
    observed = read_observed()

    assert {call for row in observed for call in row.calls} <= set(known)
    assert {name for row in observed for name in row.classes} == set(CLASSES)
    assert len({row.path for row in observed}) == len(observed) > 100
    assert all(row.calls for row in observed)


def test_modules_belong_to_executables_that_were_observed() -> None:
    paths = {row.path for row in read_observed()}

    assert {module.path for module in read_modules()} <= paths


def test_the_executables_for_sharpness_are_some_300_and_none_stands_twice() -> None:
    rows = read_list()

    assert 300 <= len(rows) < 350
    assert len({path for _, path in rows}) == len(rows)


def test_a_file_without_section_headers_keeps_everything_else() -> None:
    data = bytes(range(1, 65)) + b"program"

    changed = without_sections(data)

    assert changed[40:48] == bytes(8)
    assert changed[60:64] == bytes(4)
    assert (changed[:40], changed[48:60], changed[64:]) == (data[:40], data[48:60], data[64:])
