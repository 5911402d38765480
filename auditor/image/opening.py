"""A ``Reference`` opened: the image's description at once, its root file system when asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from auditor.errors import CorruptImageError, UsageError
from auditor.image.blob import open_blob, read_blob
from auditor.image.bounds import Bounds, Budget
from auditor.image.choosing import no_platform
from auditor.image.directory import DirectoryRootFS
from auditor.image.docker_archive import open_docker_archive
from auditor.image.layered import LayeredRootFS
from auditor.image.layers import STAGE, LayerReader
from auditor.image.layout import open_oci_archive, open_oci_dir
from auditor.image.manifest import FOREIGN_MARKS, ConfigFile, parse_config
from auditor.image.platforms import choose
from auditor.image.rootfs import KeepRule, RootFS
from auditor.image.source import BlobSource, Descriptor, Found, Reference
from auditor.image.spool import Spool
from auditor.image.wasm_artifact import is_wasm_artifact, module_path, read_module
from auditor.model.image import Image, ImageConfig, Layer, Platform, Scheme
from auditor.model.inventory import Unknown

__all__ = ["SOURCES", "OpenedImage", "open_image"]

SOURCES: Mapping[Scheme, Callable[[Reference, Bounds], BlobSource]] = {
    Scheme.OCI_DIR: open_oci_dir,
    Scheme.OCI_ARCHIVE: open_oci_archive,
    Scheme.DOCKER_ARCHIVE: open_docker_archive,
}
"""How each kind of place is opened: a new one is one file and one row."""


class OpenedImage:
    """An image that was found and chosen. Close it after the last ``rootfs()``."""

    def __init__(
        self,
        image: Image,
        read: Callable[[KeepRule], RootFS],
        close: Callable[[], None] = lambda: None,
    ) -> None:
        self.image = image
        self._read = read
        self._close = close

    def rootfs(self, keep: KeepRule) -> RootFS:
        """The squashed files, with the contents that ``keep`` asks for; a context manager.

        Each call reads the layers anew. Raises ``CorruptImageError``, ``BoundExceededError``
        and other ``ImageError``s.
        """
        return self._read(keep)

    def close(self) -> None:
        """Let go of the source; closing twice is harmless."""
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_image(
    reference: Reference, *, platform: Platform | None = None, bounds: Bounds | None = None
) -> OpenedImage:
    """Find the image, choose the platform, check manifest and config. Reads no layer.

    Raises the ``ImageError``s, and ``UsageError`` for a scheme that cannot be opened.
    """
    bounds = bounds or Bounds()
    if reference.scheme is Scheme.DIR:
        return _open_directory(reference, bounds)
    opener = SOURCES.get(reference.scheme) if reference.scheme else None
    if opener is None:
        raise UsageError(f"{reference.text!r} cannot be opened in this version")
    source = opener(reference, bounds)
    try:
        return _open_source(source, reference, platform, bounds)
    except BaseException:
        source.close()
        raise


def _open_directory(reference: Reference, bounds: Bounds) -> OpenedImage:
    image = Image(
        reference=reference.text,
        scheme=Scheme.DIR,
        digest=None,
        platform=None,
        config=ImageConfig(),
        layers=(),
    )
    DirectoryRootFS(reference.location, bounds).close()  # says at once if it cannot be opened
    return OpenedImage(image, lambda _keep: DirectoryRootFS(reference.location, bounds))


def _open_source(
    source: BlobSource, reference: Reference, platform: Platform | None, bounds: Bounds
) -> OpenedImage:
    found = source.find(platform)
    manifest = found.manifest
    wasm = is_wasm_artifact(manifest)
    name = source.name(manifest.config)
    file = parse_config(read_blob(source, manifest.config, bounds), name)
    actual = file.value() or found.platform
    if platform is not None and actual is not None and choose([actual], platform) is None:
        raise no_platform(platform, [actual])
    config = file.image_config()
    if wasm:
        diff_ids: tuple[str, ...] = (manifest.layers[0].digest or "",)
        if not config.entrypoint:
            config = ImageConfig(entrypoint=(module_path(manifest.layers[0]),))
    else:
        diff_ids = _diff_ids(file, manifest.layers, name)
    image = Image(
        reference=reference.text,
        scheme=reference.scheme or Scheme.OCI_DIR,
        digest=found.digest,
        platform=actual,
        config=config,
        layers=_layers(file, manifest.layers, diff_ids),
        media_type=manifest.media_type,
        annotations=manifest.annotations,
    )

    def read(keep: KeepRule) -> RootFS:
        if wasm:
            budget = Budget(bounds)
            return read_module(source, manifest.layers[0], diff_ids[0], keep, budget)
        return _read_layers(source, found, diff_ids, keep, bounds)

    return OpenedImage(image, read, source.close)


def _diff_ids(file: ConfigFile, layers: tuple[Descriptor, ...], name: str) -> tuple[str, ...]:
    diff_ids = file.diff_ids
    if len(diff_ids) != len(layers):
        raise CorruptImageError(
            f"the config {name} lists {len(diff_ids)} layers where the manifest has {len(layers)}"
        )
    return diff_ids


def _layers(
    file: ConfigFile, layers: tuple[Descriptor, ...], diff_ids: tuple[str, ...]
) -> tuple[Layer, ...]:
    made = file.created_by()
    return tuple(
        Layer(
            diff_id=diff_id,
            size=layer.size or 0,
            media_type=layer.media_type,
            created_by=made[index] if index < len(made) else None,
        )
        for index, (layer, diff_id) in enumerate(zip(layers, diff_ids, strict=True))
    )


def _read_layers(
    source: BlobSource, found: Found, diff_ids: tuple[str, ...], keep: KeepRule, bounds: Bounds
) -> RootFS:
    """One pass over each layer, lowest first."""
    spool = Spool()
    try:
        reader = LayerReader(keep, spool, Budget(bounds))
        missing: list[Unknown] = []
        for index, layer in enumerate(found.manifest.layers):
            if _is_foreign(layer) and not _is_there(source, layer):
                reason = f"layer {diff_ids[index]} is of a kind that is not handed out"
                missing.append(Unknown(path="/", stage=STAGE, reason=reason))
                continue
            reader.apply(index, source, layer, diff_ids[index])
        return LayeredRootFS(reader.tree, diff_ids, spool, [*reader.unknowns(), *missing])
    except BaseException:
        spool.close()
        raise


def _is_foreign(layer: Descriptor) -> bool:
    return any(mark in layer.media_type for mark in FOREIGN_MARKS)


def _is_there(source: BlobSource, layer: Descriptor) -> bool:
    try:
        open_blob(source, layer).close()
    except CorruptImageError:
        return False
    return True
