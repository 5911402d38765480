"""From a manifest's layers to a squashed tree: one streaming pass over each layer."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Protocol

from auditor.errors import CorruptImageError
from auditor.image.blob import Blob, check_digest, open_blob
from auditor.image.bounds import Budget
from auditor.image.paths import join
from auditor.image.rootfs import HEAD_SIZE, KeepRule
from auditor.image.source import BlobSource, Descriptor
from auditor.image.spool import Spool
from auditor.image.squash import Node, Place, Tree, normal_parts
from auditor.image.stream import ByteStream, decompress
from auditor.image.tar import Member, MemberKind, read_members
from auditor.model.image import EntryKind
from auditor.model.inventory import Unknown

__all__ = ["STAGE", "LayerReader"]

STAGE = "image"
"""Of the Unknowns made in this room."""

_WHITEOUT = ".wh."
_METADATA = ".wh..wh."
"""AUFS's own bookkeeping (``.wh..wh.plnk`` and others) starts so."""
_OPAQUE = ".wh..wh..opq"

_PLAIN_KINDS = {
    MemberKind.SYMLINK: EntryKind.SYMLINK,
    MemberKind.DEVICE: EntryKind.DEVICE,
    MemberKind.FIFO: EntryKind.FIFO,
    MemberKind.SPARSE: EntryKind.FILE,
}


class Hasher(Protocol):
    """What ``hashlib`` gives, as far as it is used here."""

    def update(self, data: bytes, /) -> None:
        """Add bytes."""
        ...


class LayerReader:
    """Applies layers, lowest first, to a tree, and keeps the contents that a rule asks for."""

    def __init__(self, keep: KeepRule, spool: Spool, budget: Budget) -> None:
        self.tree = Tree()
        self._unknowns: list[Unknown] = []
        self._doubts: list[tuple[Node, Unknown]] = []
        self._keep = keep
        self._spool = spool
        self._budget = budget

    def apply(self, index: int, source: BlobSource, layer: Descriptor, diff_id: str) -> None:
        """Read one layer and apply it. Blob digest, size and ``diff_id`` are checked."""
        check_digest(diff_id)
        self.tree.start_layer(index)
        with open_blob(source, layer) as blob:
            hasher = hashlib.new(diff_id.partition(":")[0])
            try:
                self._apply_members(_hashed(blob, hasher, self._budget), blob.name)
            except CorruptImageError:
                blob.finish()  # a wrong digest says more than what came of it
                raise
            blob.finish()
        found = f"{hasher.name}:{hasher.hexdigest()}"
        if found != diff_id:
            raise CorruptImageError(
                f"{blob.name} unpacks to the digest {found} where the config expects {diff_id}",
                hint="the image's config and layers do not belong together; pull or build it again",
            )

    def unknowns(self) -> tuple[Unknown, ...]:
        """What could not be read; nothing about files that a later layer replaced or removed."""
        left = [
            unknown
            for node, unknown in self._doubts
            if self.tree.node(normal_parts(unknown.path) or []) is node
        ]
        return (*self._unknowns, *left)

    def _apply_members(self, chunks: Iterator[bytes], name: str) -> None:
        stream = ByteStream(chunks)
        for member in read_members(stream, name, self._budget.bounds):
            self._budget.spend_entry(name)
            self._apply_member(member, stream, name)
        stream.drain()

    def _apply_member(self, member: Member, stream: ByteStream, archive: str) -> None:
        """Apply one member: a whiteout, a link, or something with a node of its own."""
        limit = self._budget.bounds.path_length
        if max(len(member.name), len(member.link)) > limit:
            longest = max(len(member.name), len(member.link))
            self._budget.bounds.check("path_length", longest, limit, f"a path in {archive}")
        parts = normal_parts(member.name)
        if parts is None:
            self._unknown(member.name, "the archive member's name leads out of the root")
        elif "\0" in member.name or "\0" in member.link:
            self._unknown(member.name, "the archive member's name holds a NUL byte")
        elif not parts:
            self._apply_root(member)
        elif _WHITEOUT in member.name and _is_mark(parts):
            self._apply_whiteout(parts)
        else:
            self._apply_path(member, parts, stream, archive)

    def _apply_path(
        self, member: Member, parts: list[str], stream: ByteStream, archive: str
    ) -> None:
        """Apply a member that makes a path."""
        place = self.tree.place(parts, create=True)
        if place is None:
            reason = "the archive member lies below something that is no directory"
            self._unknown(join(parts), reason)
        elif member.kind is MemberKind.HARD_LINK:
            self._apply_hard_link(member, place)
        else:
            node = self._node(member, place, stream, archive)
            if node is not None:
                self.tree.put(place, node)

    def _apply_root(self, member: Member) -> None:
        if member.kind is MemberKind.DIRECTORY:
            self.tree.set_root(member.mode)
        else:
            self._unknown("/", f"a layer would replace the root by a {member.kind.value}")

    def _apply_whiteout(self, parts: list[str]) -> None:
        name = parts[-1]
        if any(part.startswith(_METADATA) for part in parts[:-1]):
            return
        if name == _OPAQUE:
            found = self.tree.directory(tuple(parts[:-1]), create=False)
            if found is not None:
                self.tree.opaque(found[0])
            return
        if name.startswith(_METADATA):
            return
        hidden = name.removeprefix(_WHITEOUT)
        if hidden in ("", ".", ".."):
            self._unknown(join(parts), "a whiteout that names no file was ignored")
            return
        place = self.tree.place([*parts[:-1], hidden], create=False)
        if place is not None:
            self.tree.whiteout(place)

    def _apply_hard_link(self, member: Member, place: Place) -> None:
        target = normal_parts(member.link)
        node = self.tree.node(target) if target else None
        if node is None or node.children is not None:
            reason = f"a hard link to {member.link!r}, which is no file in this or a lower layer"
            self._unknown(place.path, reason)
            return
        copy = Node(
            node.kind, node.mode, self.tree.layer, node.size, node.link, node.offset, node.kept
        )
        if node.kind is EntryKind.FILE and not node.kept:
            known = node.offset >= 0
            head = self._spool.read(node.offset, min(node.size, HEAD_SIZE)) if known else b""
            if self._keep(place.path, node.mode, node.size, head):
                reason = f"a hard link to {member.link!r}, whose content was not kept"
                self._doubts.append((copy, Unknown(place.path, STAGE, reason)))
        self.tree.put(place, copy)

    def _node(self, member: Member, place: Place, stream: ByteStream, archive: str) -> Node | None:
        """A node for anything that is neither a hard link nor a whiteout."""
        if member.kind is MemberKind.FILE:
            return self._file(member, place, stream, archive)
        if member.kind is MemberKind.DIRECTORY:
            return Node(EntryKind.DIRECTORY, member.mode, self.tree.layer, children={})
        kind = _PLAIN_KINDS.get(member.kind)
        if kind is None:
            self._unknown(place.path, f"an archive member of the unknown type {member.type!r}")
            return None
        node = Node(kind, member.mode, self.tree.layer)
        if kind is EntryKind.SYMLINK:
            node.link = member.link
        elif kind is EntryKind.FILE:
            node.size, node.offset = member.size, -1
            reason = "a sparse file, whose content is not put together"
            self._doubts.append((node, Unknown(place.path, STAGE, reason)))
        return node

    def _file(self, member: Member, place: Place, stream: ByteStream, archive: str) -> Node:
        """A regular file: its content goes to the spool if the rule says so, else its head."""
        spool = self._spool
        node = Node(EntryKind.FILE, member.mode, self.tree.layer, member.size, offset=spool.end)
        if not member.size:
            node.kept = True
            return node
        head = stream.take(min(member.size, HEAD_SIZE))
        member.left -= len(head)
        spool.write(head)
        if self._keep(place.path, member.mode, member.size, head):
            bounds = self._budget.bounds
            what = f"{place.path} in {archive}"
            bounds.check("kept_file_size", member.size, bounds.kept_file_size, what)
            member.left -= stream.copy(member.left, spool.write)
            node.kept = True
        return node

    def _unknown(self, path: str, reason: str) -> None:
        absolute = path if path.startswith("/") else f"/{path}"
        self._unknowns.append(Unknown(path=absolute, stage=STAGE, reason=reason))


def _is_mark(parts: list[str]) -> bool:
    """Whether a member is a whiteout or metadata, and no path of the image."""
    return parts[-1].startswith(_WHITEOUT) or any(part.startswith(_METADATA) for part in parts)


def _hashed(blob: Blob, hasher: Hasher, budget: Budget) -> Iterator[bytes]:
    """The blob's uncompressed chunks: hashed, counted and held against the bounds."""
    bounds = budget.bounds
    count = 0
    for chunk in decompress(blob, blob.name):
        hasher.update(chunk)
        count += len(chunk)
        budget.spend_bytes(len(chunk), blob.name)
        if count > bounds.ratio_from and count > bounds.ratio * blob.count:
            bounds.check("ratio", count // max(1, blob.count), bounds.ratio - 1, blob.name)
        yield chunk
