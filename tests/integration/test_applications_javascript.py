"""Real JavaScript applications: what deciding evidence they have, and what must not be found."""

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


def line_of(file: str, text: str) -> int:
    lines = (FILES / file).read_text().splitlines()
    (found,) = [number for number, line in enumerate(lines, 1) if text in line]
    return found


def roles(document: Json) -> dict[str, str]:
    return {item["path"]: item["role"] for item in document["components"] if item["role"]}


def evidence(document: Json, capability: str, target: str = "wasip1") -> set[tuple[str, str, int]]:
    """What counts against a target, notes left out."""
    return {
        (item["detail"], item["path"], item["line"])
        for finding in document["findings"]
        if (finding["capability"], finding["target"]) == (capability, target)
        and finding["severity"] != "note"
        for item in finding["evidence"]
        if item["need"] != "incidental"
    }


def verdict(document: Json, target: str) -> str:
    (found,) = [item["verdict"] for item in document["targets"] if item["id"] == target]
    return str(found)


def test_an_express_service_asks_for_http_and_for_nothing_that_blocks(report):
    document = report("express-app")
    found = roles(document)
    assert found["/app/server.js"] == found["/app/lib/notes.js"] == "main"
    assert found["/app/node_modules/express/lib/express.js"] == "main"
    assert found["/usr/bin/node"] == "runtime"
    line = line_of("express-app/server.js", "app.listen")
    served = ("express.application.listen", "/app/server.js", line)
    assert evidence(document, "net.http.serve") == {served}
    assert verdict(document, "wasip2") == "adapt"


@pytest.mark.parametrize(
    "capability",
    [
        "process.fork",
        "process.spawn",
        "process.exec",
        "process.signal",
        "thread.create",
        "tty.control",
    ],
)
def test_an_express_service_does_not_need_what_words_and_dead_branches_say(report, capability):
    for target in ("wasip1", "wasip2", "wasip3", "wasi-http"):
        assert evidence(report("express-app"), capability, target) == set()


def test_all_of_an_express_service_is_understood(report):
    assert {item["coverage"] for item in report("express-app")["targets"]} == {1.0}


def test_a_renamed_runtime_runs_workers_addons_and_a_helper(report):
    document = report("node-worker")
    found = roles(document)
    assert found["/opt/engine"] == "runtime"
    assert found["/app/main.js"] == found["/app/hash.js"] == "main"
    packages = "/app/node_modules"
    assert found[f"{packages}/bufferutil/prebuilds/linux-x64/bufferutil.node"] == "main"
    native = f"{packages}/@node-rs/xxhash-linux-x64-gnu/xxhash.linux-x64-gnu.node"
    assert found[native] == "main"

    def at(name: str, text: str) -> tuple[str, str, int]:
        return name, "/app/main.js", line_of("node-worker/main.js", text)

    assert evidence(document, "thread.create") == {at("worker_threads.Worker", "new Worker(")}
    assert evidence(document, "process.spawn") == {at("child_process.execFile", "run('uname'")}
    assert evidence(document, "net.tcp.listen") == {
        at("net.createServer", "createServer((socket)"),
        at("net.Server.listen", "gate.listen"),
    }
    assert evidence(document, "net.http.serve") == set()
