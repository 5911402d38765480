"""A plain directory as a root file system: an unpacked image, or this machine (``dir:/``).

Nothing is walked before it is asked for. Every step goes through ``openat`` with ``O_NOFOLLOW``:
links are resolved by ``paths.find``, so that none leads out of the root, even if somebody changes
the directory meanwhile.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import RawIOBase
from types import TracebackType
from typing import Self

from auditor.errors import ImageError, ImageNotFoundError, NotAnImageError, PathInImageError
from auditor.image.bounds import Bounds, Budget
from auditor.image.paths import find
from auditor.model.image import Entry, EntryKind
from auditor.model.inventory import Unknown

__all__ = ["DirectoryRootFS"]

_PATH = getattr(os, "O_PATH", os.O_RDONLY)
"""Linux only; elsewhere directories have to be readable to be passed through."""
_STEP = _PATH | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC
_LIST = os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_CHUNK = 1 << 20
_KERNEL = frozenset({"/proc", "/sys", "/dev"})
"""Made by the running kernel, and no part of an image."""
_KINDS = {
    stat.S_IFREG: EntryKind.FILE,
    stat.S_IFDIR: EntryKind.DIRECTORY,
    stat.S_IFLNK: EntryKind.SYMLINK,
    stat.S_IFIFO: EntryKind.FIFO,
    stat.S_IFSOCK: EntryKind.SOCKET,
}


class DirectoryRootFS:
    """A ``RootFS`` over a directory, read as needed."""

    def __init__(self, path: str, bounds: Bounds) -> None:
        self._path = path
        self._bounds = bounds
        self._unknowns: set[Unknown] = set()
        try:
            self._root: int | None = os.open(path, _PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            self._device = os.fstat(self._root).st_dev
            is_slash = os.path.samestat(os.fstat(self._root), os.stat("/"))  # noqa: PTH116
        except FileNotFoundError as error:
            raise ImageNotFoundError(f"there is no directory {path}") from error
        except NotADirectoryError as error:
            raise NotAnImageError(f"{path} is no directory") from error
        except OSError as error:
            raise ImageError(f"cannot open {path}: {error.strerror or error}") from error
        self._closed = frozenset(p for p in _KERNEL if is_slash or self._is_mount(p))

    def entries(self) -> Iterator[Entry]:
        """Every path, sorted, the root left out; this walks the tree."""
        budget = Budget(self._bounds)
        found: list[Entry] = []
        pending = ["/"]
        while pending:
            directory = pending.pop()
            for entry in self._children(directory):
                budget.spend_file(self._path)
                budget.check_time(self._path)
                found.append(entry)
                if entry.kind is EntryKind.DIRECTORY:
                    pending.append(entry.path)
        found.sort(key=lambda entry: entry.path)
        return iter(found)

    def lookup(self, path: str) -> Entry | None:
        """The entry at a path, following links in its directories only."""
        return self._find(path, follow_last=False)

    def resolve(self, path: str) -> Entry | None:
        """The entry that a path leads to, all links followed."""
        return self._find(path, follow_last=True)

    def listdir(self, path: str) -> tuple[str, ...]:
        """Names in a directory (links followed), sorted."""
        entry = self.resolve(path)
        if entry is None or entry.kind is not EntryKind.DIRECTORY:
            return ()
        return tuple(sorted(self._names(entry.path)))

    def read(self, entry: Entry, limit: int | None = None) -> bytes:
        """The content of a regular file, or its first ``limit`` bytes."""
        try:
            with self._parent(entry.path) as (parent, name):
                fd = os.open(name, _READ, dir_fd=parent)
        except (OSError, ValueError) as error:
            self._note(entry.path, error)
            raise PathInImageError(f"cannot read {entry.path!r}: {_reason(error)}") from error
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                raise PathInImageError(f"{entry.path!r} is not a regular file")
            self._check_size(entry.path, status.st_size)
            with os.fdopen(os.dup(fd), "rb", buffering=0) as file:
                return self._content(entry.path, file, limit)
        except OSError as error:
            self._note(entry.path, error)
            raise PathInImageError(f"cannot read {entry.path!r}: {_reason(error)}") from error
        finally:
            os.close(fd)

    def _content(self, path: str, file: RawIOBase, limit: int | None) -> bytes:
        """All of an open file, or its first ``limit`` bytes; it may grow meanwhile."""
        parts: list[bytes] = []
        count = 0
        while limit is None or count < limit:
            part = file.read(_CHUNK if limit is None else min(_CHUNK, limit - count))
            if not part:
                break
            parts.append(part)
            count += len(part)
            self._check_size(path, count)
        return b"".join(parts)

    def _check_size(self, path: str, size: int) -> None:
        """Nothing is read of a file that is too large, as nothing is kept of one in a layer."""
        if (excess := self._bounds.excess("file_size", size)) is not None:
            self._lost(path, f"its size {excess}")
            raise PathInImageError(f"{path!r} is not read: its size {excess}")

    def unknowns(self) -> tuple[Unknown, ...]:
        """What could not be read so far, sorted."""
        return tuple(sorted(self._unknowns))

    def close(self) -> None:
        """Let go of the directory; closing twice is harmless."""
        if self._root is not None:
            os.close(self._root)
            self._root = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        self.close()

    def _is_mount(self, path: str) -> bool:
        try:
            status = os.stat(path[1:], dir_fd=self._root, follow_symlinks=False)
        except OSError:
            return False
        return stat.S_ISDIR(status.st_mode) and status.st_dev != self._device

    @contextmanager
    def _parent(self, path: str) -> Iterator[tuple[int, str]]:
        """The open directory that holds ``path``, reached without following a link."""
        if self._root is None:
            raise PathInImageError(f"{self._path} was closed")
        *directories, name = path.split("/")[1:]
        fd = os.dup(self._root)
        try:
            for part in directories:
                child = os.open(part, _STEP, dir_fd=fd)
                os.close(fd)
                fd = child
            yield fd, name or "."
        finally:
            os.close(fd)

    def _find(self, path: str, *, follow_last: bool) -> Entry | None:
        bounds = self._bounds

        def exceeded() -> None:
            self._lost(path, f"the path {bounds.excess('links', bounds.links + 1)}")

        return find(
            path, self._probe, follow_last=follow_last, links=bounds.links, exceeded=exceeded
        )

    def _is_within_bounds(self, path: str) -> bool:
        """Whether a path is short enough to be looked at; one that is not is an Unknown."""
        bounds = self._bounds
        excess = bounds.excess("path_length", len(os.fsencode(path))) or bounds.excess(
            "path_depth", path.count("/")
        )
        if excess is not None:
            self._lost(path[: bounds.path_length], f"the path {excess}")
        return excess is None

    def _probe(self, path: str) -> Entry | None:
        if self._is_closed(path) or not self._is_within_bounds(path):
            return None
        try:
            with self._parent(path) as (parent, name):
                return _entry(path, name, parent)
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return None
        except OSError as error:
            self._note(path, error)
            return None

    def _names(self, path: str) -> list[str]:
        if path in self._closed:
            return []
        try:
            with self._parent(path) as (parent, name):
                fd = os.open(name, _LIST, dir_fd=parent)
            try:
                return os.listdir(fd)  # noqa: PTH208 - pathlib cannot list a descriptor
            finally:
                os.close(fd)
        except OSError as error:
            self._note(path, error)
            return []

    def _children(self, directory: str) -> list[Entry]:
        prefix = "" if directory == "/" else directory
        names = self._names(directory)
        if not names:
            return []
        found: list[Entry] = []
        try:
            with self._parent(f"{prefix}/.") as (parent, _):
                for name in names:
                    path = f"{prefix}/{name}"
                    if not self._is_within_bounds(path):
                        continue
                    try:
                        found.append(_entry(path, name, parent))
                    except OSError as error:
                        self._note(path, error)
        except OSError as error:
            self._note(directory, error)
        return found

    def _is_closed(self, path: str) -> bool:
        return any(path.startswith(f"{kernel}/") for kernel in self._closed)

    def _note(self, path: str, error: Exception) -> None:
        self._lost(path, f"cannot be read: {_reason(error)}")

    def _lost(self, path: str, reason: str) -> None:
        self._unknowns.add(Unknown(path=path, stage="image", reason=reason))


def _entry(path: str, name: str, parent: int) -> Entry:
    status = os.stat(name, dir_fd=parent, follow_symlinks=False)
    kind = _KINDS.get(stat.S_IFMT(status.st_mode), EntryKind.DEVICE)
    return Entry(
        path=path,
        kind=kind,
        size=status.st_size if kind is EntryKind.FILE else 0,
        mode=stat.S_IMODE(status.st_mode),
        layer=None,
        link_target=os.readlink(name, dir_fd=parent) if kind is EntryKind.SYMLINK else None,
    )


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
