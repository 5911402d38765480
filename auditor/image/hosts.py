"""Names of machines."""

from __future__ import annotations

import ipaddress

__all__ = ["is_loopback"]


def is_loopback(host: str) -> bool:
    """Whether ``host``, ``host:port`` or ``[address]:port`` is this machine itself."""
    name = host.partition("]")[0].removeprefix("[") if host[:1] == "[" else host.partition(":")[0]
    try:
        return ipaddress.ip_address(name or host).is_loopback
    except ValueError:
        return name.lower() == "localhost"
