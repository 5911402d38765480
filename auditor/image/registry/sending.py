"""A request until it is answered: redirects are followed, and passing faults are waited out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from urllib.parse import SplitResult, urljoin, urlsplit

from auditor.image.registry.patience import AGAIN, Patience
from auditor.image.registry.transport import Answer, Failure, Fault, Transport

__all__ = ["Sender", "origin"]

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5
_PORTS = {"http": 80, "https": 443}


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port: what may see the same secrets (RFC 6454)."""
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme)


class Sender:
    """Sends through a ``Transport``; several threads may at once."""

    def __init__(self, transport: Transport, patience: Patience) -> None:
        self._transport = transport
        self._patience = patience
        self._reached: set[tuple[str, str, int | None]] = set()
        self._lock = threading.Lock()

    def get(
        self,
        url: str,
        headers: Mapping[str, str],
        authorization: str | None,
        *,
        probe: bool = False,
    ) -> Answer:
        """The answer, whatever its status, unless trying again may give another.

        ``authorization`` goes to the host of ``url`` and to no other. With ``probe`` a failure is
        final. Raises ``Failure``.
        """
        return self._persist(url, lambda: self._follow(url, headers, authorization), probe=probe)

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """The answer to a form, as ``get`` gives it, but no redirect is followed."""
        return self._persist(url, lambda: self._transport.send("POST", url, headers, body))

    def _persist(self, url: str, ask: Callable[[], Answer], *, probe: bool = False) -> Answer:
        tried = 0
        while True:
            tried += 1
            try:
                answer = ask()
            except Failure as failure:
                if probe or tried >= self._patience.tries or not self._passing(url, failure):
                    raise
                self._patience.wait(tried)
                continue
            if answer.status not in AGAIN or tried >= self._patience.tries:
                return answer
            after = answer.header("Retry-After")
            answer.drop()
            self._patience.wait(tried, after)

    def _passing(self, url: str, failure: Failure) -> bool:
        """Whether a failure may be gone in a moment: the host was there before."""
        if failure.fault is Fault.UNCONNECTED:
            return origin(url) in self._reached
        return failure.fault is Fault.BROKEN

    def _follow(self, url: str, headers: Mapping[str, str], authorization: str | None) -> Answer:
        home = origin(url)
        for _ in range(_MOST_REDIRECTS + 1):
            secret = {"Authorization": authorization} if authorization else {}
            # What a redirect leads to has its own proof in its URL, and must not see ours.
            sent = {**headers, **(secret if origin(url) == home else {})}
            answer = self._transport.send("GET", url, sent)
            with self._lock:
                self._reached.add(origin(url))
            target = answer.header("Location")
            if answer.status not in _REDIRECTS or not target:
                return answer
            answer.drop()
            url = _redirected(url, target)
        raise Failure(f"it redirects more than {_MOST_REDIRECTS} times", Fault.SENSELESS)


def _redirected(url: str, target: str) -> str:
    try:
        new = urljoin(url, target)
        parts = urlsplit(new)
        _ = parts.port
    except ValueError as error:
        raise Failure("it redirects to what is no address", Fault.SENSELESS) from error
    if parts.scheme not in _PORTS or not parts.hostname:
        raise Failure(f"it redirects to {parts.scheme or 'no'}: address", Fault.SENSELESS)
    if parts.scheme == "http" and url.startswith("https:"):
        raise Failure(
            f"it redirects from https to plain http, at {parts.hostname}", Fault.SENSELESS
        )
    return _without_user(parts)


def _without_user(parts: SplitResult) -> str:
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="").geturl()
