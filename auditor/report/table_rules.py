"""The terminal views of rules, and of a run of their tests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TextIO

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from auditor.report.console import LEVELS, MEANINGS, console, grid
from auditor.report.rules import WireFunctions, WireLevel, WireRule, WireRuleList
from auditor.report.text import printable

__all__ = ["write_list", "write_rule"]

_WIDE = 160
"""Columns where nobody tells how many there are."""
_WIDEST = 150
"""Columns from which the levels on seven targets fit."""
_ROOMY = 60
"""Columns from which need and effort fit."""


def write_list(document: WireRuleList, stream: TextIO) -> None:
    """One line a capability, with as much of it as there is room for."""
    screen = console(stream, _WIDE)
    roomy, wide = screen.width >= _ROOMY, screen.width >= _WIDEST
    table = grid()
    longest = max((len(line.capability) for line in document.rules), default=0)
    table.add_column("Capability", no_wrap=True, min_width=longest)
    if roomy:
        table.add_column("Need", no_wrap=True)
        table.add_column("Effort", justify="right", no_wrap=True)
    targets = list(document.rules[0].levels) if document.rules and wide else []
    for target in targets:
        table.add_column(target, no_wrap=True)
    table.add_column("Title", no_wrap=roomy, overflow="ellipsis" if roomy else "fold")
    for line in document.rules:
        levels = (
            Text(line.levels[target], style=LEVELS[line.levels[target]]) for target in targets
        )
        about = (line.need, str(line.effort)) if roomy else ()
        table.add_row(Text(line.capability), *about, *levels, Text(printable(line.title)))
    screen.print(table)
    if not wide:
        screen.print(Text("The levels on each target: in a wider terminal, or -o json", "dim"))


def write_rule(document: WireRule, stream: TextIO) -> None:
    """A capability, for a person who has never heard of WASI."""
    screen = console(stream)
    function = document.function
    if function is not None:
        alias = f", another name of {function.canonical}" if _renamed(document) else ""
        says = f" is a function of the C library{alias}; it asks for {document.capability}."
        screen.print(Text.assemble((printable(function.name), "bold"), says))
        screen.print()
    screen.print(Text.assemble((document.capability, "bold"), f"  {printable(document.title)}"))
    screen.print(Text(printable(document.summary)))
    screen.print(Text(printable(document.why)))
    screen.print()
    _facts(screen, document)
    if function is not None:
        _levels(screen, f"{printable(function.name)} on each target", function.levels)
        if len(function.levels) < len(document.levels):
            screen.print(Text("  A target without a row offers what the capability has.\n"))
    _levels(screen, f"{document.capability} on each target", document.levels)
    _meanings(screen, [*document.levels, *(function.levels if function is not None else ())])
    _functions(screen, document)
    screen.print(Text("Sources", style="bold"))
    table = grid(header=False)
    for source in document.sources:
        table.add_row(Text(source.id), source.as_of, Text(printable(source.title)))
        table.add_row("", "", Text(printable(source.url), style="dim", overflow="fold"))
    screen.print(Padding.indent(table, 2))


def _renamed(document: WireRule) -> bool:
    function = document.function
    return function is not None and function.canonical != function.name


def _facts(screen: Console, document: WireRule) -> None:
    need = document.need
    if document.function is not None and document.function.need != need:
        need = f"{need}; {document.function.need} for {document.function.name}"
    reason = document.need_reason or f"Measured in runs of real programs ({document.source})."
    facts = [
        ("What helps", document.remedy),
        ("Instead", document.interface or "no host interface takes its place"),
        ("Need", f"{need}. {reason}"),
        ("Effort", f"{document.effort} of 13 points to do without it: {document.effort_meaning}."),
    ]
    table = grid(header=False)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for name, text in facts:
        table.add_row(name, Text(printable(text)))
    screen.print(table)
    screen.print()


def _levels(screen: Console, heading: str, levels: Iterable[WireLevel]) -> None:
    screen.print(Text(heading, style="bold"))
    table = grid(header=False)
    for level in levels:
        flags = f" {' '.join(level.flags)}" if level.flags else ""
        table.add_row(
            Text(level.target, no_wrap=True),
            Text(level.level, style=LEVELS[level.level], no_wrap=True),
            Text(printable(f"{level.note}{flags}".strip())),
            Text(f"{level.source}, {level.as_of}", style="dim", no_wrap=True),
        )
    screen.print(Padding.indent(table, 2))
    screen.print()


def _meanings(screen: Console, levels: Iterable[WireLevel]) -> None:
    """What the words for the levels mean, for those that stand above."""
    shown = {level.level for level in levels}
    table = grid(header=False)
    for level, meaning in MEANINGS.items():
        if level in shown:
            table.add_row(Text(level, style=LEVELS[level]), Text(meaning))
    screen.print(Text("auditor targets tells what each target is. The levels:"))
    screen.print(Padding.indent(table, 2))
    screen.print()


def _functions(screen: Console, document: WireRule) -> None:
    functions = document.functions
    if not functions.count:
        screen.print(Text("No function of the C library shows it; other evidence does.\n"))
    else:
        how_many = "1 function" if functions.count == 1 else f"{functions.count} functions"
        screen.print(Text(f"{how_many} of the C library ask for it", style="bold"))
        screen.print(Padding.indent(Text(_named(functions)), 2))
        screen.print()
    if document.apis:
        screen.print(Text("So do, in the languages that are followed", style="bold"))
        for language, names in document.apis.items():
            screen.print(Padding.indent(Text(f"{language}: {_named(names)}"), 2))
        screen.print()


def _named(names: WireFunctions) -> str:
    rest = names.count - len(names.first)
    return ", ".join(names.first) + (f" and {rest} more" if rest else "")
