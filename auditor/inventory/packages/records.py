"""What the readers of all formats share: the answer, and how text becomes packages."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from auditor.model.inventory import Package, Unknown

__all__ = ["STAGE", "NotUnderstoodError", "Packages", "absolute", "ordered", "strings", "text"]

STAGE = "packages"
"""The room, as an Unknown names it."""


class NotUnderstoodError(Exception):
    """The document is not what it should be; ``str()`` is a clause for people."""


@dataclass(frozen=True, slots=True)
class Packages:
    """The packages of an image, and who named them."""

    packages: tuple[Package, ...] = ()
    by: str | None = None
    unknowns: tuple[Unknown, ...] = ()


def ordered(packages: Iterable[Package]) -> tuple[Package, ...]:
    """Packages sorted, whatever order and fields they were found with."""
    return tuple(
        sorted(
            packages,
            key=lambda one: (one.name, one.version, one.type, one.purl or "", one.paths, one.files),
        )
    )


def text(value: Any) -> str:
    """A string as it is, and nothing for anything else."""
    return value if isinstance(value, str) else ""


def strings(values: Any, *keys: str) -> list[str]:
    """The strings of a list, or of the first key that an object in it has; all else left out."""
    found: list[str] = []
    for value in values if isinstance(values, list) else ():
        if isinstance(value, dict):
            found.append(next((text(value[key]) for key in keys if text(value.get(key))), ""))
        else:
            found.append(text(value))
    return [item for item in found if item]


def absolute(path: str, base: str = "/") -> str:
    """A path as the image has it, ``base`` before a relative one."""
    whole = posixpath.normpath(posixpath.join("/", base, path))
    return "/" + whole.lstrip("/")
