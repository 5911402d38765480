"""Where classes are looked for: folders, archives, and archives inside of archives."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from auditor.errors import PathInImageError
from auditor.formats import FormatError
from auditor.formats.java_archive import MANIFEST, JavaArchive, parse_manifest
from auditor.image.rootfs import RootFS
from auditor.model.image import Entry, EntryKind
from auditor.model.inventory import Unknown

__all__ = ["Archives", "Folder", "Packed", "Root", "manifest_of"]

_MAX_ARCHIVE = 1 << 30
"""Bytes of an archive that is read."""
_MAX_TEXT = 1 << 20
"""Bytes of a manifest, a list of providers, a deployment descriptor."""
_MAX_CLASS = 8 << 20
_BUDGET = 4 << 30
"""Bytes that are inflated for one application."""
_MEMORY = 3 << 30
"""Bytes of archives that are held for one application."""
_DEPTH = 4
"""How deep archives may be in each other."""
_MAX_LISTED = 200_000
"""Files below a folder that are looked at."""


@dataclass(slots=True)
class Folder:
    """A directory of the image that holds classes."""

    rootfs: RootFS
    path: str

    @property
    def key(self) -> str:
        """What the keys of its classes start with."""
        return "/" if self.path == "/" else f"{self.path}/"

    @property
    def file(self) -> str:
        """Where it is in the image."""
        return self.path

    def has(self, name: str) -> bool:
        """Whether it holds a file of that relative name."""
        return self._entry(name) is not None

    def text(self, name: str) -> bytes | None:
        """A small file; ``None`` where there is none that can be read."""
        try:
            return self.read(name, _MAX_TEXT)
        except FormatError:
            return None

    def read(self, name: str, limit: int = _MAX_CLASS) -> bytes:
        """A file. Raises ``FormatError`` where it cannot be read."""
        entry = self._entry(name)
        if entry is None:
            raise FormatError(f"{self.path}/{name} is not in the image.")
        if entry.size > limit:
            raise FormatError(f"{entry.path} is larger than {limit >> 20} MiB.")
        try:
            return self.rootfs.read(entry)
        except PathInImageError as error:
            raise FormatError(str(error)) from None

    def place(self, name: str) -> tuple[str, str | None]:
        """File of the image that holds an entry, and its layer."""
        entry = self._entry(name)
        return (f"{self.key}{name}", None) if entry is None else (entry.path, entry.layer)

    def files(self) -> Iterator[tuple[str, int]]:
        """Relative names and sizes of the files below it."""
        pending, left = [""], _MAX_LISTED
        while pending and left > 0:
            inside = pending.pop()
            for name in self.rootfs.listdir(posixpath.join(self.path, inside)):
                left -= 1
                relative = posixpath.join(inside, name)
                entry = self.rootfs.lookup(posixpath.join(self.path, relative))
                if entry is None:
                    continue
                if entry.kind is EntryKind.DIRECTORY:
                    pending.append(relative)
                elif entry.kind is EntryKind.FILE:
                    yield relative, entry.size

    def _entry(self, name: str) -> Entry | None:
        entry = self.rootfs.resolve(posixpath.join(self.path, name))
        return entry if entry is not None and entry.kind is EntryKind.FILE else None


@dataclass(slots=True)
class Packed:
    """An archive, or one folder inside of it."""

    archive: JavaArchive
    archives: Archives
    entry: Entry
    """The outermost file, in the image."""
    nested: str = ""
    """``BOOT-INF/lib/x.jar!/`` for an archive inside of that file."""
    inside: str = ""
    """``BOOT-INF/classes/`` where only that folder counts."""
    depth: int = 0
    release: int = 0
    """Newest release of Java whose versions of classes are taken (JEP 238); 0 for none."""
    _versions: tuple[str, ...] | None = None

    @property
    def key(self) -> str:
        """What the keys of its classes start with."""
        return f"{self.entry.path}!/{self.nested}{self.inside}"

    @property
    def file(self) -> str:
        """Where it is in the image."""
        return self.entry.path

    def has(self, name: str) -> bool:
        """Whether it holds a file of that relative name."""
        return f"{self.inside}{name}" in self.archive.sizes

    def text(self, name: str) -> bytes | None:
        """A small file; ``None`` where there is none that can be read."""
        try:
            return self.read(name, _MAX_TEXT) if self.has(name) else None
        except FormatError:
            return None

    def read(self, name: str, limit: int = _MAX_CLASS) -> bytes:
        """A file. Raises ``FormatError`` where it is damaged, or too large."""
        newest = self._newest(name) if name.endswith(".class") else name
        return self.archives.take(self.archive, f"{self.inside}{newest}", limit)

    def place(self, _name: str) -> tuple[str, str | None]:
        """File of the image that holds an entry, and its layer."""
        return self.entry.path, self.entry.layer

    def files(self) -> Iterator[tuple[str, int]]:
        """Relative names and sizes of the files in it."""
        for name, size in self.archive.sizes.items():
            if name.startswith(self.inside):
                yield name[len(self.inside) :], size

    def folder(self, inside: str) -> Packed:
        """The same archive, one of its folders only."""
        return Packed(
            self.archive, self.archives, self.entry, self.nested, inside, self.depth, self.release
        )

    def _newest(self, name: str) -> str:
        if self._versions is None:
            self._versions = tuple(self._found_versions())
        for version in self._versions:
            if f"{version}{name}" in self.archive.sizes:
                return f"{version}{name}"
        return name

    def _found_versions(self) -> Iterator[str]:
        manifest = {} if self.inside else manifest_of(self)
        if manifest.get("multi-release", "").lower() != "true":
            return
        folder = "META-INF/versions/"
        found = {
            int(number)
            for name in self.archive.sizes
            if name.startswith(folder)
            and (number := name[len(folder) :].partition("/")[0]).isascii()
            and number.isdigit()
            and len(number) < 4  # noqa: PLR2004
        }
        for release in sorted(found, reverse=True):
            if not self.release or release <= self.release:
                yield f"{folder}{release}/"


Root = Folder | Packed


@dataclass(slots=True)
class Archives:
    """Archives of one image, each opened once."""

    rootfs: RootFS
    release: int = 0
    left: int = _BUDGET
    room: int = _MEMORY
    broken: dict[str, Unknown] = field(default_factory=dict)
    """Key → why it could not be opened."""
    _open: dict[str, Packed | None] = field(default_factory=dict)

    def take(self, archive: JavaArchive, name: str, limit: int) -> bytes:
        """Inflate one file. Raises ``FormatError`` beyond the limit, or that of all files."""
        data = archive.read(name, min(limit, max(self.left, 0)))
        self.left -= len(data)
        return data

    def open(self, path: str) -> Root | None:
        """A folder or an archive of the image; ``None`` where there is none.

        What is there and cannot be opened is put to ``broken``.
        """
        entry = self.rootfs.resolve(path)
        if entry is None:
            return None
        if entry.kind is EntryKind.DIRECTORY:
            return Folder(self.rootfs, entry.path)
        if entry.kind is not EntryKind.FILE:
            return None
        if entry.path not in self._open:
            self._open[entry.path] = self._opened(entry)
        return self._open[entry.path]

    def inside(self, outer: Root, name: str) -> Root | None:
        """An archive that lies in a folder or in another archive."""
        if isinstance(outer, Folder):
            return self.open(f"{outer.key}{name}")
        key = f"{outer.key}{name}"
        if key not in self._open:
            self._open[key] = self._nested(outer, name, key)
        return self._open[key]

    def _opened(self, entry: Entry) -> Packed | None:
        if entry.size > min(_MAX_ARCHIVE, self.room):
            self._refuse(entry.path, entry.path, "the archive is too large to be read", entry.size)
            return None
        self.room -= entry.size
        try:
            archive = JavaArchive(self.rootfs.read(entry))
        except (FormatError, PathInImageError) as error:
            self._refuse(entry.path, entry.path, str(error), entry.size)
            return None
        return Packed(archive, self, entry, release=self.release)

    def _nested(self, outer: Packed, name: str, key: str) -> Packed | None:
        size = outer.archive.sizes.get(f"{outer.inside}{name}", 0)
        if outer.depth >= _DEPTH:
            self._refuse(key, outer.file, f"{name}: archives are too deep in each other", size)
            return None
        try:
            data = outer.read(name, min(_MAX_ARCHIVE, max(self.room, 0)))
            self.room -= len(data)
            archive = JavaArchive(data)
        except FormatError as error:
            self._refuse(key, outer.file, f"{name}: {error}", size)
            return None
        nested = f"{outer.nested}{outer.inside}{name}!/"
        return Packed(
            archive, self, outer.entry, nested, depth=outer.depth + 1, release=self.release
        )

    def _refuse(self, key: str, path: str, reason: str, size: int) -> None:
        self.broken[key] = Unknown(path, "java", reason, None, size)


def manifest_of(root: Root) -> Mapping[str, str]:
    """The main attributes of a root's manifest; empty where there is none."""
    data = root.text(MANIFEST)
    return {} if data is None else parse_manifest(data)
