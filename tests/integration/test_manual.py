"""The manual page as the two formatters of manual pages read it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("man") / "auditor.1"
    command = [sys.executable, "-m", "auditor", "manual"]
    file.write_bytes(subprocess.run(command, capture_output=True, check=True).stdout)
    return file


def run(*command: str | Path, width: str = "80") -> subprocess.CompletedProcess[str]:
    if shutil.which(str(command[0])) is None:
        pytest.skip(f"{command[0]} is not installed")
    variables = {**os.environ, "MANWIDTH": width, "LC_ALL": "C.UTF-8"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=variables)


def test_mandoc_finds_nothing_to_say(page: Path) -> None:
    done = run("mandoc", "-T", "lint", "-W", "all", page)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


def test_groff_warns_of_nothing(page: Path) -> None:
    done = run("groff", "-man", "-Tutf8", "-ww", "-rLL=78n", page)
    assert (done.stderr, done.returncode) == ("", 0)


def test_man_shows_it_as_it_was_written(page: Path) -> None:
    done = run("man", "--warnings", "-l", page)
    assert (done.stderr, done.returncode) == ("", 0)
    for line in (
        "auditor - what of a container image can become WebAssembly",
        "auditor explain [OPTION ...] RULE|FINDING [REPORT]",
        "--fail-on VERDICT|SEVERITY",
        "absent: [net.tcp.listen]",
    ):
        assert line in done.stdout
