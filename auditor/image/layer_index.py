"""One layer, read in one pass: what its archive says, and the contents that a rule asks for.

Nothing here knows of other layers, so layers are read side by side, and in whatever order they
arrive. What the members mean on top of each other is ``squash``'s business.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from auditor.errors import CorruptImageError
from auditor.image.blob import Blob
from auditor.image.bounds import Budget
from auditor.image.hashing import StreamHash
from auditor.image.paths import join
from auditor.image.rootfs import HEAD_SIZE, KeepRule
from auditor.image.spool import Spool
from auditor.image.stream import ByteStream, decompress
from auditor.image.tar import Member, MemberKind, read_members
from auditor.model.image import EntryKind
from auditor.model.inventory import Unknown

__all__ = ["STAGE", "Act", "Item", "LayerIndex", "index_layer", "normal_parts"]

STAGE = "image"
"""Of the Unknowns made in this room."""

_PART = 16
"""Bytes that each name in a path takes besides its own."""
_BATCH = 1 << 16
"""Bytes of paths that are counted at a time."""
_WHITEOUT = ".wh."
_METADATA = ".wh..wh."
"""AUFS's own bookkeeping (``.wh..wh.plnk`` and others) starts so."""
_OPAQUE = ".wh..wh..opq"


class Act(Enum):
    """What a member does to the tree below it."""

    PUT = "put"
    LINK = "hard link"
    HIDE = "whiteout"
    HIDE_CHILDREN = "opaque whiteout"


_KINDS = {
    MemberKind.FILE: EntryKind.FILE,
    MemberKind.HARD_LINK: EntryKind.FILE,
    MemberKind.SPARSE: EntryKind.FILE,
    MemberKind.DIRECTORY: EntryKind.DIRECTORY,
    MemberKind.SYMLINK: EntryKind.SYMLINK,
    MemberKind.DEVICE: EntryKind.DEVICE,
    MemberKind.FIFO: EntryKind.FIFO,
}


@dataclass(slots=True)
class Item:
    """A member that does something, its name made normal."""

    act: Act
    parts: list[str]
    """From the root on; none for the root itself."""
    kind: EntryKind = EntryKind.FILE
    mode: int = 0
    size: int = 0
    link: str = ""
    """Target of a symbolic or a hard link, as written."""
    offset: int = -1
    """Where in the spool its content starts, or its head if that is all there is; -1 without."""
    kept: bool = False
    flaw: str | None = None
    """Why a content that may be asked for is not there."""


@dataclass(slots=True)
class LayerIndex:
    """What one layer holds. Its spool is closed by whoever has the index."""

    items: list[Item]
    spool: Spool
    unknowns: list[Unknown]
    diff_id: str = ""
    """Digest of the uncompressed archive."""
    size: int = 0
    """Bytes of the uncompressed archive."""


def index_layer(
    blob: Blob, keep: KeepRule, budget: Budget, algorithm: str = "sha256"
) -> LayerIndex:
    """Read a layer's blob to its end; the blob's digest and size are checked on the way.

    ``algorithm`` is that of the diff id. Raises ``CorruptImageError``, ``BoundExceededError``.
    """
    reader = _Reader(keep, budget, blob.name)
    hasher = StreamHash(algorithm)
    try:
        try:
            stream = ByteStream(_hashed(blob, hasher, budget))
            reader.read(stream)
        except CorruptImageError:
            blob.finish()  # a wrong digest says more than what came of it
            raise
        blob.finish()
        reader.index.spool.flush()
    except BaseException:
        hasher.close()
        reader.index.spool.close()
        raise
    reader.index.diff_id = hasher.digest()
    reader.index.size = stream.count
    return reader.index


def normal_parts(name: str) -> list[str] | None:
    """The parts of a member's name from the root on; ``None`` where ``..`` leads out of it."""
    parts: list[str] = []
    for part in name.split("/"):
        if part in ("", "."):
            continue
        if part == "..":
            if not parts:
                return None
            parts.pop()
        else:
            parts.append(part)
    return parts


def _hashed(blob: Blob, hasher: StreamHash, budget: Budget) -> Iterator[bytes]:
    """The blob's uncompressed chunks: hashed, counted and held against the bounds."""
    count = 0
    for chunk in decompress(blob, blob.name):
        hasher.update(chunk)
        count += len(chunk)
        budget.spend_bytes(len(chunk), blob.name)
        budget.check_ratio(count, blob.count, blob.name)
        yield chunk


class _Reader:
    """Turns the members of one archive into items."""

    def __init__(self, keep: KeepRule, budget: Budget, name: str) -> None:
        self.index = LayerIndex([], Spool(), [])
        self._keep = keep
        self._budget = budget
        self._name = name
        self._paths = 0

    def read(self, stream: ByteStream) -> None:
        """All members, and whatever follows them."""
        for member in read_members(stream, self._name, self._budget.bounds):
            self._budget.spend_file(self._name)
            item = self._item(member, stream)
            if item is not None:
                self.index.items.append(item)
        stream.drain()

    def _item(self, member: Member, stream: ByteStream) -> Item | None:
        parts = normal_parts(member.name)
        reason = self._refusal(member, parts)
        if reason is not None or parts is None:
            self._unknown(member.name, reason or "")
            return None
        if _WHITEOUT in member.name and _is_mark(parts):
            return self._whiteout(parts)
        kind = _KINDS.get(member.kind)
        if kind is None:
            self._unknown(join(parts), f"an archive member of the unknown type {member.type!r}")
            return None
        if not parts and kind is not EntryKind.DIRECTORY:
            self._unknown("/", f"a layer would replace the root by a {member.kind.value}")
            return None
        if member.kind is MemberKind.HARD_LINK:
            return Item(Act.LINK, parts, kind, member.mode, link=member.link)
        item = Item(Act.PUT, parts, kind, member.mode)
        if kind is EntryKind.SYMLINK:
            item.link = member.link
        elif kind is EntryKind.FILE:
            self._fill(item, member, stream)
        return item

    def _refusal(self, member: Member, parts: list[str] | None) -> str | None:
        """Why a member is passed over; ``None`` where it is not."""
        self._paths += len(member.name) + len(member.link) + _PART * len(parts or ())
        if self._paths > _BATCH:
            self._budget.spend_paths(self._paths, self._name)
            self._paths = 0
        if parts is None:
            return "the archive member's name leads out of the root"
        if "\0" in member.name or "\0" in member.link:
            return "the archive member's name holds a NUL byte"
        bounds = self._budget.bounds
        longest = max(len(member.name), len(member.link))
        if longest <= bounds.path_length and len(parts) <= bounds.path_depth:
            return None
        excess = bounds.excess("path_length", longest) or bounds.excess("path_depth", len(parts))
        return f"the archive member's path {excess}"

    def _whiteout(self, parts: list[str]) -> Item | None:
        name = parts[-1]
        if any(part.startswith(_METADATA) for part in parts[:-1]):
            return None
        if name == _OPAQUE:
            return Item(Act.HIDE_CHILDREN, parts[:-1])
        if name.startswith(_METADATA):
            return None
        hidden = name.removeprefix(_WHITEOUT)
        if hidden in ("", ".", ".."):
            self._unknown(join(parts), "a whiteout that names no file was ignored")
            return None
        return Item(Act.HIDE, [*parts[:-1], hidden])

    def _fill(self, item: Item, member: Member, stream: ByteStream) -> None:
        """A file's size, and its content if the rule asks for it, else its head."""
        item.size = member.size
        if member.kind is MemberKind.SPARSE:
            item.flaw = "a sparse file, whose content is not put together"
            return
        spool = self.index.spool
        item.offset = spool.end
        item.kept = not member.size
        if item.kept:
            return
        head = stream.take(min(member.size, HEAD_SIZE))
        member.left -= len(head)
        spool.write(head)
        if not self._keep(join(item.parts), member.mode, member.size, head):
            return
        excess = self._budget.bounds.excess("file_size", member.size)
        if excess is not None:
            item.flaw = f"its size {excess}"
            return
        self._budget.spend_store(member.size, self._name)
        member.left -= stream.copy(member.left, spool.write)
        item.kept = True

    def _unknown(self, path: str, reason: str) -> None:
        absolute = (path if path.startswith("/") else f"/{path}")[: self._budget.bounds.path_length]
        self.index.unknowns.append(Unknown(path=absolute, stage=STAGE, reason=reason))


def _is_mark(parts: list[str]) -> bool:
    """Whether a member is a whiteout or metadata, and no path of the image."""
    return parts[-1].startswith(_WHITEOUT) or any(part.startswith(_METADATA) for part in parts)
