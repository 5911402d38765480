"""The configuration that holds, as ``auditor config`` shows it."""

from __future__ import annotations

import msgspec

__all__ = ["WireConfiguration", "WireOption", "WireWaiver"]


class WireOption(msgspec.Struct, frozen=True):
    """One option."""

    key: str
    value: str | bool | list[str] | None
    source: str
    """``default``, the variable's name, or the file's path."""


class WireWaiver(msgspec.Struct, frozen=True):
    """One waiver, as it was written."""

    rule: str | None
    component: str | None
    package: str | None
    path: str | None
    target: str | None
    owner: str | None
    reason: str
    expires: str | None


class WireConfiguration(msgspec.Struct, frozen=True):
    """The whole document."""

    file: str | None
    """The file that was read; ``None`` where there is none."""
    options: list[WireOption]
    waivers: list[WireWaiver]
