"""Warnings on standard error."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auditor.tables.rows import Tables

__all__ = ["about_age"]


def about_age(tables: Tables) -> None:
    """Say so where the tables are old."""
    from auditor.tables.age import stale

    if (sentence := stale(tables)) is not None:
        sys.stderr.write(f"auditor: warning: {sentence}\n")
