"""``convert``, ``diff`` and ``explain`` at the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from auditor.cli import main

HELLO = f"oci-dir:{Path(__file__).parents[3] / 'fixtures' / 'small' / 'hello'}"


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """The report of a small image, as a file."""
    file = tmp_path_factory.mktemp("saved") / "report.json"
    assert main(["scan", "-q", "--packages", "none", HELLO, "-o", f"json={file}"]) == 0
    return file


def test_a_report_is_compared_with_itself(saved, capsys):
    assert main(["diff", str(saved), str(saved)]) == 0
    assert "No finding changed." in capsys.readouterr().out


def test_only_one_report_comes_from_standard_input(capsys):
    assert main(["diff", "-", "-"]) == 64
    assert "both reports cannot come from standard input" in capsys.readouterr().err


def test_a_rule_is_explained_without_a_report(capsys):
    assert main(["explain", "process.fork"]) == 0
    text = capsys.readouterr().out
    assert main(["rules", "show", "process.fork"]) == 0
    assert capsys.readouterr().out == text


def test_a_finding_is_explained_from_a_report(saved, capsys):
    name = json.loads(saved.read_text())["findings"][0]["id"]
    assert main(["explain", name, str(saved), "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["id"] == name
    assert main(["explain", "nothing", str(saved)]) == 64
    assert "the report has no finding 'nothing'" in capsys.readouterr().err


def test_a_template_is_written_to_standard_output_or_a_file(saved, tmp_path, capsys):
    template = tmp_path / "short.j2"
    template.write_text("{{ recommendation.verdict }}\n")
    assert main(["convert", str(saved), "-o", f"template={template}"]) == 0
    verdict = capsys.readouterr().out
    out = tmp_path / "short.txt"
    assert main(["convert", str(saved), "-o", f"template={template}={out}"]) == 0
    assert out.read_text() == verdict
    assert main(["convert", str(saved), "-o", "template"]) == 64
    assert main(["convert", str(saved), "-o", "template=/nowhere.j2"]) == 1


def test_a_what_if_changes_the_verdict_and_is_said(capsys):
    words = ["scan", "-q", "--packages", "none", "--target", "core", HELLO, "-o", "json"]
    assert main(words) == 0
    before = json.loads(capsys.readouterr().out)
    asked = sorted({item["capability"] for item in before["findings"]})
    assert asked
    assumed = [part for name in asked for part in ("--assume", f"{name}=full")]
    assert main([*words, *assumed]) == 0
    after = json.loads(capsys.readouterr().out)
    assert after["findings"] == []
    assert after["targets"][0]["score"] > before["targets"][0]["score"]
    assert any(note.startswith("What if: every target") for note in after["notes"])


@pytest.mark.parametrize("text", ["fs.raed=full", "fs.read=some", "fs.read", "=full"])
def test_a_what_if_that_makes_no_sense_is_said(text, capsys):
    assert main(["scan", "-q", HELLO, "--assume", text]) == 64
    assert capsys.readouterr().err.startswith("auditor: ")
