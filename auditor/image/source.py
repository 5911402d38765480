"""The seam between an image and the place it comes from.

A new place is one file with a ``BlobSource`` and one row in ``sources.OPENERS``. Manifest, config,
layers and checks are the same for all of them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from auditor.image.bounds import Budget
from auditor.image.rootfs import KeepRule
from auditor.model.image import Platform, Scheme

if TYPE_CHECKING:  # an index is made of what a source gives
    from auditor.image.layer_index import LayerIndex

__all__ = [
    "STDIN",
    "Access",
    "BlobSource",
    "Descriptor",
    "Found",
    "Manifest",
    "Readable",
    "Reference",
    "Request",
    "open_at_once",
]

STDIN = "-"
"""The location of an archive on standard input."""


def open_at_once(path: str, flags: int) -> int:
    """An opener that does not wait for somebody to write into a FIFO."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)


@dataclass(frozen=True, slots=True)
class Reference:
    """What the user typed, taken apart."""

    scheme: Scheme | None
    """``None`` where it is left open which source has it."""
    location: str
    """A path, or a name in a registry."""
    text: str
    """As typed."""
    selector: str | None = None
    """Which of several images: a tag, ``name:tag`` or ``@sha256:…``."""


@dataclass(frozen=True, slots=True)
class Access:
    """How what is not a file of this machine may be reached."""

    offline: bool = False
    """Whether registries are out of bounds; engines of this machine are not."""
    insecure_registries: frozenset[str] = frozenset()
    """``host[:port]`` of registries whose certificate is not asked for, and which are spoken to
    in plain HTTP where they know no TLS."""
    ca_file: Path | None = None
    """PEM file of authorities to trust besides the system's."""
    mirrors: tuple[tuple[str, str], ...] = ()
    """Registry (``docker.io``) and what to ask before it (``host[:port]`` or a URL), in order."""


class Readable(Protocol):
    """A stream of a blob's bytes, from its beginning."""

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes; none at the end only."""
        ...

    def close(self) -> None:
        """Give it back; closing twice is harmless."""
        ...


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A reference from one blob to another (OCI Image Specification, ``descriptor.md``)."""

    media_type: str
    digest: str | None
    """``algorithm:hex``; ``None`` where the source does not tell (older Docker archives)."""
    size: int | None = None
    """Bytes as stored."""
    platform: Platform | None = None
    annotations: tuple[tuple[str, str], ...] = ()
    location: str | None = None
    """Where the source keeps it, if not under its digest."""

    def annotation(self, key: str) -> str | None:
        """The value of one annotation."""
        return dict(self.annotations).get(key)


@dataclass(frozen=True, slots=True)
class Manifest:
    """One image's list of blobs."""

    media_type: str | None
    config: Descriptor
    layers: tuple[Descriptor, ...]
    annotations: tuple[tuple[str, str], ...] = ()
    artifact_type: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The manifest that a source chose for a reference and a platform."""

    manifest: Manifest
    digest: str | None
    """Of the manifest, where the source has one."""
    platform: Platform | None
    """As the index says it; the config may know better."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a source besides the image's name."""

    keep: KeepRule
    """Which files' contents will be asked for."""
    budget: Budget
    platform: Platform | None = None
    access: Access = field(default_factory=Access)
    took: Callable[[str], None] = lambda _: None
    """Told where the image is taken from, as soon as that is settled."""


class BlobSource(Protocol):
    """A place that holds images."""

    scheme: Scheme
    """What a report calls it."""
    origin: str
    """What to call it in a sentence: ``Docker (unix:///var/run/docker.sock)``."""

    def find(self, platform: Platform | None) -> Found:
        """The manifest for the reference that the source was opened with.

        Raises ``PlatformError`` where the platform is not there, and other ``ImageError``s.
        """
        ...

    def open_blob(self, descriptor: Descriptor) -> Readable:
        """A blob's bytes as stored; checking them is the reader's business.

        Several threads may do so at once. Raises ``FileNotFoundError`` where the blob is not
        there.
        """
        ...

    def indexed(self, descriptor: Descriptor) -> LayerIndex | None:
        """A layer that was read while it came by, and cannot be opened; ``None`` for others."""
        ...

    def name(self, descriptor: Descriptor) -> str:
        """What to call the blob in a message: a path, or a name in an archive."""
        ...

    def close(self) -> None:
        """Let go of files and connections; closing twice is harmless."""
        ...
