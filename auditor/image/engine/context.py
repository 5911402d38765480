"""Docker's contexts: the engine that ``docker context use`` has chosen, and its TLS material.

Layout as in docker/cli ``cli/context/store``: ``contexts/meta/<id>/meta.json`` and
``contexts/tls/<id>/docker/{ca,cert,key}.pem``, where the id is the SHA-256 of the name. The SDK's
own reader passes over ``DOCKER_CONTEXT`` and raises bare exceptions, so it is not used.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from auditor.errors import UnreachableError, UsageError

__all__ = ["Context", "Tls", "chosen_context", "tls_in"]

_LIMIT = 1 << 20
"""Bytes of a file that is believed to be a setting."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Tls:
    """How to trust an engine, and how to be trusted by it."""

    verify: bool = True
    ca: Path | None = None
    """PEM file; ``None`` for the system's authorities."""
    certificate: tuple[Path, Path] | None = None
    """Certificate and key, PEM."""


@dataclass(frozen=True, slots=True)
class Context:
    """Where a context says that its engine is."""

    host: str
    tls: Tls | None
    told_by: str


class _Config(msgspec.Struct, rename="camel"):
    current_context: str = ""


class _Engine(msgspec.Struct):
    host: str = msgspec.field(name="Host", default="")
    skip_verify: bool = msgspec.field(name="SkipTLSVerify", default=False)


class _Meta(msgspec.Struct):
    endpoints: dict[str, _Engine] = msgspec.field(name="Endpoints", default_factory=dict)


def chosen_context(environ: Mapping[str, str]) -> Context | None:
    """The context in force; ``None`` for the default one, which is no file.

    Raises ``UsageError`` where it is not there or makes no sense, ``UnreachableError`` where its
    files cannot be read.
    """
    folder = _folder(environ)
    name, told_by = environ.get("DOCKER_CONTEXT", ""), "DOCKER_CONTEXT"
    if not name:
        told_by = f"{folder}/config.json"
        data = _read(folder / "config.json")
        name = _decode(data, _Config, told_by).current_context if data is not None else ""
    if name in {"", "default"}:
        return None
    identity = hashlib.sha256(name.encode(errors="replace")).hexdigest()
    file = folder / "contexts/meta" / identity / "meta.json"
    data = _read(file)
    if data is None:
        raise UsageError(
            f"{told_by} chooses the Docker context {name!r}, which is not there",
            hint="docker context ls shows those that are",
        )
    engine = _decode(data, _Meta, str(file)).endpoints.get("docker", _Engine())
    if not engine.host:
        raise UsageError(f"the Docker context {name!r} names no engine")
    title = f"the Docker context {name!r}"
    material = folder / "contexts/tls" / identity / "docker"
    tls = tls_in(material, verify=not engine.skip_verify, told_by=title)
    there = tls.ca or tls.certificate or engine.skip_verify
    return Context(engine.host, tls if there else None, title)


def tls_in(folder: Path, *, verify: bool, told_by: str) -> Tls:
    """What a directory with ``ca.pem``, ``cert.pem`` and ``key.pem`` holds; each may be absent."""
    ca, certificate, key = (folder / name for name in ("ca.pem", "cert.pem", "key.pem"))
    try:
        has_ca, has_certificate, has_key = (file.is_file() for file in (ca, certificate, key))
    except OSError as error:
        raise UnreachableError(f"cannot read {folder}: {error.strerror or error}") from error
    if has_certificate != has_key:
        there, missing = (certificate, key) if has_certificate else (key, certificate)
        raise UsageError(f"{told_by}: {there} is there without {missing.name}")
    return Tls(
        verify=verify,
        ca=ca if verify and has_ca else None,
        certificate=(certificate, key) if has_certificate else None,
    )


def _folder(environ: Mapping[str, str]) -> Path:
    config = environ.get("DOCKER_CONFIG")
    return Path(config) if config else Path(environ.get("HOME") or "/") / ".docker"


def _read(path: Path) -> bytes | None:
    """The beginning of a file; ``None`` where there is none."""
    try:
        with path.open("rb") as file:
            return file.read(_LIMIT)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UnreachableError(f"cannot read {path}: {error.strerror or error}") from error


def _decode(data: bytes, kind: type[_T], name: str) -> _T:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{name} is not what Docker writes: {error}") from error
