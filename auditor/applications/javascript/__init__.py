"""JavaScript and TypeScript applications under Node.js, Deno and Bun."""

from __future__ import annotations

from auditor.applications.javascript.language import JavaScript
from auditor.applications.language import Context, Language

__all__ = ["make"]


def make(context: Context) -> Language:
    """The language for one image."""
    return JavaScript(context)
