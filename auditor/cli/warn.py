"""Warnings on standard error."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from auditor.image.exclude import Excluded
    from auditor.model.inventory import Unknown
    from auditor.report.wire import WireUnknown
    from auditor.tables.rows import Tables

__all__ = ["about_age", "about_excluded", "about_packages", "about_traces", "about_waivers"]


def about_age(tables: Tables) -> None:
    """Say so where the tables are old."""
    from auditor.tables.age import stale

    if (sentence := stale(tables)) is not None:
        sys.stderr.write(f"auditor: warning: {sentence}\n")


def about_excluded(excluded: Iterable[Excluded]) -> None:
    """Say so where a glob left nothing out."""
    from auditor.report.text import printable

    for item in excluded:
        if not item.files:
            glob = printable(item.glob)
            sys.stderr.write(f"auditor: warning: --exclude {glob} matches no file of the image\n")


def about_packages(unknowns: Iterable[Unknown]) -> None:
    """Say so where the list of packages is missing or incomplete."""
    from auditor.report.text import printable

    for unknown in unknowns:
        if unknown.stage == "packages":
            sys.stderr.write(f"auditor: warning: {printable(unknown.reason)}\n")


def about_traces(unknowns: Iterable[WireUnknown]) -> None:
    """Say so where a trace and the analysis differ."""
    from auditor.report.text import printable

    for unknown in unknowns:
        if unknown.stage == "trace" and unknown.component is not None:
            sentence = printable(f"{unknown.path}: {unknown.reason}")
            sys.stderr.write(f"auditor: warning: {sentence}\n")


def about_waivers(sentences: Iterable[str]) -> None:
    """Say so where a waiver does nothing."""
    from auditor.report.text import printable

    for sentence in sentences:
        sys.stderr.write(f"auditor: warning: {printable(sentence)}\n")
