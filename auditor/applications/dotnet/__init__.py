"""Applications for .NET: which assembly is started, and where its references lead."""

from __future__ import annotations

from auditor.applications.dotnet.language import DotNet
from auditor.applications.language import Context, Language

__all__ = ["make"]


def make(context: Context) -> Language:
    """The language for one image."""
    return DotNet(context)
