"""Go: programs that were linked, read from their code."""

from __future__ import annotations

from auditor.applications.go.language import Go
from auditor.applications.language import Context, Language

__all__ = ["make"]


def make(context: Context) -> Language:
    """The Go programs of an image."""
    return Go(context)
