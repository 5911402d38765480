"""``catalog/``: packages, modules, applications and servers that somebody has dealt with before.

An entry only ever adds to the evidence of an image. The files are parsed at the first look-up
into each.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
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


class Catalog:
    """Look-ups into ``catalog/``. Each raises ``TableError`` where its file has a wrong row."""

    def __init__(
        self,
        files: Files,
        sources: Mapping[str, Source],
        capabilities: Container[str],
        targets: Container[str],
    ) -> None:
        self._files = files
        self._sources = sources
        self._capabilities = capabilities
        self._targets = targets

    def python_package(self, name: str) -> tuple[PythonPackage, ...]:
        """Builds of a distribution, whatever way its name is written."""
        return self._packages.get(_normalised(name), ())

    def python_module(self, module: str, target: str) -> tuple[PythonModule, ...]:
        """What is known of a module of the standard library on a target.

        Empty where nothing is said against it. A submodule shares its package's fate. Two rows
        on Emscripten speak of CPython's own build and of Pyodide.
        """
        return self._modules.get((module, target)) or self._modules.get(
            (module.partition(".")[0], target), ()
        )

    def applications(self, name: str) -> tuple[Application, ...]:
        """Ports of an application or library."""
        return self._applications.get(name.lower(), ())

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
        return {
            PACKAGES: sum(map(len, self._packages.values())),
            MODULES: sum(map(len, self._modules.values())),
            APPLICATIONS: sum(map(len, self._applications.values())),
            SERVERS: len(self.servers),
        }

    def validate(self) -> None:
        """Parse and check everything now. Raises ``TableError``."""
        self.counts()

    @cached_property
    def _packages(self) -> Mapping[str, tuple[PythonPackage, ...]]:
        columns = ("name", "version", "where", "pure", "disabled", "source")
        found: dict[str, tuple[PythonPackage, ...]] = {}
        for where, row in self._csv(PACKAGES, columns, ("name", "version", "where")):
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
                self._sources[source].as_of,
            )
            found[name] = (*found.get(name, ()), package)
        return found

    @cached_property
    def _modules(self) -> Mapping[tuple[str, str], tuple[PythonModule, ...]]:
        columns = ("module", "target", "state", "note", "source")
        found: dict[tuple[str, str], tuple[PythonModule, ...]] = {}
        for where, row in self._csv(MODULES, columns, ("module", "target", "source")):
            name, target, word, note, source = row
            if target not in self._targets:
                raise complain(MODULES, where, f"no target {target!r}")
            state = _member(MODULES, where, ModuleState, word)
            as_of = self._sources[source].as_of
            module = PythonModule(name, target, state, note, source, as_of)
            found[name, target] = (*found.get((name, target), ()), module)
        return found

    @cached_property
    def _applications(self) -> Mapping[str, tuple[Application, ...]]:
        columns = ("name", "kind", "target", "status", "note", "source")
        found: dict[str, tuple[Application, ...]] = {}
        for where, row in self._csv(APPLICATIONS, columns, ("name", "kind", "target")):
            name, kind, target, word, note, source = row
            if target != EVERYWHERE and target not in BESIDE and target not in self._targets:
                raise complain(APPLICATIONS, where, f"no target {target!r}")
            status = _member(APPLICATIONS, where, PortStatus, word)
            as_of = self._sources[source].as_of
            port = Application(name, kind, target, status, note, source, as_of)
            found[name.lower()] = (*found.get(name.lower(), ()), port)
        return found

    @cached_property
    def servers(self) -> Mapping[str, ServerRow]:
        """Id → server, in the order of the file."""
        shapes = self._files.toml_tables(SERVERS, _ServerShape)
        return {key: self._server(key, shape) for key, shape in shapes.items()}

    def _server(self, key: str, shape: _ServerShape) -> ServerRow:
        where = f"[{key}]"
        check_source(SERVERS, where, shape.source, self._sources)
        check_source(SERVERS, where, shape.recognised_source, self._sources)
        words = {"title": shape.title, "summary": shape.summary, "instead": shape.instead}
        check_words(SERVERS, where, words)
        if not shape.reasons:
            raise complain(SERVERS, where, "no capability as a reason")
        for name in shape.reasons:
            if name not in self._capabilities:
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

    def _csv(
        self, name: str, columns: tuple[str, ...], key: tuple[str, ...]
    ) -> Iterator[tuple[str, list[str]]]:
        return keyed_rows(self._files, name, columns, key, self._sources)


def load_catalog(
    files: Files,
    sources: Mapping[str, Source],
    capabilities: Mapping[str, CapabilityRow],
    targets: Mapping[str, TargetRow],
) -> Catalog:
    """Take note of the files, for the digest too; each is parsed when it is asked for.

    Raises ``TableError`` where one cannot be read.
    """
    for name in (PACKAGES, MODULES, APPLICATIONS, SERVERS):
        files.read(name)
    return Catalog(files, sources, capabilities, targets)


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
