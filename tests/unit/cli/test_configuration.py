"""``.auditor.toml``, ``AUDITOR_*`` and flags: which counts, and what is wrong with them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from auditor.cli import main

ROOT = Path(__file__).parents[3]
HELLO = f"oci-dir:{ROOT / 'fixtures' / 'small' / 'hello'}"


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """The report of a small image, as a file."""
    file = tmp_path_factory.mktemp("saved") / "report.json"
    assert main(["scan", "-q", "--packages", "none", HELLO, "-o", f"json={file}"]) == 0
    return file


@pytest.fixture
def file(tmp_path, monkeypatch):
    """Writes the file two directories above the working directory."""
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)

    def write(text):
        path = tmp_path / ".auditor.toml"
        path.write_text(text)
        return path

    return write


def options(capsys):
    assert main(["config", "-o", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    return {item["key"]: (item["value"], item["source"]) for item in document["options"]}


def test_a_flag_counts_before_the_environment_and_that_before_the_file(
    saved, file, monkeypatch, capsys
):
    path = file('fail-on = "already-wasm"\n')
    assert options(capsys)["fail-on"] == ("already-wasm", str(path))
    assert main(["gate", str(saved)]) == 2
    monkeypatch.setenv("AUDITOR_FAIL_ON", "insufficient-evidence")
    assert options(capsys)["fail-on"] == ("insufficient-evidence", "AUDITOR_FAIL_ON")
    assert main(["gate", str(saved)]) == 0
    assert main(["gate", str(saved), "--fail-on", "already-wasm"]) == 2


def test_the_file_names_no_program_to_run(file, capsys):
    """Whoever scans in somebody's check-out runs nothing of that somebody's choice."""
    file('syft = "./mine"\n')
    assert main(["scan", HELLO]) == 64
    told = capsys.readouterr().err
    assert "may not name a program to run" in told
    assert "AUDITOR_SYFT" in told


def test_a_scan_reads_the_file_as_well(file):
    file('fail-on = "already-wasm"\npackages = "none"\nquiet = true\n')
    assert main(["scan", HELLO]) == 2


def test_every_option_of_a_scan_has_a_key(capsys):
    found = options(capsys)
    assert {source for _, source in found.values()} == {"default"}
    for key in ("target", "platform", "from", "exclude", "offline", "output", "min-score"):
        assert key in found


def test_a_flag_takes_the_place_of_a_list(saved, file, capsys):
    file('target = ["wasip1", "core"]\n')
    assert main(["gate", str(saved), "--min-score", "0", "-o", "json"]) == 0
    told = [item["id"] for item in json.loads(capsys.readouterr().out)["targets"]]
    assert set(told) == {"wasip1", "core"}
    assert main(["gate", str(saved), "--target", "wasip2", "-o", "json"]) == 0
    assert [item["id"] for item in json.loads(capsys.readouterr().out)["targets"]] == ["wasip2"]


def test_a_variable_may_hold_a_list_or_a_switch(monkeypatch, capsys):
    monkeypatch.setenv("AUDITOR_TARGET", "wasip1, core")
    monkeypatch.setenv("AUDITOR_OFFLINE", "yes")
    found = options(capsys)
    assert found["target"] == (["wasip1", "core"], "AUDITOR_TARGET")
    assert found["offline"] == (True, "AUDITOR_OFFLINE")


def test_paths_in_the_file_are_relative_to_it(saved, file, capsys):
    path = file('baseline = "main.json"\nregistry-ca = "ca.pem"\n')
    found = options(capsys)
    assert found["baseline"][0] == str(path.parent / "main.json")
    assert found["registry-ca"][0] == str(path.parent / "ca.pem")


def test_another_file_may_be_named(saved, file, tmp_path, monkeypatch):
    file('fail-on = "already-wasm"\n')
    other = tmp_path / "other.toml"
    other.write_text("")
    assert main(["gate", str(saved), "--config", str(other)]) == 0
    monkeypatch.setenv("AUDITOR_CONFIG", str(other))
    assert main(["gate", str(saved)]) == 0
    monkeypatch.setenv("AUDITOR_CONFIG", "")
    assert main(["gate", str(saved)]) == 0


WRONG = [
    ("fail_on = 'error'", "has an unknown key 'fail_on'"),
    ("fail-on = true", "'fail-on' in"),
    ("verbose = 'yes'", "should be true or false"),
    ("target = [1]", "should be a list of strings"),
    ("x = ", "is no TOML"),
    ("[waivers]\nrule = 'a'", "waivers are tables"),
    ("[[waivers]]\nrule = 'a'", "waiver 1 has no reason"),
    ("[[waivers]]\nreason = 'a'", "would accept everything"),
    ("[[waivers]]\ntarget = 'core'\nreason = 'a'", "would accept everything"),
    ("[[waivers]]\nrule = 'a'\nreason = 'b'\nexpires = '2027-01-01'", "should be a day"),
    ("[[waivers]]\nrule = 'a'\nreason = 'b'\nuntil = 2027-01-01", "has an unknown key 'until'"),
    ("[[waivers]]\nrule = 1\nreason = 'b'", "rule should be a string"),
]


@pytest.mark.parametrize(("text", "sentence"), WRONG)
def test_what_is_wrong_is_said_with_the_file(saved, file, capsys, text, sentence):
    path = file(text)
    assert main(["gate", str(saved)]) == 64
    error = capsys.readouterr().err
    assert sentence in error
    assert str(path) in error


def test_a_key_that_comes_near_is_named(saved, file, capsys):
    file("fail_on = 'error'")
    main(["gate", str(saved)])
    assert "near: fail-on" in capsys.readouterr().err


def test_a_wrong_variable_is_said(saved, monkeypatch, capsys):
    monkeypatch.setenv("AUDITOR_VERBOSE", "perhaps")
    assert main(["gate", str(saved)]) == 64
    assert "AUDITOR_VERBOSE is 'perhaps'" in capsys.readouterr().err


def test_a_file_that_is_named_and_missing_is_said(saved, capsys):
    assert main(["gate", str(saved), "--config", "/nowhere.toml"]) == 64
    assert "/nowhere.toml cannot be read" in capsys.readouterr().err


def test_waivers_mark_findings_and_idle_ones_are_said(saved, file, capsys, monkeypatch):
    file(
        "[[waivers]]\nrule = '*'\nreason = 'all of it'\nexpires = 2027-01-31\n"
        "[[waivers]]\nrule = 'nothing'\nreason = 'old'\n"
    )
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1795000000")  # 2026-11-18
    assert main(["gate", str(saved), "--fail-on", "note", "-o", "json"]) == 0
    shown = capsys.readouterr()
    document = json.loads(shown.out)
    assert len(document["waived"]) == len(document["findings"]) > 0
    assert "waiver 2 (old) matches no finding" in shown.err
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1805000000")  # 2027-03-14
    assert main(["gate", str(saved), "--target", "core", "--fail-on", "note"]) == 2
    assert "waiver 1 (all of it) expired on 2027-01-31" in capsys.readouterr().err


def test_the_table_shows_options_and_waivers(file, capsys):
    file("min-score = 60\n[[waivers]]\npath = '/usr/*'\nreason = 'the base'\n")
    assert main(["config"]) == 0
    text = capsys.readouterr().out
    assert "min-score" in text
    assert "waiver 1: path /usr/*: the base" in text
