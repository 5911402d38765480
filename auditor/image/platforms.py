"""Platforms: parsing, comparing, and choosing one of several."""

from __future__ import annotations

import platform as host
import re
from collections.abc import Sequence

from auditor.errors import UsageError
from auditor.model.image import Platform

__all__ = ["choose", "defaults", "matches", "normal", "parse_platform"]

_WORD = re.compile(r"[A-Za-z0-9_.-]+")

_ARCHITECTURES = {
    "x86_64": ("amd64", None),
    "x86-64": ("amd64", None),
    "i386": ("386", None),
    "i686": ("386", None),
    "aarch64": ("arm64", None),
    "armhf": ("arm", "v7"),
    "armel": ("arm", "v6"),
    "wasm32": ("wasm", None),
}
"""Other names of GOARCH words; containerd/platforms ``database.go``, and ``wasm32`` as older
WasmEdge and podman examples spell it."""

_DEFAULT_VARIANTS = {"arm64": "v8", "arm": "v7", "amd64": "v1"}
"""What an absent variant means; containerd/platforms ``database.go``."""

_MOST_PARTS = 3


def parse_platform(text: str) -> Platform:
    """``os/architecture[/variant]``; raises ``UsageError`` for anything else."""
    parts = text.strip().lower().split("/")
    if not 1 < len(parts) <= _MOST_PARTS or not all(_WORD.fullmatch(part) for part in parts):
        raise UsageError(
            f"{text!r} is not a platform",
            hint="write os/architecture[/variant], for example linux/amd64 or linux/arm/v7",
        )
    return normal(Platform(*parts))


def normal(platform: Platform) -> Platform:
    """The same platform in GOARCH words, a variant that goes without saying left out."""
    architecture = platform.architecture.lower()
    architecture, implied = _ARCHITECTURES.get(architecture, (architecture, None))
    variant = platform.variant or implied
    if variant == _DEFAULT_VARIANTS.get(architecture):
        variant = None
    return Platform(platform.os.lower(), architecture, variant)


def matches(wanted: Platform, offered: Platform) -> bool:
    """Whether an image for ``offered`` is one for ``wanted``: os, architecture and variant."""
    return normal(wanted) == normal(offered)


def defaults() -> tuple[Platform, ...]:
    """What is looked for when nobody says: linux on this host's architecture, then amd64."""
    here = normal(Platform("linux", host.machine() or "amd64"))
    return tuple(dict.fromkeys((here, Platform("linux", "amd64"))))


def choose(offered: Sequence[Platform | None], wanted: Platform | None) -> int | None:
    """Index of the platform to take, or ``None`` if there is no right one.

    With ``wanted``: the first equal one, or, if no variant was asked for, the first of that os
    and architecture. Without: the first of ``defaults()``, then the only one.
    """
    for candidate in (wanted,) if wanted else defaults():
        for index, platform in enumerate(offered):
            if platform is not None and matches(candidate, platform):
                return index
        for index, platform in enumerate(offered):
            if platform is None or candidate.variant:
                continue
            if matches(candidate, Platform(platform.os, platform.architecture)):
                return index
    if len(offered) == 1 and wanted is None:
        return 0
    return None
