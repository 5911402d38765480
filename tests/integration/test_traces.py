"""Recordings of real programs, held against the images that have these very programs."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from auditor.cli.main import main

TRACES = Path(__file__).parents[1].parent / "fixtures/traces"


@pytest.fixture
def recording(tmp_path):
    """A recording, unpacked."""

    def unpacked(name):
        path = tmp_path / f"{name}.strace"
        path.write_bytes(gzip.decompress((TRACES / f"{name}.strace.log.gz").read_bytes()))
        return path

    return unpacked


def scanned(tmp_path, *arguments):
    report = tmp_path / "report.json"
    assert main(["scan", "-q", "--packages", "none", "-o", f"json={report}", *arguments]) == 0
    return json.loads(report.read_text())


NAMES = {"redis": "redis-server"}


@pytest.mark.parametrize(
    ("image", "program"),
    [
        ("jq", "/usr/bin/jq"),
        ("nginx", "/usr/sbin/nginx"),
        ("redis", "/usr/bin/redis-check-rdb"),
        ("sqlite3", "/usr/bin/sqlite3"),
    ],
)
def test_what_real_programs_were_seen_to_do_the_analysis_knew(
    real_image, recording, tmp_path, image, program
):
    report = scanned(
        tmp_path, "--trace", str(recording(NAMES.get(image, image))), f"oci-dir:{real_image(image)}"
    )
    seen = {item["path"]: item["reach"] for item in report["components"]}
    assert seen[program] == "observed"
    calls = [
        item
        for finding in report["findings"]
        for item in finding["evidence"]
        if item["kind"] == "syscall" and item["path"] == program
    ]
    assert calls
    assert not [item for item in report["unknowns"] if item["stage"] == "trace"]


def test_nginx_alone_is_judged_as_far_as_its_trace_goes(recording, tmp_path):
    report = scanned(tmp_path, f"trace:{recording('nginx')}")
    assert report["recommendation"]["verdict"] == "keep-in-container"
    (target,) = (item for item in report["targets"] if item["id"] == "wasip2")
    assert 0.6 < target["coverage"] < 0.76
    found = {item["capability"] for item in report["findings"] if item["severity"] == "error"}
    assert {"process.fork", "thread.create", "io.epoll"} <= found
    assert "Nothing but a strace was read" in report["notes"][0]


def test_another_programs_trace_is_said_to_be_one(real_image, recording, tmp_path):
    report = scanned(tmp_path, "--trace", str(recording("nginx")), f"oci-dir:{real_image('jq')}")
    assert any("/usr/sbin/nginx, which the image" in item["reason"] for item in report["unknowns"])


def test_a_letter_is_no_trace(real_image, tmp_path, capsys):
    letter = tmp_path / "letter"
    letter.write_text("Dear reader,\n")
    assert main(["scan", "-q", "--trace", str(letter), f"oci-dir:{real_image('jq')}"]) == 1
    assert "is no trace" in capsys.readouterr().err
