"""Image names as Docker reads them: what goes without saying is filled in.

The grammar is that of ``github.com/distribution/reference`` (``reference.go``, ``normalize.go``)::

    reference := [host[:port] "/"] component ["/" component]* [":" tag] ["@" digest]
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from auditor.errors import CorruptImageError, UsageError
from auditor.image.blob import check_digest

__all__ = [
    "HUB",
    "HUB_HOST",
    "HUB_NAMES",
    "ImageName",
    "is_host",
    "parse_name",
    "registry_name",
]

HUB = "docker.io"
"""Docker Hub, in names."""
HUB_HOST = "registry-1.docker.io"
"""Docker Hub, where its API is."""
HUB_NAMES = frozenset({HUB, "index.docker.io", HUB_HOST})
"""What Docker Hub is called in names and in files of credentials."""

_HOST = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*"
    r"|\[[0-9A-Fa-f:]+\])(?::[0-9]{1,5})?"
)
_REPOSITORY = re.compile(
    r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*"
)
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_IDENTIFIER = re.compile(r"[a-f0-9]{64}")
_LAST_PORT = 65535
_LONGEST = 255
"""Characters of a repository's name (``RepositoryNameTotalLengthMax``)."""


@dataclass(frozen=True, slots=True)
class ImageName:
    """A name with nothing left out."""

    registry: str
    """``host[:port]``; ``docker.io`` for Docker Hub."""
    repository: str
    tag: str | None
    """``None`` only where there is a digest."""
    digest: str | None

    @property
    def host(self) -> str:
        """Where the registry's API is."""
        return HUB_HOST if self.registry == HUB else self.registry

    @property
    def path(self) -> str:
        """Registry and repository."""
        return f"{self.registry}/{self.repository}"

    @property
    def version(self) -> str:
        """What to ask the registry for: the digest, which wins, or the tag."""
        return self.digest or self.tag or "latest"

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.path}{tag}" + (f"@{self.digest}" if self.digest else "")


def parse_name(text: str) -> ImageName:
    """Take a name apart; raises ``UsageError`` where it breaks the grammar."""
    rest, at, digest = text.partition("@")
    if at:
        _check_digest(digest, text)
    if "://" in rest:
        raise UsageError(
            f"{text!r} is not an image name", hint="leave out http:// or https://: HOST/NAME:TAG"
        )
    slash = rest.rfind("/")
    colon = rest.rfind(":")
    tag = None
    if colon > slash:
        rest, tag = rest[:colon], rest[colon + 1 :]
        if not _TAG.fullmatch(tag):
            raise UsageError(
                f"{tag!r} in {text!r} is not a tag",
                hint="a tag has at most 128 letters, digits, dots, dashes and underscores",
            )
    registry, repository = _split(rest)
    _check(registry, repository, text)
    if not tag and not digest:
        tag = "latest"
    return ImageName(registry, repository, tag or None, digest or None)


def registry_name(host: str) -> str:
    """One spelling of a registry: Docker Hub has several names."""
    host = host.lower()
    return HUB if host in HUB_NAMES else host


def is_host(text: str) -> bool:
    """Whether it is ``host[:port]``."""
    port = re.search(r":([0-9]+)$", text)
    return bool(_HOST.fullmatch(text)) and (port is None or 0 < int(port[1]) <= _LAST_PORT)


def _split(name: str) -> tuple[str, str]:
    """``splitDockerDomain``: a host has a dot or a colon, or is ``localhost``."""
    first, slash, rest = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        registry, repository = registry_name(first), rest
    else:
        registry, repository = HUB, name
    if registry == HUB and "/" not in repository:
        repository = f"library/{repository}"
    return registry, repository


def _check(registry: str, repository: str, text: str) -> None:
    if not is_host(registry):
        raise UsageError(
            f"{registry!r} in {text!r} is not the host of a registry", hint="write HOST[:PORT]/NAME"
        )
    if registry == HUB and _IDENTIFIER.fullmatch(repository.removeprefix("library/")):
        raise UsageError(
            f"{text!r} is an image's id, which registries do not know", hint="write NAME@sha256:…"
        )
    if _REPOSITORY.fullmatch(repository) is None:
        if _REPOSITORY.fullmatch(repository.lower()):
            raise UsageError(
                f"the repository name in {text!r} must be in lower case",
                hint=f"write {registry}/{repository.lower()}",
            )
        raise UsageError(
            f"{text!r} is not an image name",
            hint="a name has lower-case letters and digits, with single dots, dashes or "
            "underscores between them: [HOST[:PORT]/]NAME[:TAG][@DIGEST]",
        )
    if len(repository) > _LONGEST:
        raise UsageError(
            f"the repository name in {text[:80]!r}… has more than {_LONGEST} characters"
        )


def _check_digest(digest: str, text: str) -> None:
    try:
        check_digest(digest)
    except CorruptImageError as error:
        raise UsageError(f"{error}, in {text!r}", hint=error.hint) from error
