"""Whose name and password go to which registry: the environment, Podman's files, Docker's file.

The files are those of ``containers-auth.json(5)`` and of ``docker login``. They are looked at
when a server asks for a proof, not before. What is wrong with one of them is kept as a sentence
for the error that follows if the server refuses: a public image needs no password.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from auditor.image.registry.auth_file import AuthFile, Broken, read_auth_file
from auditor.image.registry.credential import Credential
from auditor.image.registry.credential_helper import ask_helper
from auditor.image.registry.names import HUB, registry_name

__all__ = ["Credential", "Found", "find_credential"]

_HUB_KEY = "https://index.docker.io/v1/"
"""Docker's key for Docker Hub, since its first version."""


@dataclass(frozen=True, slots=True)
class Found:
    """A credential or none, and what went wrong while it was looked for."""

    credential: Credential | None = None
    problems: tuple[str, ...] = field(default=())


def find_credential(registry: str, repository: str, *, asked: bool, time_limit: float) -> Found:
    """The first credential for a repository of a registry.

    ``asked`` is whether the user named this registry, rather than it being a mirror.
    ``time_limit`` is in seconds, for a credential helper.
    """
    registry = registry_name(registry)
    credential = _from_environment(os.environ, registry, asked=asked)
    if credential is not None:
        return Found(credential)
    problems: list[str] = []
    for path, keys in _files(os.environ, registry, repository):
        try:
            file = read_auth_file(path)
            if file is not None:
                credential = _from_file(file, keys, registry, time_limit)
        except Broken as error:
            problems.append(str(error))
            continue
        if credential is not None:
            return Found(credential, tuple(problems))
    return Found(None, tuple(problems))


def _from_environment(
    environment: Mapping[str, str], registry: str, *, asked: bool
) -> Credential | None:
    authority = environment.get("AUDITOR_REGISTRY_AUTHORITY")
    if registry_name(authority) != registry if authority else not asked:
        return None
    username = environment.get("AUDITOR_REGISTRY_USERNAME", "")
    password = environment.get("AUDITOR_REGISTRY_PASSWORD", "")
    token = environment.get("AUDITOR_REGISTRY_TOKEN", "")
    if token:
        return Credential("AUDITOR_REGISTRY_TOKEN", registry_token=token)
    if username and password:
        return Credential("AUDITOR_REGISTRY_USERNAME", username, password)
    return None


def _files(
    environment: Mapping[str, str], registry: str, repository: str
) -> list[tuple[Path, tuple[str, ...]]]:
    """The files there may be, each with the keys to look for, best first."""
    home = Path(environment.get("HOME") or Path.home())
    configs = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
    if named := environment.get("REGISTRY_AUTH_FILE"):
        podman = [Path(named)]
    else:
        runtime = environment.get("XDG_RUNTIME_DIR")
        podman = [Path(runtime) / "containers/auth.json"] if runtime else []
        podman.append(configs / "containers/auth.json")
    docker = Path(environment.get("DOCKER_CONFIG") or home / ".docker") / "config.json"
    parts = f"{registry}/{repository}".split("/")
    paths = tuple("/".join(parts[:count]) for count in range(len(parts), 0, -1))
    hosts = (_HUB_KEY, registry) if registry == HUB else (registry,)
    return [*((path, paths) for path in podman), (docker, hosts)]


def _from_file(
    file: AuthFile, keys: tuple[str, ...], registry: str, time_limit: float
) -> Credential | None:
    """A helper for this registry, then what is written down, then the helper for all."""
    if (helper := file.helper(keys)) is not None:
        name, key = helper
        return ask_helper(name, key, time_limit)
    if (credential := file.credential(keys)) is not None:
        return credential
    if file.store:
        server = _HUB_KEY if registry == HUB else registry
        return ask_helper(file.store, server, time_limit)
    return None
