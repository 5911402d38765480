"""Steps that an interrupt must not come into the middle of.

An exception that a signal's handler raises while lief is being initialised ends the process: its
C++ code lets no Python exception through. One that is raised while a program is being started
leaves that program without anybody who knows of it. So such signals wait until it is done.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["signals_held"]

_HELD = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def signals_held() -> Iterator[None]:
    """Put off what SIGINT and SIGTERM do; in the main thread, where handlers run."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    handlers = {number: signal.getsignal(number) for number in _HELD}
    ours = {number: handler for number, handler in handlers.items() if callable(handler)}
    for number in ours:
        signal.signal(number, lambda number, _: came.append(number))
    try:
        yield
    finally:
        for number, handler in ours.items():
            signal.signal(number, handler)
        for missed in came:
            signal.raise_signal(missed)
