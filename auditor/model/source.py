"""What one piece of an application's source says: facts, the same for every language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["SourceFacts", "Unit", "Use", "UseKind"]


class UseKind(StrEnum):
    """How source names what it uses."""

    IMPORT = "import"
    """Another module is loaded. ``name`` is what a resolver of that language takes."""
    NAME = "name"
    """A qualified name that leads out of the module, aliases taken back: after ``import
    subprocess as sp``, ``sp.run`` is ``subprocess.run``."""
    LOCAL = "local"
    """A unit of the same module."""
    MEMBER = "member"
    """A member of something whose type is not known: of ``pool.apply()``, ``apply``."""
    TEXT = "text"
    """A string that may name a module (``"shop.settings"``), as frameworks load them."""
    DYNAMIC = "dynamic"
    """A construct that cannot be followed; ``name`` is its text, shortened."""


@dataclass(frozen=True, slots=True, order=True)
class Use:
    """One thing that a unit uses, and where."""

    kind: UseKind
    name: str
    line: int
    """1-based; 0 where there is no line (a class file without a line table)."""
    called: bool = False
    """Whether it is called there, rather than passed on or looked at."""
    guarded: bool = False
    """Whether the program goes on where it is missing (``except ImportError``)."""
    conditional: bool = False
    """Whether it stands in a branch, a loop or a handler."""
    address: int = 0
    """Of the instruction, in a program that was compiled; else 0."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What runs together: a module's top level, a class's definition, a function, a method."""

    name: str
    """``""`` for the top level, ``Server`` for a class, ``Server.start`` for its method."""
    line: int
    size: int
    """Bytes of source, or of code; parts that are units of their own are left out."""
    uses: tuple[Use, ...]
    is_class: bool = False
    """Its uses are then its bases and decorators."""


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """One module."""

    language: str
    """Id of ``signatures/apis``: ``python``, ``javascript``, …"""
    size: int
    """Bytes."""
    units: tuple[Unit, ...]
    """The top level first."""
    bindings: Mapping[str, str] = field(default_factory=dict)
    """Names of the top level that stand for something of another module, which is how
    modules hand on what they import: name → qualified name."""
    stars: tuple[str, ...] = ()
    """Modules all of whose names are taken over."""
    errors: int = 0
    """Places that a tolerant parser left out."""
