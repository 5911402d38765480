"""One file of an image in full: what it is, what it loads, and the system calls it can make."""

from __future__ import annotations

from contextlib import ExitStack

from auditor.errors import PathInImageError
from auditor.image.rootfs import RootFS
from auditor.inventory import component_at
from auditor.linking import link
from auditor.model.facts import ElfFacts, ElfType
from auditor.model.image import Image
from auditor.model.inventory import Component
from auditor.model.syscalls import SyscallFacts
from auditor.pipeline import Options, Progress, Silent, opened
from auditor.report import WireInspection, inspection
from auditor.report.inspection import Linked
from auditor.syscalls import process_objects, system_calls
from auditor.tables.rows import Tables

__all__ = ["inspect"]

_ANALYSED = "amd64"
"""The machine whose code is read for system calls."""
_RUN = frozenset({ElfType.EXECUTABLE, ElfType.LIBRARY})


def inspect(
    reference: str, path: str, options: Options | None = None, progress: Progress | None = None
) -> WireInspection:
    """Look at one file of an image, and at the libraries it would load, and at nothing else."""
    options, progress = options or Options(), progress or Silent()
    with ExitStack() as stack:
        tables, image, rootfs = opened(stack, reference, options, progress)
        progress.stage(f"reading {path}")
        component, unknown = component_at(rootfs, _absolute(path), tables.runtimes)
        if component is None:
            raise _no_component(rootfs, reference, _absolute(path))
        linked, calls = _linked(rootfs, image, component, tables)
    unknowns = (unknown,) if unknown is not None else ()
    return inspection(component, linked, unknowns, tables, calls)


def _linked(
    rootfs: RootFS, image: Image, component: Component, tables: Tables
) -> tuple[Linked, SyscallFacts | None]:
    """The component's libraries and imports, bound as its loader would, and system calls."""
    if not isinstance(component.facts, ElfFacts):
        return Linked((), (), ()), None
    found: dict[str, Component | None] = {component.path: component}

    def at(path: str) -> Component | None:
        if path not in found:
            found[path] = component_at(rootfs, path, tables.runtimes)[0]
        return found[path]

    environment = dict(image.config.env)
    linked = link(rootfs, component, at, library_path=environment.get("LD_LIBRARY_PATH", ""))
    paths = {loaded.component.id: loaded.component.path for loaded in linked.objects}
    libraries = {
        (soname, paths.get(identifier), tables.is_toolchain_library(soname))
        for loaded in linked.objects
        for soname, identifier in loaded.needs
    } | {(item.soname, None, tables.is_toolchain_library(item.soname)) for item in linked.missing}
    toolchain = {
        loaded.component.id
        for loaded in linked.objects
        if tables.is_toolchain_component(loaded.component)
    }
    libc: list[str] = []
    other: list[str] = []
    for binding in linked.bindings()[component.id]:
        name = binding.symbol.name
        from_libc = binding.provider in toolchain or (
            binding.provider is None and tables.symbol(name) is not None
        )
        (libc if from_libc else other).append(name)
    calls = None
    # Without all of its libraries, what it calls would be told as nothing.
    whole = not linked.missing
    if whole and component.facts.machine == _ANALYSED and component.facts.type in _RUN:
        calls = system_calls(process_objects(rootfs, linked, at), tables)
    return Linked(tuple(sorted(libraries, key=str)), tuple(libc), tuple(other)), calls


def _no_component(rootfs: RootFS, reference: str, path: str) -> PathInImageError:
    if rootfs.resolve(path) is None:
        return PathInImageError(f"{reference} holds nothing at {path}")
    return PathInImageError(
        f"{path} in {reference} is no executable, library, script or WebAssembly file"
    )


def _absolute(path: str) -> str:
    return path if path.startswith("/") else f"/{path}"
