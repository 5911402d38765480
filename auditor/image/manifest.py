"""Manifests, indexes and configs: JSON to values, and nothing believed that is not checked.

OCI Image Format Specification 1.1 (``manifest.md``, ``image-index.md``, ``config.md``) and
Docker Image Manifest Version 2, Schema 2. Go writes empty lists as ``null``, so ``null`` is
accepted wherever a list or a map is.
"""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec

from auditor.errors import CorruptImageError, NotAnImageError
from auditor.image.bounds import Bounds
from auditor.image.platforms import normal
from auditor.image.secrets import Pairs, Secrets
from auditor.image.source import Descriptor, Manifest
from auditor.model.image import ImageConfig, Platform

__all__ = [
    "CONFIG_TYPES",
    "FOREIGN_MARKS",
    "INDEX_TYPES",
    "MANIFEST_TYPES",
    "ConfigFile",
    "Index",
    "decode",
    "is_attestation",
    "parse_config",
    "parse_manifest",
]

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
INDEX_TYPES = frozenset({OCI_INDEX, DOCKER_INDEX})
MANIFEST_TYPES = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})
CONFIG_TYPES = frozenset(
    {
        "application/vnd.oci.image.config.v1+json",
        "application/vnd.docker.container.image.v1+json",
    }
)
FOREIGN_MARKS = (".nondistributable.", ".foreign.")
"""In the media types of layers that registries don't hand out."""

_T = TypeVar("_T")


class _Platform(msgspec.Struct):
    os: str = ""
    architecture: str = ""
    variant: str | None = None

    def value(self) -> Platform | None:
        if not self.os or not self.architecture:
            return None
        return normal(Platform(self.os, self.architecture, self.variant or None))


class _Descriptor(msgspec.Struct, rename="camel"):
    digest: str
    size: int
    media_type: str = ""
    platform: _Platform | None = None
    annotations: dict[str, str] | None = None

    def value(self) -> Descriptor:
        if self.size < 0:
            raise CorruptImageError(f"a descriptor of {self.digest[:200]!r} has a negative size")
        return Descriptor(
            media_type=self.media_type,
            digest=self.digest,
            size=self.size,
            platform=self.platform.value() if self.platform else None,
            annotations=_pairs(self.annotations),
        )


class _Document(msgspec.Struct, rename="camel"):
    """An index or a manifest: told apart by what they hold, as ``mediaType`` may be absent."""

    schema_version: int = 2
    media_type: str | None = None
    artifact_type: str | None = None
    manifests: list[_Descriptor] | None = None
    config: _Descriptor | None = None
    layers: list[_Descriptor] | None = None
    annotations: dict[str, str] | None = None


_COMMAND = re.compile(r"(/bin/sh -c #\(nop\)\s+)?CMD\b")
"""How Docker and BuildKit write the instruction down."""


class Index(tuple[Descriptor, ...]):
    """The descriptors of an image index."""

    __slots__ = ()


class _Health(msgspec.Struct, rename="pascal"):
    test: list[str] | None = None


class _Run(msgspec.Struct, rename="pascal"):
    """``config`` of an image's configuration."""

    entrypoint: list[str] | None = None
    cmd: list[str] | None = None
    env: list[str] | None = None
    working_dir: str | None = None
    user: str | None = None
    exposed_ports: dict[str, object] | None = None
    volumes: dict[str, object] | None = None
    labels: dict[str, str] | None = None
    stop_signal: str | None = None
    healthcheck: _Health | None = None

    def environment(self) -> Pairs:
        """Names and values, secrets included."""
        return tuple((name, value) for name, _, value in (e.partition("=") for e in self.env or ()))


class _RootFS(msgspec.Struct):
    diff_ids: list[str] | None = None


class _History(msgspec.Struct):
    created_by: str | None = None
    empty_layer: bool = False


class ConfigFile(_Platform):
    """An image's configuration as it stands in the file."""

    config: _Run | None = None
    rootfs: _RootFS | None = None
    history: list[_History] | None = None

    @property
    def diff_ids(self) -> tuple[str, ...]:
        """Digests of the uncompressed layers, lowest first."""
        return tuple((self.rootfs.diff_ids if self.rootfs else None) or ())

    def created_by(self) -> tuple[str | None, ...]:
        """The history line of each layer, without secrets.

        None where history and layers don't agree.
        """
        made = [line.created_by for line in self.history or () if not line.empty_layer]
        count = len(self.diff_ids)
        if len(made) != count:
            return (None,) * count
        secrets = self._secrets()
        return tuple(secrets.text(line) if line else line for line in made)

    def base_layers(self) -> int:
        """How many layers seem to come from the image that this one was built from.

        A base ends where a CMD was set before the last layer was made: builds set their own CMD
        after their layers, as a rule. 0 where history and layers don't agree.
        """
        history = self.history or []
        if sum(not line.empty_layer for line in history) != len(self.diff_ids):
            return 0
        layers, base = 0, 0
        for line in history:
            layers += not line.empty_layer
            if line.empty_layer and _COMMAND.match(line.created_by or ""):
                base = layers if layers < len(self.diff_ids) else base
        return base

    def image_config(self) -> ImageConfig:
        """The part that decides what runs, without secrets in environment and labels."""
        run = self.config or _Run()
        secrets = self._secrets()
        return ImageConfig(
            entrypoint=tuple(run.entrypoint or ()),
            cmd=tuple(run.cmd or ()),
            env=tuple((name, secrets.value(name, value)) for name, value in run.environment()),
            working_dir=run.working_dir or "/",
            user=run.user or None,
            exposed_ports=tuple(sorted(run.exposed_ports or ())),
            volumes=tuple(sorted(run.volumes or ())),
            labels=tuple((name, secrets.value(name, value)) for name, value in _pairs(run.labels)),
            stop_signal=run.stop_signal or None,
            healthcheck=tuple((run.healthcheck.test if run.healthcheck else None) or ()),
        )

    def _secrets(self) -> Secrets:
        """What looks like a secret in the environment and in the history."""
        history = [line.created_by for line in self.history or () if line.created_by]
        return Secrets.of((self.config or _Run()).environment(), history)


def decode(data: bytes, type_: type[_T], what: str, name: str) -> _T:
    """JSON as a value of ``type_``; raises ``CorruptImageError`` naming ``what`` and ``name``."""
    try:
        return msgspec.json.decode(data, type=type_)
    except msgspec.ValidationError as error:
        raise CorruptImageError(f"the {what} {name} is not what it should be: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise CorruptImageError(f"the {what} {name} is not valid JSON: {error}") from error


def parse_manifest(data: bytes, name: str, bounds: Bounds) -> Index | Manifest:
    """An index or a manifest, whichever ``data`` is."""
    document = decode(data, _Document, "manifest", name)
    if document.schema_version == 1:
        raise NotAnImageError(
            f"{name} is a Docker manifest of schema 1, which is not supported",
            hint="push the image again with a current Docker, or convert it with skopeo",
        )
    if document.manifests is not None or document.media_type in INDEX_TYPES:
        manifests = document.manifests or []
        bounds.check("manifests", len(manifests), name)
        return Index(descriptor.value() for descriptor in manifests)
    if document.config is None:
        raise CorruptImageError(f"the manifest {name} has neither a config nor manifests")
    layers = document.layers or []
    bounds.check("layers", len(layers), name)
    return Manifest(
        media_type=document.media_type,
        config=document.config.value(),
        layers=tuple(layer.value() for layer in layers),
        annotations=_pairs(document.annotations),
        artifact_type=document.artifact_type,
    )


def parse_config(data: bytes, name: str) -> ConfigFile:
    """An image's configuration, or that of a wasm artifact."""
    return decode(data, ConfigFile, "config", name)


def is_attestation(descriptor: Descriptor) -> bool:
    """Whether BuildKit made it to go with an image (provenance, SBOM): it is never chosen.

    https://docs.docker.com/build/metadata/attestations/attestation-storage/
    """
    return descriptor.annotation("vnd.docker.reference.type") is not None or (
        descriptor.platform == Platform("unknown", "unknown")
    )


def _pairs(mapping: dict[str, str] | None) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((mapping or {}).items()))
