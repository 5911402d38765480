"""Well-known servers among the components, by what their files hold and export."""

from __future__ import annotations

from collections.abc import Iterable

from auditor.errors import PathInImageError
from auditor.image.rootfs import RootFS
from auditor.model.facts import ElfFacts
from auditor.model.inventory import Component
from auditor.tables.catalog import Catalog, ServerRow

__all__ = ["recognise_servers"]

_LARGEST = 256 << 20
"""Bytes of a file that is searched for marks."""


def recognise_servers(
    rootfs: RootFS, components: Iterable[Component], catalog: Catalog
) -> dict[str, ServerRow]:
    """Component id → the catalogue's server, for the ELF files that are one."""
    found: dict[str, ServerRow] = {}
    for component in components:
        if not isinstance(component.facts, ElfFacts) or component.size > _LARGEST:
            continue
        entry = rootfs.resolve(component.path)
        try:
            content = rootfs.read(entry) if entry is not None else b""
        except PathInImageError:
            continue
        exports = frozenset(symbol.name for symbol in component.facts.exports)
        row = catalog.server(exports=exports, content=content, path=component.path)
        if row is not None:
            found[component.id] = row
    return found
