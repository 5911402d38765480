"""Runs the commands that pages show, and writes what they print below them.

``python tools/docs/examples.py`` makes all pages again; a test compares. A block of a page that
begins with ``console`` holds commands (``$ auditor …``), and after each what it printed on both
streams, as a terminal would show it. A page's commands run in order in one empty directory that
has ``fixtures``.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

__all__ = ["PAGES", "filled"]

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "docs/index.md", ROOT / "docs/tutorial.md")
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_DAY = "1795392000"
"""2026-11-23: tables do not age in the examples."""


def filled(text: str) -> str:
    """A page whose examples show what is printed today."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "fixtures").symlink_to(ROOT / "fixtures")

        def block(found: re.Match[str]) -> str:
            commands = [line for line in found[1].splitlines() if line.startswith("$ ")]
            shown = "".join(f"{line}\n{_printed(line[2:], folder)}" for line in commands)
            return f"```console\n{shown}```"

        return _BLOCK.sub(block, text)


def _printed(command: str, folder: str) -> str:
    words = shlex.split(command)
    if words[0] != "auditor":
        raise ValueError(f"{command!r} is no command of the auditor")
    done = subprocess.run(
        [sys.executable, "-m", "auditor", *words[1:]],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "SOURCE_DATE_EPOCH": _DAY},
    )
    return "".join(f"{line.rstrip()}\n" for line in done.stdout.rstrip().splitlines())


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(filled(page.read_text()))
