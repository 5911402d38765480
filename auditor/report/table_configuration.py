"""The configuration for people: a line for each option and waiver."""

from __future__ import annotations

from typing import TextIO

from rich.text import Text

from auditor.report.configured import WireConfiguration, WireOption, WireWaiver
from auditor.report.console import console, grid
from auditor.report.text import printable

__all__ = ["write"]


def write(document: WireConfiguration, stream: TextIO) -> None:
    """Print it; what is not set is a dash."""
    screen = console(stream)
    table = grid()
    table.add_column("Option", no_wrap=True)
    table.add_column("Value", overflow="fold")
    table.add_column("From", overflow="fold")
    for item in document.options:
        style = "dim" if item.source == "default" else ""
        table.add_row(item.key, Text(_value(item)), Text(printable(item.source)), style=style)
    screen.print(table)
    for number, waiver in enumerate(document.waivers, 1):
        screen.print(Text(f"waiver {number}: {_waiver(waiver)}"))


def _value(item: WireOption) -> str:
    match item.value:
        case None:
            return "–"
        case bool():
            return "true" if item.value else "false"
        case list():
            return printable(", ".join(item.value)) or "–"
        case str():
            return printable(item.value)


def _waiver(waiver: WireWaiver) -> str:
    criteria = {
        "rule": waiver.rule,
        "component": waiver.component,
        "package": waiver.package,
        "path": waiver.path,
        "target": waiver.target,
    }
    words = ", ".join(f"{key} {value}" for key, value in criteria.items() if value is not None)
    until = f", until {waiver.expires}" if waiver.expires is not None else ""
    return printable(f"{words}{until}: {waiver.reason}")
