"""Layers on top of each other: each index, lowest first, changes one tree.

Follows the OCI Image Format Specification 1.1, ``layer.md`` ("Applying Changesets", "Whiteouts").
"""

from __future__ import annotations

from auditor.image.bounds import Bounds
from auditor.image.layer_index import STAGE, Act, Item, LayerIndex, normal_parts
from auditor.image.paths import join
from auditor.image.rootfs import HEAD_SIZE, KeepRule
from auditor.image.spool import Spool
from auditor.image.tree import Node, Place, Tree
from auditor.model.image import EntryKind
from auditor.model.inventory import Unknown

__all__ = ["Squash"]


class Squash:
    """The tree after the layers applied so far. It reads from their spools and closes none."""

    def __init__(self, keep: KeepRule, bounds: Bounds) -> None:
        self.tree = Tree(bounds)
        self._keep = keep
        self._unknowns: list[Unknown] = []
        self._doubts: list[tuple[Node, Unknown]] = []

    def apply(self, number: int, index: LayerIndex) -> None:
        """Put a layer on what is there."""
        self.tree.layer = number
        self._unknowns += index.unknowns
        for item in index.items:
            if item.act is Act.PUT or item.act is Act.LINK:
                self._path(item, index.spool)
            elif item.act is Act.HIDE:
                place = self.tree.place(item.parts, create=False)
                if place is not None:
                    self.tree.whiteout(place)
            else:
                found = self.tree.directory(tuple(item.parts), create=False)
                if found is not None:
                    self.tree.opaque(found[0])

    def unknowns(self) -> tuple[Unknown, ...]:
        """What could not be read; nothing about files that a later layer replaced or removed."""
        left = [
            unknown
            for node, unknown in self._doubts
            if self.tree.node(normal_parts(unknown.path) or []) is node
        ]
        return (*self._unknowns, *left)

    def _path(self, item: Item, spool: Spool) -> None:
        """Apply a member that makes a path."""
        if not item.parts:
            self.tree.root.mode = item.mode
            return
        place = self.tree.place(item.parts, create=True)
        if place is None:
            reason = "the archive member lies below something that is no directory"
            self._unknowns.append(Unknown(join(item.parts), STAGE, reason))
        elif item.act is Act.LINK:
            self._hard_link(item, place)
        else:
            self.tree.put(place, self._node(item, place, spool))

    def _node(self, item: Item, place: Place, spool: Spool) -> Node:
        if item.kind is EntryKind.DIRECTORY:
            return Node(item.kind, item.mode, self.tree.layer, children={})
        node = Node(item.kind, item.mode, self.tree.layer, item.size)
        if item.kind is EntryKind.SYMLINK:
            node.link = item.link
        elif item.kind is EntryKind.FILE:
            node.spool, node.offset, node.kept = spool, item.offset, item.kept
            if item.flaw is not None:
                self._doubts.append((node, Unknown(place.path, STAGE, item.flaw)))
        return node

    def _hard_link(self, item: Item, place: Place) -> None:
        target = normal_parts(item.link)
        node = self.tree.node(target) if target else None
        if node is None or node.children is not None:
            reason = f"a hard link to {item.link!r}, which is no file in this or a lower layer"
            self._unknowns.append(Unknown(place.path, STAGE, reason))
            return
        copy = Node(
            node.kind,
            node.mode,
            self.tree.layer,
            node.size,
            node.link,
            node.spool,
            node.offset,
            node.kept,
        )
        if node.kind is EntryKind.FILE and not node.kept and self._is_wanted(place, node):
            reason = f"a hard link to {item.link!r}, whose content was not kept"
            self._doubts.append((copy, Unknown(place.path, STAGE, reason)))
        self.tree.put(place, copy)

    def _is_wanted(self, place: Place, node: Node) -> bool:
        """Whether the rule asks for the content of a file under its other name."""
        head = b""
        if node.spool is not None and node.offset >= 0:
            head = node.spool.read(node.offset, min(node.size, HEAD_SIZE))
        return self._keep(place.path, node.mode, node.size, head)
