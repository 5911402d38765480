"""Python applications: what an interpreter is told to run, and where its imports lead."""

from __future__ import annotations

from auditor.applications.language import Context, Language
from auditor.applications.python.language import Python

__all__ = ["make"]


def make(context: Context) -> Language:
    """The language for one image."""
    return Python(context)
