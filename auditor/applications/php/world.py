"""What all files that an application loads define together, and Composer's autoloader."""

from __future__ import annotations

import posixpath
import re
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from auditor.errors import PathInImageError
from auditor.formats import FormatError
from auditor.formats.php_scope import HERE
from auditor.formats.php_source import LANGUAGE, PhpSource, parse_php
from auditor.image.rootfs import RootFS
from auditor.model.image import EntryKind
from auditor.model.inventory import Unknown
from auditor.model.source import UseKind

__all__ = ["FILES", "World"]

FILES = 20_000
"""Files of one application."""
_STEPS = 200
"""Ancestors of a class."""
_LOADER = "ComposerAutoloaderInit"
_CONSTANT = re.compile(r"\{([A-Z_][A-Z0-9_]*)\}")
_ROUNDS = 5
_MANY = 20
_LIBRARIES = ("/usr/share/php", "/usr/share/pear", "/usr/local/lib/php")
"""``include_path`` of Debian and of the official images."""
_SEARCHED = 20_000


@dataclass(slots=True)
class World:
    """Files that were read, and where classes and functions are among them."""

    rootfs: RootFS
    working_dir: str
    sources: dict[str, PhpSource | Unknown] = field(default_factory=dict)
    classes: dict[str, str] = field(default_factory=dict)
    """In lower case → file."""
    functions: dict[str, str] = field(default_factory=dict)
    spelt: dict[str, str] = field(default_factory=dict)
    """Units in lower case → as their file writes them."""
    ancestors: dict[str, tuple[str, ...]] = field(default_factory=dict)
    constants: dict[str, tuple[str, ...]] = field(default_factory=dict)
    prefixes: dict[str, list[str]] = field(default_factory=dict)
    """PSR-4: prefix of a namespace → folders."""
    mapped: dict[str, str] = field(default_factory=dict)
    """Classes in lower case → files, by Composer's class map."""
    loaders: dict[str, list[str]] = field(default_factory=dict)
    """Composer's autoload.php → files that it loads at once."""
    autoloads: bool = False
    """Whether somebody registers an autoloader of their own."""
    roots: list[str] = field(default_factory=list)
    """Folders of the application, where its own autoloader may find classes."""
    _stems: dict[str, list[str]] = field(default_factory=dict)

    def close(self, path: str) -> None:
        """Read a file and all that it loads by name."""
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
            if any(use.name.startswith(_LOADER) for use in uses if use.kind is UseKind.NAME):
                queue.extend(self._composer(current))
                continue
            self.autoloads |= any(use.name.endswith("spl_autoload_register()") for use in uses)
            for use in uses:
                if use.kind is UseKind.IMPORT:
                    queue.extend(self.paths(use.name, current))

    def _read(self, path: str) -> PhpSource | Unknown:
        entry = self.rootfs.resolve(path)
        source: PhpSource | Unknown = Unknown(path, LANGUAGE, "its content cannot be read")
        if entry is not None:
            with suppress(PathInImageError):
                source = self._parsed(path, self.rootfs.read(entry))
        self.sources[path] = source
        return source

    @staticmethod
    def _parsed(path: str, data: bytes) -> PhpSource | Unknown:
        try:
            return parse_php(data)
        except FormatError as error:
            return Unknown(path, LANGUAGE, str(error))

    def _take(self, path: str, source: PhpSource) -> None:
        for name in source.classes:
            self.classes.setdefault(name.lower(), path)
            self.ancestors.setdefault(name.lower(), source.ancestors.get(name, ()))
        for name in source.functions:
            self.functions.setdefault(name.lower(), path)
        for unit in source.facts.units:
            self.spelt.setdefault(unit.name.lower(), unit.name)
        for name, texts in source.constants.items():
            # Not made plain: what is put behind it may rely on a slash at its end.
            placed = [text.replace(HERE, posixpath.dirname(path), 1) for text in texts]
            known = self.constants.get(name, ())
            self.constants[name] = tuple(dict.fromkeys((*known, *placed)))[:_MANY]

    # Composer.

    def _composer(self, path: str) -> list[str]:
        """Take over what Composer's generated files map; gives what is loaded at once."""
        folder = f"{posixpath.dirname(path)}/composer"
        for kind, table in (("psr4", self.prefixes), ("namespaces", self.prefixes)):
            for prefix, folders in self._map(f"{folder}/autoload_{kind}.php"):
                tail = prefix.replace("\\", "/").replace("_", "/") if kind == "namespaces" else ""
                known = table.setdefault(prefix, [])
                known += [posixpath.normpath(f"{one}/{tail}") for one in folders]
        for name, files in self._map(f"{folder}/autoload_classmap.php"):
            self.mapped.setdefault(name.lower(), files[0])
        at_once = [one for _, files in self._map(f"{folder}/autoload_files.php") for one in files]
        found = [self.rootfs.resolve(one) for one in at_once]
        self.loaders[path] = [entry.path for entry in found if entry is not None]
        return self.loaders[path]

    def _map(self, path: str) -> Iterator[tuple[str, list[str]]]:
        source = self._read(path) if self.is_file(path) else None
        if isinstance(source, PhpSource):
            for key, texts in source.returned:
                yield key, [posixpath.normpath(self._at(text, path)) for text in texts]

    # Classes.

    def find_class(self, name: str) -> str | None:
        """The file that defines a class, autoloaded where need be."""
        lower = name.lower()
        if lower not in self.classes:
            for path in self._candidates(name):
                entry = self.rootfs.resolve(path)
                if entry is not None and entry.kind is EntryKind.FILE:
                    self.close(entry.path)
                if lower in self.classes:
                    break
        return self.classes.get(lower)

    def _candidates(self, name: str) -> Iterator[str]:
        mapped = self.mapped.get(name.lower())
        if mapped is not None:
            yield mapped
        for prefix in sorted(self.prefixes, key=len, reverse=True):
            if name.startswith(prefix):
                rest = name.removeprefix(prefix).replace("\\", "/")
                yield from (f"{folder}/{rest}.php" for folder in self.prefixes[prefix])
        if self.autoloads:
            yield from self._searched(name)

    def _searched(self, name: str) -> list[str]:
        """Own files whose path ends like the class: what a hand-written autoloader looks for."""
        if not self._stems:
            self._index()
        parts = re.split(r"[\\_]", name)
        found = self._stems.get(parts[-1].lower(), [])
        return [path for path in found if not path.endswith("/autoload.php")][:_MANY]

    def _index(self) -> None:
        self._stems[""] = []
        stack, seen = list(dict.fromkeys(self.roots)), 0
        while stack and seen < _SEARCHED:
            folder = stack.pop()
            for name in self.rootfs.listdir(folder):
                seen += 1
                path = posixpath.join(folder, name)
                entry = self.rootfs.lookup(path)
                if entry is not None and entry.kind is EntryKind.DIRECTORY:
                    stack.append(path)
                elif name.endswith(".php"):
                    stem = name.removesuffix(".php").removeprefix("class-").removesuffix(".class")
                    self._stems.setdefault(stem.replace("-", "").lower(), []).append(path)

    def lineage(self, name: str) -> Iterator[str]:
        """A class and all that it is derived from, nearest first; names nobody defines too."""
        seen = {name.lower()}
        queue = deque([name])
        while queue and len(seen) < _STEPS:
            current = queue.popleft()
            yield current
            self.find_class(current)
            for base in self.ancestors.get(current.lower(), ()):
                if base.lower() not in seen:
                    seen.add(base.lower())
                    queue.append(base)

    def method(self, owner: str, method: str) -> tuple[str, str] | None:
        """The unit of a class or of what it is derived from that a method is, and its file."""
        for base in self.lineage(owner):
            path = self.classes.get(base.lower())
            unit = self.spelt.get(f"{base}.{method}".lower())
            if path is not None and unit is not None:
                return unit, path
        return None

    # Files.

    def paths(self, name: str, importer: str) -> list[str]:
        """Files that ``require …`` in a file leads to."""
        text = name.removeprefix("require ")
        found = [self._at(one, importer) for one in self._spelled(text)]
        candidates = [one for one in found if one.startswith("/")]
        for one in found:
            if not one.startswith("/"):
                folders = (self.working_dir, posixpath.dirname(importer), *_LIBRARIES)
                candidates += [posixpath.join(folder, one) for folder in folders]
        real = [entry for one in candidates if (entry := self.rootfs.resolve(one)) is not None]
        return list(dict.fromkeys(e.path for e in real if e.kind is EntryKind.FILE))[:_MANY]

    def _spelled(self, text: str) -> list[str]:
        """The path with constants of other files put in."""
        found = [text]
        for _ in range(_ROUNDS):
            if not any(_CONSTANT.search(one) for one in found):
                break
            found = [put for one in found for put in self._put(one)][:_MANY]
        return found

    def _put(self, text: str) -> list[str]:
        match = _CONSTANT.search(text)
        if match is None:
            return [text]
        values = self.constants.get(match[1], ())
        return [f"{text[: match.start()]}{value}{text[match.end() :]}" for value in values]

    def _at(self, text: str, path: str) -> str:
        """A path with the folder of the file that writes it put in."""
        if text.startswith(HERE):
            text = text.replace(HERE, posixpath.dirname(path), 1)
        return posixpath.normpath(text) if text.startswith("/") and "{" not in text else text

    def is_file(self, path: str) -> bool:
        """Whether a path leads to a file."""
        entry = self.rootfs.resolve(path)
        return entry is not None and entry.kind is EntryKind.FILE
