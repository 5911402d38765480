"""Draws a report as a terminal shows it: ``python tools/docs/picture.py`` writes the README's.

A test compares the words of the picture with what is printed today.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

__all__ = ["PICTURE", "picture", "words"]

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "docs/images/report.svg"
_COMMAND = ("auditor", "scan", "oci-dir:fixtures/small/shell-cmd")
_WIDTH = 100
_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def picture() -> str:
    """The command and its report as SVG, with the fonts of who looks at it."""
    done = subprocess.run(
        [sys.executable, "-m", *_COMMAND],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
        env={**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(_WIDTH), "TERM": "xterm-256color"},
    )
    console = Console(record=True, width=_WIDTH, file=io.StringIO(), highlight=False)
    console.print(Text.assemble(("$ ", "green"), " ".join(_COMMAND)))
    console.print(Text.from_ansi(done.stdout))
    drawn = console.export_svg(title="auditor", unique_id="report")
    return _FONTS.sub("", drawn).replace("Fira Code, monospace", "ui-monospace, monospace")


def words(drawn: str) -> list[str]:
    """The words of a picture, in order."""
    shown = re.sub(r"<style>.*?</style>|<title>.*?</title>", "", drawn, flags=re.DOTALL)
    plain = re.sub(r"<[^>]+>", " ", shown).replace("&#160;", " ").replace("&#x27;", "'")
    return plain.replace("&gt;", ">").split()


if __name__ == "__main__":
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(picture())
