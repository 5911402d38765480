"""A tar file that holds an image: its members found once, and read by offset after that."""

from __future__ import annotations

import os
import posixpath
import stat
import tempfile
from collections.abc import Iterator
from typing import BinaryIO

from auditor.errors import CorruptImageError, ImageError, ImageNotFoundError, NotAnImageError
from auditor.image.bounds import Bounds, Budget
from auditor.image.source import Readable
from auditor.image.squash import normal_parts
from auditor.image.stream import decompress
from auditor.image.tar import Member, MemberKind, read_members

__all__ = ["Archive", "open_at_once"]

_PLAIN_TAR_MAGIC = b"ustar"
_HOPS = 8
"""Links from one member to another; Docker writes one at most."""


def open_at_once(path: str, flags: int) -> int:
    """An opener that does not wait for somebody to write into a FIFO."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)


class Archive:
    """Members of a tar file by name. A compressed one is unpacked to an unnamed file first."""

    def __init__(self, path: str, bounds: Bounds) -> None:
        self.path = path
        try:
            self._file: BinaryIO = open(path, "rb", buffering=0, opener=open_at_once)  # noqa: SIM115
        except FileNotFoundError as error:
            raise ImageNotFoundError(f"there is no file {path}") from error
        except OSError as error:
            raise ImageError(f"cannot open {path}: {error.strerror or error}") from error
        if not stat.S_ISREG(os.fstat(self._file.fileno()).st_mode):
            self._file.close()
            raise NotAnImageError(f"{path} is not a regular file", hint="write it to a file first")
        self._spans: dict[str, tuple[int, int]] = {}
        self._links: dict[str, str] = {}
        try:
            self._index(bounds)
        except OSError as error:
            self.close()
            raise ImageError(f"cannot read {path}: {error.strerror or error}") from error
        except BaseException:
            self.close()
            raise

    def open(self, name: str) -> Readable:
        """A member's content; ``FileNotFoundError`` where there is none."""
        return _Section(self._file, *self._span(name))

    def size(self, name: str) -> int:
        """Bytes of a member's content; ``FileNotFoundError`` where there is none."""
        return self._span(name)[1]

    def __contains__(self, name: str) -> bool:
        try:
            self._span(name)
        except FileNotFoundError:
            return False
        return True

    def label(self, name: str) -> str:
        """What to call a member in a message."""
        return f"{name} in {self.path}"

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _span(self, name: str) -> tuple[int, int]:
        """Offset and size; links (older Docker archives link equal layers) are followed."""
        for _ in range(_HOPS):
            if name in self._spans:
                return self._spans[name]
            if name not in self._links:
                break
            name = self._links[name]
        raise FileNotFoundError(self.label(name))

    def _index(self, bounds: Bounds) -> None:
        head = os.pread(self._file.fileno(), 512, 0)
        if head[257:262] != _PLAIN_TAR_MAGIC and head[:1] in (b"\x1f", b"\x28"):
            self._unpack(bounds)
            head = os.pread(self._file.fileno(), 512, 0)
        budget = Budget(bounds)
        stream = _Seeking(self._file.fileno())
        try:
            for member in read_members(stream, self.path, bounds):
                budget.spend_entry(self.path)
                self._add(member, stream.position)
        except CorruptImageError as error:
            if head[257:262] == _PLAIN_TAR_MAGIC:
                raise
            raise NotAnImageError(f"{self.path} is no tar archive") from error

    def _add(self, member: Member, offset: int) -> None:
        name = "/".join(normal_parts(member.name) or ())
        if member.kind is MemberKind.FILE:
            self._spans[name] = (offset, member.size)
        elif member.kind is MemberKind.SYMLINK:
            self._links[name] = posixpath.normpath(posixpath.join(name, "..", member.link))
        elif member.kind is MemberKind.HARD_LINK:
            self._links[name] = "/".join(normal_parts(member.link) or ())

    def _unpack(self, bounds: Bounds) -> None:
        """``docker save image | gzip``: members can only be found in the uncompressed tar."""
        budget = Budget(bounds)
        store = tempfile.TemporaryFile(prefix="auditor-", buffering=0)  # noqa: SIM115
        try:
            for chunk in decompress(self._file, self.path):
                budget.spend_bytes(len(chunk), self.path)
                store.write(chunk)
        except BaseException:
            store.close()
            raise
        self._file.close()
        self._file = store

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({*self._spans, *self._links}))


class _Seeking:
    """A file as a stream that passes over bytes without reading them."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._size = os.fstat(fd).st_size
        self.position = 0

    def take(self, size: int) -> bytes:
        data = os.pread(self._fd, size, self.position)
        self.position += len(data)
        return data

    def skip(self, size: int) -> int:
        there = max(0, min(size, self._size - self.position))
        self.position += there
        return there


class _Section:
    """Part of a file as a stream of its own, so that many can be read at once."""

    def __init__(self, file: BinaryIO, offset: int, size: int) -> None:
        self._fd = file.fileno()
        self._position = offset
        self._end = offset + size

    def read(self, size: int, /) -> bytes:
        data = os.pread(self._fd, min(size, self._end - self._position), self._position)
        self._position += len(data)
        return data

    def close(self) -> None:
        """The file belongs to the archive."""
