"""Inventory → DependencyGraph: what the entrypoint leads to, and in which role."""

from __future__ import annotations

from auditor.graph.build import build

__all__ = ["build"]
