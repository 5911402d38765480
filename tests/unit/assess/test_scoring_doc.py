"""The examples of ``docs/scoring.md`` are what the formula gives, and its tables are the code's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from auditor.assess import score
from auditor.assess.support import severity
from auditor.model.terms import Need, Severity, Support

TEXT = (Path(__file__).parents[3] / "docs/scoring.md").read_text(encoding="utf-8")
RESULT = re.compile(
    r"Coverage ([\d.]+)\. Verdict `([a-z-]+)`, score (\d+) \((\d+) to (\d+)\), effort (\d+)\."
)
EXAMPLES = {
    part.partition("\n")[0]: part
    for part in TEXT.partition("## Worked examples")[2].split("### ")[1:]
}


def cells(part):
    rows = [line.strip("| ").split("|") for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


@pytest.mark.parametrize("title", EXAMPLES)
def test_an_example_is_what_the_formula_gives(title):
    part = EXAMPLES[title]
    rows = cells(part)
    unmet = [
        score.Unmet(
            name, Need(need), Support(support), severity(Support(support), Need(need)), int(effort)
        )
        for name, need, support, effort, _ in rows
    ]
    found = RESULT.search(part)
    assert found is not None
    result = score.evaluate(unmet, float(found[1]))
    stated = (found[2], *map(int, found.groups()[2:]))
    assert stated == (result.verdict, result.score, result.low, result.high, result.effort)
    after = {step.capability: step.points for step in result.steps}
    left = 100
    for name, *_, stands in rows:
        left -= after.get(name, 0)
        assert int(stands) == left, name
    assert sum(step.points for step in result.steps) == 100 - result.score


def test_there_is_an_example_for_each_way_that_a_verdict_comes_about():
    verdicts = {
        name for part in EXAMPLES.values() for name in re.findall(r"Verdict `([a-z-]+)`", part)
    }
    assert verdicts == {"adapt", "rearchitect", "keep-in-container", "insufficient-evidence"}


def test_the_shares_are_the_codes():
    for row in re.findall(r"\| (?:effort|need|support) \|.*\n\|[-|]+\n\| share \|.*", TEXT):
        head, _, share = row.splitlines()
        names = [cell.strip() for cell in head.strip("|").split("|")][1:]
        values = [float(cell) for cell in share.strip("|").split("|")[1:]]
        for name, value in zip(names, values, strict=True):
            for word in name.split(", "):
                assert value == shares(word), word


def shares(word):
    if word.isdigit():
        return score.loss(score.Unmet("x", Need.ESSENTIAL, Support.NONE, Severity.ERROR, int(word)))
    if word in set(Need):
        full = score.Unmet("x", Need.ESSENTIAL, Support.NONE, Severity.ERROR, 8)
        item = score.Unmet("x", Need(word), Support.NONE, Severity.ERROR, 8)
        return pytest.approx(score.loss(item) / score.loss(full))
    full = score.Unmet("x", Need.ESSENTIAL, Support.NONE, Severity.ERROR, 8)
    item = score.Unmet("x", Need.ESSENTIAL, Support(word), Severity.ERROR, 8)
    return pytest.approx(score.loss(item) / score.loss(full))


def test_the_severities_are_the_codes():
    table = TEXT.partition("## Severity")[2].partition("## Verdict")[0]
    for needs, supports, stated in cells(table):
        for need in Need if needs == "any" else map(Need, needs.split(", ")):
            for level in Support if supports == "any" else map(Support, supports.split(", ")):
                assert severity(level, need) == stated


def test_the_limits_in_the_text_are_the_codes():
    assert f"Coverage under {score.ENOUGH}" in TEXT
    assert f"add up to {score.KEEP_EFFORT} or more" in TEXT
    assert f"efforts of {score.REDESIGN_EFFORT} or more" in TEXT
    assert f"caps it at {score.CAP_BLOCKED} and `keep-in-container` at {score.CAP_KEEP}" in TEXT
