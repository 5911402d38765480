"""One finding in full: what ``auditor explain FINDING REPORT`` prints."""

from __future__ import annotations

import difflib
from typing import TextIO

from rich.text import Text

from auditor.errors import UsageError
from auditor.report.console import console
from auditor.report.fingerprint import fingerprint
from auditor.report.phrases import evidence_text, message, path_of
from auditor.report.text import printable
from auditor.report.wire import WireEvidence, WireFinding, WireReport

__all__ = ["find", "write"]

_LEAST_DIGITS = 8
"""Of a fingerprint that stands for it."""
_NEAR = 3


def find(report: WireReport, name: str) -> WireFinding:
    """The finding with this id, or whose fingerprint begins with it. ``UsageError`` if none has."""
    for finding in report.findings:
        if finding.id == name:
            return finding
    digits = name.lower()
    if len(digits) >= _LEAST_DIGITS and set(digits) <= set("0123456789abcdef"):
        for finding in report.findings:
            if fingerprint(finding).startswith(digits):
                return finding
    near = difflib.get_close_matches(name, [item.id for item in report.findings], n=_NEAR)
    hint = f"near: {', '.join(near)}" if near else "findings and their ids stand in the JSON report"
    raise UsageError(f"the report has no finding {name!r}", hint=hint)


def write(finding: WireFinding, report: WireReport, stream: TextIO) -> None:
    """The sentence, the way there, every fact, what helps, and the table's row."""
    screen = console(stream)
    screen.print(Text(printable(message(finding, report)), style="bold"))
    screen.print(
        Text(
            f"{finding.severity} · support {finding.support} · need {finding.need} · "
            f"{finding.reach} · {finding.role}"
        )
    )
    rule = next((item for item in report.rules if item.id == finding.rule), None)
    if rule is not None:
        screen.print(Text(f"{rule.summary} {rule.why}".strip()))
    if finding.chain:
        screen.print()
        screen.print(Text("The way there", style="bold"))
        for step, identifier in enumerate(finding.chain):
            screen.print(Text(f"{'  ' * step}{printable(path_of(identifier))}"))
    screen.print()
    screen.print(Text("Evidence", style="bold"))
    for item in finding.evidence:
        screen.print(Text(f"  {printable(evidence_text(item))}{_about(item)}"))
    screen.print()
    screen.print(Text.assemble(("What helps: ", "bold"), printable(finding.remedy)))
    row = finding.table
    note = f" ({row.note})" if row.note else ""
    screen.print(Text(f"Held against {row.file}, row {row.key}{note}: {row.source}, {row.as_of}."))
    for source in report.sources:
        if source.id == row.source:
            screen.print(Text(f"  {source.title}: {source.url}", style="dim"))


def _about(item: WireEvidence) -> str:
    known = [f"support {item.support}", f"need {item.need}"]
    if item.package is not None:
        known.append(f"package {printable(item.package)}")
    if item.layer is not None:
        known.append(f"layer {printable(item.layer)[:19]}")
    return f"  [{', '.join(known)}]"
