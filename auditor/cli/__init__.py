"""The command line: one file a subcommand. Alone prints, and alone decides how to exit."""

from __future__ import annotations

from auditor.cli.main import main

__all__ = ["main"]
