"""Work on many items, each in a process of its own, so that a crash or a hang costs that one."""

from __future__ import annotations

import multiprocessing
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Generic, TypeVar

__all__ = ["Outcome", "apart"]

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Item, Result]):
    """What came of one item: a result, or the reason why there is none."""

    item: Item
    result: Result | None
    error: str


@dataclass(frozen=True, slots=True)
class _Running(Generic[Item]):
    item: Item
    process: BaseProcess
    deadline: float


def apart(
    work: Callable[[Item], Result], items: Iterable[Item], *, jobs: int, seconds: float
) -> Iterator[Outcome[Item, Result]]:
    """Do the work, ``jobs`` at a time; outcomes come as they are ready.

    Processes are forked: they have what this one has loaded. ``seconds`` is wall time for one.
    """
    context = multiprocessing.get_context("fork")
    waiting = iter(items)
    running: dict[Connection, _Running[Item]] = {}
    while True:
        while len(running) < jobs and (item := next(waiting, None)) is not None:
            receiver, sender = context.Pipe(duplex=False)
            process = context.Process(target=_do, args=(work, item, sender))
            process.start()
            sender.close()
            running[receiver] = _Running(item, process, time.monotonic() + seconds)
        if not running:
            return
        nearest = min(one.deadline for one in running.values()) - time.monotonic()
        ready = wait(list(running), max(nearest, 0))
        for receiver, one in list(running.items()):
            if receiver in ready:
                yield _outcome(receiver, one.item)
            elif time.monotonic() >= one.deadline:
                one.process.kill()
                yield Outcome(one.item, None, f"took more than {seconds:.0f} s")
            else:
                continue
            one.process.join()
            receiver.close()
            del running[receiver]


def _outcome(receiver: Connection, item: Item) -> Outcome[Item, Result]:
    try:
        result, error = receiver.recv()
    except EOFError:
        return Outcome(item, None, "the process died")
    return Outcome(item, result, error)


def _do(work: Callable[[Item], Result], item: Item, sender: Connection) -> None:
    try:
        sender.send((work(item), ""))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is this item's outcome
        where = traceback.extract_tb(error.__traceback__)[-1]
        text = f"{type(error).__name__}: {error} ({where.filename}:{where.lineno})"
        sender.send((None, text))
    finally:
        sender.close()
