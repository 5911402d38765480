"""RootFS → Inventory: which files are components, and what each says of itself."""

from __future__ import annotations

from auditor.inventory.collect import collect, component_at
from auditor.inventory.keep import keep
from auditor.inventory.servers import recognise_servers

__all__ = ["collect", "component_at", "keep", "recognise_servers"]
