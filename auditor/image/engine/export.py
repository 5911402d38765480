"""An image of an engine, found by name and exported as the archive that ``save`` writes."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor.errors import ImageError, ImageNotFoundError, UnreachableError, UsageError
from auditor.image.choosing import no_platform, short_name
from auditor.image.engine.endpoint import Patience, candidates, first_that_answers
from auditor.image.platforms import choose
from auditor.image.source import Readable
from auditor.model.image import Platform, Scheme

if TYPE_CHECKING:
    from auditor.image.engine.client import Client

__all__ = ["Export", "open_export"]

_NAME = re.compile(r"[A-Za-z0-9\[][A-Za-z0-9._/:@\[\]-]{0,1023}")
"""Wider than distribution/reference ``regexp.go``; the engine says what is wrong with the rest.
No ``..`` as a component, no ``?``, ``#`` or ``%``: the name becomes part of a URL's path."""
_ID = re.compile(r"(?:sha256:)?[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Export:
    """An image on its way. Whoever has it closes the stream."""

    stream: Readable
    """The tar that ``docker save`` writes, with this image only. Reading raises ``ImageError``
    where the engine breaks off; closing ends the transfer and the connection."""
    origin: str
    """``Docker at unix:///var/run/docker.sock``."""
    image_id: str
    """``sha256:…``, of the config or, with Docker's containerd store, of manifest or index."""
    digest: str | None
    """Of the manifest or index in the registry it came from, where the engine knows it."""
    platform: Platform | None
    """As the engine says; the config may know better."""


def open_export(
    scheme: Scheme,
    name: str,
    platform: Platform | None,
    *,
    environ: Mapping[str, str] | None = None,
    patience: Patience | None = None,
    offline: bool = False,
) -> Export:
    """Find an image in Docker (``Scheme.DOCKER``) or Podman and begin to export it.

    ``name`` is a name with or without tag, ``name@sha256:…``, or an ID, whole or shortened.
    With ``offline``, an engine on another machine is not asked. Raises ``UnreachableError``
    where no engine answers, ``AccessDeniedError`` where it refuses,
    ``ImageNotFoundError`` where it lacks the image, ``PlatformError`` where it has it for other
    platforms only, ``UsageError`` for settings or a name that make no sense, else ``ImageError``.
    """
    environ = os.environ if environ is None else environ
    patience = patience or Patience()
    if not _NAME.fullmatch(name) or {".", "..", ""} & set(name.split("/")):
        raise UsageError(f"{name!r} is no name of an image", hint="write it as in: docker images")
    endpoint = first_that_answers(candidates(scheme, environ), environ, patience)
    if offline and not endpoint.is_local:
        raise UnreachableError(
            f"{endpoint.title} is on another machine, and --offline says not to ask it",
            hint="leave --offline out, or use an engine of this machine",
        )
    # Slow to import, and of no use where nothing listens.
    from auditor.image.engine.client import Client  # noqa: PLC0415

    client = Client(endpoint, environ, patience)
    try:
        return _export(client, name, platform)
    except BaseException:
        client.close()
        raise


def _export(client: Client, name: str, wanted: Platform | None) -> Export:
    image = client.inspect(name)
    if image is None:
        raise _not_found(client, name)
    if not _ID.fullmatch(image.id):
        raise ImageError(f"{client.title} gives {name!r} an ID that is none: {image.id[:100]!r}")
    actual = image.platform()
    asked = None
    if wanted is not None:
        if choose([actual], wanted) is not None:
            asked = actual
        elif not client.chooses_platforms:
            raise no_platform(wanted, [actual])
        else:  # Docker's containerd store has several platforms under one name
            asked = wanted
    # By ID: a name without a tag would export every tag that the repository has.
    stream = client.export(image.id, name, asked)
    if stream is None:
        raise no_platform(wanted, [actual]) if asked else _not_found(client, name)
    return Export(
        stream=stream,
        origin=client.title,
        image_id=image.id if ":" in image.id else f"sha256:{image.id}",
        digest=_digest(name, image.repo_digests or [], image.target()),
        platform=asked or actual,
    )


def _not_found(client: Client, name: str) -> ImageNotFoundError:
    tool = client.scheme.value
    return ImageNotFoundError(
        f"{client.title} has no image {name!r}",
        hint=f"{tool} pull {name}, or scan registry:{name}",
    )


def _digest(name: str, repo_digests: list[str], target: str | None) -> str | None:
    """The one of the repository that was asked for, or the only one."""
    pairs = [entry.rpartition("@")[::2] for entry in repo_digests if "@" in entry]
    wanted = _repository(name)
    matching = {digest for repository, digest in pairs if _repository(repository) == wanted}
    for digests in (matching & {name.partition("@")[2]}, matching, {digest for _, digest in pairs}):
        if len(digests) == 1:
            return digests.pop()
    return target


def _repository(name: str) -> str:
    """The name without digest and tag, as Docker shows it."""
    name = name.partition("@")[0]
    folder, slash, last = name.rpartition("/")
    return short_name(f"{folder}{slash}{last.partition(':')[0]}")
