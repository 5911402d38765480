"""How large an image may be: it is hostile until shown otherwise."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.errors import BoundExceededError

__all__ = ["Bounds", "Budget"]

_MIB = 1 << 20
_GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits on what is read. Sizes are bytes; exceeding one is a ``BoundExceededError``."""

    total_size: int = 64 * _GIB
    """Uncompressed bytes of all layers together."""
    entries: int = 1_000_000
    """Members of all layers' archives together, or files walked below a directory."""
    kept_file_size: int = 4 * _GIB
    """One file whose content is kept."""
    path_length: int = 4096
    """Bytes of one path or link target (``PATH_MAX`` of Linux)."""
    header_size: int = _MIB
    """Extended header (PAX, GNU long name) of one archive member."""
    json_size: int = 16 * _MIB
    """One manifest, index or config; OCI registries accept 4 MiB."""
    layers: int = 512
    """Docker makes at most 127."""
    manifests: int = 4096
    """Manifests in an index, nested ones included."""
    ratio: int = 1000
    """Uncompressed bytes to one compressed byte, beyond the first 64 MiB of a layer."""
    ratio_from: int = 64 * _MIB
    """Uncompressed bytes of a layer that the ratio leaves alone."""

    def check(self, name: str, value: int, limit: int, subject: str) -> None:
        """Raise ``BoundExceededError`` where ``value`` of ``subject`` is over ``limit``."""
        if value > limit:
            raise BoundExceededError(
                f"{subject} exceeds the bound {name}: {value} is more than {limit}",
                hint="the image is unusually large or hostile; nothing was reported for it",
            )


class Budget:
    """What reading an image has used up so far, over all its layers."""

    __slots__ = ("bounds", "entries", "size")

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.entries = 0
        self.size = 0

    def spend_bytes(self, count: int, subject: str) -> None:
        """Count uncompressed bytes."""
        self.size += count
        if self.size > self.bounds.total_size:
            self.bounds.check("total_size", self.size, self.bounds.total_size, subject)

    def spend_entry(self, subject: str) -> None:
        """Count one member of a layer."""
        self.entries += 1
        if self.entries > self.bounds.entries:
            self.bounds.check("entries", self.entries, self.bounds.entries, subject)
