"""One repository at one endpoint: its manifests and blobs (OCI Distribution Specification 1.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus

from auditor.errors import CorruptImageError, ImageError
from auditor.image.bounds import Bounds
from auditor.image.manifest import INDEX_TYPES, MANIFEST_TYPES
from auditor.image.registry.challenges import parse_challenges
from auditor.image.registry.endpoints import Endpoint
from auditor.image.registry.patience import Patience
from auditor.image.registry.refusals import refusal, unreachable
from auditor.image.registry.sending import Sender, origin
from auditor.image.registry.tokens import Authorizer
from auditor.image.registry.transport import Answer, Failure, Fault

__all__ = ["Document", "Repository"]

_ACCEPT = ", ".join(sorted(INDEX_TYPES | MANIFEST_TYPES))
_START = re.compile(r"bytes ([0-9]{1,18})-[0-9]{1,18}/(?:[0-9]{1,18}|\*)")
_SKIP = 1 << 20


@dataclass(frozen=True, slots=True)
class Document:
    """A manifest or an index as it was sent."""

    data: bytes
    digest: str | None
    """As the registry says (``Docker-Content-Digest``)."""


class Repository:
    """Asks one endpoint; several threads may at once."""

    def __init__(
        self, endpoint: Endpoint, sender: Sender, bounds: Bounds, patience: Patience
    ) -> None:
        self.endpoint = endpoint
        self._sender = sender
        self._bounds = bounds
        self._patience = patience
        self._authorizer = Authorizer(endpoint, sender, patience.silence)
        self._scheme: str | None = None

    def manifest(self, version: str) -> Document:
        """The manifest of a tag or digest, whose digest is not checked here.

        Raises ``ImageError``s.
        """
        subject = f"image {self.endpoint.repository}{'@' if ':' in version else ':'}{version}"
        tried = 0
        while True:
            tried += 1
            answer = self._ask(f"manifests/{version}", {"Accept": _ACCEPT}, subject)
            if answer.status != HTTPStatus.OK:
                raise refusal(answer, self.endpoint, subject, self._authorizer.found)
            try:
                return Document(self._read(answer, subject), answer.header("Docker-Content-Digest"))
            except Failure as failure:
                if tried >= self._patience.tries:
                    raise unreachable(failure, self.endpoint, subject) from failure
            finally:
                answer.close()
            self._patience.wait(tried)

    def blob(self, digest: str, size: int | None, offset: int = 0) -> Answer:
        """A blob's bytes from ``offset`` on; ``size`` is what the whole should have.

        Raises ``ImageError``s: ``ImageNotFoundError`` where it is not there; and ``Failure``
        where the answer breaks off before the offset.
        """
        subject = f"blob {digest} of {self.endpoint.repository}"
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        answer = self._ask(f"blobs/{digest}", headers, subject)
        if answer.status not in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT}:
            raise refusal(answer, self.endpoint, subject, self._authorizer.found)
        try:
            self._place(answer, subject, size, offset)
        except BaseException:
            answer.close()
            raise
        return answer

    def _place(self, answer: Answer, subject: str, size: int | None, offset: int) -> None:
        """Hold the answer against what was asked for, and skip what was had before."""
        start = 0
        if answer.status == HTTPStatus.PARTIAL_CONTENT:
            found = _START.fullmatch(answer.header("Content-Range") or "")
            if found is None or not offset or int(found[1]) != offset:
                raise ImageError(
                    f"{self.endpoint.title} answers with another part of {subject} "
                    "than it was asked for"
                )
            start = offset
        length = answer.length
        if size is not None and length is not None and start + length != size:
            raise CorruptImageError(
                f"{self.endpoint.title} has {start + length} bytes for {subject} "
                f"where its descriptor says {size}"
            )
        while start < offset:
            data = answer.read(min(_SKIP, offset - start))
            if not data:
                raise CorruptImageError(f"{self.endpoint.title} has {subject} in two lengths")
            start += len(data)

    def _read(self, answer: Answer, subject: str) -> bytes:
        name = f"{subject} of {self.endpoint.title}"
        self._bounds.check("json_size", answer.length or 0, name)
        return answer.read_all(lambda size: self._bounds.check("json_size", size, name))

    def _ask(self, path: str, headers: dict[str, str], subject: str) -> Answer:
        try:
            if self._scheme is not None:
                return self._authorized(self._scheme, path, headers)
            return self._first(path, headers)
        except Failure as failure:
            raise unreachable(failure, self.endpoint, subject) from failure

    def _first(self, path: str, headers: dict[str, str]) -> Answer:
        """Find out whether the endpoint speaks TLS; one that does is not asked in plain HTTP."""
        *before, last = self.endpoint.schemes
        for scheme in before:
            try:
                answer = self._authorized(scheme, path, headers, probe=True)
            except Failure as failure:
                if failure.fault not in {Fault.UNCONNECTED, Fault.BROKEN}:
                    raise
                continue
            self._scheme = scheme
            return answer
        answer = self._authorized(last, path, headers)
        self._scheme = last
        return answer

    def _authorized(
        self, scheme: str, path: str, headers: dict[str, str], *, probe: bool = False
    ) -> Answer:
        url = f"{scheme}://{self.endpoint.host}/v2/{self.endpoint.repository}/{path}"
        shown = self._authorizer.current
        answer = self._sender.get(url, headers, shown, probe=probe)
        # Only the registry itself may ask for a proof, not what it redirects to.
        if answer.status != HTTPStatus.UNAUTHORIZED or origin(answer.url) != origin(url):
            return answer
        challenges = parse_challenges(answer.headers("WWW-Authenticate"))
        try:
            value = self._authorizer.renew(challenges, shown, secure=scheme == "https")
        except BaseException:
            answer.close()
            raise
        if value is None:
            return answer
        answer.drop()
        return self._sender.get(url, headers, value)
