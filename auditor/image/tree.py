"""The tree of nodes that layers are put on, one after the other.

A path whose directory is a symbolic link goes where the link leads, inside the root, as
containerd's ``pkg/archive`` has it.
"""

from __future__ import annotations

from dataclasses import dataclass

from auditor.image.bounds import Bounds
from auditor.image.paths import join
from auditor.image.spool import Spool
from auditor.model.image import Entry, EntryKind

__all__ = ["Node", "Place", "Tree", "entry"]

_IMPLICIT_MODE = 0o755


@dataclass(slots=True, eq=False)
class Node:
    """One path. Changed in place while layers are applied, and never after."""

    kind: EntryKind
    mode: int
    layer: int
    """Index of the layer that brought it."""
    size: int = 0
    link: str | None = None
    spool: Spool | None = None
    """Where its content is, or its head if the content is not kept."""
    offset: int = -1
    """Where in the spool it starts; -1 where nothing of it is there."""
    kept: bool = False
    children: dict[str, Node] | None = None
    """For a directory only."""
    purged: int = -1
    """Index of the layer that has hidden all that lower ones had below this node."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a member goes: a directory, and the name in it."""

    directory: Node
    parts: tuple[str, ...]
    """Of the directory's real path."""
    name: str

    @property
    def path(self) -> str:
        """The real, absolute path."""
        return join([*self.parts, self.name])


class Tree:
    """The squashed tree so far. ``layer`` is the index of the layer being applied.

    Of the bounds, ``links`` are those followed for one path; ``files`` are also the directories
    that no member names, and ``paths_size`` is that of all paths as they come out. A member of one
    line can make a thousand directories.
    """

    def __init__(self, bounds: Bounds) -> None:
        self.root = Node(EntryKind.DIRECTORY, _IMPLICIT_MODE, 0, children={})
        self.layer = 0
        self._bounds = bounds
        self._implied = 0
        self._known: dict[tuple[str, ...], tuple[Node, tuple[str, ...]]] = {}

    def directory(
        self, parts: tuple[str, ...], *, create: bool
    ) -> tuple[Node, tuple[str, ...]] | None:
        """The directory at ``parts`` with its real path, links followed inside the root.

        Missing ones are made if ``create``. ``None`` where there is none, where something on
        the way is no directory, or where links loop.
        """
        known = self._known.get(parts)
        if known is None:
            known = self._walk(parts, create=create)
            if known is not None:
                self._known[parts] = known
        return known

    def _walk(self, parts: tuple[str, ...], *, create: bool) -> tuple[Node, tuple[str, ...]] | None:
        pending = list(parts[::-1])
        trail: list[tuple[str, Node]] = []
        links = 0
        while pending:
            part = pending.pop()
            here = trail[-1][1] if trail else self.root
            if part == "..":
                del trail[-1:]
            if part in ("", ".", ".."):
                continue
            child = self._child(here, part, create=create)
            if child is not None and child.link:
                links += 1
                if links > self._bounds.links:
                    return None
                if child.link.startswith("/"):
                    trail.clear()
                pending.extend(child.link.split("/")[::-1])
            elif child is None or child.children is None:
                return None
            else:
                trail.append((part, child))
        node = trail[-1][1] if trail else self.root
        return node, tuple(part for part, _ in trail)

    def _child(self, directory: Node, name: str, *, create: bool) -> Node | None:
        children = directory.children
        if children is None:
            return None
        child = children.get(name)
        if child is None and create:
            self._implied += 1
            self._bounds.check("files", self._implied, "the number of directories without a member")
            child = Node(EntryKind.DIRECTORY, _IMPLICIT_MODE, self.layer, children={})
            children[name] = child
        return child

    def place(self, parts: list[str], *, create: bool) -> Place | None:
        """Where the member of that name goes; ``None`` as for ``directory``."""
        found = self.directory(tuple(parts[:-1]), create=create)
        return None if found is None else Place(found[0], found[1], parts[-1])

    def node(self, parts: list[str]) -> Node | None:
        """What is at a path, links followed in its directories but not in its last part."""
        if not parts:
            return self.root
        place = self.place(parts, create=False)
        return None if place is None else (place.directory.children or {}).get(place.name)

    def put(self, place: Place, node: Node) -> None:
        """Set a path. A directory on a directory keeps what is in it; all else replaces."""
        children = place.directory.children
        assert children is not None  # noqa: S101 - a Place is made of directories only
        old = children.get(place.name)
        if old is not None and old.children is not None and node.children is not None:
            old.mode = node.mode
            old.layer = node.layer
            return
        if old is not None and (old.children is not None or old.kind is EntryKind.SYMLINK):
            self._known.clear()
        children[place.name] = node

    def whiteout(self, place: Place) -> None:
        """Hide what lower layers have at a path; what this layer has there stays."""
        children = place.directory.children or {}
        node = children.get(place.name)
        if node is not None:
            self._known.clear()
            if not self._purge(node):
                del children[place.name]

    def opaque(self, directory: Node) -> None:
        """Hide what lower layers have in a directory; what this layer has there stays."""
        if directory.purged == self.layer:
            return
        directory.purged = self.layer
        self._known.clear()
        children = directory.children or {}
        for name in [name for name, child in children.items() if not self._purge(child)]:
            del children[name]

    def _purge(self, top: Node) -> bool:
        """Drop all that lower layers brought at and below a node; whether anything is left.

        What comes below it later in this layer is the layer's own, so that no part of the tree has
        to be looked at twice, however many marks there are.
        """
        order = [top]
        for node in order:  # grows: parents stand before their children
            if node.purged != self.layer:
                order.extend((node.children or {}).values())
        alive: set[int] = set()
        for node in reversed(order):
            if node.children and node.purged != self.layer:
                node.children = {
                    name: child for name, child in node.children.items() if id(child) in alive
                }
            node.purged = self.layer
            if node.layer == self.layer or node.children:
                alive.add(id(node))
        return id(top) in alive

    def flatten(self) -> dict[str, Node]:
        """Every path with its node, sorted by path, the root left out.

        Raises ``BoundExceededError`` where the paths are too long together.
        """
        flat: dict[str, Node] = {}
        pending = [("", self.root)]
        size = 0
        while pending:
            path, node = pending.pop()
            if node.children:
                size += (len(path) + 1) * len(node.children) + sum(map(len, node.children))
                self._bounds.check("paths_size", size, "the image's list of files")
            for name, child in (node.children or {}).items():
                flat[f"{path}/{name}"] = child
                if child.children:
                    pending.append((f"{path}/{name}", child))
        return dict(sorted(flat.items()))


def entry(path: str, node: Node, layers: tuple[str, ...]) -> Entry:
    """A node as the model knows it; ``layers`` are diff ids."""
    return Entry(
        path=path,
        kind=node.kind,
        size=node.size if node.kind is EntryKind.FILE else 0,
        mode=node.mode,
        layer=layers[node.layer] if node.layer < len(layers) else None,
        link_target=node.link,
    )
