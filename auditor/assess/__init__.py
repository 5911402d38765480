"""Graph + tables → findings → verdict, score, effort, route. Pure: no file, no clock."""

from __future__ import annotations

from auditor.assess.assess import assess

__all__ = ["assess"]
