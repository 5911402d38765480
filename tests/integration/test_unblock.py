"""What an unblock set of a real image promises, a second assessment keeps."""

from __future__ import annotations

import importlib
import json
from typing import Any

import pytest

from auditor import pipeline
from auditor.assess import assess
from auditor.cli.main import main
from auditor.pipeline import Options

JUDGING = importlib.import_module("auditor.assess.assess")

IMAGES = (
    "express-app",
    "flask-app",
    "java-server",
    "lua-server",
    "nginx",
    "node-worker",
    "php-fpm-app",
    "redis",
    "ruby-sinatra",
    "sqlite3",
)
"""In all of them something stands in the way of some target."""


@pytest.mark.parametrize("name", IMAGES)
def test_without_what_a_set_names_the_verdict_is_the_promised_one(real_image, name, monkeypatch):
    scan = pipeline.scan(f"oci-dir:{real_image(name)}", Options(packages="none"))
    sets = scan.assessment.unblock_sets
    assert sets
    before = {item.target: item.verdict for item in scan.assessment.targets}
    gather = JUDGING.gather
    for found in sets:
        assert found.before is before[found.target]
        gone = {(item.component, name) for item in found.changes for name in item.capabilities}

        def fewer(inventory, graph, tables, gone=gone):
            asks = gather(inventory, graph, tables)
            return {
                component: tuple(ask for ask in items if (component, ask.capability) not in gone)
                for component, items in asks.items()
            }

        monkeypatch.setattr(JUDGING, "gather", fewer)
        again = assess(scan.inventory, scan.graph, scan.tables, targets=(found.target,))
        assert again.targets[0].verdict is found.after, found


@pytest.mark.parametrize("name", ["flask-app", "sqlite3"])
def test_replacing_what_a_set_names_in_a_saved_inventory_keeps_the_promise(
    real_image, tmp_path, name
):
    saved, report = tmp_path / "saved.json", tmp_path / "report.json"
    outputs = ["-o", f"inventory={saved}", "-o", f"json={report}"]
    scan = ["scan", "-q", "--packages", "none", f"oci-dir:{real_image(name)}"]
    assert main([*scan, *outputs]) == 0
    first: dict[str, dict[str, Any]] = {}
    for found in json.loads(report.read_text())["unblock_sets"]:
        first.setdefault(found["target"], found)
    assert first
    for target, found in first.items():
        replace = [f"--replace={change['component']}=wasm" for change in found["changes"]]
        again = ["assess", str(saved), "--target", target, *replace, "-o", f"json={report}"]
        assert main(again) == 0
        assert json.loads(report.read_text())["recommendation"]["verdict"] == found["after"]
