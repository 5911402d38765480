"""Work in daemon threads: one that waits for a silent server keeps nobody from leaving."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

__all__ = ["settle", "started"]

_T = TypeVar("_T")


def started(name: str, work: Callable[[], _T]) -> Future[_T]:
    """Do it in a thread of its own; the future has what came of it."""
    future: Future[_T] = Future()
    Thread(target=settle, args=(future, work), name=name, daemon=True).start()
    return future


def settle(future: Future[_T], work: Callable[[], _T]) -> None:
    """Do it here, for whoever waits for the future; nothing is done for one that was cancelled."""
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(work())
    except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
        future.set_exception(error)
