"""``registries.conf``, version 2: which mirrors Podman and skopeo ask, and what they must not.

``containers-registries.conf(5)``. Search registries and short-name aliases are not used: names
mean here what they mean to Docker. Files of ``registries.conf.d`` are not read.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import msgspec
import tomli

from auditor.errors import AccessDeniedError, ImageError
from auditor.image.registry.names import ImageName

__all__ = ["Place", "Places", "read_places"]

_SYSTEM = Path("/etc/containers/registries.conf")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a repository can be asked for: ``host[:port]`` and the name it has there."""

    host: str
    repository: str
    insecure: bool = False


@dataclass(frozen=True, slots=True)
class Places:
    """What the file says about one image."""

    mirrors: tuple[Place, ...] = ()
    """To be asked first, in this order."""
    itself: Place | None = None
    """Instead of what the name says."""


class _Mirror(msgspec.Struct, rename="kebab"):
    location: str = ""
    insecure: bool = False
    pull_from_mirror: str = "all"


class _Registry(msgspec.Struct, rename="kebab"):
    prefix: str = ""
    location: str = ""
    insecure: bool = False
    blocked: bool = False
    mirror_by_digest_only: bool = False
    mirror: list[_Mirror] = []


class _File(msgspec.Struct):
    registry: list[_Registry] = []


def read_places(name: ImageName) -> Places:
    """What the first such file says of an image.

    Raises ``AccessDeniedError`` where it blocks the image, and ``ImageError`` where the file
    cannot be read.
    """
    path = _path()
    if path is None:
        return Places()
    try:
        document = tomli.loads(path.read_text("utf-8"))
        file = msgspec.convert(document, _File)
    except (OSError, UnicodeDecodeError, tomli.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ImageError(
            f"{path} cannot be used: {error}",
            hint="mend it, or name another file in CONTAINERS_REGISTRIES_CONF",
        ) from error
    best: tuple[int, _Registry] | None = None
    for registry in file.registry:
        length = _match(registry.prefix or registry.location, name)
        if length is not None and (best is None or length > best[0]):
            best = length, registry
    return Places() if best is None else _places(best[1], best[0], name, path)


def _path() -> Path | None:
    if named := os.environ.get("CONTAINERS_REGISTRIES_CONF"):
        return Path(named)
    configs = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    own = Path(configs) / "containers/registries.conf"
    return next((path for path in (own, _SYSTEM) if path.is_file()), None)


def _match(prefix: str, name: ImageName) -> int | None:
    """Characters of ``registry/repository`` that the prefix covers; ``None`` for no match."""
    if prefix.startswith("*."):
        return len(name.registry) if name.registry.endswith(prefix[1:]) else None
    whole = str(name)
    if prefix and whole.startswith(prefix) and whole[len(prefix) :][:1] in {"", "/", ":", "@"}:
        return len(prefix)
    return None


def _places(registry: _Registry, length: int, name: ImageName, path: Path) -> Places:
    if registry.blocked:
        raise AccessDeniedError(
            f"{path} blocks images of {registry.prefix or registry.location}",
            hint="ask whoever keeps that file",
        )
    rest = name.path[length:]

    def place(location: str, *, insecure: bool) -> Place:
        host, _, repository = f"{location}{rest}".partition("/")
        return Place(host, repository, insecure)

    mirrors = tuple(
        place(mirror.location, insecure=mirror.insecure)
        for mirror in registry.mirror
        if mirror.location and _wanted(registry, mirror, name)
    )
    location = registry.location or name.path[:length]
    return Places(mirrors, place(location, insecure=registry.insecure))


def _wanted(registry: _Registry, mirror: _Mirror, name: ImageName) -> bool:
    if registry.mirror_by_digest_only or mirror.pull_from_mirror == "digest-only":
        return name.digest is not None
    return mirror.pull_from_mirror != "tag-only" or name.digest is None
