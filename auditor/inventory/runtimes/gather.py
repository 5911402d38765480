"""All that was recognised in an image → its runtimes, completed by what lies beside them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from os.path import commonpath
from pathlib import PurePosixPath

from auditor.errors import PathInImageError
from auditor.image.rootfs import RootFS
from auditor.inventory.runtimes.beside import READERS, extensions, php_build
from auditor.inventory.runtimes.recognise import Recognised, first
from auditor.inventory.runtimes.wanted import is_wanted
from auditor.model.facts import ElfFacts
from auditor.model.image import EntryKind
from auditor.model.inventory import Component, ComponentKind, Runtime, RuntimeKind
from auditor.tables.rows import RuntimeRow

__all__ = ["Found", "gather"]

_LARGEST_TEXT = 1 << 20
_MOST = 1000
"""Interpreters and libraries that are told of; images have some tens."""
_MOST_LIBRARIES = 100
"""Libraries of one runtime that a launcher's version is looked for in."""


@dataclass(frozen=True, slots=True)
class Found:
    """A component that is a runtime."""

    component: Component
    recognised: Recognised


def gather(
    rootfs: RootFS,
    found: tuple[Found, ...],
    components: Iterable[Component],
    rows: tuple[RuntimeRow, ...],
) -> tuple[Runtime, ...]:
    """The runtimes of an image, sorted by path: one for each that could be told what to run.

    Of files that are the same runtime in one directory (``java`` and ``keytool``, ``perl`` and
    ``perl5.36.0``) one is named; a library only where no program of that runtime has its version.
    """
    compiled = [item for item in found if item.recognised.kind is RuntimeKind.COMPILED]
    others = [item for item in found if item.recognised.kind is not RuntimeKind.COMPILED]
    found = (*compiled, *others[:_MOST])
    sizes = {item.component.id: item.component.size for item in found}
    patterns = {row.id: row.command_pattern for row in rows if row.command_pattern}
    runtimes = [_completed(_plain(item), rootfs) for item in found]
    runtimes = _with_library_versions(runtimes, {i.component.id: i.component for i in found})
    kept: dict[tuple[str, ...], Runtime] = {}
    for runtime in sorted(runtimes, key=lambda item: _preference(item, sizes, patterns)):
        directory = str(PurePosixPath(runtime.path).parent)
        whole = runtime.path if runtime.kind is RuntimeKind.COMPILED else directory
        kept.setdefault((runtime.id, runtime.kind, whole, runtime.version or ""), runtime)
    programs = {(r.id, r.version) for r in kept.values() if r.kind is RuntimeKind.INTERPRETER}
    chosen: dict[tuple[str, str | None] | str, Runtime] = {}
    for runtime in kept.values():
        same = (runtime.id, runtime.version)
        if runtime.kind is not RuntimeKind.LIBRARY:
            chosen[runtime.path] = runtime
        elif same not in programs:
            chosen.setdefault(same, runtime)
    with_php = _with_extensions(list(chosen.values()), rootfs, components)
    every = (*with_php, *_from_files(rootfs, rows))
    return tuple(sorted(every, key=lambda item: (item.path, item.id)))


def _plain(item: Found) -> Runtime:
    row = item.recognised.row
    return Runtime(
        id=row.id,
        title=row.title,
        kind=item.recognised.kind,
        path=item.component.path,
        version=item.recognised.version,
        vendor=item.recognised.vendor,
        component=item.component.id,
    )


def _completed(runtime: Runtime, rootfs: RootFS) -> Runtime:
    reader = READERS.get(runtime.id)
    return reader(runtime, rootfs) if reader is not None else runtime


def _preference(
    runtime: Runtime, sizes: dict[str, int], patterns: dict[str, str]
) -> tuple[bool, int, str]:
    """The usual name first, which here only chooses what to show; then the largest file."""
    name = PurePosixPath(runtime.path).name
    pattern = patterns.get(runtime.id)
    usual = pattern is not None and re.fullmatch(pattern, name) is not None
    return not usual, -sizes.get(runtime.component or "", 0), runtime.path


def _with_library_versions(
    runtimes: list[Runtime], components: dict[str, Component]
) -> list[Runtime]:
    """A small launcher has the version of the library that it is the launcher of."""
    libraries: dict[str, list[Runtime]] = {}
    for runtime in runtimes:
        own = libraries.setdefault(runtime.id, [])
        whole = runtime.kind is RuntimeKind.LIBRARY and runtime.version is not None
        if whole and len(own) < _MOST_LIBRARIES:
            own.append(runtime)

    def version(runtime: Runtime) -> str | None:
        own = [
            library
            for library in libraries[runtime.id]
            if f"{library.version}.".startswith(f"{runtime.version}." if runtime.version else "")
        ]
        needed = _needed(components.get(runtime.component or ""))
        linked = [library for library in own if _names(library, components) & needed]
        nearest = max(
            linked or (own if runtime.version is None else ()),
            key=lambda library: (len(commonpath((library.path, runtime.path))), library.path),
            default=runtime,
        )
        return nearest.version

    return [replace(runtime, version=version(runtime)) for runtime in runtimes]


def _needed(component: Component | None) -> frozenset[str]:
    facts = component.facts if component is not None else None
    return frozenset(facts.needed) if isinstance(facts, ElfFacts) else frozenset()


def _names(library: Runtime, components: dict[str, Component]) -> frozenset[str]:
    component = components.get(library.component or "")
    facts = component.facts if component is not None else None
    soname = facts.soname if isinstance(facts, ElfFacts) else None
    return frozenset({soname or "", PurePosixPath(library.path).name})


def _with_extensions(
    runtimes: list[Runtime], rootfs: RootFS, components: Iterable[Component]
) -> list[Runtime]:
    if not any(runtime.id == "php" for runtime in runtimes):
        return runtimes
    libraries = (item for item in components if item.kind is ComponentKind.LIBRARY)
    built = extensions(libraries, lambda component: _read(rootfs, component.path))

    def modules(runtime: Runtime) -> tuple[str, ...]:
        return built.get(php_build(_read(rootfs, runtime.path)) or b"", ())

    return [
        replace(runtime, modules=modules(runtime)) if runtime.id == "php" else runtime
        for runtime in runtimes
    ]


def _from_files(rootfs: RootFS, rows: tuple[RuntimeRow, ...]) -> list[Runtime]:
    """Runtimes that are files of another runtime's: Elixir on Erlang's."""
    wanted = [row for row in rows if row.files]
    found: list[Runtime] = []
    for entry in rootfs.entries() if wanted else ():
        if entry.kind is not EntryKind.FILE or not is_wanted(entry.path):
            continue
        for row in wanted:
            if any(fnmatchcase(entry.path, glob) for glob in row.files):
                content = _read(rootfs, entry.path, _LARGEST_TEXT)
                if all(mark.encode("latin-1") in content for mark in row.marks):
                    version = first(row.version, content)
                    found.append(Runtime(row.id, row.title, row.kind, entry.path, version))
    return found


def _read(rootfs: RootFS, path: str, limit: int | None = None) -> bytes:
    entry = rootfs.resolve(path)
    try:
        return rootfs.read(entry, limit) if entry is not None else b""
    except PathInImageError:
        return b""
