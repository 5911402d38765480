"""What was seen of a program while it ran: system calls, and who made them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Trace", "TraceForm", "TracedCall"]


class TraceForm(StrEnum):
    """What wrote the recording."""

    STRACE = "strace"
    PERF = "perf trace"
    AUDIT = "audit log"
    SECCOMP = "seccomp profile"
    LIST = "list of names"

    @property
    def counts(self) -> bool:
        """Whether it shows each call, and so how often it was made."""
        return self not in {TraceForm.SECCOMP, TraceForm.LIST}


@dataclass(frozen=True, slots=True, order=True)
class TracedCall:
    """One system call with the arguments that may decide what it asks for."""

    executable: str
    """Path as it was executed; empty where the recording does not say."""
    name: str
    """As Linux names it."""
    arguments: tuple[str, ...] = ()
    """By position: constants or numbers (``0x1``) joined by ``|``; empty where not shown."""
    pointed: tuple[str, ...] = ()
    """The same for the first word of what an argument points to (flags of ``clone3``)."""
    count: int = 1
    refused: bool = False
    """Whether the kernel answered each of them with ENOSYS."""


@dataclass(frozen=True, slots=True)
class Trace:
    """One recording."""

    form: TraceForm
    calls: tuple[TracedCall, ...]
    """Sorted; without those that a loader makes before the program begins."""
    executables: tuple[str, ...] = ()
    """Paths of programs that were started, in that order."""
    handed: frozenset[str] = frozenset()
    """Those whose process another program took over (``exec`` in a shell)."""
    spawned: tuple[tuple[str, str], ...] = ()
    """Who started whom, sorted."""
    start_up: int = 0
    """Calls left out as the loader's."""
    unread: int = 0
    """Lines that were not understood."""
    name: str = "trace"
    """Of the file, for people."""
