"""Every variable of the environment that counts, besides those of options; a test compares."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["VARIABLES"]

VARIABLES: Mapping[str, str] = {
    "AUDITOR_CONFIG": "the file of options and waivers to read; empty for none",
    "AUDITOR_REGISTRY_AUTHORITY": "the one registry that these credentials are for",
    "AUDITOR_REGISTRY_PASSWORD": "the password for a registry",
    "AUDITOR_REGISTRY_TOKEN": "a bearer token for a registry, in place of user name and password",
    "AUDITOR_REGISTRY_USERNAME": "the user name for a registry",
    "COLUMNS": "the width of tables; where there is no terminal, they have 100 columns or more",
    "CONTAINERS_REGISTRIES_CONF": "Podman's file of registries and mirrors, for its usual place",
    "CONTAINER_HOST": "where Podman's service listens",
    "DOCKER_CERT_PATH": "the folder of the certificates for DOCKER_HOST",
    "DOCKER_CONFIG": "the folder of Docker's config.json, for ~/.docker",
    "DOCKER_CONTEXT": "Docker's context: the engine to ask",
    "DOCKER_HOST": "where Docker's engine listens; counts before a context",
    "DOCKER_TLS": "set to anything: speak TLS to DOCKER_HOST",
    "DOCKER_TLS_VERIFY": "set to anything: speak TLS to DOCKER_HOST, and check its certificate",
    "FORCE_COLOR": "set to anything: colours also where there is no terminal",
    "HOME": "the folder in which .docker, .config and .cache are looked for",
    "HTTPS_PROXY": "the proxy for registries",
    "HTTP_PROXY": "the proxy for registries in plain HTTP",
    "NO_COLOR": "set to anything: no colours",
    "NO_PROXY": "hosts to reach without a proxy",
    "PATH": "where syft, Podman and credential helpers are looked for",
    "REGISTRY_AUTH_FILE": "Podman's file of credentials, for its usual places",
    "SOURCE_DATE_EPOCH": "the day, as seconds since 1970, that counts as today's",
    "SSL_CERT_DIR": "the folder of the authorities to trust, for the system's",
    "SSL_CERT_FILE": "the file of the authorities to trust, for the system's",
    "TERM": "dumb: no colours, and no progress display",
    "TMPDIR": "where temporary files go",
    "XDG_CACHE_HOME": "the folder for what can be made again, for ~/.cache",
    "XDG_CONFIG_DIRS": "the system's folders of configuration",
    "XDG_CONFIG_HOME": "the user's folder of configuration, for ~/.config",
    "XDG_RUNTIME_DIR": "where the sockets and credentials of rootless engines are",
}
"""Variable → what it sets."""
