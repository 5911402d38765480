"""What every format says of one report."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from xml.etree import ElementTree as ET

import msgspec
import pytest

from auditor.cli.output import REPORT_FORMATS
from auditor.report.formats import RENDERERS
from auditor.report.phrases import message
from auditor.report.select import only

HOSTILE = "/usr/\x1b[31m\u202e|`$(id)`<script>\udc80=cmd\x00.so"


def test_the_command_line_names_every_format():
    assert set(REPORT_FORMATS) == {"table", "template", *RENDERERS}


@pytest.mark.parametrize("name", RENDERERS)
def test_the_same_report_gives_the_same_text(report, name):
    text = RENDERERS[name](report)
    assert RENDERERS[name](report) == text
    assert text.endswith("\n")


@pytest.mark.parametrize("name", RENDERERS)
def test_hostile_names_do_no_harm(changed, finding, name):
    text = RENDERERS[name](changed(findings=[finding(path=HOSTILE)]))
    text.encode()  # no lone surrogate is left
    assert not set(text) & {"\x1b", "\x00", "\x9b"}


def in_json(text, _):
    return [(item["target"], item["severity"]) for item in json.loads(text)["findings"]]


def in_csv(text, _):
    rows = csv.DictReader(io.StringIO(text, newline=""))
    return [(row["target"], row["severity"]) for row in rows]


def in_sarif(text, report):
    results = json.loads(text)["runs"][0]["results"]
    return [(report.recommendation.target, item["level"]) for item in results]


def in_gitlab(text, report):
    words = {"critical": "error", "major": "warning", "info": "note"}
    issues = json.loads(text)
    return [(report.recommendation.target, words[item["severity"]]) for item in issues]


def in_junit(text, _):
    return [
        (suite.get("name"), (case.findtext("system-out") or "error:").partition(":")[0])
        for suite in ET.fromstring(text)
        for case in suite.iter("testcase")
    ]


def in_markdown(text, report):
    found = []
    for line in text.splitlines():
        cells = [cell.strip().strip("*") for cell in line.strip("|").split("|")]
        if len(cells) == 8 and cells[0] in {item.id for item in report.targets}:
            for word, count in zip(("error", "warning", "note"), cells[5:], strict=True):
                found += [(cells[0], word)] * int(count)
    return found


READERS = {
    "json": in_json,
    "csv": in_csv,
    "sarif": in_sarif,
    "gitlab": in_gitlab,
    "junit": in_junit,
    "markdown": in_markdown,
}


def severities_in(name, report):
    """(Target, severity) → number, as one format tells it."""
    return Counter(READERS[name](RENDERERS[name](report), report))


@pytest.mark.parametrize("name", ["csv", "junit", "markdown"])
def test_counts_agree_with_json_on_every_target(report, name):
    assert severities_in(name, report) == severities_in("json", report) != Counter()


@pytest.mark.parametrize("name", ["sarif", "gitlab"])
def test_counts_agree_with_json_on_the_one_target(report, name):
    for target in report.targets:
        one = only(report, (target.id,))
        assert severities_in(name, one) == severities_in("json", one)


def test_cyclonedx_counts_agree_with_json(report):
    bill = json.loads(RENDERERS["cyclonedx"](report))
    counted: Counter[tuple[str, str]] = Counter()
    for component in bill["components"]:
        for item in component["properties"]:
            if item["name"].startswith("auditor:findings:"):
                target = item["name"].rpartition(":")[2]
                counted[component["bom-ref"], target] = int(item["value"])
    assert counted == Counter((item.component, item.target) for item in report.findings)


def test_cyclonedx_says_each_target_s_verdict(report):
    bill = json.loads(RENDERERS["cyclonedx"](report))
    told = {item["name"]: item["value"] for item in bill["metadata"]["component"]["properties"]}
    for target in report.targets:
        assert told[f"auditor:verdict:{target.id}"] == target.verdict


def test_references_of_the_bill_are_unique_and_lead_somewhere(report):
    bill = json.loads(RENDERERS["cyclonedx"](report))
    references = [item["bom-ref"] for item in bill["components"]]
    references.append(bill["metadata"]["component"]["bom-ref"])
    assert len(set(references)) == len(references)
    for item in bill["dependencies"]:
        assert {item["ref"], *item["dependsOn"]} <= set(references)


def test_junit_counts_its_own_cases(report):
    root = ET.fromstring(RENDERERS["junit"](report))
    for element in (root, *root):
        cases = list(element.iter("testcase"))
        assert int(element.get("tests")) == len(cases)
        assert int(element.get("failures")) == sum(
            case.find("failure") is not None for case in cases
        )


def test_graphs_hold_what_is_reached_and_their_edges_lead_somewhere(report):
    root = ET.fromstring(RENDERERS["graphml"](report))
    space = "{http://graphml.graphdrawing.org/xmlns}"
    nodes = {node.get("id") for node in root.iter(f"{space}node")}
    reached = {item.id for item in report.components if item.reach != "present"}
    assert nodes == reached | {"entrypoint"}
    edges = [(edge.get("source"), edge.get("target")) for edge in root.iter(f"{space}edge")]
    assert edges
    assert {end for edge in edges for end in edge} <= nodes
    dot = RENDERERS["dot"](report)
    assert dot.count(" -> ") == len(edges)


def test_a_cell_that_a_spreadsheet_would_run_is_text(changed, finding):
    evil = finding(remedy="=HYPERLINK(1)")
    row = next(csv.DictReader(io.StringIO(RENDERERS["csv"](changed(findings=[evil])), newline="")))
    assert row["remedy"] == "'=HYPERLINK(1)"


def test_markdown_of_an_image_is_text(changed, finding):
    fact = msgspec.structs.replace(finding().evidence[0], detail="a|b`c", line=3)
    text = RENDERERS["markdown"](changed(findings=[finding(evidence=[fact])]))
    assert "`` a\\|b`c ``" in text


def test_the_gate_is_told(changed):
    report = changed(score=10)
    gate = msgspec.structs.replace(
        report.gate, met=False, reasons=["wasip1: the score is 10"], conditions=["--min-score 50"]
    )
    judged = msgspec.structs.replace(report, gate=gate)
    for name in ("markdown", "junit", "sarif", "json"):
        assert "wasip1: the score is 10" in RENDERERS[name](judged)


def test_a_message_is_a_sentence(report):
    for item in report.findings:
        sentence = message(item, report)
        assert sentence.endswith(f"the need is {item.need}.")
        assert item.target in sentence
