"""Findings as comma-separated values (RFC 4180): one row each, with a heading."""

from __future__ import annotations

import csv
import io

from auditor.report.phrases import path_of, place
from auditor.report.text import printable
from auditor.report.wire import WireReport

__all__ = ["COLUMNS", "render"]

COLUMNS = (
    "target",
    "severity",
    "capability",
    "component",
    "support",
    "need",
    "reach",
    "role",
    "evidence",
    "place",
    "package",
    "layer",
    "remedy",
    "source",
    "as_of",
    "waiver",
    "id",
)
_FORMULA = ("=", "+", "-", "@")


def render(report: WireReport) -> str:
    """The findings of every target. A cell that a spreadsheet would run gets an apostrophe."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for item in report.findings:
        first = item.evidence[0]
        cells = (
            item.target,
            item.severity,
            item.capability,
            path_of(item.component),
            item.support,
            item.need,
            item.reach,
            item.role,
            " ".join(dict.fromkeys(evidence.detail for evidence in item.evidence)),
            place(first),
            first.package or "",
            first.layer or "",
            item.remedy,
            item.table.source,
            item.table.as_of,
            item.waiver or "",
            item.id,
        )
        writer.writerow([_inert(printable(cell)) for cell in cells])
    return stream.getvalue()


def _inert(cell: str) -> str:
    """Spreadsheets run cells that begin like a formula (CWE-1236); an image chooses its names."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
