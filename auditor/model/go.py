"""What a Go executable says of itself: how it was built, and its functions."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["GoBuildInfo", "GoFunction", "GoReference"]


@dataclass(frozen=True, slots=True)
class GoBuildInfo:
    """The build information that ``go build`` links in (``runtime/debug.BuildInfo``)."""

    version: str
    """``go1.27.3``."""
    path: str
    """Import path of the package that ``main`` was in; empty where it was built otherwise."""
    main: str
    """Path of its module; empty as well."""
    modules: tuple[tuple[str, str], ...]
    """Path and version of each module that it depends on."""
    settings: tuple[tuple[str, str], ...]
    """``CGO_ENABLED`` → ``0``, …"""


@dataclass(frozen=True, slots=True)
class GoFunction:
    """One function, as the table of functions has it."""

    name: str
    """As the linker's symbols are written: ``net/http.(*Server).Serve``, ``main.run.func1``."""
    offset: int
    """Of its code, from the start of Go's code, in bytes."""
    size: int
    """Bytes up to the next function."""
    record: int
    """Where the table keeps the rest of what it knows of it."""


@dataclass(frozen=True, slots=True)
class GoReference:
    """One function's code names another."""

    name: str
    offset: int
    """Of the instruction, from the start of Go's code, in bytes."""
    called: bool
    """Rather than its address taken."""
