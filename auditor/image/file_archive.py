"""A tar file that can be sought in: its members are found once, and read by offset after that."""

from __future__ import annotations

import os
from typing import BinaryIO

from auditor.errors import NotAnImageError
from auditor.image.archive import Members
from auditor.image.bounds import Budget
from auditor.image.layer_index import LayerIndex
from auditor.image.source import Readable
from auditor.image.tar import MemberKind, is_header, read_members

__all__ = ["FileArchive"]

_BLOCK = 512


class FileArchive:
    """An ``Archive`` over a regular, uncompressed file."""

    def __init__(self, file: BinaryIO, path: str, budget: Budget) -> None:
        self.title = path
        self._file = file
        self._members = Members[tuple[int, int]]()
        head = os.pread(file.fileno(), _BLOCK, 0)
        if not is_header(head):
            raise NotAnImageError(f"{path} is no tar archive")
        stream = _Seeking(file.fileno())
        for member in read_members(stream, path, budget.bounds):
            budget.spend_file(path)
            if member.kind is MemberKind.FILE:
                self._members.add(member, (stream.position, member.size))
            else:
                self._members.add_link(member)

    def __contains__(self, name: str) -> bool:
        return self._members.get(name) is not None

    def open(self, name: str) -> Readable:
        """A member's content; ``FileNotFoundError`` where there is none."""
        return _Section(self._file, *self._span(name))

    def size(self, name: str) -> int:
        """Bytes of a member's content; ``FileNotFoundError`` where there is none."""
        return self._span(name)[1]

    def indexed(self, name: str) -> LayerIndex | None:  # noqa: ARG002
        """Nothing came by: every member can be opened."""
        return None

    def label(self, name: str) -> str:
        """What to call a member in a message."""
        return f"{name} in {self.title}"

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _span(self, name: str) -> tuple[int, int]:
        """Offset and size."""
        span = self._members.get(name)
        if span is None:
            raise FileNotFoundError(self.label(name))
        return span


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
