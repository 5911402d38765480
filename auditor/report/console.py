"""What the terminal views share."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console
from rich.table import Table

__all__ = ["LEVELS", "MEANINGS", "console", "grid"]

LEVELS = {
    "full": "green",
    "flags": "green",
    "emulated": "green",
    "partial": "yellow",
    "unknown": "magenta",
    "stub": "red",
    "none": "red",
}
"""The colour of each level of support."""
MEANINGS = {
    "full": "is there, and works as on Linux",
    "flags": "is there, with extra compile or link flags",
    "emulated": "an imitation is there, mostly with extra flags",
    "partial": "works in part",
    "unknown": "nobody checked; never counted as met",
    "stub": "links, then always fails when it is called",
    "none": "is not there, or fails to link",
}
"""What each level means, for people."""


def console(stream: TextIO, width: int = 100) -> Console:
    """A console whose colours and width follow the stream.

    Where that is no terminal, it has at least ``width`` columns, whatever COLUMNS says: programs
    that use readline hand it to those that they start.
    """
    made = Console(file=stream, highlight=False, soft_wrap=False, legacy_windows=False)
    if not stream.isatty():
        made.width = max(made.width, width)
    return made


def grid(*, header: bool = True) -> Table:
    """A table without lines."""
    return Table(
        box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0), show_header=header
    )
