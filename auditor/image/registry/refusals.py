"""What a registry's refusal means, as one of our errors with one sentence.

The codes are those of the OCI Distribution Specification 1.1, "Error Codes".
"""

from __future__ import annotations

from http import HTTPStatus

import msgspec

from auditor.errors import AccessDeniedError, ImageError, ImageNotFoundError, UnreachableError
from auditor.image.registry.credentials import Found
from auditor.image.registry.endpoints import Endpoint
from auditor.image.registry.names import HUB
from auditor.image.registry.transport import Answer, Failure, Fault

__all__ = ["denied", "problem", "refusal", "unreachable"]

_LARGEST = 64 * 1024
"""Bytes of an error's body."""
_LONGEST = 300
"""Characters of a server's words in a sentence."""


class _Error(msgspec.Struct):
    code: str = ""
    message: str = ""


class _Errors(msgspec.Struct):
    errors: list[_Error] | None = None
    details: str | None = None
    """As Docker Hub's token server says it."""
    error: str | None = None
    error_description: str | None = None
    """As OAuth 2 says it (RFC 6749, section 5.2)."""


class _TooLargeError(Exception):
    """Nobody says that much of an error."""


def problem(answer: Answer) -> str:
    """The server's own words, where it says them in JSON; closes the answer."""
    try:
        body = answer.read_all(_check)
        told = msgspec.json.decode(body, type=_Errors)
    except (Failure, _TooLargeError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    finally:
        answer.close()
    lines = [": ".join(filter(None, (one.code, one.message))) for one in (told.errors or [])[:3]]
    lines += [told.details or "", told.error_description or told.error or ""]
    text = "; ".join(filter(None, lines))
    return f"{text[:_LONGEST]}…" if len(text) > _LONGEST else text


def refusal(answer: Answer, endpoint: Endpoint, subject: str, found: Found) -> ImageError:
    """The error for an answer that is not what was asked for; closes the answer.

    ``subject`` is what was asked for, with its repository.
    """
    status = answer.status
    words = problem(answer)
    said = f" ({words})" if words else ""
    if status == HTTPStatus.NOT_FOUND:
        return ImageNotFoundError(
            f"{endpoint.title} has no {subject}{said}",
            hint="look for a slip in name, tag or digest",
        )
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return denied(endpoint, subject, words, found)
    line = f"{status} {answer.reason}".strip()
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return UnreachableError(
            f"{endpoint.title} answers that there were too many requests, for {subject}{said}",
            hint="wait, or log in: Docker Hub lets those who are logged in pull more"
            if endpoint.registry == HUB
            else "try again later",
        )
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        return UnreachableError(
            f"{endpoint.title} answers {line} for {subject}{said}", hint="try again later"
        )
    return ImageError(f"{endpoint.title} answers {line} for {subject}{said}")


def denied(endpoint: Endpoint, subject: str, words: str, found: Found) -> AccessDeniedError:
    """The error for a refused proof, or for none."""
    host = endpoint.registry
    login = "docker login" if host == HUB else f"docker login {host}"
    said = f" ({words})" if words else ""
    more = "".join(f"; {line}" for line in found.problems)
    if found.credential is None:
        hint = f"if the image is private, log in with {login} or podman login {host}"
    else:
        hint = (
            f"the credentials from {found.credential.origin} were shown; if they are old, "
            f"log in again with {login}"
        )
    if host == HUB:
        hint += "; Docker Hub says the same of images that do not exist"
    return AccessDeniedError(f"{endpoint.title} refuses access to {subject}{said}{more}", hint=hint)


def unreachable(failure: Failure, endpoint: Endpoint, subject: str) -> UnreachableError:
    """The error for no answer."""
    hint = "look at the registry's name, the network and the proxy settings"
    if failure.fault is Fault.CERTIFICATE:
        hint = (
            "trust its authority with --registry-ca FILE, "
            f"or do without trust with --insecure-registry {endpoint.registry}"
        )
    if failure.fault is Fault.TLS:
        hint = (
            "if it asks for a client's certificate, put client.cert and client.key into "
            f"/etc/containers/certs.d/{endpoint.host}"
        )
    return UnreachableError(f"{endpoint.title} cannot be asked for {subject}: {failure}", hint=hint)


def _check(size: int) -> None:
    if size > _LARGEST:
        raise _TooLargeError
