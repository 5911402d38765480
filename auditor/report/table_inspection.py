"""The terminal view of one component."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from auditor.report.console import console as console_for
from auditor.report.inspection import WireInspection, WireSyscalls
from auditor.report.text import printable

__all__ = ["write"]

_NAMES_SHOWN = 12


def write(document: WireInspection, stream: TextIO) -> None:
    """Print one component for people."""
    console = console_for(stream)
    console.print(Text.assemble((printable(document.path), "bold"), f"  {document.kind}"))
    for line in _facts(document):
        console.print(Text(f"  {line}", style="dim"))
    for reason in document.unknowns:
        console.print(Text(f"  not known: {printable(reason)}", style="yellow"))
    if document.libraries:
        console.print(Text("Libraries", style="bold"))
        for library in document.libraries:
            where = printable(library.path) if library.path is not None else "not in the image"
            brought = "  (the toolchain brings its own)" if library.toolchain else ""
            console.print(Text(f"  {printable(library.soname)} → {where}{brought}"))
    if document.syscalls is not None:
        _syscalls(console, document.syscalls)
    if document.imports.libc:
        _targets(console, document)


def _facts(document: WireInspection) -> list[str]:
    elf = document.elf
    if elf is None:
        return [f"{document.size} bytes"]
    linkage = "static" if elf.static else f"dynamic, loader {printable(elf.interpreter or 'none')}"
    symbols = "stripped" if elf.stripped else "with symbols"
    libc, other = len(document.imports.libc), len(document.imports.other)
    return [
        f"ELF {elf.type}, {printable(elf.machine)}, {elf.bits} bit, {linkage}",
        f"{symbols}, build id {elf.build_id or 'none'}, {elf.code_size} bytes of code",
        f"{libc} functions of the C library, {other} of other libraries",
    ]


def _syscalls(console: Console, calls: WireSyscalls) -> None:
    sites = calls.sites
    console.print(Text(f"System calls: {len(calls.may)}, start-up apart", style="bold"))
    rows = {
        "always": calls.must,
        "may": [name for name in calls.may if name not in {*calls.must, *calls.abort_only}],
        "to abort": calls.abort_only,
        "start-up": calls.loader,
    }
    for title, names in rows.items():
        if names:
            console.print(Text(f"  {title + ':':10}{' '.join(printable(name) for name in names)}"))
    known = f"{sites.resolved} places with one number, {sites.bounded} with several"
    console.print(Text(f"  {known}, {sites.unknown} with any", style="dim"))
    if calls.modules:
        modules = " ".join(printable(name) for name in calls.modules)
        console.print(Text(f"  loads by name, and is not part of this: {modules}", style="yellow"))
    if calls.modules_unknown:
        console.print(Text("  not known: libraries that it loads by name", style="yellow"))
    for reason in calls.unreadable:
        console.print(Text(f"  not known: {printable(reason)}", style="yellow"))


def _targets(console: Console, document: WireInspection) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("Target", no_wrap=True)
    table.add_column("Missing", overflow="fold")
    table.add_column("Links, then fails", overflow="fold")
    table.add_column("By flags", overflow="fold")
    for target in document.targets:
        table.add_row(
            target.id, _names(target.missing), _names(target.stubbed), _names(target.flags)
        )
    console.print(table)


def _names(names: list[str]) -> str:
    shown = ", ".join(printable(name) for name in names[:_NAMES_SHOWN])
    rest = len(names) - _NAMES_SHOWN
    return f"{shown} and {rest} more" if rest > 0 else shown
