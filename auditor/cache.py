"""The user's folder for what can be made again: ``$XDG_CACHE_HOME/auditor``, else ``~/.cache``.

Nothing in it is ever needed. What is absent, damaged, foreign or out of reach is as good as not
there, and nobody is told: it only costs time. See
https://specifications.freedesktop.org/basedir-spec/latest/.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

__all__ = ["cache_directory", "keep_newest", "recall", "remember"]

LARGEST = 1 << 26
"""Bytes; what is larger is not read."""
_ROOT = 0
_SEAL = hashlib.sha256().digest_size


def cache_directory(room: str) -> Path | None:
    """The folder of one room, made with mode 0700; ``None`` where the user can have none.

    Nothing is made in a home of somebody else, as ``sudo`` may leave it to root. What lies in it
    may be removed, so a folder or a link that somebody else put there is not taken.
    """
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - Path.home() raises where there is none
    given = Path(os.environ.get("XDG_CACHE_HOME", ""))
    base = given if given.is_absolute() else home / ".cache"
    user = os.geteuid()
    if not base.is_absolute():
        return None
    try:
        if base != given and home.stat().st_uid not in {user, _ROOT}:
            return None
        base.mkdir(mode=0o700, exist_ok=True)
        if base.stat().st_uid not in {user, _ROOT}:
            return None
        for own in (base / "auditor", base / "auditor" / room):
            own.mkdir(mode=0o700, exist_ok=True)
            if own.lstat().st_uid != user:
                return None
    except OSError:
        return None
    return base / "auditor" / room


def recall(path: Path) -> bytes | None:
    """What ``remember`` left there. ``None`` unless it is whole, and the user's alone to write.

    Only a regular file is opened; the time of its use is noted for ``keep_newest``.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        with open(handle, "rb") as stream:  # noqa: PTH123 - a handle has no path
            found = os.fstat(handle)
            foreign = found.st_uid != os.geteuid() or found.st_mode & 0o022
            if foreign or not stat.S_ISREG(found.st_mode) or found.st_size > LARGEST:
                return None
            seal, content = stream.read(_SEAL), stream.read()
            with suppress(OSError):
                os.utime(handle)
    except OSError:
        return None
    return content if seal == _seal(path.name, content) else None


def remember(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, with mode 0600.

    It is sealed with a checksum over its name too, so that no file is taken for another.
    """
    with suppress(OSError):
        handle, new = tempfile.mkstemp(prefix=".new-", dir=path.parent)
        try:
            with open(handle, "wb") as stream:  # noqa: PTH123 - a handle has no path
                stream.write(_seal(path.name, content))
                stream.write(content)
            os.replace(new, path)  # noqa: PTH105 - both names are at hand
        except OSError:
            os.unlink(new)  # noqa: PTH108


def keep_newest(directory: Path, count: int) -> None:
    """Remove all files but those used last."""
    with suppress(OSError):
        files = sorted(directory.iterdir(), key=lambda path: path.lstat().st_mtime, reverse=True)
        for path in files[count:]:
            path.unlink()


def _seal(name: str, content: bytes) -> bytes:
    hasher = hashlib.sha256(f"{name}\0".encode())
    hasher.update(content)
    return hasher.digest()
