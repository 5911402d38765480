"""Where an engine listens, and how long to wait for it. Nothing here needs the SDK.

Docker: ``DOCKER_HOST``, else the context (``DOCKER_CONTEXT``, or ``currentContext`` of
``config.json``), else the usual sockets; in this order in docker/cli, ``cli/command/cli.go``,
``resolveContextName``. Podman: ``CONTAINER_HOST``, else the user's socket, else the system's;
podman-system-service(1) and containers/common ``pkg/config``.
"""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from auditor.errors import UnreachableError, UsageError
from auditor.image.engine.context import Tls, chosen_context, tls_in
from auditor.image.hosts import is_loopback
from auditor.model.image import Scheme

__all__ = ["ENGINES", "Endpoint", "Patience", "candidates", "first_that_answers", "unreachable"]

ENGINES = {Scheme.DOCKER: "Docker", Scheme.PODMAN: "Podman"}
"""What people call them."""

_DOCKER_SOCKET = "/var/run/docker.sock"
_PODMAN_SOCKET = "/run/podman/podman.sock"
_PORT = 2375
_TLS_PORT = 2376
"""Registered with IANA for Docker; docker/cli ``opts/hosts.go``."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds to wait before giving up."""

    connect: float = 5
    """For a connection."""
    answer: float = 30
    """For a question that needs no work."""
    stream: float = 120
    """For the next bytes of an image. Engines write the archive to disk before the first one."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One place where an engine may listen."""

    scheme: Scheme
    url: str
    """``unix:///path`` or ``tcp://host:port[/path]``."""
    tls: Tls | None = None
    told_by: str | None = None
    """The setting that names it; ``None`` for a usual place."""

    @property
    def socket(self) -> str | None:
        """The path of a Unix socket."""
        return self.url.removeprefix("unix://") if self.url.startswith("unix://") else None

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine."""
        return self.socket is not None or is_loopback(urlsplit(self.url).netloc)

    @property
    def title(self) -> str:
        """What to call it in a message."""
        return f"{ENGINES[self.scheme]} at {self.url}"


def candidates(scheme: Scheme, environ: Mapping[str, str]) -> tuple[Endpoint, ...]:
    """Where to look for an engine: one place if the user names it, else the usual ones.

    Raises ``UsageError`` for settings that make no sense, ``UnreachableError`` for a host that
    cannot be spoken to from here.
    """
    if scheme is Scheme.PODMAN:
        return _podman(environ)
    return _docker(environ)


def _docker(environ: Mapping[str, str]) -> tuple[Endpoint, ...]:
    if host := environ.get("DOCKER_HOST", "").strip():
        return (_parse(Scheme.DOCKER, host, "DOCKER_HOST", _tls_of(environ)),)
    context = chosen_context(environ)
    if context is not None:
        return (_parse(Scheme.DOCKER, context.host, context.told_by, context.tls),)
    paths = [_DOCKER_SOCKET]
    if runtime := environ.get("XDG_RUNTIME_DIR"):
        paths.append(f"{runtime}/docker.sock")  # rootless
    return _usual(Scheme.DOCKER, paths)


def _podman(environ: Mapping[str, str]) -> tuple[Endpoint, ...]:
    if host := environ.get("CONTAINER_HOST", "").strip():
        return (_parse(Scheme.PODMAN, host, "CONTAINER_HOST", None),)
    users = f"/run/user/{os.getuid()}"
    paths = [f"{runtime}/podman/podman.sock" for runtime in (_runtime(environ), users) if runtime]
    return _usual(Scheme.PODMAN, [*paths, _PODMAN_SOCKET])


def _runtime(environ: Mapping[str, str]) -> str | None:
    return environ.get("XDG_RUNTIME_DIR", "").rstrip("/") or None


def _usual(scheme: Scheme, paths: Sequence[str]) -> tuple[Endpoint, ...]:
    return tuple(Endpoint(scheme, f"unix://{path}") for path in dict.fromkeys(paths))


def _tls_of(environ: Mapping[str, str]) -> Tls | None:
    """``DOCKER_TLS_VERIFY``, ``DOCKER_TLS`` and ``DOCKER_CERT_PATH`` (docker/cli, ``opts``)."""
    verify = bool(environ.get("DOCKER_TLS_VERIFY"))
    if not verify and not environ.get("DOCKER_TLS"):
        return None
    folder = environ.get("DOCKER_CERT_PATH") or environ.get("DOCKER_CONFIG")
    if not folder:
        folder = str(Path(environ.get("HOME") or "/") / ".docker")
    return tls_in(Path(folder), verify=verify, told_by="DOCKER_CERT_PATH")


def _parse(scheme: Scheme, host: str, told_by: str, tls: Tls | None) -> Endpoint:
    endpoint = Endpoint(scheme, host, tls, told_by)
    kind, separator, rest = host.partition("://")
    if not host.isprintable():
        kind = ""
    if kind == "unix" and separator:
        path = rest or (_DOCKER_SOCKET if scheme is Scheme.DOCKER else _PODMAN_SOCKET)
        return replace(endpoint, url=f"unix:///{path.lstrip('/')}", tls=None)
    if kind in {"tcp", "http", "https"} and separator:
        if kind == "https":
            endpoint = replace(endpoint, tls=tls or Tls())
        return _tcp(endpoint, rest)
    if kind == "ssh" and separator:
        engine = scheme.value
        raise UnreachableError(
            f"{told_by} is {host!r}, and engines are not reached by ssh",
            hint=f"pipe the image: ssh {rest or 'HOST'} {engine} save IMAGE | auditor scan -",
        )
    raise UsageError(
        f"{told_by} is {host!r}, which is no address of an engine",
        hint="write unix:///PATH or tcp://HOST:PORT",
    )


def _tcp(endpoint: Endpoint, rest: str) -> Endpoint:
    try:
        parts = urlsplit(f"//{rest}")
        port = parts.port or (_TLS_PORT if endpoint.tls else _PORT)
    except ValueError:
        parts, port = urlsplit(""), 0
    if not parts.hostname or "@" in parts.netloc or parts.query or parts.fragment:
        raise UsageError(
            f"{endpoint.told_by} is {endpoint.url!r}, which is no address of an engine",
            hint="write tcp://HOST:PORT",
        )
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return replace(endpoint, url=f"tcp://{name}:{port}{parts.path.rstrip('/')}")


def first_that_answers(
    places: Sequence[Endpoint], environ: Mapping[str, str], patience: Patience
) -> Endpoint:
    """The first place where something listens. Hosts are taken at their word.

    Raises ``UnreachableError`` with every place that was tried, and why it is not the one.
    """
    failures: list[tuple[Endpoint, OSError]] = []
    for place in places:
        if place.socket is None:
            return place
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
                probe.settimeout(patience.connect)
                probe.connect(place.socket)
        except OSError as error:  # also a path that is too long for a socket
            failures.append((place, error))
        else:
            return place
    raise unreachable(failures, environ)


def unreachable(
    failures: Sequence[tuple[Endpoint, OSError]], environ: Mapping[str, str]
) -> UnreachableError:
    """The error for places that were tried in vain."""
    scheme = failures[0][0].scheme
    tried = "; ".join(
        f"{place.url}{f' (from {place.told_by})' if place.told_by else ''}: {_reason(error)}"
        for place, error in failures
    )
    return UnreachableError(
        f"{ENGINES[scheme]} does not answer at {tried}",
        hint=" ".join(_hints(scheme, [error for _, error in failures], environ)),
    )


def _reason(error: OSError) -> str:
    match error:
        case FileNotFoundError():
            return "there is no such socket"
        case PermissionError():
            return "permission denied"
        case ConnectionRefusedError():
            return "connection refused, nothing listens there"
        case TimeoutError():
            return "no answer in time"
    return error.strerror or str(error) or type(error).__name__


def _hints(scheme: Scheme, errors: Sequence[OSError], environ: Mapping[str, str]) -> Iterator[str]:
    denied = any(isinstance(error, PermissionError) for error in errors)
    if scheme is Scheme.DOCKER:
        if denied:
            yield "join the group docker (sudo usermod -aG docker $USER, then log in anew),"
            yield "or run this with sudo"
        else:
            yield "start Docker, or say where it is with DOCKER_HOST;"
            yield "registry:NAME needs no engine"
    elif denied:
        yield "use your own Podman (systemctl --user start podman.socket), or run this with sudo"
    elif shutil.which("podman", path=environ.get("PATH")):
        yield "start its service: systemctl --user start podman.socket,"
        yield "or podman system service --time=0 &;"
        yield "or pipe the image: podman save IMAGE | auditor scan -"
    else:
        yield "start Podman's service, or say where it is with CONTAINER_HOST;"
        yield "registry:NAME needs no engine"
