"""Layers as a stream of uncompressed bytes: decompression by magic bytes, buffering, counting.

Media types say how a layer is compressed, and archives made by Docker say it wrongly; the first
bytes never do: gzip (RFC 1952), Zstandard and its skippable frames (RFC 8878), plain tar.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import IO, Protocol, cast

import zstandard
from isal import igzip_lib

from auditor.errors import CorruptImageError
from auditor.image.source import Readable

__all__ = ["CHUNK", "ByteStream", "Bytes", "decompress", "is_compressed"]

CHUNK = 512 * 1024

_GzipError = cast("type[Exception]", igzip_lib.error)  # its stub says an instance
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_ZSTD_SKIPPABLE = b"\x2a\x4d\x18"
_ZSTD_WINDOW = 1 << 27
"""Bytes; libzstd's own default limit, kept so that memory is bounded."""
_MAGIC_SIZE = 4


class Bytes(Protocol):
    """What the tar reader needs of a stream."""

    def take(self, size: int) -> bytes:
        """Exactly ``size`` bytes, or fewer where the stream ends."""
        ...

    def skip(self, size: int) -> int:
        """Pass over ``size`` bytes; how many there were."""
        ...


class ByteStream:
    """Exact reads over an iterator of chunks; memory is one chunk and what is asked for."""

    __slots__ = ("_buffer", "_chunks", "_position", "count")

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._buffer = b""
        self._position = 0
        self.count = 0
        """Bytes that the chunks so far had."""

    def take(self, size: int) -> bytes:
        """Exactly ``size`` bytes, or fewer where the stream ends."""
        start = self._position
        end = start + size
        if end <= len(self._buffer):
            self._position = end
            return self._buffer[start:end]
        parts: list[memoryview] = []
        self.copy(size, parts.append)
        return b"".join(parts)

    def skip(self, size: int) -> int:
        """Pass over ``size`` bytes; how many there were."""
        end = self._position + size
        if end <= len(self._buffer):
            self._position = end
            return size
        return self.copy(size, len)

    def copy(self, size: int, into: Callable[[memoryview], object]) -> int:
        """Hand ``size`` bytes over in pieces, which nobody copies; how many there were."""
        left = size
        while left:
            piece = memoryview(self._buffer)[self._position : self._position + left]
            if not piece:
                self._buffer = next(self._chunks, b"")
                self._position = 0
                self.count += len(self._buffer)
                if not self._buffer:
                    break
                continue
            self._position += len(piece)
            left -= len(piece)
            into(piece)
        return size - left

    def drain(self) -> None:
        """Read to the end."""
        self._position = len(self._buffer)
        self.count += sum(map(len, self._chunks))


def decompress(raw: Readable, name: str) -> Iterator[bytes]:
    """The uncompressed chunks (none empty) of a stream called ``name``.

    Raises ``CorruptImageError`` where the compressed data is damaged or ends early.
    """
    head = b""
    while len(head) < _MAGIC_SIZE and (data := raw.read(CHUNK)):
        head += data
    if head.startswith(_GZIP):
        return _gunzip(head, raw, name)
    if is_compressed(head):
        return _unzstd(_Rejoined(head, raw), name)
    return _plain(head, raw)


def is_compressed(head: bytes) -> bool:
    """Whether bytes begin like a gzip or Zstandard file."""
    skippable = head[1:4] == _ZSTD_SKIPPABLE and 0x50 <= head[0] <= 0x5F  # noqa: PLR2004
    return head.startswith((_GZIP, _ZSTD)) or skippable


def _plain(head: bytes, raw: Readable) -> Iterator[bytes]:
    if head:
        yield head
    while data := raw.read(CHUNK):
        yield data


def _gunzip(head: bytes, raw: Readable, name: str) -> Iterator[bytes]:
    """All members of a gzip file; zero bytes after the last are padding, as gzip(1) has it."""
    member = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
    data = head
    while True:
        try:
            out = member.decompress(data, CHUNK)
        except _GzipError as error:
            raise CorruptImageError(f"{name} is damaged: not valid gzip data ({error})") from error
        if out:
            yield out
        data = b""
        if member.eof:
            data = member.unused_data.lstrip(b"\0")
            while not data and (more := raw.read(CHUNK)):
                data = more.lstrip(b"\0")
            if not data:
                return
            member = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
        elif member.needs_input:
            data = raw.read(CHUNK)
            if not data:
                raise CorruptImageError(f"{name} is truncated: the gzip data ends early")


def _unzstd(raw: Readable, name: str) -> Iterator[bytes]:
    """All frames of a Zstandard file; skippable ones (zstd:chunked's table) carry no data.

    The library does not tell a stream that ends inside a frame from a whole one. The tar that is
    cut off tells, and at the latest the layer's diff id.
    """
    inflate = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    reader = inflate.stream_reader(cast("IO[bytes]", _Source(raw)), read_across_frames=True)
    while True:
        try:
            data = reader.read(CHUNK)
        except zstandard.ZstdError as error:
            raise CorruptImageError(f"{name} is damaged: not valid zstd data ({error})") from error
        if not data:
            return
        yield data


class _Rejoined:
    """A stream with its first bytes put back."""

    def __init__(self, head: bytes, rest: Readable) -> None:
        self._head = head
        self._rest = rest

    def read(self, size: int, /) -> bytes:
        if self._head:
            data, self._head = self._head[:size], self._head[size:]
            return data
        return self._rest.read(size)

    def close(self) -> None:
        self._rest.close()


class _Source:
    """``zstandard`` wants ``read`` with an optional size."""

    def __init__(self, raw: Readable) -> None:
        self._raw = raw

    def read(self, size: int = CHUNK) -> bytes:
        return self._raw.read(size)
