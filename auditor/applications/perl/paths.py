"""Where an image's Perl looks for modules: ``@INC``, from the directories that are there."""

from __future__ import annotations

import re
from dataclasses import dataclass

from auditor.applications.language import Context
from auditor.image.rootfs import RootFS
from auditor.model.image import EntryKind

__all__ = ["Installation", "find_installation"]

_VERSION = re.compile(r"5(?:\.\d+){1,2}")
_SITES = (
    "/etc/perl",
    "/usr/local/lib/*/perl/@",
    "/usr/local/share/perl/@",
    "/usr/local/lib/perl5/site_perl/@/*",
    "/usr/local/lib/perl5/site_perl/@",
    "/usr/local/lib/perl5/vendor_perl/@",
    "/usr/local/lib64/perl5",
    "/usr/local/share/perl5",
    "/usr/local/share/perl5/site_perl",
    "/usr/local/lib/perl5/site_perl",
    "/usr/lib/*/perl5/@",
    "/usr/lib64/perl5/vendor_perl",
    "/usr/share/perl5/vendor_perl",
    "/usr/lib/perl5/vendor_perl",
    "/usr/share/perl5",
)
"""Debian's, that of perl's own installation (and the official images), Fedora's and Alpine's."""
_CORE = (
    "/usr/lib/*/perl-base",
    "/usr/lib/*/perl/@",
    "/usr/share/perl/@",
    "/usr/local/lib/perl5/@/*",
    "/usr/local/lib/perl5/@",
    "/usr/lib64/perl5",
    "/usr/lib/perl5/core_perl",
    "/usr/share/perl5/core_perl",
)


_FEDORA = "/usr/share/perl5"
"""Where Fedora keeps what perl itself brings, and Debian packages."""


@dataclass(frozen=True, slots=True)
class Installation:
    """One image's Perl."""

    sites: tuple[str, ...]
    """Directories of packages that were added."""
    core: tuple[str, ...]
    """Directories of what perl itself brings."""


def find_installation(context: Context) -> Installation:
    """The directories of ``@INC`` that the image has."""
    core = _expanded(context.rootfs, _CORE)
    debian = any(path.startswith(("/usr/share/perl/", "/usr/local/lib/perl5/")) for path in core)
    if not debian and context.rootfs.resolve(f"{_FEDORA}/strict.pm") is not None:
        core = (*core, _FEDORA)
    sites = tuple(path for path in _expanded(context.rootfs, _SITES) if path not in core)
    return Installation(sites, core)


def _expanded(rootfs: RootFS, patterns: tuple[str, ...]) -> tuple[str, ...]:
    """``@`` is a version of perl 5, ``*`` an architecture (``x86_64-linux-gnu``)."""
    found: dict[str, None] = {}
    for pattern in patterns:
        paths = [""]
        for part in pattern.strip("/").split("/"):
            paths = [f"{path}/{name}" for path in paths for name in _names(rootfs, path, part)]
        for path in paths:
            entry = rootfs.resolve(path)
            if entry is not None and entry.kind is EntryKind.DIRECTORY:
                found[entry.path] = None
    return tuple(found)


def _names(rootfs: RootFS, path: str, part: str) -> list[str]:
    if part == "@":
        return [name for name in rootfs.listdir(path) if _VERSION.fullmatch(name)]
    if part == "*":
        return [name for name in rootfs.listdir(path) if "-linux" in name]
    return [part]
