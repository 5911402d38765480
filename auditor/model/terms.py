"""The words of a judgement, each an ordered enumeration. Lower ``rank`` is better."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

__all__ = ["Need", "Reach", "Role", "Severity", "Support", "Verdict"]


class _Ranked(StrEnum):
    """A ``StrEnum`` whose members rank in the order they are written."""

    rank: int
    """Position in the order of definition, from 0."""

    def __init__(self, _: str) -> None:
        self.rank = len(type(self).__members__)

    @classmethod
    def worst(cls, *members: Self) -> Self:
        """The member of the highest rank."""
        return max(members, key=lambda member: member.rank)


class Support(_Ranked):
    """How far a target goes to meet a capability."""

    FULL = "full"
    FLAGS = "flags"
    """With extra compile or link flags."""
    EMULATED = "emulated"
    PARTIAL = "partial"
    UNKNOWN = "unknown"
    STUB = "stub"
    """Links, then fails at run time."""
    NONE = "none"

    @property
    def absent(self) -> bool:
        """Whether a program that truly needs the capability cannot work."""
        return self in (Support.STUB, Support.NONE)


class Need(_Ranked):
    """How much a component needs a capability."""

    INCIDENTAL = "incidental"
    """Programs run on when it is stubbed or faked."""
    TYPICAL = "typical"
    ESSENTIAL = "essential"


class Reach(_Ranked):
    """How we know that a component takes part."""

    OBSERVED = "observed"
    """Seen in a trace."""
    REACHABLE = "reachable"
    """The entrypoint leads there over the graph."""
    PRESENT = "present"
    """In the image; nothing leads there."""

    @property
    def counts(self) -> bool:
        """Whether the verdict speaks of it."""
        return self is not Reach.PRESENT


class Role(_Ranked):
    """What a reachable component does for the entrypoint."""

    MAIN = "main"
    """Part of the work itself: it would have to move."""
    SETUP = "setup"
    """Prepares and then hands over (an entrypoint script, ``tini``): it falls away or moves
    into the host's configuration."""
    RUNTIME = "runtime"
    """An interpreter that a target brings its own build of, so its needs do not count."""


class Severity(_Ranked):
    """The weight of a finding, in SARIF's words."""

    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"


class Verdict(_Ranked):
    """The answer, best first."""

    ALREADY_WASM = "already-wasm"
    REBUILD = "rebuild"
    """Recompile as it is."""
    ADAPT = "adapt"
    """Flags, shims, small edits, or a runtime that exists on the target."""
    REARCHITECT = "rearchitect"
    KEEP_IN_CONTAINER = "keep-in-container"
    INSUFFICIENT_EVIDENCE = "insufficient-evidence"
    """Too little is known; every gate treats it as not met."""
