"""The temporary store: contents that will be asked for, in files that have no name.

Each file is unlinked from the start (``O_TMPFILE`` where the file system has it), so nothing is
left behind, however the process ends. A layer has one of its own, made when it first keeps
something, so that layers can be read side by side.
"""

from __future__ import annotations

import os
import tempfile
from typing import BinaryIO

from auditor.errors import ImageError

__all__ = ["Spool"]

_BATCH = 1 << 20
"""Bytes that are written at a time."""
_PIECES = 512
"""Pieces that are written at a time; Linux takes 1,024 (``IOV_MAX``)."""


class Spool:
    """Append-only bytes, read back by offset."""

    def __init__(self) -> None:
        self._file: BinaryIO | None = None
        self._pending: list[bytes | memoryview] = []
        self._waiting = 0
        self.end = 0
        """Bytes appended."""

    def write(self, data: bytes | memoryview) -> None:
        """Append; raises ``ImageError`` where the disk is full."""
        self._pending.append(data)
        self._waiting += len(data)
        self.end += len(data)
        if self._waiting >= _BATCH or len(self._pending) >= _PIECES:
            self.flush()

    def flush(self) -> None:
        """Put what waits in memory into the file; raises ``ImageError`` where the disk is full."""
        if not self._waiting:
            return
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="auditor-", buffering=0)  # noqa: SIM115
            _write_all(self._file.fileno(), self._pending)
        except OSError as error:
            raise ImageError(
                f"cannot write to the temporary store in {tempfile.gettempdir()}: "
                f"{error.strerror or error}",
                hint="set TMPDIR to a directory with more room",
            ) from error
        self._pending.clear()
        self._waiting = 0

    def read(self, offset: int, size: int) -> bytes:
        """``size`` bytes from ``offset`` on."""
        self.flush()
        parts: list[bytes] = []
        while size and self._file and (data := os.pread(self._file.fileno(), size, offset)):
            parts.append(data)
            offset += len(data)
            size -= len(data)
        return b"".join(parts)

    def close(self) -> None:
        """Give the space back; closing twice is harmless."""
        self._pending.clear()
        self._waiting = 0
        if self._file is not None:
            self._file.close()


def _write_all(fd: int, pieces: list[bytes | memoryview]) -> None:
    """Write pieces without joining them; a file that takes less than all is given the rest."""
    written = os.writev(fd, pieces)
    if written < sum(map(len, pieces)):
        rest = memoryview(b"".join(pieces))[written:]
        while rest:
            rest = rest[os.write(fd, rest) :]
