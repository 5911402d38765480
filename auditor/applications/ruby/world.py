"""What all files that an application loads define together: Ruby's constants are open to all."""

from __future__ import annotations

import posixpath
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from auditor.errors import PathInImageError
from auditor.formats import FormatError
from auditor.formats.ruby_source import LANGUAGE, RubySource, parse_ruby
from auditor.image.rootfs import RootFS
from auditor.model.inventory import Unknown
from auditor.model.source import UseKind

__all__ = ["FILES", "World"]

FILES = 20_000
"""Files of one application."""
_STEPS = 200
"""Ancestors of a class."""
_HANDS = 20
"""How often a constant stands for another."""
_PARTS = 50
_SPACES = 500
"""Classes and modules of one file in which its constants are looked for."""


@dataclass(slots=True)
class World:
    """Files that were read, and where constants and methods are among them."""

    rootfs: RootFS
    features: Callable[[str, str], tuple[str, ...]]
    """What a loading expression in a file (by its path) leads to: paths."""
    mains: set[str] = field(default_factory=set)
    sources: dict[str, RubySource | Unknown] = field(default_factory=dict)
    constants: dict[str, list[str]] = field(default_factory=dict)
    """Full name → files that define it."""
    methods: dict[str, list[str]] = field(default_factory=dict)
    """``Shop::Cart.add`` → files."""
    ancestors: dict[str, dict[str, str]] = field(default_factory=dict)
    """Class → what it is derived from as written, and the file that says so."""
    aliases: dict[str, str] = field(default_factory=dict)
    _spaces: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _named: dict[tuple[str, str], str | None] = field(default_factory=dict)
    _lines: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def close(self, path: str) -> None:
        """Read a file and all that it leads to by name."""
        queue = deque([path])
        while queue:
            current = queue.popleft()
            if current in self.sources or len(self.sources) >= FILES:
                continue
            source = self._read(current)
            if isinstance(source, Unknown):
                continue
            self._take(current, source)
            uses = [use for unit in source.facts.units for use in unit.uses]
            names = [use.name for use in uses if use.kind is UseKind.IMPORT]
            for name in dict.fromkeys((*names, *source.autoloads)):
                queue.extend(one for one in self.features(name, current) if _is_source(one))

    def _read(self, path: str) -> RubySource | Unknown:
        entry = self.rootfs.resolve(path)
        source: RubySource | Unknown = Unknown(path, LANGUAGE, "its content cannot be read")
        if entry is not None:
            with suppress(PathInImageError):
                source = self._parsed(path, self.rootfs.read(entry))
        self.sources[path] = source
        return source

    def _parsed(self, path: str, data: bytes) -> RubySource | Unknown:
        try:
            return parse_ruby(data, main=path in self.mains)
        except FormatError as error:
            return Unknown(path, LANGUAGE, str(error))

    def _take(self, path: str, source: RubySource) -> None:
        self._named.clear()
        self._lines.clear()
        for name in source.constants:
            self.constants.setdefault(name, []).append(path)
        for unit in source.facts.units:
            if "." in unit.name and not unit.is_class:
                self.methods.setdefault(unit.name, []).append(path)
        for name, bases in source.ancestors.items():
            known = self.ancestors.setdefault(name, {})
            for base in bases:
                known.setdefault(base, path)
        for name, target in source.facts.bindings.items():
            self.aliases.setdefault(name, target)
        classes = {unit.name for unit in source.facts.units if unit.is_class}
        heads = {head for name in classes for head in _heads(name)}
        ordered = sorted(heads, key=lambda name: (-name.count(":"), name))
        self._spaces[path] = tuple(ordered[:_SPACES])

    def spaces(self, path: str) -> tuple[str, ...]:
        """Where a constant of a file is looked for: its classes and modules, then everywhere."""
        return (*self._spaces.get(path, ()), "")

    def constant(self, written: str, path: str) -> str | None:
        """The full name of a constant as a file writes it; ``None`` where no file defines it."""
        key = (written, path)
        if key not in self._named:
            self._named[key] = self._constant(written, path)
        return self._named[key]

    def _constant(self, written: str, path: str) -> str | None:
        plain = self._plain(written, path)
        if plain is not None:
            return plain
        parts = written.split("::")[:_PARTS]
        for length in range(len(parts) - 1, 0, -1):
            base = self._plain("::".join(parts[:length]), path)
            if base is not None:
                return self._below(base, parts[length:])
        return None

    def _below(self, base: str, parts: list[str]) -> str | None:
        """A constant of an alias, or of a class that is derived from where it is."""
        for part in parts:
            for _ in range(_HANDS):
                target = self.aliases.get(base)
                if target is None:
                    break
                base = self._plain(target, self.constants[base][0]) or ""
            found = [one for one in self.lineage(base) if f"{one}::{part}" in self.constants]
            if not found:
                return None
            base = f"{found[0]}::{part}"
        return base

    def _plain(self, written: str, path: str) -> str | None:
        """A constant where a file's own classes and modules, or the top level, have it."""
        for space in self.spaces(path):
            whole = f"{space}::{written}" if space else written
            if whole in self.constants:
                return whole
        return None

    def lineage(self, name: str) -> Iterator[str]:
        """A class and all that it is derived from, nearest first; names nobody defines too."""
        seen = {name}
        queue = deque([name])
        while queue and len(seen) < _STEPS:
            current = queue.popleft()
            yield current
            for written, path in self.ancestors.get(current, {}).items():
                space = current.rpartition("::")[0]
                base = self._near(written, space) or self._plain(written, path) or written
                if base not in seen:
                    seen.add(base)
                    queue.append(base)

    def _near(self, written: str, space: str) -> str | None:
        while space:
            if f"{space}::{written}" in self.constants:
                return f"{space}::{written}"
            space = space.rpartition("::")[0]
        return None

    def method(self, name: str, method: str) -> tuple[str, str] | None:
        """The class of a lineage that has a method, and the file that defines it."""
        if name not in self._lines:
            self._lines[name] = tuple(self.lineage(name))
        for base in self._lines[name]:
            files = self.methods.get(f"{base}.{method}")
            if files:
                return base, files[0]
        return None

    def home(self, name: str) -> str:
        """The file that a class is at home in: one that says what it is derived from, if any."""
        files = self.constants[name]
        for path in files:
            source = self.sources[path]
            if isinstance(source, RubySource) and source.ancestors.get(name):
                return path
        stem = name.rpartition("::")[2].lower()
        named = [path for path in files if stem == _stem(path)]
        return (named or files)[0]


def _is_source(path: str) -> bool:
    return not path.endswith(".so")


def _stem(path: str) -> str:
    return posixpath.basename(path).removesuffix(".rb").replace("_", "").lower()


def _heads(name: str) -> Iterator[str]:
    while name:
        yield name
        name = name.rpartition("::")[0]
