"""OCI image layouts: a directory, or the same thing in a tar file.

OCI Image Format Specification 1.1, ``image-layout.md``: ``oci-layout``, ``index.json`` and
``blobs/<algorithm>/<hex>``. The tag is the annotation ``org.opencontainers.image.ref.name``, as
skopeo and buildx write it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

from auditor.errors import CorruptImageError, ImageError, NotAnImageError
from auditor.image.bounds import Bounds
from auditor.image.choosing import choose_manifest
from auditor.image.layer_index import LayerIndex
from auditor.image.manifest import Index, parse_manifest
from auditor.image.source import Descriptor, Found, Readable, Reference, Request, open_at_once
from auditor.model.image import Platform, Scheme

__all__ = ["LayoutFiles", "OciLayout", "is_layout", "open_oci_dir"]


class LayoutFiles(Protocol):
    """The files of a layout, wherever they are."""

    title: str
    """What to call them in a message."""

    def indexed(self, name: str) -> LayerIndex | None:
        """A file that was read as a layer when it came by; ``None`` where it can be opened."""
        ...

    def open(self, name: str) -> Readable:
        """A file by its name in the layout; ``FileNotFoundError`` where there is none."""
        ...

    def label(self, name: str) -> str:
        """What to call a file in a message."""
        ...

    def close(self) -> None:
        """Let go of open files."""
        ...


class _Directory:
    """A layout's directory."""

    def __init__(self, path: Path) -> None:
        self.title = str(path)
        self._path = path

    def indexed(self, name: str) -> LayerIndex | None:  # noqa: ARG002 - nothing came by
        return None

    def open(self, name: str) -> Readable:
        return open(self._path / name, "rb", buffering=0, opener=open_at_once)

    def label(self, name: str) -> str:
        return str((self._path / name).absolute())

    def close(self) -> None:
        """Nothing stays open between blobs."""


class OciLayout:
    """A ``BlobSource`` over the files of an OCI layout."""

    def __init__(
        self, files: LayoutFiles, scheme: Scheme, selector: str | None, bounds: Bounds
    ) -> None:
        self.scheme = scheme
        self.origin = f"the OCI layout {files.title}"
        self._files = files
        self._selector = selector
        self._bounds = bounds

    def find(self, platform: Platform | None) -> Found:
        """The manifest by tag or digest, and by platform."""
        name = self._files.label("index.json")
        index = parse_manifest(self._read("index.json"), name, self._bounds)
        if not isinstance(index, Index):
            raise CorruptImageError(f"{name} is no image index")
        return choose_manifest(self, index, self._selector, platform, self._bounds)

    def open_blob(self, descriptor: Descriptor) -> Readable:
        """A blob as stored."""
        return self._files.open(_blob_name(descriptor))

    def indexed(self, descriptor: Descriptor) -> LayerIndex | None:
        """A layer that was read while it came by."""
        return self._files.indexed(_blob_name(descriptor))

    def name(self, descriptor: Descriptor) -> str:
        """The blob's path."""
        return self._files.label(_blob_name(descriptor))

    def close(self) -> None:
        """Let go of open files."""
        self._files.close()

    def _read(self, name: str) -> bytes:
        """A small file of the layout, which no digest covers."""
        label = self._files.label(name)
        try:
            stream = self._files.open(name)
        except FileNotFoundError as error:
            raise NotAnImageError(f"no OCI image layout is there: {label} is missing") from error
        except OSError as error:
            raise ImageError(f"cannot open {label}: {error.strerror or error}") from error
        try:
            parts: list[bytes] = []
            size = 0
            while data := stream.read(1 << 16):
                parts.append(data)
                size += len(data)
                self._bounds.check("json_size", size, label)
        except OSError as error:
            raise ImageError(f"cannot read {label}: {error.strerror or error}") from error
        finally:
            stream.close()
        return b"".join(parts)


def is_layout(path: str) -> bool:
    """Whether a directory says that it is an OCI layout."""
    # os.path answers False where pathlib raises: in a directory that is closed to us.
    return all(os.path.isfile(os.path.join(path, name)) for name in ("oci-layout", "index.json"))  # noqa: PTH113, PTH118


def open_oci_dir(reference: Reference, request: Request) -> OciLayout:
    """``oci-dir:PATH[:TAG]`` or ``oci-dir:PATH@sha256:…``."""
    path = Path(reference.location)
    if not path.is_dir():
        raise NotAnImageError(
            f"{reference.location} is no directory",
            hint="for a tar file use oci-archive: or docker-archive:",
        )
    files = _Directory(path)
    return OciLayout(files, Scheme.OCI_DIR, reference.selector, request.budget.bounds)


def _blob_name(descriptor: Descriptor) -> str:
    algorithm, _, value = (descriptor.digest or "").partition(":")
    return f"blobs/{algorithm}/{value}"
