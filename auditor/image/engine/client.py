"""What is asked of an engine: version, one image's description, and its archive.

Docker Engine API (moby ``api/docs/CHANGELOG.md``), which Podman serves too. Requests go through
the session that the SDK's client is: it has sockets and TLS, while its own methods have neither
``platform`` nor a timeout for the stream.
"""

from __future__ import annotations

import json
import re
import ssl
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, TypeVar

import docker
import msgspec
import requests
from docker.constants import MINIMUM_DOCKER_API_VERSION
from docker.tls import TLSConfig
from requests.utils import get_environ_proxies
from urllib3.exceptions import HTTPError

from auditor.errors import AccessDeniedError, ImageError, UnreachableError, UsageError
from auditor.image.engine.context import Tls
from auditor.image.engine.endpoint import Endpoint, Patience, unreachable
from auditor.image.platforms import normal
from auditor.model.image import Platform

__all__ = ["Client", "Inspected"]

_PLATFORM_SINCE = (1, 48)
"""``GET /images/{name}/get`` takes ``platform``; the changelog, "v1.48 API changes"."""
_LIMIT = 16 << 20
"""Bytes of JSON that are read."""
_TAIL = 4096
_TOLD = 300
"""Characters of an engine's message that are passed on."""
_VERSION = re.compile(r"[0-9]{1,5}(?:\.[0-9]{1,5})*")
_ERRORS = (
    docker.errors.DockerException,
    requests.RequestException,
    HTTPError,
    OSError,
    ValueError,
)
"""Everything that goes wrong between here and an engine."""

_T = TypeVar("_T")


class _Version(msgspec.Struct):
    api_version: str = msgspec.field(name="ApiVersion")


class _Target(msgspec.Struct):
    digest: str


class Inspected(msgspec.Struct, rename="pascal"):
    """The part of ``GET /images/{name}/json`` that matters here."""

    id: str
    os: str = ""
    architecture: str = ""
    variant: str | None = None
    repo_digests: list[str] | None = None
    descriptor: _Target | None = None

    def platform(self) -> Platform | None:
        """As the engine says it."""
        if not self.os or not self.architecture:
            return None
        return normal(Platform(self.os, self.architecture, self.variant or None))

    def target(self) -> str | None:
        """The digest in the containerd store, of a manifest or index."""
        return self.descriptor.digest if self.descriptor else None


class Client:
    """A connection to one engine, its API version agreed on."""

    def __init__(self, endpoint: Endpoint, environ: Mapping[str, str], patience: Patience) -> None:
        self.scheme = endpoint.scheme
        self.title = endpoint.title
        self._endpoint = endpoint
        self._environ = environ
        self._patience = patience
        try:
            with self._failures():
                self._session = _session(endpoint, patience)
        except (TypeError, AttributeError, KeyError) as error:
            # The SDK reads logins and proxies from it, and trusts their shape.
            raise UsageError(f"Docker's config.json is not what Docker writes: {error}") from error
        try:
            self._version = self._agree()
        except BaseException:
            self.close()
            raise

    @property
    def chooses_platforms(self) -> bool:
        """Whether one of several platforms can be asked for."""
        return _numbers(self._version) >= _PLATFORM_SINCE

    def inspect(self, name: str) -> Inspected | None:
        """What the engine knows of an image; ``None`` where it has none of that name."""
        with self._failures():
            response = self._get(f"/v{self._version}/images/{name}/json", self._patience.answer)
            status, body = response.status_code, _body(response)
        if status == HTTPStatus.NOT_FOUND:
            return None
        if status == HTTPStatus.BAD_REQUEST:
            raise UsageError(f"{self.title} takes {name!r} for no name: {_message(body)}")
        if status != HTTPStatus.OK:
            raise self._refusal(status, body, f"cannot describe {name!r}")
        return self._decode(body, Inspected, ImageError)

    def export(self, identity: str, name: str, platform: Platform | None) -> ExportStream | None:
        """The image's archive; ``None`` where it is not there, or not for the platform.

        The stream closes the client. ``name`` is for messages.
        """
        path = f"/v{self._version}/images/{identity}/get"
        parts = {}
        if platform is not None and self.chooses_platforms:
            parts["platform"] = json.dumps(_oci_platform(platform))
        with self._failures():
            response = self._get(path, self._patience.stream, parts)
            if response.status_code == HTTPStatus.OK:
                return ExportStream(response, self, name)
            body = _body(response)
        if response.status_code == HTTPStatus.NOT_FOUND:
            return None
        raise self._refusal(response.status_code, body, f"cannot export {name!r}")

    def close(self) -> None:
        """Let go of the connections; closing twice is harmless."""
        self._session.close()

    def _agree(self) -> str:
        """The engine's newest version of the API, which it speaks in any case."""
        with self._failures():
            response = self._get("/version", self._patience.answer)
            status, body = response.status_code, _body(response)
        if status != HTTPStatus.OK:
            told = f"{self.title} answers with an error ({status}): {_message(body)}"
            raise UnreachableError(told, hint=self._tls_hint())
        version = self._decode(body, _Version, UnreachableError).api_version
        if not _numbers(version):
            raise UnreachableError(f"{self.title} names a version that is none: {version[:50]!r}")
        if _numbers(version) < _numbers(MINIMUM_DOCKER_API_VERSION):
            raise UnreachableError(
                f"{self.title} is too old: it speaks version {version} of the API, "
                f"and {MINIMUM_DOCKER_API_VERSION} is needed",
                hint=f"pipe the image: {self.scheme.value} save IMAGE | auditor scan -",
            )
        return version

    def _tls_hint(self) -> str | None:
        if self._endpoint.socket is not None or self._endpoint.tls is not None:
            return None
        return "if it wants TLS, set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH"

    def _get(
        self, path: str, timeout: float, params: Mapping[str, str] | None = None
    ) -> requests.Response:
        with warnings.catch_warnings():
            # The user has said not to verify; urllib3 would say so on stderr at each request.
            warnings.filterwarnings("ignore", message="Unverified HTTPS request")
            response: requests.Response = self._session.get(
                f"{self._session.base_url}{path}",
                params=params,
                timeout=(self._patience.connect, timeout),
                stream=True,
                allow_redirects=False,
            )
        return response

    def _refusal(self, status: int, body: bytes, what: str) -> ImageError:
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            return AccessDeniedError(f"{self.title} refuses: {_message(body)}")
        return ImageError(f"{self.title} {what}: {_message(body)}")

    def _decode(self, body: bytes, kind: type[_T], failure: type[ImageError]) -> _T:
        try:
            return msgspec.json.decode(body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise failure(f"{self.title} gives an answer that makes no sense: {error}") from error

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """Turn what the libraries raise into our errors."""
        try:
            yield
        except _ERRORS as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: Exception) -> UnreachableError:
        cause = _system_error(error)
        if cause is None or isinstance(cause, ssl.SSLError):
            told = f"{self.title} cannot be talked to: {_reason(cause or error)}"
            return UnreachableError(told, hint=self._tls_hint())
        return unreachable([(self._endpoint, cause)], self._environ)


class ExportStream:
    """A ``Readable`` over the body of a response."""

    def __init__(self, response: requests.Response, client: Client, name: str) -> None:
        self._response: requests.Response | None = response
        self._client = client
        self._name = name
        self._tail = b""

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes as they arrive. Raises ``ImageError`` where they break off."""
        if self._response is None:
            raise ValueError("read of a closed stream")
        try:
            data: bytes = self._response.raw.read(size, decode_content=False)
        except _ERRORS as error:
            raise self._stopped(_reason(_system_error(error) or error)) from error
        if data:
            self._tail = data[-_TAIL:] if len(data) >= _TAIL else (self._tail + data)[-_TAIL:]
        elif size and (told := _trailing_error(self._tail)):
            raise self._stopped(told)
        return data

    def close(self) -> None:
        """End the transfer, wherever it is, and the connection."""
        if self._response is not None:
            self._response.close()
            self._response = None
            self._client.close()

    def _stopped(self, reason: str) -> ImageError:
        return ImageError(
            f"{self._client.title} stopped while it sent {self._name!r}: {reason}",
            hint="is the engine still running, and has its disk room left? Then try again",
        )


def _session(endpoint: Endpoint, patience: Patience) -> Any:
    """The SDK's client. With a version given it asks the engine nothing yet."""
    secure = endpoint.tls is not None
    session = docker.APIClient(
        base_url=endpoint.url.replace("tcp://", "https://", 1) if secure else endpoint.url,
        version=MINIMUM_DOCKER_API_VERSION,
        timeout=patience.answer,
        tls=_tls_config(endpoint.tls) if endpoint.tls else False,
    )
    # REQUESTS_CA_BUNDLE would win over the engine's own authority, and ~/.netrc is not for it.
    session.trust_env = False
    session.headers["Accept-Encoding"] = "identity"
    if not endpoint.is_local:  # as Go's http.ProxyFromEnvironment, which asks no proxy for these
        session.proxies = get_environ_proxies(session.base_url)
    return session


def _tls_config(tls: Tls) -> Any:
    certificate = tuple(str(path) for path in tls.certificate) if tls.certificate else None
    if not tls.verify:
        return TLSConfig(client_cert=certificate, verify=False)
    system = ssl.get_default_verify_paths()
    ca = str(tls.ca) if tls.ca else system.cafile
    return TLSConfig(client_cert=certificate, ca_cert=ca, verify=True)


def _body(response: requests.Response) -> bytes:
    """The answer, no more of it than anybody should send; the connection is given back."""
    try:
        body: bytes = response.raw.read(_LIMIT + 1, decode_content=True)
    finally:
        response.close()
    if len(body) > _LIMIT:
        raise ValueError(f"the answer has more than {_LIMIT} bytes")
    return body


def _numbers(version: str) -> tuple[int, ...]:
    """``1.48`` as numbers; none where it is no version."""
    if not _VERSION.fullmatch(version):
        return ()
    return tuple(int(part) for part in version.split("."))


def _oci_platform(platform: Platform) -> dict[str, str]:
    parts = {"os": platform.os, "architecture": platform.architecture}
    return parts | ({"variant": platform.variant} if platform.variant else {})


def _message(body: bytes) -> str:
    """The engine's own words, as one line."""
    try:
        answer = json.loads(body)
        text = answer["message"] if isinstance(answer, dict) else ""
    except (ValueError, KeyError, RecursionError):
        text = body[:_TOLD].decode(errors="replace")
    return _line(text) or "it does not say why"


def _line(text: object) -> str:
    words = " ".join(str(text)[: 2 * _TOLD].split())
    return "".join(char if char.isprintable() else "?" for char in words)[:_TOLD]


def _trailing_error(tail: bytes) -> str | None:
    """What Docker appends where an export fails half-way (moby, ``getImagesGet``)."""
    start = tail.rfind(b'{"errorDetail"')
    if start < 0:
        return None
    try:
        error = json.loads(tail[start:])
        return _line(error["error"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _system_error(error: BaseException) -> OSError | None:
    """What the system said, however deep the libraries have wrapped it."""
    seen: list[BaseException] = []
    left: list[object] = [error]
    while left:
        one = left.pop(0)
        if not isinstance(one, BaseException) or one in seen:
            continue
        seen.append(one)
        if isinstance(one, OSError) and not isinstance(one, requests.RequestException):
            return one
        left += [getattr(one, "reason", None), *one.args, one.__cause__, one.__context__]
    return TimeoutError() if isinstance(error, requests.Timeout) else None


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError | requests.Timeout):
        return "nothing came in time"
    text = error.strerror if isinstance(error, OSError) else None
    return _line(text or error) or type(error).__name__
