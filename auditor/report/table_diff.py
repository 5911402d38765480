"""A comparison for people: verdicts first, then what is new or worse, then what got better."""

from __future__ import annotations

from typing import TextIO

from rich.text import Text

from auditor.report.console import console
from auditor.report.diff import WireChangedFinding, WireChangedTarget, WireDiff
from auditor.report.phrases import path_of
from auditor.report.text import printable

__all__ = ["write"]

_SHOWN = 40
_NAMED = 4
_MARKS = {
    "new": ("+", "red"),
    "worse": ("!", "red"),
    "better": ("~", "green"),
    "gone": ("-", "green"),
}


def write(document: WireDiff, stream: TextIO) -> None:
    """Print it; notes are counted, and not listed."""
    screen = console(stream)
    screen.print(Text(f"{printable(document.before)} → {printable(document.after)}"))
    if not document.same_tables:
        screen.print(Text("The reports were made with different tables.", style="yellow"))
    for target in document.targets:
        screen.print(_target(target))
    weighty = [item for item in document.findings if _weighs(item)]
    if weighty:
        screen.print()
    for item in weighty[:_SHOWN]:
        screen.print(_finding(item))
    if len(weighty) > _SHOWN:
        screen.print(Text(f"… and {len(weighty) - _SHOWN} more (-o json has all)", style="dim"))
    notes = len(document.findings) - len(weighty)
    if notes:
        screen.print(Text(f"{notes} changes of notes", style="dim"))
    if not document.findings:
        screen.print(Text("No finding changed."))


def _weighs(item: WireChangedFinding) -> bool:
    return {item.severity_before, item.severity_after} - {None, "note"} != set()


def _target(item: WireChangedTarget) -> Text:
    before = f"{item.verdict_before} {item.score_before}" if item.verdict_before else "–"
    after = f"{item.verdict_after} {item.score_after}" if item.verdict_after else "–"
    words = f"{item.id:<12}{after}" if before == after else f"{item.id:<12}{before} → {after}"
    style = "" if item.better is None else ("green" if item.better else "red")
    return Text(words, style=style)


def _finding(item: WireChangedFinding) -> Text:
    mark, style = _MARKS[item.change]
    both = item.severity_before is not None and item.severity_after is not None
    severity = f"{item.severity_before} → " if both else ""
    severity += item.severity_after or item.severity_before or ""
    names = list(dict.fromkeys(item.evidence))
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    facts = printable(", ".join(names[:_NAMED]))
    return Text.assemble(
        (f"{mark} {item.change:<7}", style),
        f"{severity:<8} {item.target}  {item.capability}  ",
        f"{printable(path_of(item.component))}  ",
        (f"{facts}{more}", "dim"),
    )
