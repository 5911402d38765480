"""RootFS → Inventory: which files are components, and what each says of itself."""

from __future__ import annotations

from auditor.inventory.collect import collect, component_at
from auditor.inventory.keep import keep

__all__ = ["collect", "component_at", "keep"]
