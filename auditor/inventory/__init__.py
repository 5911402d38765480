"""RootFS → Inventory: which files are components, and what each says of itself."""

from __future__ import annotations

from auditor.inventory.collect import collect, component_at
from auditor.inventory.keep import keep
from auditor.inventory.packages import (
    Cataloguing,
    NotUnderstoodError,
    Packages,
    open_sbom,
    read_sbom,
    with_packages,
)
from auditor.inventory.servers import recognise_servers

__all__ = [
    "Cataloguing",
    "NotUnderstoodError",
    "Packages",
    "collect",
    "component_at",
    "keep",
    "open_sbom",
    "read_sbom",
    "recognise_servers",
    "with_packages",
]
