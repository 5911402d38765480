"""One HTTP request and its answer, by urllib3: pools, TLS and proxies. It alone imports it.

Nothing is retried or redirected here. Every failure is a ``Failure`` with a reason that holds no
secret: neither a header nor the query of a URL.
"""

from __future__ import annotations

import base64
import re
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from enum import Enum, auto
from importlib.metadata import version
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3 import exceptions

from auditor.image.hosts import is_loopback
from auditor.image.registry.trust import Trust

__all__ = ["Answer", "Failure", "Fault", "Transport"]

_CHUNK = 64 * 1024
_POOL = 16
"""Connections kept to one host; more may be open."""


class Fault(Enum):
    """What went wrong, as far as it decides what to do next."""

    UNCONNECTED = auto()
    """There was no connection."""
    BROKEN = auto()
    """There was one, and it broke or fell silent."""
    CERTIFICATE = auto()
    """The server's certificate is not trusted."""
    TLS = auto()
    """The server speaks TLS, and ended the handshake."""
    SENSELESS = auto()
    """The server says what makes no sense, and would say it again."""


class Failure(Exception):  # noqa: N818 - becomes an error when nobody can mend it
    """No answer, or half of one; ``str()`` says why."""

    def __init__(self, reason: str, fault: Fault) -> None:
        super().__init__(reason)
        self.fault = fault


class Answer:
    """A status, headers, and a body that is still to be read."""

    def __init__(self, response: urllib3.BaseHTTPResponse, url: str, silence: float) -> None:
        self._response = response
        self._silence = silence
        self.url = url
        self.status = response.status
        self.reason = response.reason or ""

    def header(self, name: str) -> str | None:
        """A header's value."""
        return self._response.headers.get(name)

    def headers(self, name: str) -> list[str]:
        """The values of a header that may be there several times."""
        return self._response.headers.getlist(name)

    @property
    def length(self) -> int | None:
        """``Content-Length``, where it counts the bytes that ``read`` gives."""
        text = self.header("Content-Length") or ""
        encoded = self.header("Content-Encoding") not in {None, "", "identity"}
        return None if encoded or not re.fullmatch(r"[0-9]{1,18}", text) else int(text)

    @property
    def chunked(self) -> bool:
        """Whether the body says itself where it ends."""
        return "chunked" in (self.header("Transfer-Encoding") or "").lower()

    def read(self, size: int) -> bytes:
        """Bytes as sent, as soon as there are some; none at the end only. Raises ``Failure``."""
        with _failures(self._silence):
            return self._response.read1(size, decode_content=False)

    def read_all(self, check: Callable[[int], None]) -> bytes:
        """The whole body without ``Content-Encoding``; ``check`` sees the size as it grows."""
        parts: list[bytes] = []
        count = 0
        while True:
            with _failures(self._silence):
                data = self._response.read(_CHUNK, decode_content=True)
            if not data:
                return b"".join(parts)
            parts.append(data)
            count += len(data)
            check(count)

    def drop(self) -> None:
        """Close, but first read what is left if it is little: the connection can be used again."""
        with suppress(Failure):
            self.read(_CHUNK)
        self.close()

    def close(self) -> None:
        """Give the connection back; one that still sends is closed."""
        self._response.close()
        self._response.release_conn()


class Transport:
    """Sends requests; several threads may at once."""

    def __init__(self, trust: Trust, unverified: frozenset[str], silence: float) -> None:
        """``unverified`` are hosts whose certificate counts for nothing; ``silence`` is seconds."""
        self._trust = trust
        self._unverified = unverified
        self._silence = silence
        self._managers: dict[str, urllib3.PoolManager] = {}
        self._lock = threading.Lock()
        self._agent = f"auditor/{version('auditor')}"

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Answer:
        """Ask once. Raises ``Failure``, and what ``Trust`` raises."""
        manager = self._manager(url)
        headers = {"User-Agent": self._agent, "Accept-Encoding": "identity", **headers}
        with _failures(self._silence):
            response = manager.request(
                method,
                url,
                headers=headers,
                body=body,
                redirect=False,
                retries=False,
                preload_content=False,
                decode_content=False,
                timeout=urllib3.Timeout(connect=self._silence, read=self._silence),
            )
        return Answer(response, url, self._silence)

    def close(self) -> None:
        """Close the connections; closing twice is harmless."""
        with self._lock:
            for manager in self._managers.values():
                manager.clear()
            self._managers.clear()

    def _manager(self, url: str) -> urllib3.PoolManager:
        parts = urlsplit(url)
        key = f"{parts.scheme}://{parts.netloc}"
        with self._lock:
            if key not in self._managers:
                self._managers[key] = self._new_manager(parts.scheme, parts.netloc)
            return self._managers[key]

    def _new_manager(self, scheme: str, host: str) -> urllib3.PoolManager:
        context: ssl.SSLContext | None = None
        if scheme == "https":
            verified = host not in self._unverified
            context = self._trust.context(host, verified=verified)
            if not verified:  # the user asked for it by name
                urllib3.disable_warnings(exceptions.InsecureRequestWarning)
        proxy = _proxy(scheme, host)
        if proxy is None:
            return urllib3.PoolManager(maxsize=_POOL, ssl_context=context)
        return _proxied(proxy, context)


def _proxied(proxy: str, context: ssl.SSLContext | None) -> urllib3.PoolManager:
    """Connections through a proxy, whose URL may hold its user's name and password."""
    try:
        parts = urlsplit(proxy)
        headers: dict[str, str] = {}
        if parts.username:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
            headers["Proxy-Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        place = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        return urllib3.ProxyManager(
            place, maxsize=_POOL, proxy_headers=headers, ssl_context=context
        )
    except exceptions.ProxySchemeUnknown:
        reason = f"of a kind that is not supported: {parts.scheme}"
    except (exceptions.HTTPError, ValueError):
        reason = "no URL"
    raise Failure(f"the proxy of the environment is {reason}", Fault.SENSELESS)


def _proxy(scheme: str, host: str) -> str | None:
    """The proxy that the environment names for a host; never for this machine, as in Go."""
    proxies = getproxies()
    proxy = proxies.get(scheme) or proxies.get("all")
    if not proxy or is_loopback(host) or proxy_bypass(host):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


@contextmanager
def _failures(silence: float) -> Iterator[None]:
    """urllib3's and the socket's errors as ``Failure``s."""
    try:
        yield
    except exceptions.ProxyError as error:
        reason = _system_reason(error.original_error) or "no connection"
        raise Failure(f"the proxy of the environment: {reason}", Fault.UNCONNECTED) from error
    except exceptions.NameResolutionError as error:
        raise Failure("its name cannot be resolved", Fault.UNCONNECTED) from error
    except exceptions.NewConnectionError as error:
        reason = _system_reason(error) or "no connection"
        raise Failure(reason, Fault.UNCONNECTED) from error
    except exceptions.ConnectTimeoutError as error:
        raise Failure(f"no connection within {silence:g} seconds", Fault.UNCONNECTED) from error
    except exceptions.ReadTimeoutError as error:
        raise Failure(f"not a byte for {silence:g} seconds", Fault.BROKEN) from error
    except exceptions.SSLError as error:
        raise _tls_failure(error) from error
    except exceptions.LocationValueError as error:
        raise Failure("its address makes no sense", Fault.SENSELESS) from error
    except (exceptions.HTTPError, OSError, ValueError) as error:
        raise Failure("the connection broke", Fault.BROKEN) from error


def _tls_failure(error: BaseException) -> Failure:
    for one in _chain(error):
        if isinstance(one, ssl.SSLCertVerificationError):
            return Failure(
                f"its certificate is not trusted: {one.verify_message}", Fault.CERTIFICATE
            )
        if isinstance(one, ssl.SSLError) and one.reason:
            words = one.reason.lower().replace("_", " ")
            fault = Fault.TLS if " alert " in words else Fault.UNCONNECTED
            return Failure(f"no TLS connection: {words}", fault)
    return Failure("no TLS connection", Fault.UNCONNECTED)


def _system_reason(error: BaseException) -> str | None:
    for one in _chain(error):
        if isinstance(one, exceptions.NameResolutionError):
            return "its name cannot be resolved"
        if isinstance(one, OSError):
            text = one.strerror or str(one)
            return text[:200].lower() if one.strerror else text[:200]
    return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen = 0
    while error is not None and seen < 8:  # noqa: PLR2004 - no chain is that long
        yield error
        inner = next((a for a in error.args if isinstance(a, BaseException)), None)
        error = inner or error.__cause__ or error.__context__
        seen += 1
