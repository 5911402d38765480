"""Ruby applications: what an interpreter is told to run, and where requires and constants lead."""

from __future__ import annotations

from auditor.applications.language import Context, Language
from auditor.applications.ruby.language import Ruby

__all__ = ["make"]


def make(context: Context) -> Language:
    """The language for one image."""
    return Ruby(context)
