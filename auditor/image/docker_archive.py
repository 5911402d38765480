"""What ``docker save`` and ``podman save`` write: a tar archive with ``manifest.json``.

Docker Image Specification v1.2, "Combined Image JSON + Filesystem Changeset Format". Docker 25
and later put an OCI layout into the same tar: ``manifest.json`` then names ``blobs/sha256/…``,
and layers may be compressed. Registry digests are not in it.
"""

from __future__ import annotations

import msgspec

from auditor.errors import (
    CorruptImageError,
    ImageNotFoundError,
    NotAnImageError,
    UsageError,
)
from auditor.image.archive import Archive
from auditor.image.blob import read_blob
from auditor.image.bounds import Bounds
from auditor.image.choosing import short_name
from auditor.image.layer_index import LayerIndex
from auditor.image.manifest import decode
from auditor.image.source import Descriptor, Found, Manifest, Readable
from auditor.image.streamed_archive import named_digest
from auditor.model.image import Platform, Scheme

__all__ = ["DockerArchive"]

_CONFIG_TYPE = "application/vnd.docker.container.image.v1+json"
_LAYER_TYPE = "application/vnd.docker.image.rootfs.diff.tar"


class _Item(msgspec.Struct, rename="pascal"):
    """One image of ``manifest.json``."""

    config: str
    layers: list[str] | None = None
    repo_tags: list[str] | None = None

    def label(self) -> str:
        return ", ".join(self.repo_tags or ()) or self.config

    def is_called(self, name: str) -> bool:
        wanted = short_name(name)
        return any(short_name(tag) == wanted for tag in self.repo_tags or ())


class DockerArchive:
    """A ``BlobSource`` over the members of a Docker archive."""

    def __init__(
        self,
        archive: Archive,
        selector: str | None,
        bounds: Bounds,
        *,
        scheme: Scheme = Scheme.DOCKER_ARCHIVE,
        digest: str | None = None,
    ) -> None:
        """``scheme`` and ``digest`` (of the manifest) are what an engine that sent it knows."""
        self.scheme = scheme
        self.origin = f"the Docker archive {archive.title}"
        self._digest = digest
        self._archive = archive
        self._selector = selector
        self._bounds = bounds

    def find(self, platform: Platform | None) -> Found:  # noqa: ARG002 - one platform per item
        """The image by name; its config says the platform."""
        if "manifest.json" not in self._archive:
            raise NotAnImageError(
                f"{self._archive.title} is no Docker archive: it has no manifest.json",
                hint="make one with: docker save IMAGE -o FILE.tar",
            )
        file = Descriptor("application/json", None, location="manifest.json")
        data = read_blob(self, file, self._bounds)
        items = decode(data, list[_Item], "manifest", self.name(file))
        item = self._select(items)
        layers = item.layers or []
        self._bounds.check("layers", len(layers), self._archive.title)
        manifest = Manifest(
            media_type=None,
            config=self._descriptor(item.config, _CONFIG_TYPE),
            layers=tuple(self._descriptor(layer, _LAYER_TYPE) for layer in layers),
        )
        return Found(manifest, self._digest, None)

    def open_blob(self, descriptor: Descriptor) -> Readable:
        """A member as stored."""
        return self._archive.open(descriptor.location or "")

    def indexed(self, descriptor: Descriptor) -> LayerIndex | None:
        """A layer that was read while it came by."""
        return self._archive.indexed(descriptor.location or "")

    def name(self, descriptor: Descriptor) -> str:
        """The member's name and the archive's."""
        return self._archive.label(descriptor.location or "")

    def close(self) -> None:
        """Let go of the file."""
        self._archive.close()

    def _select(self, items: list[_Item]) -> _Item:
        if not items:
            raise NotAnImageError(f"{self._archive.title} holds no image")
        listing = "; ".join(item.label() for item in items)
        if self._selector is None:
            if len(items) == 1:
                return items[0]
            raise UsageError(
                f"{self._archive.title} holds several images: {listing}",
                hint="add the one you mean, as in docker-archive:PATH:name:tag",
            )
        for item in items:
            if item.is_called(self._selector):
                return item
        raise ImageNotFoundError(
            f"{self._archive.title} holds no image {self._selector!r}; it holds: {listing}"
        )

    def _descriptor(self, name: str, media_type: str) -> Descriptor:
        """A member as a blob; its name holds a digest where Docker put one there."""
        if name not in self._archive:
            raise CorruptImageError(
                f"{self._archive.title} is incomplete: manifest.json names {name!r}",
                hint="save the image again",
            )
        size = self._archive.size(name)
        return Descriptor(media_type, named_digest(name), size, location=name)
