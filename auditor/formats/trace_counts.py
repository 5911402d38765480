"""What the readers of recordings share: what they are told, and how they count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from auditor.formats import FormatError
from auditor.model.trace import Trace, TracedCall, TraceForm

__all__ = ["Counts", "Hints", "Key"]

Key = tuple[str, str, tuple[str, ...], tuple[str, ...]]
"""Program, name, arguments, and what they point to."""

_MOST_CALLS = 50_000
"""Calls that differ in name, arguments or program."""
_MOST_PROGRAMS = 5_000


@dataclass(frozen=True, slots=True)
class Hints:
    """What Linux's tables say that a recording does not."""

    names: Mapping[str, Mapping[int, str]]
    """``amd64``, ``arm64`` → number → name."""
    known: frozenset[str]
    """All names."""
    argued: frozenset[str]
    """Names of calls whose arguments decide."""
    start_up: frozenset[str]
    """Names of calls that a loader, or the C library's start, makes in every program."""


@dataclass(slots=True)
class Counts:
    """Calls by program, name and arguments."""

    hints: Hints
    calls: Counter[Key] = field(default_factory=Counter)
    answered: set[tuple[str, str]] = field(default_factory=set)
    """Program and name of each call that was not refused."""
    executables: dict[str, None] = field(default_factory=dict)
    handed: set[str] = field(default_factory=set)
    spawned: set[tuple[str, str]] = field(default_factory=set)
    start_up: int = 0
    unread: int = 0

    def add(
        self,
        executable: str,
        name: str,
        arguments: Iterable[str] = (),
        pointed: Iterable[str] = (),
        *,
        refused: bool = False,
    ) -> Key | None:
        """Count one call; the key that it is counted under, ``None`` for no call of Linux.

        Raises ``FormatError`` where too many differ.
        """
        if name not in self.hints.known:
            self.unread += 1
            return None
        key = (executable, name, tuple(arguments), tuple(pointed))
        self.calls[key] += 1
        if len(self.calls) > _MOST_CALLS:
            raise FormatError(f"more than {_MOST_CALLS} calls that differ")
        if not refused:
            self.answered.add((executable, name))
        return key

    def move(self, key: Key, executable: str) -> None:
        """One call was made by another program than it seemed."""
        self.calls[key] -= 1
        self.calls[(executable, *key[1:])] += 1
        if key[:2] in self.answered:
            self.answered.add((executable, key[1]))

    def start(self, executable: str, by: str | None = None) -> None:
        """A program begins, started by another where that is known."""
        self.executables[executable] = None
        if by is not None and by != executable:
            self.spawned.add((by, executable))
        if len(self.executables) > _MOST_PROGRAMS:
            raise FormatError(f"more than {_MOST_PROGRAMS} programs")

    def trace(self, form: TraceForm) -> Trace:
        """The whole recording."""
        return Trace(
            form=form,
            calls=tuple(
                sorted(
                    TracedCall(
                        executable,
                        name,
                        arguments,
                        pointed,
                        count,
                        (executable, name) not in self.answered,
                    )
                    for (executable, name, arguments, pointed), count in self.calls.items()
                    if count > 0
                )
            ),
            executables=tuple(self.executables),
            handed=frozenset(self.handed),
            spawned=tuple(sorted(self.spawned)),
            start_up=self.start_up,
            unread=self.unread,
        )
