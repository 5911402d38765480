"""What an image's configuration sets, where that decides what a program asks for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from auditor.model.terms import Need

__all__ = ["Setting", "Unit"]


class Unit(StrEnum):
    """What a setting's value counts."""

    BYTES = "bytes"
    COUNT = "count"
    PERCENT = "percent"
    """Of the memory that the container may use."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting, where it stands."""

    name: str
    """As in ``signatures/settings.toml``: ``jvm.heap``, ``gunicorn.workers``."""
    title: str
    value: int | None
    """``None`` where run time decides (``auto``)."""
    unit: Unit
    where: str
    """``ENTRYPOINT``, ``CMD``, ``ENV NAME``, or the path of a file."""
    line: int | None
    """1-based, in a file."""
    text: str
    """The option or the line alone, as written."""
    capability: str | None
    """What it asks of a platform; ``None`` where the value is too small to ask for anything."""
    need: Need | None
    """How much, where it asks."""
    source: str
    """Id of a ``Source``."""
