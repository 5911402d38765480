"""``auth.json`` and ``config.json``: credentials written down, and who keeps the others.

``containers-auth.json(5)``; docker/cli ``cli/config/configfile/file.go``.
"""

from __future__ import annotations

import base64
import binascii
from pathlib import Path

import msgspec

from auditor.image.registry.credential import IDENTITY, Credential
from auditor.image.registry.names import HUB_NAMES, registry_name

__all__ = ["AuthFile", "Broken", "read_auth_file"]

_LARGEST = 1 << 20
"""Bytes of such a file."""


class Broken(Exception):  # noqa: N818 - not an error until a server refuses
    """A file or a helper cannot be used; ``str()`` is a sentence without a secret."""


class _Entry(msgspec.Struct):
    auth: str = ""
    username: str = ""
    password: str = ""
    identitytoken: str = ""
    registrytoken: str = ""


class _File(msgspec.Struct):
    auths: dict[str, _Entry] | None = None
    cred_helpers: dict[str, str] | None = msgspec.field(default=None, name="credHelpers")
    creds_store: str | None = msgspec.field(default=None, name="credsStore")


class AuthFile:
    """One file that was read."""

    def __init__(self, path: Path, file: _File) -> None:
        self._path = path
        self._auths = {_key(key): (key, entry) for key, entry in (file.auths or {}).items()}
        self._auths |= {key: (key, entry) for key, entry in (file.auths or {}).items()}
        self._helpers = file.cred_helpers or {}
        self.store = file.creds_store or None
        """The helper that has what no other line says."""

    def helper(self, keys: tuple[str, ...]) -> tuple[str, str] | None:
        """The helper for the first of ``keys`` that has one, and the key as it is written."""
        written = {**{_key(key): key for key in self._helpers}, **{k: k for k in self._helpers}}
        for key in keys:
            if (known := written.get(key)) and self._helpers[known]:
                return self._helpers[known], known
        return None

    def credential(self, keys: tuple[str, ...]) -> Credential | None:
        """What is written down for the first of ``keys`` that says something."""
        for key in keys:
            if key in self._auths:
                written, entry = self._auths[key]
                if (credential := self._credential(written, entry)) is not None:
                    return credential
        return None

    def _credential(self, key: str, entry: _Entry) -> Credential | None:
        username, password = entry.username, entry.password
        if entry.auth:
            try:
                pair = base64.b64decode(entry.auth, validate=True).decode()
            except (binascii.Error, UnicodeDecodeError):
                pair = ""
            username, colon, password = pair.partition(":")
            if not colon:
                raise Broken(f"{self._path} holds no user name and password for {key}")
            password = password.strip("\0")
        identity = entry.identitytoken
        if username == IDENTITY and not identity:
            identity, password = password, ""
        if not (username or identity or entry.registrytoken):
            return None
        origin = str(self._path)
        return Credential(origin, username, password, identity, entry.registrytoken)


def read_auth_file(path: Path) -> AuthFile | None:
    """The file, or ``None`` where there is none; raises ``Broken``."""
    try:
        with path.open("rb") as stream:
            data = stream.read(_LARGEST + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Broken(f"{path} cannot be read: {error.strerror or error}") from error
    if not data.strip():
        return None
    try:
        return AuthFile(path, msgspec.json.decode(data, type=_File))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # The error's own text could quote a line of the file.
        raise Broken(f"{path} is not a file of registry credentials") from None


def _key(key: str) -> str:
    """A key as Docker's ``ConvertToHostname`` reads it, but with the namespaces kept."""
    bare = key.removeprefix("https://").removeprefix("http://").rstrip("/")
    host, slash, rest = bare.partition("/")
    if host.lower() in HUB_NAMES or key.startswith(("http://", "https://")):
        rest = "" if rest in {"v1", "v2"} else rest
    name = registry_name(host)
    return f"{name}/{rest}" if slash and rest else name
