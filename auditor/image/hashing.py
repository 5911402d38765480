"""Digests of long streams, computed beside the work on them.

``hashlib`` lets other threads run while it works, so that on two cores a digest costs next to
nothing. Short streams are hashed at once: a thread would cost more.
"""

from __future__ import annotations

import hashlib
import queue
import threading

__all__ = ["StreamHash"]

_LONG = 1 << 20
"""Bytes after which a thread is worth its start."""
_AHEAD = 4
"""Chunks that may wait."""


class StreamHash:
    """As ``hashlib.new``. Close it, or ask for the digest, which closes it too."""

    def __init__(self, algorithm: str) -> None:
        self._algorithm = algorithm
        self._hash = hashlib.new(algorithm)
        self._count = 0
        self._waiting: queue.Queue[bytes | None] = queue.Queue(_AHEAD)
        self._thread: threading.Thread | None = None

    def update(self, data: bytes) -> None:
        """Add bytes."""
        self._count += len(data)
        if self._count < _LONG:
            self._hash.update(data)
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="hash", daemon=True)
            self._thread.start()
        self._waiting.put(data)

    def digest(self) -> str:
        """``algorithm:hex`` of everything so far; nothing can be added after that."""
        self.close()
        return f"{self._algorithm}:{self._hash.hexdigest()}"

    def close(self) -> None:
        """Let the thread end; closing twice is harmless."""
        if self._thread is not None and self._thread.is_alive():
            self._waiting.put(None)
            self._thread.join()

    def _work(self) -> None:
        while (data := self._waiting.get()) is not None:
            self._hash.update(data)
