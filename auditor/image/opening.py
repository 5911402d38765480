"""A ``Reference`` opened: the image's description, and its root file system."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from auditor.errors import CorruptImageError
from auditor.image.blob import read_blob
from auditor.image.bounds import Bounds, Budget
from auditor.image.choosing import no_platform
from auditor.image.directory import DirectoryRootFS
from auditor.image.layers import read_layers
from auditor.image.manifest import ConfigFile, parse_config
from auditor.image.platforms import choose
from auditor.image.rootfs import KeepRule, RootFS
from auditor.image.source import Access, BlobSource, Descriptor, Found, Reference, Request
from auditor.image.sources import find_image
from auditor.image.threads import started
from auditor.image.wasm_artifact import is_wasm_artifact, module_path, read_module
from auditor.model.image import Image, ImageConfig, Layer, Platform, Scheme

__all__ = ["OpenedImage", "open_image"]


@dataclass(frozen=True, slots=True)
class OpenedImage:
    """An image that was found, chosen and read. Close it after the last look at its files."""

    image: Image
    rootfs: RootFS
    source: BlobSource | None = None

    def close(self) -> None:
        """Give back the source and the temporary store; closing twice is harmless."""
        self.rootfs.close()
        if self.source is not None:
            self.source.close()

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
    reference: Reference,
    keep: KeepRule,
    *,
    platform: Platform | None = None,
    bounds: Bounds | None = None,
    access: Access | None = None,
    took: Callable[[str], None] = lambda _: None,
) -> OpenedImage:
    """Find the image, choose the platform, and read its layers, keeping what ``keep`` asks for.

    ``took`` is told where the image is taken from, in a few words, before it is read.
    Raises the ``ImageError``s, and ``UsageError`` where the reference leaves a choice open.
    """
    bounds = bounds or Bounds()
    if reference.scheme is Scheme.DIR:
        took(f"the directory {reference.location}")
        return _open_directory(reference, bounds)
    request = Request(keep, Budget(bounds), platform, access or Access(), took)
    return _in_time(lambda: _open(reference, request), request.budget, reference.text)


def _in_time(work: Callable[[], OpenedImage], budget: Budget, subject: str) -> OpenedImage:
    """Do it in a thread of its own, which is left behind where its time is up.

    A server or a pipe can keep a reader waiting in more ways than it can look at the clock in.
    """
    done = started("image", work)
    try:
        return done.result(budget.time_left)
    except TimeoutError:
        if not done.done():
            budget.check_time(subject)
        raise
    finally:
        if not done.done():
            budget.stop()


def _open(reference: Reference, request: Request) -> OpenedImage:
    source, found = find_image(reference, request)
    try:
        return _read(source, found, reference, request)
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
    rootfs = DirectoryRootFS(reference.location, bounds)
    return OpenedImage(image, rootfs)


def _read(source: BlobSource, found: Found, reference: Reference, request: Request) -> OpenedImage:
    manifest = found.manifest
    wasm = is_wasm_artifact(manifest)
    bounds = request.budget.bounds
    name = source.name(manifest.config)
    file = parse_config(read_blob(source, manifest.config, bounds), name)
    actual = file.value() or found.platform
    wanted = request.platform
    if wanted is not None and actual is not None and choose([actual], wanted) is None:
        raise no_platform(wanted, [actual])
    config = file.image_config()
    if wasm:
        module = manifest.layers[0]
        diff_ids: tuple[str, ...] = (module.digest or "",)
        if not config.entrypoint:
            config = ImageConfig(entrypoint=(module_path(module),))
        rootfs, sizes = read_module(source, module, diff_ids[0], request)
    else:
        diff_ids = _diff_ids(file, manifest.layers, name)
        rootfs, sizes = read_layers(source, manifest.layers, diff_ids, request.keep, request.budget)
    image = Image(
        reference=reference.text,
        scheme=source.scheme,
        digest=found.digest,
        platform=actual,
        config=config,
        layers=_layers(file, manifest.layers, diff_ids, sizes),
        media_type=manifest.media_type,
        annotations=manifest.annotations,
        base_layers=file.base_layers(),
    )
    return OpenedImage(image, rootfs, source)


def _diff_ids(file: ConfigFile, layers: tuple[Descriptor, ...], name: str) -> tuple[str, ...]:
    diff_ids = file.diff_ids
    if len(diff_ids) != len(layers):
        raise CorruptImageError(
            f"the config {name} lists {len(diff_ids)} layers where the manifest has {len(layers)}"
        )
    return diff_ids


def _layers(
    file: ConfigFile,
    layers: tuple[Descriptor, ...],
    diff_ids: tuple[str, ...],
    sizes: tuple[int, ...],
) -> tuple[Layer, ...]:
    made = file.created_by()
    return tuple(
        Layer(
            diff_id=diff_id,
            size=sizes[index],
            media_type=layer.media_type,
            created_by=made[index] if index < len(made) else None,
        )
        for index, (layer, diff_id) in enumerate(zip(layers, diff_ids, strict=True))
    )
