"""A folder of its own with only the files of an image that syft's catalogers look for.

An image is hostile, and syft follows links. So directories and regular files are made first, by
the image's real paths, in which no link stands; links come last, and each is made anew: relative,
and only to what it leads to inside the image and what is in the folder.
"""

from __future__ import annotations

import errno
import os
import posixpath
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from auditor.errors import PathInImageError
from auditor.image.rootfs import RootFS
from auditor.inventory.packages.globs import (
    MARKS,
    is_program,
    is_wanted,
    names_packages,
    wants_name,
)
from auditor.model.image import Entry, EntryKind

__all__ = ["HandedOver", "TooLargeError", "hand_over"]

_IDENTITY = frozenset({"/etc/os-release", "/usr/lib/os-release", "/etc/debian_version"})
"""Files that name a distribution. Alone they are no package."""
_DEEPEST = 200
"""Directories below each other; what stands deeper is no package, and hard to remove again."""
_MODE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class TooLargeError(Exception):
    """There is more to hand over than the bound allows."""


@dataclass(slots=True)
class HandedOver:
    """What was put into the folder, and what could not be."""

    files: int = 0
    size: int = 0
    """Bytes."""
    packages: bool = False
    """Whether there is anything that a cataloger would read."""
    lost: list[str] = field(default_factory=list)
    """Paths in the image of what should be there and could not be put there, sorted."""


def hand_over(rootfs: RootFS, folder: Path, limit: int) -> HandedOver:
    """Write what syft needs of an image below ``folder``, at most ``limit`` bytes.

    ``folder`` is empty and the caller's own. Raises ``TooLargeError``, and ``OSError`` where the
    disk is full.
    """
    writer = _Writer(rootfs, folder, limit)
    links: list[Entry] = []
    for entry in rootfs.entries():
        if entry.kind is EntryKind.FILE:
            writer.file(entry)
        elif entry.kind is EntryKind.SYMLINK:
            links.append(entry)
    writer.links(links)
    writer.handed.lost.sort()
    return writer.handed


class _Writer:
    """Puts files below a folder, and remembers what is there."""

    def __init__(self, rootfs: RootFS, folder: Path, limit: int) -> None:
        self._rootfs = rootfs
        self._folder = os.fspath(folder)
        self._limit = limit
        self._directories: set[str] = {""}
        self._files: set[str] = set()
        self.handed = HandedOver()

    def file(self, entry: Entry, *, wanted: bool = False) -> None:
        """Hand a regular file over if a cataloger looks at it, or at all if ``wanted``."""
        if entry.path in self._files:
            return
        if wanted or is_wanted(entry.path):
            content = self._content(entry)
        else:
            content = self._marked(entry)
            if content is None and wants_name(entry.path):
                content = b""
        if content is not None:
            self._write(entry.path, content)
            self.handed.packages |= entry.path not in _IDENTITY

    def links(self, links: Iterable[Entry]) -> None:
        """Hand over the links that catalogers look at, and those that lead between directories."""
        found: list[tuple[str, str]] = []
        for link in links:
            target = self._rootfs.resolve(link.path)
            if target is None:
                continue
            if target.kind is EntryKind.DIRECTORY:
                found.append((link.path, target.path))
            elif target.kind is EntryKind.FILE and is_wanted(link.path):
                self.file(target, wanted=True)
                if target.path not in self._files and names_packages(link.path):
                    self.handed.lost.append(link.path)  # what it leads to was not kept
                self._directory(posixpath.dirname(link.path))
                found.append((link.path, target.path))
        for path, target_path in found:
            inside = target_path in self._directories or target_path in self._files
            if inside and posixpath.dirname(path).rstrip("/") in self._directories:
                self._link(path, target_path)

    def _content(self, entry: Entry) -> bytes | None:
        try:
            return self._rootfs.read(entry)
        except PathInImageError:
            return None  # the root file system has an Unknown for what it should have kept

    def _marked(self, entry: Entry) -> bytes | None:
        """The content of an executable that a cataloger finds something in."""
        try:
            if not is_program(self._rootfs.read(entry, 8)):
                return None
            content = self._rootfs.read(entry)
        except PathInImageError:
            return None
        return content if any(mark in content for mark in MARKS) else None

    def _write(self, path: str, content: bytes) -> None:
        self.handed.size += len(content)
        if self.handed.size > self._limit:
            raise TooLargeError
        if not self._directory(posixpath.dirname(path)):
            self.handed.lost.append(path)
            return
        try:
            fd = os.open(f"{self._folder}{path}", _MODE, 0o600)
        except (OSError, ValueError) as error:
            _check_room(error)
            self.handed.lost.append(path)
            return
        with os.fdopen(fd, "wb") as file:
            file.write(content)
        self._files.add(path)
        self.handed.files += 1

    def _directory(self, path: str) -> bool:
        """Make a directory and those above it; whether it is there."""
        path = path.rstrip("/")
        if path in self._directories:
            return True
        parent, _, name = path.rpartition("/")
        if path.count("/") > _DEEPEST or name in ("", ".", "..") or not self._directory(parent):
            return False
        try:
            Path(f"{self._folder}{path}").mkdir(0o700)
        except (OSError, ValueError) as error:
            _check_room(error)
            return False
        self._directories.add(path)
        return True

    def _link(self, path: str, target: str) -> None:
        text = posixpath.relpath(target, posixpath.dirname(path))
        try:
            Path(f"{self._folder}{path}").symlink_to(text)
        except (OSError, ValueError) as error:
            _check_room(error)
            self.handed.lost.append(path)


def _check_room(error: Exception) -> None:
    """Let only errors through that are not about one name."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
        raise error
