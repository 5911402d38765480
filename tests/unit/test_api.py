"""The library's face."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

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
