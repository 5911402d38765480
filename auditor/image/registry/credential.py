"""A secret and whose it is; it never shows in a message, a ``repr`` or a log."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field

__all__ = ["IDENTITY", "Credential"]

IDENTITY = "<token>"
"""The user name that says the password is an identity token (docker/cli, ``native_store.go``)."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What to show a registry, or its token server."""

    origin: str
    """Where it was found, for a sentence."""
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    """To be exchanged for a token (OAuth 2's refresh token)."""
    registry_token: str = field(default="", repr=False)
    """To be shown to the registry as it is."""

    @property
    def basic(self) -> str | None:
        """The value of ``Authorization`` for the scheme Basic (RFC 7617)."""
        if not self.username or self.username == IDENTITY:
            return None
        pair = f"{self.username}:{self.password}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"
