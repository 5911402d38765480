"""Which system calls an executable can make, with its libraries, and where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Sites", "SyscallFacts", "Witness"]


@dataclass(frozen=True, slots=True)
class Witness:
    """One place that makes a call, and how the program comes there."""

    component: str
    """Path of the executable."""
    library: str
    """Path of the file that holds the place."""
    function: str | None
    """The exported function of that file through which it is reached, where there is one."""
    address: int
    """Of the instruction that enters the kernel, as that file is linked."""


@dataclass(frozen=True, slots=True)
class Sites:
    """How many instructions that enter the kernel are reached, by what is known of their number."""

    resolved: int = 0
    """One number."""
    bounded: int = 0
    """One of several that are known."""
    unknown: int = 0
    """Any, besides those that are known."""


@dataclass(frozen=True, slots=True)
class SyscallFacts:
    """Names of system calls, sorted."""

    must: tuple[str, ...] = ()
    """What every run makes that comes to its end, start-up apart."""
    may: tuple[str, ...] = ()
    """What some run may make, start-up apart; ``must`` and ``abort_only`` are part of it."""
    abort_only: tuple[str, ...] = ()
    """The part of ``may`` that only paths to an abort make."""
    loader: tuple[str, ...] = ()
    """What the dynamic loader and the C library make before the program begins."""
    witnesses: Mapping[str, Witness] = field(default_factory=dict)
    """Call → the first place found."""
    sites: Sites = Sites()
    modules: tuple[str, ...] = ()
    """Names of libraries that it loads while it runs, as it gives them to ``dlopen``."""
    modules_unknown: bool = False
    """It loads libraries by names that are not known here."""
    gates: tuple[str, ...] = ()
    """Names of those gates of ``signatures/syscalls/gates.toml`` that kept something out."""
    unreadable: tuple[str, ...] = ()
    """Paths of objects of which nothing is known, each with the reason after a colon."""
