"""What Bundler knows: the gems of a Gemfile and the versions of its lock file."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass

from auditor.applications.language import Context
from auditor.errors import PathInImageError
from auditor.image.rootfs import RootFS
from auditor.model.image import EntryKind

__all__ = ["Bundle"]

_LOCKED = re.compile(rb"^    ([\w.-]+) \((\d[\w.]*)", re.MULTILINE)
_DIRECT = re.compile(rb"^DEPENDENCIES\n((?:  .*\n?)*)", re.MULTILINE)
_GEM = re.compile(rb"""^[ \t]*gem[ (]+["']([\w.-]+)["'](.*)$""", re.MULTILINE)
_NOT_REQUIRED = re.compile(rb"""require:\s*false|:require\s*=>\s*false""")
_REQUIRED = re.compile(rb"""require(?::|["']?\s*=>)\s*\[?["']([\w./-]+)["']""")
_LARGEST = 1 << 20


@dataclass(frozen=True, slots=True)
class Bundle:
    """The bundle of the folder that the application runs in."""

    locked: Mapping[str, str]
    """Gem → version."""
    features: tuple[str, ...]
    """What ``Bundler.require`` loads."""
    homes: tuple[str, ...]
    """Gem homes that belong to the application."""

    @classmethod
    def of(cls, context: Context) -> Bundle:
        """Read it; where there is none it is empty."""
        root = posixpath.join("/", context.working_dir)
        gemfile = context.variables.get("BUNDLE_GEMFILE") or posixpath.join(root, "Gemfile")
        folder = posixpath.dirname(gemfile)
        lock = _text(context.rootfs, f"{gemfile}.lock")
        locked = {_str(name): _str(version) for name, version in _LOCKED.findall(lock)}
        wanted: dict[str, None] = {}
        for name, rest in _GEM.findall(_text(context.rootfs, gemfile)):
            if not _NOT_REQUIRED.search(rest):
                told = _REQUIRED.search(rest)
                wanted[_str(told[1] if told is not None else name)] = None
        direct = _DIRECT.search(lock)
        if not wanted and direct is not None:
            names = [
                line.split()[0].rstrip(b"!") for line in direct[1].splitlines() if line.split()
            ]
            wanted = dict.fromkeys(map(_str, names))
        # RubyGems' habit: the gem a-b is required as a-b, else as a/b.
        features = [form for name in wanted for form in dict.fromkeys((name, _slashed(name)))]
        path = context.variables.get("BUNDLE_PATH", "")
        homes = tuple(posixpath.join(folder, one) for one in (path, "vendor/bundle") if one)
        return cls(locked, tuple(features), homes)


def _slashed(name: str) -> str:
    return name.replace("-", "/")


def _str(data: bytes) -> str:
    return data.decode("ascii", "replace")


def _text(rootfs: RootFS, path: str) -> bytes:
    entry = rootfs.resolve(path)
    if entry is None or entry.kind is not EntryKind.FILE:
        return b""
    try:
        return rootfs.read(entry, _LARGEST)
    except PathInImageError:
        return b""
