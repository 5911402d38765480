"""Made-up components against the real tables: what passes, what fails, and what is covered."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from auditor.model.terms import Support
from auditor.rules import Failure, read, run
from auditor.tables import load
from auditor.tables.load import shipped

CASES = shipped() / "tests"


@pytest.fixture(scope="session")
def tables():
    """The tables as they are shipped."""
    return load()


def outcome(directory: Path, tables, text: str):
    (directory / "case.yaml").write_text(text, encoding="utf-8")
    return run(directory, tables)


def test_the_shipped_cases_pass(tables):
    assert run(CASES, tables).failures == ()


def test_every_capability_has_a_case_that_shows_it_and_one_that_does_not(tables):
    cases = read(CASES, tables)
    shown = {capability for case in cases for _, capability, _ in case.expect}
    absent = {capability for case in cases for capability in case.absent}
    assert set(tables.capabilities) - shown == set()
    assert set(tables.capabilities) - absent == set()


def test_a_wrong_level_fails_with_expected_and_found(tables, tmp_path):
    text = "- {name: x, component: {imports: [fork]}, expect: {wasip1: {process.fork: full}}}\n"
    result = outcome(tmp_path, tables, text)
    assert result.failures == (Failure("case.yaml", "x", "wasip1", "process.fork", "full", "none"),)
    assert (result.files, result.cases, result.expectations) == (1, 1, 1)


def test_what_nobody_asked_for_is_absent_and_not_full(tables, tmp_path):
    text = "- {name: x, component: {imports: [sqrt]}, expect: {wasip1: {fs.read: full}}}\n"
    (failure,) = outcome(tmp_path, tables, text).failures
    assert (failure.expected, failure.found) == ("full", "absent")


def test_a_finding_that_should_not_be_there_fails_on_each_target(tables, tmp_path):
    text = "- {name: x, component: {imports: [fork]}, absent: [process.fork]}\n"
    failures = outcome(tmp_path, tables, text).failures
    assert {failure.expected for failure in failures} == {"absent"}
    assert {"wasip1", "wasix", "core"} <= {failure.target for failure in failures}


def test_what_a_target_meets_in_full_is_no_finding(tables, tmp_path):
    text = "- {name: x, component: {imports: [malloc]}, absent: [memory.heap]}\n"
    assert outcome(tmp_path, tables, text).failures == ()


def test_a_changed_row_of_the_tables_is_noticed(tables):
    """The point of the cases: a level that changes makes one fail."""
    rows = dict(tables.capability_levels["wasip1"])
    rows["jit.exec"] = dataclasses.replace(rows["jit.exec"], level=Support.FULL)
    changed = dataclasses.replace(
        tables, capability_levels={**tables.capability_levels, "wasip1": rows}
    )
    assert {(item.target, item.capability) for item in run(CASES, changed).failures} == {
        ("wasip1", "jit.exec")
    }


def test_a_librarys_and_a_scripts_and_a_modules_asks_are_seen(tables, tmp_path):
    text = """
- {name: library, component: {kind: library, imports: [fork]}, expect: {core: {process.fork: none}}}
- {name: script, component: {commands: [id]}, expect: {core: {process.spawn: none}}}
- {name: wasm, component: {wasm_imports: ["env#puts"]}, expect: {core: {wasm.imports: none}}}
- {name: asked, component: {asks: [device.gpu]}, expect: {core: {device.gpu: none}}}
"""
    assert outcome(tmp_path, tables, text).failures == ()
