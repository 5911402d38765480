"""What the user typed → a ``Reference``: by its scheme, or by looking at the path."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from auditor.errors import ImageError, ImageNotFoundError, NotAnImageError, UsageError
from auditor.image.layout import is_layout
from auditor.image.source import STDIN, Reference
from auditor.model.image import Scheme

__all__ = ["parse_reference"]

_PATHS = frozenset(
    {
        Scheme.OCI_DIR,
        Scheme.OCI_ARCHIVE,
        Scheme.DOCKER_ARCHIVE,
        Scheme.ARCHIVE,
        Scheme.DIR,
        Scheme.SBOM,
        Scheme.TRACE,
    }
)
_SELECTABLE = _PATHS - {Scheme.DIR, Scheme.SBOM, Scheme.TRACE}
_ARCHIVES = _SELECTABLE - {Scheme.OCI_DIR}
_OTHER_SPELLINGS = {"oci": Scheme.OCI_DIR, "docker-daemon": Scheme.DOCKER}
"""As skopeo and podman say it."""
_NAME = re.compile(r"[A-Za-z0-9\[][A-Za-z0-9\[\]._/:@+-]{0,511}")
"""Host, repository (255 at most), tag (128) and digest: the registry checks them in detail."""
_ARCHIVE_NAME = re.compile(r".*\.(tar|tgz|tar\.[a-z0-9]+)")


def parse_reference(text: str, scheme: Scheme | None = None) -> Reference:
    """A reference with a scheme, the path of an image, or a name; ``-`` is standard input.

    With ``scheme``, the text is taken as it stands behind that scheme. Raises ``UsageError`` for
    what cannot be a reference, ``ImageNotFoundError`` where nothing is at a path, and
    ``NotAnImageError`` where something else is. A name is not looked for here.
    """
    if not text or "\0" in text:
        raise UsageError("the image reference is empty", hint="auditor scan nginx:latest")
    if scheme is not None:
        return _with_scheme(scheme, text, text)
    if text == STDIN:
        return Reference(Scheme.ARCHIVE, STDIN, text)
    word, colon, rest = text.partition(":")
    if colon and word in set(Scheme):
        return _with_scheme(Scheme(word), rest, text)
    if os.path.lexists(text):
        return Reference(_look(text), text, text)
    if colon and word in _OTHER_SPELLINGS:
        raise UsageError(f"{word}: is not a scheme", hint=f"write {_OTHER_SPELLINGS[word]}:{rest}")
    return _bare(text)


def _with_scheme(scheme: Scheme, rest: str, text: str) -> Reference:
    if scheme not in _PATHS:
        return _named(scheme, rest, text)
    if not rest:
        raise UsageError(f"{text!r} names no path", hint=f"write {scheme}:PATH")
    location, selector = _split(rest) if scheme in _SELECTABLE else (rest, None)
    if location == STDIN and scheme in _ARCHIVES:
        return Reference(scheme, STDIN, text, selector)
    if not os.path.lexists(location):
        raise ImageNotFoundError(f"there is no file or directory {location!r}")
    if scheme is Scheme.DIR and not Path(location).is_dir():
        raise NotAnImageError(
            f"{location} is no directory", hint=f"leave the scheme out: {location}"
        )
    return Reference(scheme, location, text, selector)


def _named(scheme: Scheme, name: str, text: str) -> Reference:
    """A name in an engine or a registry."""
    if name.startswith("//"):
        raise UsageError(
            f"{text!r} is not how a reference is written here",
            hint=f"write registry:{name[2:]}, or {scheme}:{name[2:]} for an image that "
            f"{scheme.title()} has",
        )
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no image name", hint=f"write {scheme}:NAME[:TAG]")
    return Reference(scheme, name, text)


def _bare(text: str) -> Reference:
    """Neither a scheme nor an existing path: perhaps a path with a tag, or an image's name."""
    pathlike = text.startswith((".", "/", "~"))
    location, selector = _split(text)
    if selector is not None and os.path.lexists(location):
        scheme = _look(location)
        if scheme is Scheme.OCI_DIR or (pathlike and scheme in _SELECTABLE):
            return Reference(scheme, location, text, selector)
    if pathlike or _ARCHIVE_NAME.fullmatch(text):
        raise ImageNotFoundError(f"there is no file or directory {text!r}")
    if not _NAME.fullmatch(text):
        raise UsageError(
            f"{text!r} is neither the path of an image nor an image name",
            hint="write NAME[:TAG], SCHEME:PATH or SCHEME:NAME; auditor scan --help lists schemes",
        )
    return Reference(None, text, text)


def _split(rest: str) -> tuple[str, str | None]:
    """``PATH[:TAG]`` or ``PATH@digest``: the longest path that is there wins."""
    if os.path.lexists(rest):
        return rest, None
    for position in sorted((i for i, char in enumerate(rest) if char in ":@"), reverse=True):
        path = rest[:position]
        if path == STDIN or (path and os.path.lexists(path)):
            at = rest[position] == "@"
            return path, rest[position:] if at else rest[position + 1 :] or None
    return rest, None


def _look(path: str) -> Scheme:
    """What a path is; which archive a file is only shows when it is read."""
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116
    except OSError as error:
        raise ImageError(f"cannot open {path}: {error.strerror or error}") from error
    if stat.S_ISDIR(mode):
        return Scheme.OCI_DIR if is_layout(path) else Scheme.DIR
    if stat.S_ISREG(mode) or stat.S_ISFIFO(mode):
        return Scheme.ARCHIVE
    raise NotAnImageError(f"{path} is neither a file nor a directory")
