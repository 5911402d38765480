"""From what a source offers to one manifest: by tag or digest, then by platform."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from auditor.errors import (
    CorruptImageError,
    ImageNotFoundError,
    NotAnImageError,
    PlatformError,
    UsageError,
)
from auditor.image.blob import read_blob
from auditor.image.bounds import Bounds
from auditor.image.manifest import (
    CONFIG_TYPES,
    MANIFEST_TYPES,
    Index,
    is_attestation,
    parse_config,
    parse_manifest,
)
from auditor.image.platforms import choose
from auditor.image.source import BlobSource, Descriptor, Found, Manifest
from auditor.model.image import Platform

__all__ = ["choose_manifest", "no_platform", "short_name"]

_REF_NAME = "org.opencontainers.image.ref.name"
_FULL_NAMES = ("io.containerd.image.name",)
_DEPTH = 4
"""Indexes in indexes; Docker makes two levels at most."""


def choose_manifest(
    source: BlobSource,
    roots: Sequence[Descriptor],
    selector: str | None,
    platform: Platform | None,
    bounds: Bounds,
) -> Found:
    """The manifest among ``roots`` (of an ``index.json``, or one tag) that is asked for."""
    offered = [root for root in roots if not is_attestation(root)]
    if not offered:
        raise NotAnImageError("the layout's index.json names no image")
    reader = _Reader(source, bounds)
    leaves = list(reader.leaves(_select(reader, offered, selector)))
    if not leaves:
        raise NotAnImageError("the index names no image, only attestations")
    platforms = [leaf.platform for leaf in leaves]
    if len(leaves) > 1:
        platforms = [leaf.platform or reader.config_platform(leaf) for leaf in leaves]
    index = choose(platforms, platform)
    if index is None and len(leaves) == 1 and platforms[0] is None:
        index = 0  # the config will tell
    if index is None:
        raise no_platform(platform, platforms)
    chosen = leaves[index]
    manifest = reader.read(chosen)
    if isinstance(manifest, Index):
        raise CorruptImageError(f"{source.name(chosen)} is an index where a manifest is expected")
    return Found(manifest, chosen.digest, platforms[index])


def no_platform(wanted: Platform | None, offered: Sequence[Platform | None]) -> PlatformError:
    """The error for a platform that is not there, with those that are."""
    names = sorted({str(platform) for platform in offered if platform is not None})
    there = ", ".join(names) or "none that is named"
    what = f"is not there for {wanted}" if wanted else "is there for several platforms"
    return PlatformError(
        f"the image {what}; it has {there}", hint="choose one of those with --platform"
    )


def short_name(name: str) -> str:
    """A Docker image name without what goes without saying: registry, ``library/``, ``latest``."""
    name = name.removeprefix("docker.io/").removeprefix("index.docker.io/")
    name = name.removeprefix("library/")
    last = name.rpartition("/")[2]
    return name.removesuffix(":latest") if ":" in last else name


def _names(descriptor: Descriptor) -> tuple[str, ...]:
    keys = (_REF_NAME, *_FULL_NAMES)
    return tuple(name for key in keys if (name := descriptor.annotation(key)))


class _Reader:
    """Reads manifests and indexes, each once, and no more of them than the bound allows."""

    def __init__(self, source: BlobSource, bounds: Bounds) -> None:
        self._source = source
        self._bounds = bounds
        self._read: dict[str | None, Index | Manifest] = {}
        self._seen = 0

    def read(self, descriptor: Descriptor) -> Index | Manifest:
        """The document that a descriptor names."""
        known = self._read.get(descriptor.digest)
        if known is None:
            name = self._source.name(descriptor)
            data = read_blob(self._source, descriptor, self._bounds)
            known = parse_manifest(data, name, self._bounds)
            self._read[descriptor.digest] = known
        return known

    def below(self, descriptor: Descriptor) -> Index | None:
        """What an index names; ``None`` for a manifest. Its media type spares a read."""
        if descriptor.media_type in MANIFEST_TYPES:
            return None
        document = self.read(descriptor)
        return document if isinstance(document, Index) else None

    def walk(
        self, roots: Iterable[Descriptor], depth: int = _DEPTH
    ) -> Iterator[tuple[Descriptor, bool]]:
        """The roots and everything that indexes among them name; with whether it is a leaf."""
        for root in roots:
            self._seen += 1
            self._bounds.check("manifests", self._seen, self._source.name(root))
            if is_attestation(root):
                continue
            index = self.below(root)
            yield root, index is None
            if index is not None:
                if not depth:
                    name = self._source.name(root)
                    raise CorruptImageError(f"indexes are nested too deep at {name}")
                yield from self.walk(index, depth - 1)

    def leaves(self, roots: Iterable[Descriptor]) -> Iterator[Descriptor]:
        """The manifests that can be chosen, indexes opened, in the order written."""
        return (descriptor for descriptor, leaf in self.walk(roots) if leaf)

    def config_platform(self, leaf: Descriptor) -> Platform | None:
        """The platform of a manifest whose index does not name it."""
        manifest = self.read(leaf)
        if isinstance(manifest, Index) or manifest.config.media_type not in CONFIG_TYPES:
            return None
        data = read_blob(self._source, manifest.config, self._bounds)
        return parse_config(data, self._source.name(manifest.config)).value()


def _select(reader: _Reader, offered: list[Descriptor], selector: str | None) -> list[Descriptor]:
    """The root that the selector names; several where they are one image's platforms."""
    if selector is None:
        if len({root.digest for root in offered}) == 1:
            return offered[:1]
        platforms = {root.platform for root in offered}
        names = {_names(root) for root in offered}
        if len(names) == 1 and None not in platforms and len(platforms) == len(offered):
            return offered
        raise UsageError(
            f"there are several images: {_listing(offered)}",
            hint="add the one you mean, as in oci-dir:PATH:TAG or oci-dir:PATH@sha256:…",
        )
    if selector.startswith("@"):
        named = [root for root, _ in reader.walk(offered) if root.digest == selector[1:]][:1]
    else:
        named = [root for root in offered if selector in _names(root)] or [
            root
            for root in offered
            if short_name(selector) in {short_name(name) for name in _names(root)}
        ]
    if not named:
        raise ImageNotFoundError(f"no image {selector!r} is there; there are: {_listing(offered)}")
    return named


def _listing(offered: Sequence[Descriptor]) -> str:
    names = {(_names(root) or (f"@{root.digest}",))[0] for root in offered}
    return ", ".join(sorted(names))
