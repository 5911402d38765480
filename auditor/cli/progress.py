"""What is being done, on stderr: a line for longer work on a terminal, and what was settled."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator

__all__ = ["Display", "shown"]

_DELAY = 0.5
"""Seconds of work before a stage is shown."""
_TICK = 1.0
"""Seconds between two displays of the same stage."""
_LONG = 2
"""Seconds of one stage from which its duration is shown."""
_DUMB = frozenset({"", "dumb", "unknown"})
"""Terminals that cannot write over a line (terminfo(5))."""


@contextlib.contextmanager
def shown(*, quiet: bool, stages: bool) -> Iterator[Display]:
    """Give a display; what it shows of stages is gone at the end, its notes stay.

    ``quiet`` shows neither, and ``stages`` are for a terminal only, and one that can do more
    than print.
    """
    display = Display(quiet=quiet)
    dumb = os.environ.get("TERM", "") in _DUMB and os.name == "posix"
    if quiet or not stages or dumb or not sys.stderr.isatty():
        yield display
        return
    done = threading.Event()
    ticking = threading.Thread(target=_tick, args=(display, done), daemon=True)
    ticking.start()
    try:
        yield display
    finally:
        done.set()
        ticking.join()
        display.clear()


def _tick(display: Display, done: threading.Event) -> None:
    if done.wait(_DELAY):
        return
    display.show()
    while not done.wait(_TICK):
        display.show()


class Display:
    """The current stage, on one line that is written over, and notes above it."""

    def __init__(self, *, quiet: bool) -> None:
        self._lock = threading.Lock()
        self._quiet = quiet
        self._stage = ""
        self._since = time.monotonic()
        self._visible = False

    def stage(self, words: str) -> None:
        """Take the name of a stage that begins."""
        with self._lock:
            self._stage = words
            self._since = time.monotonic()
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
        """Make the stages visible, and the present one's duration up to date."""
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
        """One line that never wraps: what wraps could not be wiped."""
        if not self._stage:
            return
        from rich.cells import cell_len, set_cell_size

        from auditor.report.text import printable

        seconds = int(time.monotonic() - self._since)
        end = f" … {seconds} s" if seconds >= _LONG else " …"
        words = printable(self._stage)
        # Three columns to spare: an encoding without … has three dots for it.
        room = max(1, _columns() - cell_len(end) - 3)
        if cell_len(words) > room:
            words = set_cell_size(words, room).rstrip()
        sys.stderr.write(f"\r\x1b[K{words}{end}")
        sys.stderr.flush()


def _columns() -> int:
    """The terminal's width; 80 where it does not tell."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except (OSError, ValueError):
        return 80
