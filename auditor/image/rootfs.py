"""The squashed, read-only view of an image's files. Every source ends in one of these."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Protocol, Self

from auditor.model.image import Entry
from auditor.model.inventory import Unknown

__all__ = ["HEAD_SIZE", "KeepRule", "RootFS"]

HEAD_SIZE = 256
"""Bytes of a file's beginning that a ``KeepRule`` is shown."""


class KeepRule(Protocol):
    """Decides, while a layer streams by, whether a file's content will be asked for."""

    def __call__(self, path: str, mode: int, size: int, head: bytes, /) -> bool:
        """Whether to keep the content; ``head`` is its first ``HEAD_SIZE`` bytes or fewer.

        ``path`` is as the layer has it: links in its directories are not followed. The rule is
        asked by several threads at once.
        """
        ...


class RootFS(Protocol):
    """Paths are absolute and inside the image's root; no link leads out of it."""

    def entries(self) -> Iterator[Entry]:
        """Every path, sorted, the root left out."""
        ...

    def lookup(self, path: str) -> Entry | None:
        """The entry at a path, following links in its directories but not in its last part."""
        ...

    def resolve(self, path: str) -> Entry | None:
        """The entry that a path leads to, all links followed (at most 40, as Linux does).

        ``None`` where a link dangles, loops or passes through something that is no directory.
        The entry's own ``path`` is the real one.
        """
        ...

    def listdir(self, path: str) -> tuple[str, ...]:
        """Names in a directory (links followed), sorted; empty where there is none."""
        ...

    def read(self, entry: Entry, limit: int | None = None) -> bytes:
        """The content of a regular file, or its first ``limit`` bytes.

        Raises ``PathInImageError`` where the entry is no regular file, or was not kept.
        """
        ...

    def unknowns(self) -> tuple[Unknown, ...]:
        """What of the image could not be read."""
        ...

    def close(self) -> None:
        """Give the temporary store back."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None: ...
