"""The seam between an image and the place it comes from.

A new place (a registry, a daemon) is one file with a ``BlobSource`` and one row in
``opening.SOURCES``. Manifest, config, layers and checks are the same for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from auditor.model.image import Platform, Scheme

__all__ = ["BlobSource", "Descriptor", "Found", "Manifest", "Readable", "Reference"]


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


class BlobSource(Protocol):
    """A place that holds images."""

    def find(self, platform: Platform | None) -> Found:
        """The manifest for the reference that the source was opened with.

        Raises ``PlatformError`` where the platform is not there, and other ``ImageError``s.
        """
        ...

    def open_blob(self, descriptor: Descriptor) -> Readable:
        """A blob's bytes as stored; checking them is the reader's business.

        Raises ``FileNotFoundError`` where the blob is not there.
        """
        ...

    def name(self, descriptor: Descriptor) -> str:
        """What to call the blob in a message: a path, or a name in an archive."""
        ...

    def close(self) -> None:
        """Let go of files and connections; closing twice is harmless."""
        ...
