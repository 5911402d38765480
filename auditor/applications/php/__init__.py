"""PHP applications: what an interpreter or php-fpm runs, and where classes and includes lead."""

from __future__ import annotations

from auditor.applications.language import Context, Language
from auditor.applications.php.language import Php

__all__ = ["make"]


def make(context: Context) -> Language:
    """The language for one image."""
    return Php(context)
