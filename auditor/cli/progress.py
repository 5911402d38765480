"""A line on stderr that says what is being done: only on a terminal, only for longer work."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator

__all__ = ["shown"]

_DELAY = 0.5
"""Seconds of work before anything is shown."""


@contextlib.contextmanager
def shown(*, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Give a function that takes a stage's name; what it shows is gone at the end."""
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    line = _Line()
    timer = threading.Timer(_DELAY, line.show)
    timer.daemon = True
    timer.start()
    try:
        yield line.tell
    finally:
        timer.cancel()
        line.clear()


class _Line:
    """The current stage, on one line that is written over."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stage = ""
        self._visible = False

    def tell(self, stage: str) -> None:
        """Take the name of a stage that begins."""
        with self._lock:
            self._stage = stage
            if self._visible:
                self._write()

    def show(self) -> None:
        """Become visible."""
        with self._lock:
            self._visible = True
            self._write()

    def clear(self) -> None:
        """Wipe the line."""
        with self._lock:
            if self._visible:
                sys.stderr.write("\r\x1b[K")
                sys.stderr.flush()
            self._visible = False

    def _write(self) -> None:
        from auditor.report.text import printable

        sys.stderr.write(f"\r\x1b[K{printable(self._stage)} …")
        sys.stderr.flush()
