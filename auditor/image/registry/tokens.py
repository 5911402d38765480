"""From a server's challenge to a value of ``Authorization``.

https://distribution.github.io/distribution/spec/auth/token and ``…/auth/oauth``: a token server
gives a token for a repository, to anybody, to a user name and password, or to an identity token.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import urlencode, urlsplit

import msgspec

from auditor.errors import ImageError
from auditor.image.registry.challenges import Challenge
from auditor.image.registry.credential import Credential
from auditor.image.registry.credentials import Found, find_credential
from auditor.image.registry.endpoints import Endpoint
from auditor.image.registry.refusals import denied, problem, refusal, unreachable
from auditor.image.registry.sending import Sender
from auditor.image.registry.transport import Answer, Failure

__all__ = ["Authorizer"]

_VISIBLE = re.compile(r"[\x21-\x7e]+")
"""What may stand in a header as a token."""
_LARGEST = 1 << 20
_REFUSALS = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


class _Token(msgspec.Struct):
    token: str | None = None
    access_token: str | None = None


class Authorizer:
    """The proof for one repository at one endpoint; several threads may ask for it at once."""

    def __init__(self, endpoint: Endpoint, sender: Sender, time_limit: float) -> None:
        """``time_limit`` is in seconds, for a credential helper."""
        self._endpoint = endpoint
        self._sender = sender
        self._time_limit = time_limit
        self._lock = threading.Lock()
        self._found: Found | None = None
        self.current: str | None = None
        """The value that was last accepted, or may be."""

    @property
    def found(self) -> Found:
        """The credential that was looked up, if it was."""
        return self._found or Found()

    def renew(
        self, challenges: Sequence[Challenge], refused: str | None, *, secure: bool
    ) -> str | None:
        """A value to try instead of the ``refused`` one; ``None`` where there is no other.

        ``secure`` is whether the challenge came by TLS. Of several threads that were refused, one
        asks for a new token, and the others get the same. Raises ``ImageError``s.
        """
        with self._lock:
            if self.current != refused:
                return self.current
            value = self._answer(challenges, secure=secure)
            if value == refused:
                return None
            self.current = value
            return value

    def _answer(self, challenges: Sequence[Challenge], *, secure: bool) -> str | None:
        credential = self._credential()
        if credential is not None and credential.registry_token:
            if not _VISIBLE.fullmatch(credential.registry_token):
                raise ImageError(f"the token from {credential.origin} holds what no token can")
            return f"Bearer {credential.registry_token}"
        for challenge in challenges:
            if challenge.scheme == "bearer" and challenge.get("realm"):
                return f"Bearer {self._token(challenge, credential, secure=secure)}"
        if any(challenge.scheme == "basic" for challenge in challenges):
            return credential.basic if credential else None
        return None

    def _credential(self) -> Credential | None:
        if self._found is None:
            endpoint = self._endpoint
            self._found = find_credential(
                endpoint.registry,
                endpoint.repository,
                asked=endpoint.mirror_of is None,
                time_limit=self._time_limit,
            )
        return self._found.credential

    def _token(self, challenge: Challenge, credential: Credential | None, *, secure: bool) -> str:
        realm = challenge.get("realm")
        subject = f"a token for {self._endpoint.repository}"
        scheme = urlsplit(realm).scheme
        if scheme not in {"http", "https"} or (secure and scheme == "http"):
            raise ImageError(
                f"{self._endpoint.title} names a token server that is not asked: "
                f"its address is not https"
            )
        form = {
            "service": challenge.get("service"),
            "scope": challenge.get("scope") or f"repository:{self._endpoint.repository}:pull",
        }
        try:
            answer = self._ask(realm, {k: v for k, v in form.items() if v}, credential)
            if answer.status != HTTPStatus.OK:
                if answer.status in _REFUSALS:
                    raise denied(self._endpoint, subject, problem(answer), self.found)
                raise refusal(answer, self._endpoint, subject, self.found)
            return self._read(answer)
        except Failure as failure:
            raise unreachable(failure, self._endpoint, subject) from failure

    def _ask(self, realm: str, form: dict[str, str], credential: Credential | None) -> Answer:
        headers = {"Accept": "application/json"}
        if credential is not None and credential.identity_token:
            fields = {
                "grant_type": "refresh_token",
                "client_id": "auditor",
                "refresh_token": credential.identity_token,
                **form,
            }
            kind = {"Content-Type": "application/x-www-form-urlencoded"}
            return self._sender.post(realm, {**headers, **kind}, urlencode(fields).encode())
        joint = "&" if urlsplit(realm).query else "?"
        url = f"{realm.partition('#')[0]}{joint}{urlencode(form)}"
        return self._sender.get(url, headers, credential.basic if credential else None)

    def _read(self, answer: Answer) -> str:
        def check(size: int) -> None:
            if size > _LARGEST:
                raise self._no_token()

        try:
            data = answer.read_all(check)
            given = msgspec.json.decode(data, type=_Token)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise self._no_token() from None
        finally:
            answer.close()
        token = given.token or given.access_token or ""
        if not _VISIBLE.fullmatch(token):
            raise self._no_token()
        return token

    def _no_token(self) -> ImageError:
        return ImageError(f"the token server of {self._endpoint.title} answers without a token")
