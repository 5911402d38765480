"""The library's face."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import assert_type

import pytest

import auditor

HELLO = Path(__file__).parents[2] / "fixtures" / "small" / "hello"


def test_scan_gives_a_report_and_tells_its_stages():
    class Listener:
        def __init__(self) -> None:
            self.stages: list[str] = []
            self.notes: list[str] = []

        def stage(self, words: str) -> None:
            self.stages.append(words)

        def note(self, sentence: str) -> None:
            self.notes.append(sentence)

    told = Listener()
    report = auditor.scan(f"oci-dir:{HELLO}", auditor.Options(targets=("wasip1",)), told)
    assert isinstance(report, auditor.Report)
    assert report.recommendation.verdict == "rebuild"
    assert len(told.stages) >= 4
    assert told.notes == []


def test_a_function_does_as_progress_and_gets_what_is_being_done():
    told: list[str] = []
    auditor.scan(f"oci-dir:{HELLO}", auditor.Options(packages="none"), told.append)
    assert told[0] == f"looking for oci-dir:{HELLO}"
    assert told[1].startswith(f"reading oci-dir:{HELLO} from the OCI layout")
    assert "following the entrypoint" in told
    told.clear()
    document = auditor.inspect(f"oci-dir:{HELLO}", "/usr/bin/hello", progress=told.append)
    assert_type(document, auditor.Inspection)
    assert "reading /usr/bin/hello" in told


def test_what_progress_raises_ends_the_scan_and_leaves_nothing(tmp_path, monkeypatch):
    class EnoughError(Exception):
        pass

    def stop(words: str) -> None:
        if words == "following the entrypoint":
            raise EnoughError

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(EnoughError):
        auditor.scan(f"oci-dir:{HELLO}", progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_a_report_is_rendered_read_back_and_judged(tmp_path):
    report = auditor.scan(f"oci-dir:{HELLO}", auditor.Options(packages="none"))
    assert_type(report, auditor.Report)
    file = tmp_path / "report.json"
    file.write_text(auditor.render(report))
    assert auditor.read_report(file) == report
    assert json.loads(auditor.render(report, "sarif"))["version"] == "2.1.0"
    gate = auditor.Gate(fail_on=auditor.Verdict.REARCHITECT)
    assert auditor.judge(report, gate).gate.met
    judged = auditor.judge(report, gate, ["core"])
    assert not judged.gate.met
    assert "core" in judged.gate.reasons[0]
    with pytest.raises(auditor.AuditorError, match="no output format 'docx'"):
        auditor.render(report, "docx")


def test_every_public_name_is_there_and_says_what_it_is():
    assert set(auditor.__all__) <= set(dir(auditor))
    for name in auditor.__all__:
        assert getattr(auditor, name).__doc__, name


def test_every_failure_is_one_class():
    with pytest.raises(auditor.AuditorError, match="no/such"):
        auditor.scan("oci-dir:/no/such")


def test_an_unknown_name_is_no_attribute():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = auditor.nothing


def test_importing_it_loads_nothing_heavy():
    code = (
        "import auditor, auditor.cli, sys; "
        "print(sorted({'lief', 'networkx', 'rich', 'msgspec', 'isal'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
