"""What the README shows is what the command prints."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from auditor.model.terms import Verdict
from auditor.tables import load

ROOT = Path(__file__).parents[3]


def test_the_first_report_in_the_readme_is_a_real_one():
    readme = (ROOT / "README.md").read_text()
    image = re.search(r"make scan IMAGE=(\S+)", readme)
    assert image is not None
    done = subprocess.run(
        [sys.executable, "-m", "auditor", "scan", image[1]],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    printed = "\n".join(line.rstrip() for line in done.stdout.rstrip().splitlines())
    assert f"```\n{printed}\n```" in readme


def test_the_readme_names_every_verdict_and_target():

    readme = (ROOT / "README.md").read_text()
    for name in (*Verdict, *load().targets):
        assert f"`{name}`" in readme
