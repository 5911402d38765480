"""Reading a blob once, with its digest and size checked on the way."""

from __future__ import annotations

import re
from types import TracebackType
from typing import Self

from auditor.errors import CorruptImageError, ImageError
from auditor.image.bounds import Bounds
from auditor.image.hashing import StreamHash
from auditor.image.source import BlobSource, Descriptor, Readable

__all__ = ["CHUNK", "Blob", "check_digest", "find_blob", "missing", "open_blob", "read_blob"]

CHUNK = 256 * 1024
"""Bytes asked for at a time."""

_LENGTHS = {"sha256": 64, "sha512": 128}
_HEX = re.compile(r"[0-9a-f]+")


def check_digest(digest: str) -> None:
    """Raise ``CorruptImageError`` unless it is a well-formed SHA-256 or SHA-512 digest.

    The check comes before a digest is made part of a path.
    """
    algorithm, _, value = digest.partition(":")
    if _LENGTHS.get(algorithm) != len(value) or not _HEX.fullmatch(value):
        raise CorruptImageError(
            f"{digest[:200]!r} is not a digest that can be checked",
            hint="digests are sha256: and 64, or sha512: and 128, lower-case hex digits",
        )


class Blob:
    """A blob being read: hashes what passes, and ``finish`` holds it against its descriptor."""

    def __init__(self, raw: Readable, descriptor: Descriptor, name: str) -> None:
        if descriptor.digest is not None:
            check_digest(descriptor.digest)
        self._raw = raw
        self._digest = descriptor.digest
        self._hash = StreamHash(descriptor.digest.partition(":")[0]) if descriptor.digest else None
        self._expected = descriptor.size
        self.name = name
        self.count = 0
        """Bytes read so far."""

    def read(self, size: int = CHUNK, /) -> bytes:
        """At most ``size`` bytes."""
        try:
            data = self._raw.read(size)
        except OSError as error:
            raise ImageError(f"cannot read {self.name}: {error.strerror or error}") from error
        self.count += len(data)
        if self._expected is not None and self.count > self._expected:
            raise CorruptImageError(
                f"{self.name} is larger than the {self._expected} bytes its descriptor says"
            )
        if self._hash is not None:
            self._hash.update(data)
        return data

    def finish(self) -> None:
        """Read what is left and compare size and digest; raises ``CorruptImageError``."""
        while self.read(CHUNK):
            pass
        found = self._hash.digest() if self._hash is not None else None
        if found != self._digest:
            raise CorruptImageError(
                f"{self.name} has the digest {found} where {self._digest} is expected",
                hint="the image was changed or damaged; pull or save it again",
            )
        if self._expected is not None and self.count != self._expected:
            raise CorruptImageError(
                f"{self.name} has {self.count} bytes where its descriptor says {self._expected}"
            )

    def close(self) -> None:
        """Give the stream back."""
        if self._hash is not None:
            self._hash.close()
        self._raw.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def find_blob(source: BlobSource, descriptor: Descriptor) -> Blob | None:
    """Open a blob for checked reading; ``None`` where the source does not have it."""
    if descriptor.digest is not None:
        check_digest(descriptor.digest)
    name = source.name(descriptor)
    try:
        return Blob(source.open_blob(descriptor), descriptor, name)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ImageError(f"cannot open {name}: {error.strerror or error}") from error


def missing(name: str) -> CorruptImageError:
    """The error for a blob that the image needs and its source does not have."""
    return CorruptImageError(
        f"the image names a blob that is not there: {name}",
        hint="the copy is incomplete; pull or save the image again",
    )


def open_blob(source: BlobSource, descriptor: Descriptor) -> Blob:
    """Open a blob for checked reading; a missing one is a ``CorruptImageError``."""
    blob = find_blob(source, descriptor)
    if blob is None:
        raise missing(source.name(descriptor))
    return blob


def read_blob(source: BlobSource, descriptor: Descriptor, bounds: Bounds) -> bytes:
    """The whole of a small blob (JSON), checked."""
    with open_blob(source, descriptor) as blob:
        bounds.check("json_size", descriptor.size or 0, blob.name)
        parts: list[bytes] = []
        while data := blob.read(CHUNK):
            parts.append(data)
            bounds.check("json_size", blob.count, blob.name)
        blob.finish()
    return b"".join(parts)
