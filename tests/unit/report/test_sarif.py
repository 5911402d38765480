"""SARIF for code scanning: valid, bounded, and the same where nothing changed."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import msgspec
import pytest

from auditor.report import sarif
from auditor.report.fingerprint import fingerprint
from auditor.report.sarif import render
from auditor.report.sarif_places import repository
from auditor.report.select import only

GITHUB_SHOWS = 5000
"""Results of one run (GitHub, "SARIF support for code scanning", limits)."""
FEW = 20
SCHEMA = Path(__file__).parents[3] / "fixtures" / "schemas" / "sarif-schema-2.1.0.json"


@pytest.fixture(scope="session")
def valid():
    validator = jsonschema.Draft4Validator(json.loads(SCHEMA.read_text()))

    def check(report):
        log = json.loads(render(report))
        validator.validate(log)
        return log["runs"][0]

    return check


def test_every_target_s_file_is_valid(report, valid):
    for target in report.targets:
        run = valid(only(report, (target.id,)))
        assert run["properties"]["verdict"] == target.verdict


def test_without_findings_the_file_is_still_valid(changed, valid):
    assert valid(changed())["results"] == []


def test_results_name_their_rules(report, valid):
    run = valid(report)
    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    assert {rule["id"] for rule in rules} == {result["ruleId"] for result in run["results"]}
    for rule in rules:
        assert rule["properties"]["problem.severity"] in {"error", "warning", "recommendation"}
        assert "security-severity" not in rule["properties"]


def test_the_worst_come_first(changed, finding, valid):
    mixed = [finding(severity, path=f"/{severity}") for severity in ("note", "error", "warning")]
    levels = [item["level"] for item in valid(changed(findings=mixed))["results"]]
    assert levels == ["error", "warning", "note"]


def test_the_image_s_own_layers_come_before_its_base(report, changed, finding, valid):
    layers = [msgspec.structs.replace(report.image.layers[0], diff_id=name) for name in "ab"]
    image = msgspec.structs.replace(report.image, layers=layers, base_layers=1)
    parts = [
        msgspec.structs.replace(
            report.components[0], id=f"executable:/{path}", path=f"/{path}", layer=layer
        )
        for path, layer in (("1", "a"), ("2", "b"))
    ]
    whole = msgspec.structs.replace(
        changed(findings=[finding(path="/1"), finding(path="/2")]), image=image, components=parts
    )
    uris = [
        item["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for item in valid(whole)["results"]
    ]
    assert [uri.rpartition("/")[2] for uri in uris] == ["2", "1"]


def test_what_would_be_dropped_is_said(changed, finding, valid, monkeypatch):
    assert sarif.MOST_RESULTS == GITHUB_SHOWS
    monkeypatch.setattr(sarif, "MOST_RESULTS", FEW)
    many = [finding("note", path=f"/bin/{number}") for number in range(FEW + 7)]
    run = valid(changed(findings=many))
    assert len(run["results"]) == FEW
    told = [item["message"]["text"] for item in run["invocations"][0]["toolExecutionNotifications"]]
    assert "7 findings of least weight are left out of this file." in told


def test_a_line_is_a_region_and_an_address_an_address(changed, finding, valid):
    fact = finding().evidence[0]
    in_source = msgspec.structs.replace(fact, line=12)
    in_binary = msgspec.structs.replace(fact, address="0x41a3f0")
    run = valid(changed(findings=[finding(evidence=[in_source, in_binary])]))
    places = [*run["results"][0]["locations"], *run["results"][0]["relatedLocations"]]
    region = {"startLine": 12, "startColumn": 1, "endLine": 12, "endColumn": 1}
    assert places[0]["physicalLocation"]["region"] == region
    assert places[1]["physicalLocation"]["address"]["absoluteAddress"] == 0x41A3F0


def test_paths_are_relative_percent_encoded_uris(changed, finding, valid):
    fact = msgspec.structs.replace(finding().evidence[0], path="/a b/ü%\udcff.so")
    result = valid(changed(findings=[finding(evidence=[fact])]))["results"][0]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "shell-cmd/a%20b/%C3%BC%25%FF.so"


def test_the_chain_leads_from_the_entrypoint_to_the_fact(report, valid):
    run = valid(report)
    flows = [item["codeFlows"][0]["threadFlows"][0]["locations"] for item in run["results"]]
    first = flows[0][0]["location"]["message"]["text"]
    assert first.startswith("entrypoint starts")
    assert all(step["location"]["physicalLocation"]["region"] for flow in flows for step in flow)


@pytest.mark.parametrize(
    ("source", "reference", "name"),
    [
        ("registry", "nginx:1.27", "nginx"),
        ("registry", "registry:localhost:5000/team/app:1@sha256:00", "team/app"),
        ("docker", "docker:ghcr.io/acme/app", "acme/app"),
        ("podman", "library/nginx", "library/nginx"),
        ("oci-dir", "oci-dir:build/my app:v1", "my-app"),
        ("oci-archive", "out/app.tar.gz", "app"),
        ("dir", "dir:/", "image"),
    ],
)
def test_the_category_has_no_tag(report, source, reference, name):
    image = msgspec.structs.replace(report.image, source=source, reference=reference)
    assert repository(msgspec.structs.replace(report, image=image)) == name


def test_a_finding_keeps_its_fingerprint_when_lines_and_layers_move(finding):
    fact = msgspec.structs.replace(finding().evidence[0], line=1, layer="a")
    moved = msgspec.structs.replace(fact, line=9, layer="b", address="0x1")
    other = msgspec.structs.replace(fact, detail="something else")
    assert fingerprint(finding(evidence=[fact])) == fingerprint(finding(evidence=[moved]))
    assert fingerprint(finding(evidence=[fact])) != fingerprint(finding(evidence=[other]))
    assert fingerprint(finding()) != fingerprint(finding(path="/elsewhere"))
    assert fingerprint(finding()) != fingerprint(finding(rule="process.exec"))


def test_no_two_results_share_a_fingerprint(report, valid):
    prints = [item["partialFingerprints"]["auditorFinding/v1"] for item in valid(report)["results"]]
    assert len(set(prints)) == len(prints)
