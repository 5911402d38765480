"""The terminal view of targets."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from auditor.report.console import LEVELS, console, grid
from auditor.report.targets import WireTargetList, WireTargetRow
from auditor.report.text import printable

__all__ = ["write"]


def write(document: WireTargetList, stream: TextIO) -> None:
    """Each target as a paragraph, then the counts side by side."""
    screen = console(stream)
    for target in document.targets:
        _target(screen, target)
    screen.print(Text("Capabilities by level", style="bold"))
    table = grid()
    table.add_column("Target", no_wrap=True)
    for level, style in LEVELS.items():
        table.add_column(level, justify="right", no_wrap=True, header_style=f"bold {style}")
    for target in document.targets:
        table.add_row(target.id, *(str(target.levels[level]) for level in LEVELS))
    screen.print(Padding.indent(table, 2))
    screen.print()
    _hosts(screen, document)
    screen.print(Text("Ways that are no target of a verdict", style="bold"))
    for route in document.routes:
        screen.print(Text.assemble(f"  {route.id}  ", (printable(route.title), "bold")))
        screen.print(Padding.indent(Text(printable(route.when), style="dim"), 4))


def _hosts(screen: Console, document: WireTargetList) -> None:
    """Every host once, though it runs several targets."""
    hosts = {host.id: host for target in document.targets for host in target.hosts}
    screen.print(Text("What runs them, and where it falls short", style="bold"))
    for host in hosts.values():
        name = Text(printable(host.title), style="bold")
        screen.print(Text.assemble("  ", name, f"  {printable(host.version)}, {host.as_of}"))
        if host.short:
            text = Text(printable("; ".join(host.short)), style="dim")
            screen.print(Padding.indent(text, 4))
    screen.print()


def _target(screen: Console, target: WireTargetRow) -> None:
    aside = "" if target.headline else "  (beside the headline)"
    screen.print(Text.assemble((target.id, "bold"), f"  {printable(target.title)}", (aside, "dim")))
    screen.print(Text(printable(target.summary)))
    hosts = [
        f"{host.title} {host.version}{' (in part)' if host.runs == 'partial' else ''}"
        for host in target.hosts
    ]
    facts = [
        ("runs on", ", ".join(hosts or target.runtimes) or "nothing in the tables"),
        ("built by", target.toolchain),
        ("source", f"{target.source}, {target.as_of}, {target.url}"),
    ]
    table = grid(header=False)
    for name, text in facts:
        table.add_row(name, Text(printable(text), style="dim", overflow="fold"))
    screen.print(Padding.indent(table, 2))
    screen.print()
