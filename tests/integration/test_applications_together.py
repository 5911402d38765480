"""Real images where applications stand beside each other, or where there is none."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

FILES = Path(__file__).parents[2] / "fixtures" / "images" / "files"
STAYS = {"rearchitect", "keep-in-container"}

Json = dict[str, Any]


@pytest.fixture(scope="module")
def report(real_image: Callable[[str], Path]) -> Callable[[str], Json]:
    @cache
    def scan(name: str) -> Json:
        options = ("--packages", "none", "--no-progress", "-o", "json")
        command = [sys.executable, "-m", "auditor", "scan", f"oci-dir:{real_image(name)}", *options]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        document: Json = json.loads(done.stdout)
        return document

    return scan


def main_of(document: Json) -> set[str]:
    kinds = {"source", "script", "executable"}
    found = [item for item in document["components"] if item["kind"] in kinds]
    return {item["path"] for item in found if item["role"] == "main"}


def blockers(document: Json, target: str) -> set[tuple[str, str, str, int | None]]:
    """Capability, path, name and line of what blocks a target."""
    return {
        (finding["capability"], item["path"], item["detail"], item.get("line"))
        for finding in document["findings"]
        if finding["target"] == target and finding["severity"] == "error"
        for item in finding["evidence"]
        if item["need"] == "essential"
    }


def line_of(file: str, text: str) -> int:
    lines = (FILES / file).read_text().splitlines()
    (found,) = [number for number, line in enumerate(lines, 1) if text in line]
    return found


def test_both_applications_of_an_image_are_its_work(report):
    document = report("two-runtimes")
    assert main_of(document) == {"/srv/web.py", "/srv/feed.pl"}
    found = blockers(document, "wasip1")
    fork = line_of("two-runtimes/feed.pl", "fork();")
    assert ("process.fork", "/srv/feed.pl", "CORE.fork", fork) in found
    listen = line_of("two-runtimes/web.py", "HTTPServer(")
    assert ("net.tcp.listen", "/srv/web.py", "http.server.HTTPServer", listen) in found
    assert not [item for item in found if item[:2] == ("process.fork", "/srv/web.py")]


def test_each_runtime_is_named_with_its_version(report):
    runtimes = {item["id"]: item for item in report("two-runtimes")["runtimes"]}
    assert runtimes["cpython"]["version"].startswith("3.11.")
    assert runtimes["perl"]["version"].startswith("5.36.")


def test_a_static_site_has_no_application_and_its_server_stays(report):
    document = report("nginx-site")
    assert main_of(document) == {"/usr/sbin/nginx"}
    assert document["recommendation"]["verdict"] == "keep-in-container"
    (workers,) = [item for item in document["settings"] if item["name"] == "nginx.worker_processes"]
    assert workers["where"] == "/etc/nginx/nginx.conf"


def test_a_program_in_rust_is_no_interpreter(report):
    document = report("rust-cli")
    assert main_of(document) == {"/usr/bin/rg"}
    (rust,) = [item for item in document["runtimes"] if item["id"] == "rust"]
    assert (rust["path"], rust["kind"]) == ("/usr/bin/rg", "compiled")
    capabilities = {capability for capability, *_ in blockers(document, "wasip1")}
    assert {"thread.create", "process.fork"} <= capabilities
    assert "net.tcp.listen" not in capabilities
