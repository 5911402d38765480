"""What is in an image: components, and what could not be understood."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from auditor.model.facts import ElfFacts, ScriptFacts, WasmFacts
from auditor.model.settings import Setting

__all__ = [
    "Component",
    "ComponentKind",
    "Inventory",
    "Package",
    "Runtime",
    "RuntimeKind",
    "Unknown",
]


class ComponentKind(StrEnum):
    """The things that a verdict can be given for."""

    EXECUTABLE = "executable"
    LIBRARY = "shared-library"
    SCRIPT = "script"
    SOURCE = "source"
    """A file of an application in a language with a runtime: a module, a jar, an assembly."""
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
    facts: ElfFacts | ScriptFacts | WasmFacts | None
    """``None`` where the file was recognised and could not be read; an Unknown says why."""
    runtime: str | None = None
    """Id of the language runtime that it is, or that it is written for."""
    package: str | None = None
    """Name of the package that owns the file, where known."""

    @property
    def weight(self) -> int:
        """Bytes of code or source, to weigh coverage with."""
        return self.facts.code_size if isinstance(self.facts, ElfFacts) else self.size


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


@dataclass(frozen=True, slots=True, order=True)
class Package:
    """What a package manager, or a bill of materials, knows to be in the image."""

    name: str
    version: str
    type: str
    """In syft's words: ``deb``, ``apk``, ``rpm``, ``python``, ``npm``, ``go-module``, …"""
    purl: str | None = None
    """Package URL (``pkg:deb/debian/nginx@1.22.1-9``), where there is one."""
    licences: tuple[str, ...] = ()
    """SPDX expressions where the text is one, else as written; sorted."""
    paths: tuple[str, ...] = ()
    """Where it was seen in the image, the file that names it first."""
    layer: str | None = None
    """``diff_id`` of the layer that brought what names it, where known."""
    files: tuple[str, ...] = ()
    """Files that it says are its own: absolute paths as its manager writes them, sorted."""
    depends_on: tuple[str, ...] = ()
    """Names of packages in the image that it depends on, sorted."""
    main: bool = True
    """False for what is only a part of what stands at its path (a module in a Go program)."""


class RuntimeKind(StrEnum):
    """What a runtime is to the programs of its language."""

    INTERPRETER = "interpreter"
    """A program that is told what to run, so that a target's own build can take its place."""
    LIBRARY = "library"
    """The same for other programs to load: ``libphp.so`` in a web server."""
    COMPILED = "compiled"
    """Linked into one program, which is rebuilt with it: Go, Rust, a native image."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """A language runtime, as its files show it."""

    id: str
    """As in ``signatures/runtimes.toml``."""
    title: str
    kind: RuntimeKind
    path: str
    version: str | None = None
    vendor: str | None = None
    """Who built it, where the files say (``Eclipse Adoptium``)."""
    modules: tuple[str, ...] = ()
    """What it brings besides its core: modules of a JVM, extensions of PHP; sorted."""
    component: str | None = None
    """Id of the component that it is; ``None`` where it is no component's file."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """All components, sorted by id, and all Unknowns, sorted."""

    components: tuple[Component, ...]
    unknowns: tuple[Unknown, ...]
    files: int
    """Regular files looked at."""
    packages: tuple[Package, ...] = ()
    """Sorted."""
    settings: tuple[Setting, ...] = ()
    """What the image's configuration sets, where that decides; sorted."""
    packages_by: str | None = None
    """What named the packages (``syft 1.18.1``); ``None`` where nobody was asked."""
    runtimes: tuple[Runtime, ...] = ()
    """Sorted by path, then id."""

    def with_components(self, more: Iterable[Component]) -> Inventory:
        """The same with more components."""
        components = sorted((*self.components, *more), key=lambda component: component.id)
        return replace(self, components=tuple(components))

    def explained(self, programs: tuple[str, ...]) -> Inventory:
        """The same without what was unknown of programs that the graph has read after all."""
        left = tuple(item for item in self.unknowns if item.component not in programs)
        return replace(self, unknowns=left)
