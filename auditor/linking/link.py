"""Executable → the libraries its loader would load, and who provides each imported symbol."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from auditor.image.rootfs import RootFS
from auditor.linking.search import MUSL_OWN_NAMES, Loader, Seeker, loader_for, search_directories
from auditor.model.facts import ElfFacts, Symbol
from auditor.model.graph import Binding
from auditor.model.image import EntryKind
from auditor.model.inventory import Component

__all__ = ["LinkMap", "LinkedObject", "Missing", "link"]

_MOST_OBJECTS = 4096


@dataclass(frozen=True, slots=True)
class LinkedObject:
    """One object of a process. ``needs`` pairs each DT_NEEDED with the component it led to."""

    component: Component
    needs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, order=True)
class Missing:
    """A library that the loader would not find."""

    needed_by: str
    """Component id."""
    soname: str


@dataclass(frozen=True, slots=True)
class LinkMap:
    """A process as the loader leaves it: the executable first, then breadth first."""

    objects: tuple[LinkedObject, ...]
    missing: tuple[Missing, ...]
    interpreter: str | None
    """Component id of the loader; ``None`` where the image lacks it."""

    def bindings(self) -> dict[str, tuple[Binding, ...]]:
        """Component id → its imports, each bound to the first object that exports it.

        Symbol versions decide where importer and exporter both have them, as in glibc's
        ``do_lookup_x``; the search order is the load order (System V gABI, "Shared Object
        Dependencies").
        """
        exporters: dict[str, list[tuple[str | None, str]]] = {}
        for loaded in self.objects:
            for symbol in _facts(loaded.component).exports:
                exporters.setdefault(symbol.name, []).append((symbol.version, loaded.component.id))
        return {
            loaded.component.id: tuple(
                Binding(symbol, _provider(symbol, exporters.get(symbol.name, [])))
                for symbol in _facts(loaded.component).imports
            )
            for loaded in self.objects
        }


def link(
    rootfs: RootFS,
    executable: Component,
    component_at: Callable[[str], Component | None],
    *,
    library_path: str = "",
) -> LinkMap:
    """Follow DT_NEEDED from an executable as its loader would.

    ``component_at`` gives the component at a real path of the image. ``library_path`` is
    LD_LIBRARY_PATH. Files of another machine or class are passed over, as ld.so does.
    """
    facts = _facts(executable)
    files = _Files(rootfs, component_at, loader_for(rootfs, facts, library_path))
    interpreter = files.at(facts.interpreter) if facts.interpreter else None
    loaded: dict[str, LinkedObject] = {}
    by_name: dict[str, str] = {}
    missing: list[Missing] = []
    queue: deque[tuple[Component, Seeker]] = deque([(executable, Seeker(facts, executable.path))])
    pending = {executable.id}
    while queue and len(loaded) < _MOST_OBJECTS:
        component, seeker = queue.popleft()
        needs: list[tuple[str, str]] = []
        for soname in seeker.facts.needed:
            if soname not in by_name:
                library = files.find(soname, seeker, interpreter)
                if library is None:
                    missing.append(Missing(component.id, soname))
                    continue
                by_name[soname] = library.id
                by_name.setdefault(_facts(library).soname or soname, library.id)
                if library.id not in pending:
                    pending.add(library.id)
                    ancestors = ((seeker.facts, seeker.path), *seeker.ancestors)
                    queue.append((library, Seeker(_facts(library), library.path, ancestors)))
            needs.append((soname, by_name[soname]))
        loaded[component.id] = LinkedObject(component, tuple(needs))
    return LinkMap(
        objects=tuple(loaded.values()),
        missing=tuple(sorted(missing)),
        interpreter=interpreter.id if interpreter else None,
    )


@dataclass(frozen=True, slots=True)
class _Files:
    """The image's libraries, as one loader sees them."""

    rootfs: RootFS
    component_at: Callable[[str], Component | None]
    loader: Loader

    def at(self, path: str) -> Component | None:
        """The component that a path leads to."""
        entry = self.rootfs.resolve(path if path.startswith("/") else f"/{path}")
        if entry is None or entry.kind is not EntryKind.FILE:
            return None
        return self.component_at(entry.path)

    def find(self, soname: str, seeker: Seeker, interpreter: Component | None) -> Component | None:
        """The first library of that name which fits machine and class."""
        if "/" in soname:
            return self._usable(soname, seeker)
        if self.loader.musl and _is_musl_itself(soname):
            return interpreter
        candidates = (
            self._usable(f"{directory}/{soname}", seeker)
            for directory in search_directories(self.loader, seeker)
        )
        return next((library for library in candidates if library is not None), None)

    def _usable(self, path: str, seeker: Seeker) -> Component | None:
        library = self.at(path)
        if library is None or not isinstance(library.facts, ElfFacts):
            return None
        same = library.facts.machine == self.loader.machine
        return library if same and library.facts.bits == seeker.facts.bits else None


def _is_musl_itself(soname: str) -> bool:
    if soname.startswith("libc.musl-"):
        return True
    stem = soname.removeprefix("lib").partition(".so")[0]
    return soname.startswith("lib") and stem in MUSL_OWN_NAMES


def _provider(symbol: Symbol, exporters: list[tuple[str | None, str]]) -> str | None:
    for version, provider in exporters:
        if symbol.version is None or version is None or version == symbol.version:
            return provider
    return None


def _facts(component: Component) -> ElfFacts:
    if not isinstance(component.facts, ElfFacts):
        message = f"{component.id} is no ELF file"
        raise TypeError(message)
    return component.facts
