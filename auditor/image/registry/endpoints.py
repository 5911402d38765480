"""Where to ask for an image: mirrors first, then its registry."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from auditor.errors import UsageError
from auditor.image.hosts import is_loopback
from auditor.image.registry.names import (
    HUB,
    HUB_HOST,
    ImageName,
    is_host,
    registry_name,
)
from auditor.image.registry.registries_conf import Place, read_places
from auditor.image.source import Access

__all__ = ["Endpoint", "endpoints"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One repository at one host."""

    registry: str
    """What credentials are kept under: ``host[:port]``, or ``docker.io``."""
    host: str
    """``host[:port]`` of its API."""
    repository: str
    schemes: tuple[str, ...]
    """``https``, ``http`` or both, in the order to try."""
    verified: bool = True
    """Whether its certificate is checked."""
    mirror_of: str | None = None
    """The registry it stands in for."""

    @property
    def title(self) -> str:
        """What to call it in a sentence."""
        if self.mirror_of:
            return f"mirror {self.registry} of {self.mirror_of}"
        return f"registry {self.registry}"


def endpoints(name: ImageName, access: Access) -> tuple[Endpoint, ...]:
    """Every place that may have the image, the registry itself last.

    Raises ``UsageError`` for a mirror that makes no sense, and what ``read_places`` raises.
    """
    places = read_places(name)
    found = [
        _mirror(text, name, access)
        for registry, text in access.mirrors
        if registry_name(registry) == name.registry
    ]
    found += [_endpoint(place, access, name.registry) for place in places.mirrors]
    itself = places.itself or Place(name.registry, name.repository)
    return (*found, _endpoint(itself, access, None))


def _mirror(text: str, name: ImageName, access: Access) -> Endpoint:
    """``host[:port][/namespace]``, or the same as a URL, which settles http or https."""
    try:
        url = urlsplit(text if "://" in text else f"any://{text}")
    except ValueError:
        raise UsageError(f"a mirror of {name.registry} is not HOST[:PORT]") from None
    if not url.hostname or url.username or url.query or url.fragment:
        raise UsageError(
            f"the mirror {url.hostname or ''!r} of {name.registry} is not HOST[:PORT]",
            hint="write HOST[:PORT] or http[s]://HOST[:PORT]; credentials belong into docker login",
        )
    if url.scheme not in {"any", "http", "https"}:
        raise UsageError(f"the mirror {text!r} is neither http nor https")
    repository = f"{url.path.strip('/')}/{name.repository}".lstrip("/")
    endpoint = _endpoint(Place(url.netloc, repository), access, name.registry)
    if url.scheme == "any":
        return endpoint
    return Endpoint(
        endpoint.registry,
        endpoint.host,
        repository,
        (url.scheme,),
        verified=endpoint.verified,
        mirror_of=name.registry,
    )


def _endpoint(place: Place, access: Access, mirror_of: str | None) -> Endpoint:
    """As Docker does: plain HTTP only where it is allowed by name, or never leaves the machine."""
    if not is_host(place.host):
        raise UsageError(f"{place.host!r} is not the host of a registry", hint="write HOST[:PORT]")
    registry = registry_name(place.host)
    host = HUB_HOST if registry == HUB else place.host
    allowed = {registry_name(one) for one in access.insecure_registries}
    insecure = place.insecure or registry in allowed
    both = insecure or is_loopback(host)
    return Endpoint(
        registry,
        host,
        place.repository,
        ("https", "http") if both else ("https",),
        verified=not insecure,
        mirror_of=mirror_of,
    )
