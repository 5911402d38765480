"""Applications in languages with a runtime: what they load, and what they ask for.

One package a language, behind the protocol of ``language``; ``follow`` is the same for all.
"""

from __future__ import annotations

from auditor.applications.applications import Applications
from auditor.applications.follow import Asked, Certainty, Followed, Import
from auditor.applications.language import Context, Language, Module, Resolution, Served, Start

__all__ = [
    "Applications",
    "Asked",
    "Certainty",
    "Context",
    "Followed",
    "Import",
    "Language",
    "Module",
    "Resolution",
    "Served",
    "Start",
]
