"""Lua applications: what the interpreter is told to run, and where its modules are."""

from __future__ import annotations

from auditor.applications.language import Context, Language
from auditor.applications.lua.language import Lua

__all__ = ["make"]


def make(context: Context) -> Language:
    """The language for one image."""
    return Lua(context)
