"""The terminal view of the tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TextIO

from rich.padding import Padding
from rich.text import Text

from auditor.report.console import LEVELS, console, grid
from auditor.report.tables import WireTables
from auditor.report.text import printable

__all__ = ["write"]


def write(document: WireTables, stream: TextIO) -> None:
    """Dates, counts, and each target's rows by level."""
    screen = console(stream)
    days = "1 day" if document.age_days == 1 else f"{document.age_days} days"
    counts = document.counts
    facts = [
        ("Tables", f"of {document.as_of}, {days} old, with auditor {document.auditor}"),
        ("Digest", document.digest),
        ("Newest", f"{document.newest.as_of}  {document.newest.title}"),
        ("Oldest", f"{document.oldest.as_of}  {document.oldest.title}"),
        ("Asked for", f"{counts.capabilities} capabilities, by {counts.symbols} libc functions"),
        ("", f"under {counts.aliases} more names"),
        ("", f"and {_listed(counts.syscalls)} system calls"),
        ("", f"names of libraries: {_listed(counts.apis) or 'none'}"),
        ("Offered", f"{counts.rows} levels on {counts.targets} targets"),
        ("Beside it", f"{counts.languages} languages, {counts.hosts} hosts"),
        ("", f"launchers of applications: {_listed(counts.launchers) or 'none'}"),
        ("", f"{_listed(counts.catalog)} rows"),
        ("Sources", f"{counts.sources}; -o json names them, with date and licence"),
    ]
    if document.overlay:
        facts.append(("Overlay", ", ".join(document.overlay)))
    table = grid(header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in facts:
        table.add_row(name, Text(printable(text)))
    screen.print(table)
    screen.print()
    screen.print(Text("Levels, of capabilities + functions + system calls", style="bold"))
    levels = grid()
    levels.add_column("Target", no_wrap=True)
    for level, style in LEVELS.items():
        levels.add_column(level, justify="right", no_wrap=True, header_style=f"bold {style}")
    levels.add_column("no row", justify="right", no_wrap=True)
    for target, rows in document.targets.items():
        kinds = (rows.capabilities, rows.symbols, rows.syscalls)
        cells = ("+".join(str(counts[level]) for counts in kinds) for level in LEVELS)
        levels.add_row(target, *cells, str(rows.symbols_without_row))
    screen.print(Padding.indent(levels, 2))


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())
