"""An archive that is read once, as it arrives: from an engine, a pipe, or a compressed file.

Manifests come after the layers in some archives and before them in others, and nothing can be
read twice. So whatever looks like a layer is indexed when it comes by; all else is set aside.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from auditor.errors import CorruptImageError, ImageError, NotAnImageError
from auditor.image.archive import Members
from auditor.image.blob import Blob
from auditor.image.bounds import Budget
from auditor.image.layer_index import LayerIndex, index_layer
from auditor.image.source import Descriptor, Readable, Request
from auditor.image.spool import Spool
from auditor.image.stream import ByteStream, decompress, is_compressed
from auditor.image.tar import Member, MemberKind, is_header, read_members

__all__ = ["StreamedArchive", "named_digest"]

_BLOCK = 512
_PIECE = 1 << 20
_PADDING = 1 << 20
"""Bytes read beyond the archive's end, so that its writer is not cut off; tar(1) pads to 10 KiB."""
_BLOB = re.compile(r"blobs/(sha256|sha512)/([0-9a-f]+)")
_CONFIG = re.compile(r"([0-9a-f]{64})\.json")


def named_digest(name: str) -> str | None:
    """The digest that a member's name holds, where Docker or an OCI layout put one there."""
    blob = _BLOB.fullmatch(name)
    config = _CONFIG.fullmatch(name)
    return f"{blob[1]}:{blob[2]}" if blob else f"sha256:{config[1]}" if config else None


@dataclass(frozen=True, slots=True)
class _Aside:
    """A member that is no layer, by its place in the spool."""

    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class _Layer:
    """A member that was read as a layer, or what came of the attempt."""

    size: int
    outcome: LayerIndex | ImageError


class StreamedArchive:
    """An ``Archive`` whose members came by once. ``stream`` is closed at its end."""

    def __init__(self, stream: Readable, title: str, request: Request) -> None:
        self.title = title
        self._request = request
        self._spool = Spool()
        self._members = Members[_Aside | _Layer]()
        try:
            self._read(stream)
        except OSError as error:
            self.close()
            raise ImageError(f"cannot read {title}: {error.strerror or error}") from error
        except BaseException:
            self.close()
            raise
        finally:
            stream.close()

    def __contains__(self, name: str) -> bool:
        return self._members.get(name) is not None

    def open(self, name: str) -> Readable:
        """A member's content; ``FileNotFoundError`` where there is none."""
        found = self._members.get(name)
        if found is None:
            raise FileNotFoundError(self.label(name))
        if isinstance(found, _Layer):
            raise CorruptImageError(f"{self.label(name)} is a layer where a document is expected")
        return _Piece(self._spool, found)

    def size(self, name: str) -> int:
        """Bytes of a member's content; ``FileNotFoundError`` where there is none."""
        found = self._members.get(name)
        if found is None:
            raise FileNotFoundError(self.label(name))
        return found.size

    def indexed(self, name: str) -> LayerIndex | None:
        """A member that was read as a layer; ``None`` for any other."""
        found = self._members.get(name)
        if not isinstance(found, _Layer):
            return None
        if isinstance(found.outcome, ImageError):
            raise found.outcome
        return replace(found.outcome)  # two equal layers may be one member

    def label(self, name: str) -> str:
        """What to call a member in a message."""
        return f"{name} in {self.title}"

    def close(self) -> None:
        """Give back what was set aside and what was indexed."""
        self._spool.close()
        for member in self._members.values():
            if isinstance(member, _Layer) and isinstance(member.outcome, LayerIndex):
                member.outcome.spool.close()

    def _read(self, raw: Readable) -> None:
        budget = self._request.budget
        stream = ByteStream(_archive(raw, self.title, budget))
        for member in read_members(stream, self.title, budget.bounds):
            budget.spend_file(self.title)
            if member.kind is MemberKind.FILE:
                self._members.add(member, self._file(member, stream))
            else:
                self._members.add_link(member)
        stream.skip(_PADDING)

    def _file(self, member: Member, stream: ByteStream) -> _Aside | _Layer:
        head = stream.take(min(member.size, _BLOCK))
        member.left -= len(head)
        if is_compressed(head) or is_header(head):
            return self._layer(member, _Content(head, member, stream))
        aside = _Aside(self._spool.end, member.size)
        budget = self._request.budget
        budget.bounds.check("file_size", member.size, self.label(member.name))
        self._spool.write(head)
        while member.left and (data := stream.take(min(member.left, _PIECE))):
            member.left -= len(data)
            budget.spend_store(len(data), self.title)
            self._spool.write(data)
        return aside

    def _layer(self, member: Member, content: Readable) -> _Layer:
        """Index a layer. One that is damaged matters only if the image asks for it."""
        label = self.label(member.name)
        digest = named_digest(member.name)
        request = self._request
        try:
            with Blob(content, Descriptor("", digest, member.size), label) as blob:
                return _Layer(member.size, index_layer(blob, request.keep, request.budget))
        except CorruptImageError as error:
            return _Layer(member.size, error)


def _archive(raw: Readable, title: str, budget: Budget) -> Iterator[bytes]:
    """The archive's uncompressed chunks, once it is sure that it is one."""
    counted = _Counted(raw)
    chunks = decompress(counted, title)
    head = b""
    while len(head) < _BLOCK and (chunk := next(chunks, b"")):
        head += chunk
    if not head:
        raise NotAnImageError(
            f"{title} is empty", hint="the command that should have written it may have failed"
        )
    if not is_header(head[:_BLOCK]):
        raise NotAnImageError(f"{title} is no tar archive")
    yield head
    count = len(head)
    for chunk in chunks:
        count += len(chunk)
        budget.bounds.check("total_size", count, title)
        budget.check_ratio(count, counted.count, title)
        budget.check_time(title)
        yield chunk


class _Counted:
    """A stream, and how many bytes came of it."""

    def __init__(self, raw: Readable) -> None:
        self._raw = raw
        self.count = 0

    def read(self, size: int, /) -> bytes:
        data = self._raw.read(size)
        self.count += len(data)
        return data

    def close(self) -> None:
        self._raw.close()


class _Content:
    """The content of the current member as a stream of its own; ``head`` was taken already."""

    def __init__(self, head: bytes, member: Member, stream: ByteStream) -> None:
        self._head = head
        self._member = member
        self._stream = stream

    def read(self, size: int, /) -> bytes:
        if self._head:
            data, self._head = self._head[:size], self._head[size:]
            return data
        data = self._stream.take(min(size, self._member.left))
        self._member.left -= len(data)
        return data

    def close(self) -> None:
        """The archive goes on."""


class _Piece:
    """A member that was set aside, as a stream."""

    def __init__(self, spool: Spool, aside: _Aside) -> None:
        self._spool = spool
        self._position = aside.offset
        self._end = aside.offset + aside.size

    def read(self, size: int, /) -> bytes:
        data = self._spool.read(self._position, min(size, self._end - self._position))
        self._position += len(data)
        return data

    def close(self) -> None:
        """The spool belongs to the archive."""
