"""The temporary store: contents that will be asked for, in one file that has no name.

The file is unlinked from the start (``O_TMPFILE`` where the file system has it), so nothing is
left behind, however the process ends.
"""

from __future__ import annotations

import os
import tempfile

from auditor.errors import ImageError

__all__ = ["Spool"]


class Spool:
    """Append-only bytes, read back by offset."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="auditor-", buffering=1 << 20)  # noqa: SIM115
        self._dirty = False
        self.end = 0
        """Bytes written."""

    def write(self, data: bytes) -> None:
        """Append; raises ``ImageError`` where the disk is full."""
        try:
            self._file.write(data)
        except OSError as error:
            raise _full(error) from error
        self._dirty = True
        self.end += len(data)

    def read(self, offset: int, size: int) -> bytes:
        """``size`` bytes from ``offset`` on."""
        try:
            if self._dirty:
                self._file.flush()
                self._dirty = False
        except OSError as error:
            raise _full(error) from error
        parts: list[bytes] = []
        while size and (data := os.pread(self._file.fileno(), size, offset)):
            parts.append(data)
            offset += len(data)
            size -= len(data)
        return b"".join(parts)

    def close(self) -> None:
        """Give the space back; closing twice is harmless."""
        self._dirty = False
        try:
            self._file.close()
        except OSError as error:
            raise _full(error) from error


def _full(error: OSError) -> ImageError:
    return ImageError(
        f"cannot write to the temporary store in {tempfile.gettempdir()}: {error.strerror}",
        hint="set TMPDIR to a directory with more room",
    )
