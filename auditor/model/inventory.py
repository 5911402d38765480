"""What is in an image: components, and what could not be understood."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from auditor.model.facts import ElfFacts, ScriptFacts, WasmFacts

__all__ = ["Component", "ComponentKind", "Inventory", "Unknown"]


class ComponentKind(StrEnum):
    """The things that a verdict can be given for."""

    EXECUTABLE = "executable"
    LIBRARY = "shared-library"
    SCRIPT = "script"
    WASM = "wasm"


@dataclass(frozen=True, slots=True)
class Component:
    """A thing in the image that a verdict can be given for."""

    id: str
    """``kind:path``; the same in every scan of the same image."""
    kind: ComponentKind
    path: str
    size: int
    layer: str | None
    facts: ElfFacts | ScriptFacts | WasmFacts
    package: str | None = None
    """Name of the package that owns the file, where known."""


@dataclass(frozen=True, slots=True, order=True)
class Unknown:
    """What could not be analysed: it widens the interval and never disappears."""

    path: str
    stage: str
    """The room that gave up: ``image``, ``elf``, ``shell``, ``linking``, …"""
    reason: str
    """A sentence for people."""
    component: str | None = None
    """Id of the component it is about, where there is one."""
    weight: int = 0
    """Bytes of code or source that are not understood; 0 where the size says nothing."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """All components, sorted by id, and all Unknowns, sorted."""

    components: tuple[Component, ...]
    unknowns: tuple[Unknown, ...]
    files: int
    """Regular files looked at."""
