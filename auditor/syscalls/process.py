"""The files of a process, as its loader would map them."""

from __future__ import annotations

from collections.abc import Callable

from auditor.errors import AuditorError
from auditor.image.rootfs import RootFS
from auditor.linking import LinkMap
from auditor.model.facts import ElfFacts
from auditor.model.inventory import Component
from auditor.syscalls.engine import ProcessObject

__all__ = ["process_objects"]


def process_objects(
    rootfs: RootFS, linked: LinkMap, component_at: Callable[[str], Component | None]
) -> list[ProcessObject]:
    """The executable, its libraries in load order, and its loader last.

    What cannot be read any more is there without content, so that it counts as unknown.
    """
    found = [item.component for item in linked.objects]
    first = found[0].facts
    if isinstance(first, ElfFacts) and first.interpreter is not None:
        entry = rootfs.resolve(first.interpreter)
        loader = component_at(entry.path) if entry is not None else None
        if loader is not None:
            found = [item for item in found if item.path != loader.path] + [loader]
    return [
        ProcessObject(item.path, _content(rootfs, item.path), item.facts)
        for item in found
        if isinstance(item.facts, ElfFacts)
    ]


def _content(rootfs: RootFS, path: str) -> bytes:
    entry = rootfs.resolve(path)
    if entry is None:
        return b""
    try:
        return rootfs.read(entry)
    except AuditorError:
        return b""
