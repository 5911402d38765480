"""``catalog/``: packages, modules, applications and servers that somebody has dealt with before.

An entry only ever adds to the evidence of an image.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from auditor.tables.checks import Shape, check_source, check_words, keyed_rows
from auditor.tables.files import Files, complain
from auditor.tables.rows import CapabilityRow, Source, TargetRow

__all__ = [
    "Application",
    "Catalog",
    "ModuleState",
    "PackageHome",
    "PortStatus",
    "PythonModule",
    "PythonPackage",
    "ServerRow",
    "load_catalog",
]

PACKAGES = "catalog/python-packages.csv"
MODULES = "catalog/python-modules.csv"
APPLICATIONS = "catalog/applications.csv"
SERVERS = "catalog/servers.toml"

EVERYWHERE = "*"
BESIDE = frozenset({"wali", "emulation", "translation"})
"""Routes of ``routes.toml`` for which ports are listed as well."""

E = TypeVar("E", bound=StrEnum)
_FLAGS: Mapping[str, bool | None] = {"yes": True, "no": False, "": None}


class PackageHome(StrEnum):
    """Who keeps a build of a Python package."""

    PYODIDE = "pyodide"
    EMSCRIPTEN_FORGE = "emscripten-forge"
    WASIX = "wasix"

    @property
    def target(self) -> str:
        """The target that the build is for."""
        return "wasix" if self is PackageHome.WASIX else "emscripten"


class ModuleState(StrEnum):
    """What has become of a module of Python's standard library."""

    MISSING = "missing"
    BROKEN = "broken"
    """It imports, and does not work."""
    STUB = "stub"
    LIMITED = "limited"
    UNKNOWN = "unknown"
    """Nobody checked."""


class PortStatus(StrEnum):
    """How far a port has come."""

    PORTED = "ported"
    PARTIAL = "partial"
    RECIPE = "recipe"
    """Someone builds it; that is no passing test."""
    HISTORIC = "historic"
    FORK = "fork"
    NONE = "none"
    """None was found, which does not prove that there is none."""
    UNKNOWN = "unknown"
    """Nobody checked."""


@dataclass(frozen=True, slots=True)
class PythonPackage:
    """A distribution of which somebody keeps a WebAssembly build."""

    name: str
    """As PEP 503 writes it."""
    version: str
    home: PackageHome
    pure: bool | None
    """Python only; ``None`` where the list does not say."""
    disabled: bool
    """The recipe is there and switched off."""
    source: str
    as_of: str


@dataclass(frozen=True, slots=True)
class PythonModule:
    """A module of Python's standard library that is away or does not work on a target."""

    module: str
    target: str
    state: ModuleState
    note: str
    source: str
    as_of: str


@dataclass(frozen=True, slots=True)
class Application:
    """A port of an application or library."""

    name: str
    kind: str
    """``library``, ``server``, …; empty where the list does not say."""
    target: str
    """A target, a route (``wali``), or ``*`` for all targets."""
    status: PortStatus
    note: str
    source: str
    as_of: str


@dataclass(frozen=True, slots=True)
class ServerRow:
    """A well-known server that stays in its container."""

    id: str
    title: str
    summary: str
    reasons: tuple[str, ...]
    """Capabilities that it rests on by its design."""
    instead: str
    """What people use from the WebAssembly side."""
    also: str | None
    """Ports that come part of the way."""
    exports: tuple[str, ...]
    strings: tuple[str, ...]
    classes: tuple[str, ...]
    files: tuple[str, ...]
    runtime: str | None
    """Id in ``languages.toml`` of the runtime that it needs."""
    recognised_note: str | None
    recognised_source: str
    source: str

    def fits(
        self, exports: Container[str], content: bytes, members: Container[str], path: str
    ) -> int:
        """How many of the row's marks a file bears; 0 where one that must be there is not."""
        if any(path == end or path.endswith("/" + end) for end in self.files):
            return 1
        marks = (
            *(name in exports for name in self.exports),
            *(text.encode() in content for text in self.strings),
            *(name in members for name in self.classes),
        )
        return len(marks) if all(marks) else 0


@dataclass(frozen=True, slots=True)
class Catalog:
    """Look-ups into ``catalog/``."""

    packages: Mapping[str, tuple[PythonPackage, ...]] = field(repr=False)
    """Name as PEP 503 writes it → builds."""
    modules: Mapping[str, Mapping[str, tuple[PythonModule, ...]]] = field(repr=False)
    """Target → module → what is known of it."""
    ports: Mapping[str, tuple[Application, ...]] = field(repr=False)
    """Name in lower case → ports."""
    servers: Mapping[str, ServerRow]
    """Id → server, in the order of the file."""

    def python_package(self, name: str) -> tuple[PythonPackage, ...]:
        """Builds of a distribution, whatever way its name is written."""
        return self.packages.get(_normalised(name), ())

    def python_module(self, module: str, target: str) -> tuple[PythonModule, ...]:
        """What is known of a module of the standard library on a target.

        Empty where nothing is said against it. A submodule shares its package's fate. Two rows
        on Emscripten speak of CPython's own build and of Pyodide.
        """
        known = self.modules.get(target, {})
        return known.get(module) or known.get(module.partition(".")[0], ())

    def applications(self, name: str) -> tuple[Application, ...]:
        """Ports of an application or library."""
        return self.ports.get(name.lower(), ())

    def server(
        self,
        *,
        exports: Container[str] = frozenset(),
        content: bytes = b"",
        members: Container[str] = frozenset(),
        path: str = "",
    ) -> ServerRow | None:
        """The server that a file is: by exported symbols, bytes, archive members, or path."""
        fits = ((row.fits(exports, content, members, path), row) for row in self.servers.values())
        marks, row = max(fits, key=lambda fit: fit[0])
        return row if marks else None

    def counts(self) -> Mapping[str, int]:
        """Rows in each file."""
        modules = (rows for known in self.modules.values() for rows in known.values())
        return {
            PACKAGES: sum(map(len, self.packages.values())),
            MODULES: sum(map(len, modules)),
            APPLICATIONS: sum(map(len, self.ports.values())),
            SERVERS: len(self.servers),
        }


class _ServerShape(Shape, frozen=True):
    title: str
    summary: str
    reasons: tuple[str, ...]
    instead: str
    recognised_source: str
    source: str
    also: str | None = None
    exports: tuple[str, ...] = ()
    strings: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    runtime: str | None = None
    recognised_note: str | None = None


def load_catalog(
    files: Files,
    sources: Mapping[str, Source],
    capabilities: Mapping[str, CapabilityRow],
    targets: Mapping[str, TargetRow],
) -> Catalog:
    """Read and validate ``catalog/``. Raises ``TableError`` for a wrong row."""
    servers = files.toml_tables(SERVERS, _ServerShape)
    return Catalog(
        packages=_packages(files, sources),
        modules=_modules(files, sources, targets),
        ports=_ports(files, sources, targets),
        servers={key: _server(key, row, sources, capabilities) for key, row in servers.items()},
    )


def _packages(files: Files, sources: Mapping[str, Source]) -> dict[str, tuple[PythonPackage, ...]]:
    columns = ("name", "version", "where", "pure", "disabled", "source")
    found: dict[str, tuple[PythonPackage, ...]] = {}
    for where, row in keyed_rows(files, PACKAGES, columns, ("name", "version", "where"), sources):
        name, version, home, pure, disabled, source = row
        if name != _normalised(name):
            raise complain(PACKAGES, where, f"{name!r} is not as PEP 503 writes it")
        package = PythonPackage(
            name,
            version,
            _member(PACKAGES, where, PackageHome, home),
            _flag(where, pure),
            _flag(where, disabled) is True,
            source,
            sources[source].as_of,
        )
        found[name] = (*found.get(name, ()), package)
    return found


def _modules(
    files: Files, sources: Mapping[str, Source], targets: Container[str]
) -> dict[str, dict[str, tuple[PythonModule, ...]]]:
    columns = ("module", "target", "state", "note", "source")
    found: dict[str, dict[str, tuple[PythonModule, ...]]] = {}
    for where, row in keyed_rows(files, MODULES, columns, ("module", "target", "source"), sources):
        name, target, word, note, source = row
        if target not in targets:
            raise complain(MODULES, where, f"no target {target!r}")
        state = _member(MODULES, where, ModuleState, word)
        module = PythonModule(name, target, state, note, source, sources[source].as_of)
        known = found.setdefault(target, {})
        known[name] = (*known.get(name, ()), module)
    return found


def _ports(
    files: Files, sources: Mapping[str, Source], targets: Container[str]
) -> dict[str, tuple[Application, ...]]:
    columns = ("name", "kind", "target", "status", "note", "source")
    found: dict[str, tuple[Application, ...]] = {}
    for where, row in keyed_rows(files, APPLICATIONS, columns, columns[:3], sources):
        name, kind, target, word, note, source = row
        if target != EVERYWHERE and target not in BESIDE and target not in targets:
            raise complain(APPLICATIONS, where, f"no target {target!r}")
        status = _member(APPLICATIONS, where, PortStatus, word)
        port = Application(name, kind, target, status, note, source, sources[source].as_of)
        found[name.lower()] = (*found.get(name.lower(), ()), port)
    return found


def _server(
    key: str, shape: _ServerShape, sources: Mapping[str, Source], capabilities: Container[str]
) -> ServerRow:
    where = f"[{key}]"
    check_source(SERVERS, where, shape.source, sources)
    check_source(SERVERS, where, shape.recognised_source, sources)
    words = {"title": shape.title, "summary": shape.summary, "instead": shape.instead}
    check_words(SERVERS, where, words)
    if not shape.reasons:
        raise complain(SERVERS, where, "no capability as a reason")
    for name in shape.reasons:
        if name not in capabilities:
            reason = f"capability {name!r} is not in capabilities.toml"
            raise complain(SERVERS, where, reason)
    if not (shape.exports or shape.strings or shape.classes or shape.files):
        raise complain(SERVERS, where, "nothing to recognise it by")
    return ServerRow(
        id=key,
        reasons=shape.reasons,
        also=shape.also,
        exports=shape.exports,
        strings=shape.strings,
        classes=shape.classes,
        files=shape.files,
        runtime=shape.runtime,
        recognised_note=shape.recognised_note,
        recognised_source=shape.recognised_source,
        source=shape.source,
        **words,
    )


def _normalised(name: str) -> str:
    """A distribution's name as PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _member(file: str, where: str, kind: type[E], word: str) -> E:
    try:
        return kind(word)
    except ValueError:
        raise complain(file, where, f"{word!r} is none of {', '.join(kind)}") from None


def _flag(where: str, word: str) -> bool | None:
    if word not in _FLAGS:
        raise complain(PACKAGES, where, f"{word!r} is neither yes nor no nor empty")
    return _FLAGS[word]
