"""The root file system of an image with layers, after squashing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import Self

from auditor.errors import PathInImageError
from auditor.image.paths import ROOT, find
from auditor.image.spool import Spool
from auditor.image.tree import Node, Tree, entry
from auditor.model.image import Entry, EntryKind
from auditor.model.inventory import Unknown

__all__ = ["LayeredRootFS"]


class LayeredRootFS:
    """A ``RootFS`` over a squashed tree; contents come from the spool."""

    def __init__(
        self,
        tree: Tree,
        layers: tuple[str, ...],
        spools: Sequence[Spool],
        unknowns: Iterable[Unknown],
        links: int,
    ) -> None:
        """``links`` is how many symbolic links may be followed for one path."""
        self._nodes = tree.flatten()
        self._root = tree.root
        self._layers = layers
        self._spools = tuple(spools)
        self._links = links
        self._unknowns = tuple(sorted(set(unknowns)))

    def entries(self) -> Iterator[Entry]:
        """Every path, sorted, the root left out."""
        for path, node in self._nodes.items():
            yield entry(path, node, self._layers)

    def lookup(self, path: str) -> Entry | None:
        """The entry at a path, following links in its directories only."""
        return self._probe(path) or find(path, self._probe, follow_last=False, links=self._links)

    def resolve(self, path: str) -> Entry | None:
        """The entry that a path leads to, all links followed."""
        direct = self._probe(path)
        if direct is not None and direct.kind is not EntryKind.SYMLINK:
            return direct
        return find(path, self._probe, follow_last=True, links=self._links)

    def listdir(self, path: str) -> tuple[str, ...]:
        """Names in a directory (links followed), sorted."""
        found = self.resolve(path)
        if found is None:
            return ()
        node = self._root if found is ROOT else self._nodes[found.path]
        return tuple(sorted(node.children or ()))

    def read(self, entry: Entry, limit: int | None = None) -> bytes:
        """The content of a regular file, or its first ``limit`` bytes."""
        node = self._nodes.get(entry.path)
        if node is None:
            raise PathInImageError(f"the image holds nothing at {entry.path!r}")
        if node.kind is not EntryKind.FILE:
            raise PathInImageError(f"{entry.path!r} in the image is a {node.kind}, not a file")
        if not node.kept or node.spool is None:
            raise PathInImageError(
                f"the content of {entry.path!r} was not kept while the image was read"
            )
        return node.spool.read(node.offset, node.size if limit is None else min(limit, node.size))

    def unknowns(self) -> tuple[Unknown, ...]:
        """What of the image could not be read, sorted."""
        return self._unknowns

    def close(self) -> None:
        """Give the temporary store back."""
        for spool in self._spools:
            spool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        self.close()

    def _probe(self, path: str) -> Entry | None:
        node: Node | None = self._nodes.get(path)
        return None if node is None else entry(path, node, self._layers)
