"""SARIF files of real images, held against GitHub's documented limits and Microsoft's validator."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import jsonschema
import pytest

from auditor.cli import main

SCHEMA = Path(__file__).parents[2] / "fixtures" / "schemas" / "sarif-schema-2.1.0.json"
IMAGES = (
    "django-app",
    "express-app",
    "flask-app",
    "java-fat-jar",
    "jq",
    "nginx",
    "php-fpm-app",
    "redis",
    "rust-cli",
    "wasm",
)
MULTITOOL = "@microsoft/sarif-multitool-linux@5.7.0"
EXPLAINED = {"SARIF2005"}
"""Warnings that stay. SARIF2005 asks for the tool's address on the web, which it has none of."""
TAGS, LOCATIONS, STEPS = 20, 1000, 10_000


@pytest.fixture(scope="module")
def files(real_image, tmp_path_factory):
    """Image → its SARIF file."""
    folder = tmp_path_factory.mktemp("sarif")

    def made(name):
        file = folder / f"{name}.sarif"
        if not file.exists():
            image = f"oci-dir:{real_image(name)}"
            assert main(["scan", "-q", "--packages", "none", image, "-o", f"sarif={file}"]) == 0
        return file

    return made


@pytest.fixture(scope="module")
def multitool(tmp_path_factory):
    """Microsoft's SARIF Multitool, from npm."""
    if shutil.which("npm") is None:
        if os.environ.get("AUDITOR_NO_SKIP") == "1":
            pytest.fail("npm is not installed")
        pytest.skip("npm is not installed")
    folder = tmp_path_factory.mktemp("multitool")
    install = ["npm", "install", "--prefix", folder, "--no-audit", "--no-fund", "--silent"]
    subprocess.run([*install, MULTITOOL], check=True, capture_output=True)
    return folder / "node_modules" / "@microsoft" / "sarif-multitool-linux" / "Sarif.Multitool"


def uri_of(location):
    return location["physicalLocation"]["artifactLocation"]["uri"]


def breaches(log):
    """What of a file code scanning would refuse, drop or show wrongly.

    https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/
    sarif-support-for-code-scanning, "SARIF results limits" and "Supported SARIF output file
    properties".
    """
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    for rule in rules:
        yield from of_rule(rule)
    if len(run["results"]) > 25_000 or len(rules) > 25_000:
        yield "too many results or rules"
    if not re.fullmatch(r"auditor/[^:@]+/[a-z0-9-]+/[a-z0-9-]+/", run["automationDetails"]["id"]):
        yield "the category names a tag, or has another form"
    for result in run["results"]:
        yield from of_result(result)


def of_rule(rule):
    for key in ("shortDescription", "fullDescription", "help"):
        if not rule[key]["text"]:
            yield f"{rule['id']} has no {key}"
    if len(rule["shortDescription"]["text"]) > 1024 or len(rule["name"]) > 255:
        yield f"{rule['id']} is described at too great a length"
    if len(rule["properties"]["tags"]) > TAGS:
        yield f"{rule['id']} has too many tags"
    if rule["properties"]["precision"] not in {"very-high", "high", "medium", "low"}:
        yield f"{rule['id']} has no precision"
    if "security-severity" in rule["properties"]:
        yield f"{rule['id']} claims to be about security"


def of_result(result):
    about = result["message"]["text"][:80]
    if "primaryLocationLineHash" not in result["partialFingerprints"]:
        yield f"{about}: no fingerprint"
    flows = [flow for code in result["codeFlows"] for flow in code["threadFlows"]]
    if sum(len(flow["locations"]) for flow in flows) > STEPS:
        yield f"{about}: too many steps"
    related = result.get("relatedLocations", [])
    places = [*result["locations"], *related]
    places += [step["location"] for flow in flows for step in flow["locations"]]
    if not 0 < len(result["locations"]) + len(related) <= LOCATIONS:
        yield f"{about}: too many places, or none"
    for place in places:
        uri = uri_of(place)
        if uri.startswith("/") or re.search(r"[^0-9A-Za-z/._~%-]|^[a-z]+:", uri):
            yield f"{about}: {uri} is no relative, percent-encoded URI"
        if place["physicalLocation"]["region"]["startLine"] < 1:
            yield f"{about}: no region"


@pytest.mark.parametrize("name", IMAGES)
def test_the_file_of_a_real_image_is_one_for_code_scanning(files, multitool, name, tmp_path):
    file = files(name)
    log = json.loads(file.read_text())
    jsonschema.Draft4Validator(json.loads(SCHEMA.read_text())).validate(log)
    assert list(breaches(log)) == []
    out = tmp_path / "validated.sarif"
    command = [multitool, "validate", file, "--rule-kind", "Sarif;Ghas", "-o", out]
    subprocess.run(command, check=True, capture_output=True, env={"HOME": str(tmp_path)})
    found = Counter(item["ruleId"] for item in json.loads(out.read_text())["runs"][0]["results"])
    assert set(found) <= EXPLAINED


def test_the_chain_of_a_deep_finding_names_each_file(files):
    results = json.loads(files("django-app").read_text())["runs"][0]["results"]
    longest = max(
        (item["codeFlows"][0]["threadFlows"][0]["locations"] for item in results), key=len
    )
    assert len(longest) > 3
    texts = [step["location"]["message"]["text"] for step in longest]
    assert texts[0].startswith("entrypoint starts")
    assert any(re.search(r" imports .*\.py:\d+\)", text) for text in texts)


def test_evidence_in_source_points_at_its_true_line(files, real_image, tmp_path):
    name = "flask-app"
    root = unpacked(real_image(name), tmp_path)
    results = json.loads(files(name).read_text())["runs"][0]["results"]
    seen = 0
    for result in results:
        for place in [*result["locations"], *result.get("relatedLocations", [])]:
            uri = uri_of(place)
            line = place["physicalLocation"]["region"]["startLine"]
            word = result["message"]["text"].partition(" uses ")[2].partition(":")[0]
            if uri.endswith(".py") and line > 1 and word and "," not in word:
                text = (root / uri.partition("/")[2]).read_text().splitlines()
                near = "\n".join(text[line - 1 : line + 8])
                assert word.rpartition(".")[2] in near, (uri, line, word)
                seen += 1
    assert seen > 5


def unpacked(layout, folder):
    """The root file system of an OCI layout, as umoci unpacks it."""
    if shutil.which("umoci") is None:
        pytest.skip("umoci is not installed")
    bundle = folder / "bundle"
    command = ["umoci", "unpack", "--rootless", "--image", f"{layout}:latest", bundle]
    subprocess.run(command, check=True, capture_output=True)
    return bundle / "rootfs"


def test_a_changed_file_changes_the_fingerprints_of_what_it_touches_alone(real_image, tmp_path):
    root = unpacked(real_image("flask-app"), tmp_path)
    command = "gunicorn --chdir /app shop.web:create_app()"
    before = fingerprints(root, command, tmp_path / "before.sarif")
    web = root / "app/shop/web.py"
    web.write_text(f"import ctypes\n\n{web.read_text()}\nctypes.CDLL('libc.so.6')\n")
    after = fingerprints(root, command, tmp_path / "after.sarif")
    assert len(before) > 20
    assert {before[item] for item in before.keys() - after.keys()} <= {"app/shop/web.py"}
    fresh = {after[item] for item in after.keys() - before.keys()}
    assert "app/shop/web.py" in fresh
    assert not any(path.startswith("usr/lib/x86_64-linux-gnu/libz") for path in fresh)


def fingerprints(root, command, file):
    """Fingerprint → path of each result's first place."""
    words = ["--entrypoint", command, "--packages", "none", "--target", "wasip1"]
    assert main(["scan", "-q", f"dir:{root}", *words, "-o", f"sarif={file}"]) == 0
    return {
        item["partialFingerprints"]["auditorFinding/v1"]: uri_of(item["locations"][0]).partition(
            "/"
        )[2]
        for item in json.loads(file.read_text())["runs"][0]["results"]
    }
