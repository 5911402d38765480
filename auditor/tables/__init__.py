"""The rows of ``signatures/``, loaded and validated."""

from __future__ import annotations

from auditor.tables.load import load

__all__ = ["load"]
