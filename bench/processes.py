"""Executables with all that their loader would load, as ``auditor.syscalls`` takes them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from resource import RUSAGE_SELF, getrusage

from auditor.formats import elf as _  # noqa: F401 - imported late elsewhere: not to be timed
from auditor.image.bounds import Bounds
from auditor.image.directory import DirectoryRootFS
from auditor.image.rootfs import RootFS
from auditor.inventory import component_at
from auditor.linking import link
from auditor.model.facts import ElfFacts
from auditor.model.inventory import Component
from auditor.model.syscalls import SyscallFacts
from auditor.syscalls import ProcessObject, system_calls
from auditor.tables.rows import Tables

__all__ = ["Analysed", "Task", "analyse"]


@dataclass(frozen=True, slots=True)
class Task:
    """One executable of a tree, with modules that it loads at run time."""

    root: Path
    path: str
    modules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Analysed:
    """What came of a task."""

    facts: SyscallFacts
    objects: int
    """Executable, libraries and interpreter."""
    modules: int
    """Objects that came in with the modules."""
    missing: tuple[str, ...]
    """Sonames and modules that are not in the tree."""
    processor: float
    """Seconds, from the files to the set of calls; tables and program were loaded before."""
    peak: int
    """Bytes; tables, program and interpreter are part of it."""


def analyse(task: Task, tables: Tables) -> Analysed:
    """Link and analyse; in a process of its own, or ``peak`` says nothing."""
    begin = time.process_time()
    with DirectoryRootFS(str(task.root), Bounds()) as rootfs:
        process = _Process(rootfs, tables)
        objects = process.load(task.path, interpreter=True)
        modules: list[ProcessObject] = []
        for path in task.modules:
            modules += process.load(path)
    facts = system_calls(objects, tables, modules=modules)
    return Analysed(
        facts=facts,
        objects=len(objects),
        modules=len(modules),
        missing=tuple(sorted(process.missing - process.names)),
        processor=time.process_time() - begin,
        peak=getrusage(RUSAGE_SELF).ru_maxrss * 1024,
    )


class _Process:
    """Loads objects once each, in the loader's order."""

    def __init__(self, rootfs: RootFS, tables: Tables) -> None:
        self.missing: set[str] = set()
        self.names: set[str | None] = set()
        """Sonames of what is loaded: the loader takes those before it searches."""
        self._rootfs = rootfs
        self._loaded: set[str] = set()

        @cache
        def at(path: str) -> Component | None:
            return component_at(rootfs, path, tables.runtimes)[0]

        self._at = at

    def load(self, path: str, *, interpreter: bool = False) -> list[ProcessObject]:
        """The object at a path and what it needs, without those that are loaded already."""
        component = self._at(path)
        if component is None or not isinstance(component.facts, ElfFacts):
            self.missing.add(path)
            return []
        linked = link(self._rootfs, component, self._at)
        self.missing.update(item.soname for item in linked.missing)
        found = [item.component for item in linked.objects]
        last = component.facts.interpreter if interpreter else None
        if last is not None:
            loader = self._at(last)
            if loader is None:
                self.missing.add(last)
            else:
                found = [item for item in found if item.path != loader.path] + [loader]
        return [self._object(item) for item in found if item.path not in self._loaded]

    def _object(self, component: Component) -> ProcessObject:
        self._loaded.add(component.path)
        assert isinstance(component.facts, ElfFacts)
        self.names.add(component.facts.soname)
        entry = self._rootfs.resolve(component.path)
        assert entry is not None
        return ProcessObject(component.path, self._rootfs.read(entry), component.facts)
