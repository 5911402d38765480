"""What an image is, whichever source it came from (OCI Image Format Specification 1.1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["Entry", "EntryKind", "Image", "ImageConfig", "Layer", "Platform", "Scheme"]


class Scheme(StrEnum):
    """Where an image is taken from; the word before the colon of a reference."""

    OCI_DIR = "oci-dir"
    OCI_ARCHIVE = "oci-archive"
    DOCKER_ARCHIVE = "docker-archive"
    ARCHIVE = "archive"
    """Either of the two archives, until it is read."""
    DIR = "dir"
    DOCKER = "docker"
    PODMAN = "podman"
    REGISTRY = "registry"
    SBOM = "sbom"
    """No image: a bill of materials of one."""
    TRACE = "trace"
    """No image: a recording of the system calls of one."""


@dataclass(frozen=True, slots=True, order=True)
class Platform:
    """``os/architecture[/variant]`` in GOOS and GOARCH words, as OCI indexes spell it."""

    os: str
    architecture: str
    variant: str | None = None

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer. ``diff_id`` is the digest of its uncompressed tar, which every source knows."""

    diff_id: str
    size: int
    """Bytes of the uncompressed tar."""
    media_type: str
    created_by: str | None = None
    """The history line that made it, where the config tells."""


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """The part of the image's configuration that decides what runs."""

    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    working_dir: str = "/"
    user: str | None = None
    exposed_ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    stop_signal: str | None = None
    healthcheck: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Image:
    """An image that was found, chosen by platform and checked, before its layers are read."""

    reference: str
    """As the user typed it."""
    scheme: Scheme
    digest: str | None
    """Of the manifest; ``None`` where the source has none (a directory)."""
    platform: Platform | None
    config: ImageConfig
    layers: tuple[Layer, ...]
    media_type: str | None = None
    annotations: tuple[tuple[str, str], ...] = field(default=())
    base_layers: int = 0
    """The lowest layers that seem to be those of the image it was built from; 0 if none do."""
    base: str | None = None
    """The reference of that image, where the user gave it: then the layers are known to be its."""


class EntryKind(StrEnum):
    """What a path of the root file system is."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"
    DEVICE = "device"
    FIFO = "fifo"
    SOCKET = "socket"


@dataclass(frozen=True, slots=True)
class Entry:
    """One path of the squashed root file system.

    ``path`` is absolute and normal (``/usr/bin/env``; the root is ``/``). A hard link is an
    ordinary file here, with the content of what it links to.
    """

    path: str
    kind: EntryKind
    size: int
    """Bytes of content for a file, else 0."""
    mode: int
    """Permission bits, as in ``st_mode & 0o7777``."""
    layer: str | None
    """``diff_id`` of the layer that brought it; ``None`` where there are no layers."""
    link_target: str | None = None
    """For a symbolic link: the target as written."""

    @property
    def executable(self) -> bool:
        """Whether any execute bit is set on a regular file."""
        return self.kind is EntryKind.FILE and bool(self.mode & 0o111)
