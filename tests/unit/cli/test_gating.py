"""Exit codes of a gate, over every option and kind of failure."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from auditor.cli import main

SMALL = Path(__file__).parents[3] / "fixtures" / "small"
HELLO = f"oci-dir:{SMALL / 'hello'}"


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """The report of a small image, as a file."""
    file = tmp_path_factory.mktemp("saved") / "report.json"
    assert main(["scan", "-q", "--packages", "none", HELLO, "-o", f"json={file}"]) == 0
    return file


def headline(file):
    document = json.loads(file.read_text())
    name = document["recommendation"]["target"]
    return next(item for item in document["targets"] if item["id"] == name)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ([], 0),
        (["--fail-on", "keep-in-container"], 0),
        (["--fail-on", "already-wasm"], 2),
        (["--fail-on", "insufficient-evidence"], 0),
        (["--min-score", "0"], 0),
        (["--min-coverage", "0%"], 0),
        (["--baseline", "REPORT"], 0),
        (["--baseline", "REPORT", "--fail-on", "already-wasm"], 0),
        (["--target", "wasip1"], 0),
        (["--fail-on", "sometimes"], 64),
        (["--min-score", "101"], 64),
        (["--min-score", "-1"], 64),
        (["--min-score", "1.5"], 64),
        (["--min-coverage", "2"], 64),
        (["--min-coverage", "nan"], 64),
        (["--min-coverage", "x"], 64),
        (["--target", "wasip9"], 64),
        (["-o", "pdf"], 64),
        (["--baseline", "/nowhere/report.json"], 1),
        (["-o", "sarif=/nowhere/report.sarif"], 1),
    ],
)
def test_a_gate_on_a_saved_report(saved, options, code, capsys):
    words = [str(saved) if word == "REPORT" else word for word in options]
    assert main(["gate", str(saved), *words]) == code
    error = capsys.readouterr().err
    assert error.startswith("auditor: ") if code else error == ""


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--fail-on", "already-wasm"], 2),
        (["--fail-on", "keep-in-container"], 0),
        (["--min-score", "x"], 64),
        (["--baseline", "/nowhere/report.json"], 1),
    ],
)
def test_a_gate_on_a_scan(options, code, capsys):
    assert main(["scan", "-q", "--packages", "none", HELLO, *options]) == code
    assert ("gate not met" in capsys.readouterr().err) == (code == 2)


def test_a_scan_that_failed_is_not_a_gate_that_failed(capsys):
    words = ["scan", "-q", "registry:127.0.0.1:9/none:1", "--fail-on", "already-wasm"]
    assert main(words) == 1
    assert "gate" not in capsys.readouterr().err


def test_a_score_under_the_bound_says_both(saved, capsys):
    score = headline(saved)["score"]
    bound = min(score + 1, 100)
    code = main(["gate", str(saved), "--min-score", str(bound)])
    assert code == (2 if score < bound else 0)
    if code:
        assert f"the score is {score}, under {bound}" in capsys.readouterr().err


def test_every_named_target_counts(saved, capsys):
    code = main(
        ["gate", str(saved), "--target", "wasip1", "--target", "core", "--min-score", "100"]
    )
    reasons = capsys.readouterr().err
    assert code == 2
    assert "core: " in reasons or "wasip1: " in reasons


def test_a_gate_writes_the_report_with_its_outcome(saved, tmp_path, capsys):
    file = tmp_path / "judged.json"
    assert main(["gate", str(saved), "--fail-on", "already-wasm", "-o", f"json={file}"]) == 2
    assert capsys.readouterr().out == ""
    gate = json.loads(file.read_text())["gate"]
    assert gate["met"] is False
    assert gate["conditions"] == ["--fail-on already-wasm"]
    assert len(gate["reasons"]) == 1


def test_the_table_tells_the_gate(saved, capsys):
    assert main(["gate", str(saved), "--fail-on", "already-wasm", "-o", "table"]) == 2
    out = capsys.readouterr().out
    assert "Gate not met (--fail-on already-wasm)" in out


def test_convert_reads_a_pipe(saved):
    done = subprocess.run(
        [sys.executable, "-m", "auditor", "convert", "-", "-o", "csv"],
        input=saved.read_bytes(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0
    assert done.stdout.startswith(b"target,severity,")


def test_convert_gives_what_the_scan_gave(saved, tmp_path):
    again = tmp_path / "again.json"
    assert main(["convert", str(saved), "-o", f"json={again}"]) == 0
    assert again.read_bytes() == saved.read_bytes()


def test_convert_to_another_target_speaks_of_it_alone(saved, tmp_path):
    file = tmp_path / "core.sarif"
    assert main(["convert", str(saved), "--target", "core", "-o", f"sarif={file}"]) == 0
    run = json.loads(file.read_text())["runs"][0]
    assert run["properties"]["target"] == "core"
    assert run["automationDetails"]["id"].endswith("/core/")


@pytest.mark.parametrize("text", ["", "{}", "no json", '{"schema_version": "9.0.0"}'])
@pytest.mark.parametrize("command", [["gate"], ["convert", "-o", "csv"]])
def test_what_is_no_report_is_an_error_in_a_sentence(tmp_path, text, command, capsys):
    file = tmp_path / "report.json"
    file.write_text(text)
    assert main([command[0], str(file), *command[1:]]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"auditor: {file}")
    assert "Traceback" not in error
