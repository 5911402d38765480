"""Whose certificates are believed, and which of our own is shown.

The system's authorities (``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` are OpenSSL's), a file of the
user's, and the directories of Docker and of ``containers-certs.d(5)``: ``*.crt`` are authorities,
``NAME.cert`` with ``NAME.key`` is a client's certificate.
"""

from __future__ import annotations

import ssl
from pathlib import Path

from auditor.errors import ImageError, UsageError

__all__ = ["Trust"]


class Trust:
    """Makes the TLS settings for a host."""

    def __init__(self, ca_file: Path | None) -> None:
        self._ca_file = ca_file
        self._usual: ssl.SSLContext | None = None

    def context(self, host: str, *, verified: bool) -> ssl.SSLContext:
        """Settings for ``host[:port]``; raises ``UsageError`` and ``ImageError`` for bad files."""
        directories = [path for path in _directories(host) if path.is_dir()]
        if verified and not directories:
            if self._usual is None:
                self._usual = self._new()
            return self._usual
        context = self._new()
        for directory in directories:
            _add(context, directory)
        if not verified:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def _new(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self._ca_file is not None:
            try:
                context.load_verify_locations(cafile=str(self._ca_file))
            except OSError as error:
                raise UsageError(
                    f"{self._ca_file} cannot be used as certificate authority: {_reason(error)}",
                    hint="--registry-ca takes a PEM file of certificates",
                ) from error
        return context


def _directories(host: str) -> tuple[Path, ...]:
    home = Path.home()
    return (
        Path("/etc/docker/certs.d") / host,
        Path("/etc/containers/certs.d") / host,
        home / ".config/docker/certs.d" / host,
        home / ".config/containers/certs.d" / host,
    )


def _add(context: ssl.SSLContext, directory: Path) -> None:
    try:
        names = sorted(directory.iterdir())
    except OSError as error:
        raise ImageError(f"{directory} cannot be read: {_reason(error)}") from error
    for path in names:
        key = path.with_suffix(".key")
        try:
            if path.suffix == ".crt":
                context.load_verify_locations(cafile=str(path))
            elif path.suffix == ".cert":
                context.load_cert_chain(path, key, password=_no_password)
        except OSError as error:
            what = f"{path} and {key.name}" if path.suffix == ".cert" else str(path)
            raise ImageError(
                f"{what} cannot be used: {_reason(error)}", hint="mend or move the file"
            ) from error


def _no_password() -> bytes:
    """An encrypted key is an error, not a question on the terminal."""
    return b""


def _reason(error: OSError) -> str:
    return getattr(error, "reason", None) or error.strerror or str(error)
