"""What is being done, on stderr: a line for longer work on a terminal, and what was settled."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator

__all__ = ["Display", "shown"]

_DELAY = 0.5
"""Seconds of work before a stage is shown."""


@contextlib.contextmanager
def shown(*, quiet: bool, stages: bool) -> Iterator[Display]:
    """Give a display; what it shows of stages is gone at the end, its notes stay.

    ``quiet`` shows neither, and ``stages`` are for a terminal only.
    """
    display = Display(quiet=quiet)
    if quiet or not stages or not sys.stderr.isatty():
        yield display
        return
    timer = threading.Timer(_DELAY, display.show)
    timer.daemon = True
    timer.start()
    try:
        yield display
    finally:
        timer.cancel()
        display.clear()


class Display:
    """The current stage, on one line that is written over, and notes above it."""

    def __init__(self, *, quiet: bool) -> None:
        self._lock = threading.Lock()
        self._quiet = quiet
        self._stage = ""
        self._visible = False

    def stage(self, words: str) -> None:
        """Take the name of a stage that begins."""
        with self._lock:
            self._stage = words
            if self._visible:
                self._write()

    def note(self, sentence: str) -> None:
        """Print a sentence that stays."""
        if self._quiet:
            return
        from auditor.report.text import printable

        with self._lock:
            wipe = "\r\x1b[K" if self._visible else ""
            sys.stderr.write(f"{wipe}auditor: {printable(sentence)}\n")
            if self._visible:
                self._write()

    def show(self) -> None:
        """Make the stages visible."""
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
