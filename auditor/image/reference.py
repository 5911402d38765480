"""What the user typed → a ``Reference``: by its scheme, or by looking at the path."""

from __future__ import annotations

import os
import re
from pathlib import Path

from auditor.errors import ImageNotFoundError, NotAnImageError, UsageError
from auditor.image.archive import Archive
from auditor.image.bounds import Bounds
from auditor.image.layout import is_layout
from auditor.image.source import Reference
from auditor.model.image import Scheme

__all__ = ["parse_reference"]

_LATER = frozenset({Scheme.DOCKER, Scheme.PODMAN, Scheme.REGISTRY})
_SUPPORTED = "this version reads oci-dir:, oci-archive:, docker-archive: and dir:"
_OTHER_SPELLINGS = {"oci": Scheme.OCI_DIR}
"""As skopeo and podman say it."""
_SELECTABLE = frozenset({Scheme.OCI_DIR, Scheme.OCI_ARCHIVE, Scheme.DOCKER_ARCHIVE})
_NAME = re.compile(r"[a-z0-9][a-z0-9._/:-]*(@sha256:[0-9a-f]{64})?", re.IGNORECASE)


def parse_reference(text: str) -> Reference:
    """A reference with a scheme, or the path of a layout, an archive or a directory.

    Raises ``UsageError`` for what cannot be a reference or is not supported,
    ``ImageNotFoundError`` where nothing is there, ``NotAnImageError`` for another file.
    """
    if not text or "\0" in text:
        raise UsageError("the image reference is empty", hint=_hint("nginx"))
    if text == "-":
        raise UsageError(
            "an archive on standard input cannot be read in this version",
            hint="write it to a file: docker save IMAGE -o image.tar && auditor scan image.tar",
        )
    word, colon, rest = text.partition(":")
    if colon and word in set(Scheme):
        return _with_scheme(Scheme(word), rest, text)
    if os.path.lexists(text):
        return Reference(_look(text), text, text)
    if colon and word in _OTHER_SPELLINGS:
        raise UsageError(f"{word}: is not a scheme", hint=f"write {_OTHER_SPELLINGS[word]}:{rest}")
    return _bare(text)


def _with_scheme(scheme: Scheme, rest: str, text: str) -> Reference:
    if scheme in _LATER:
        name = rest.removeprefix("//") or "nginx"
        raise UsageError(
            f"images cannot be taken from {scheme}: in this version; {_SUPPORTED}",
            hint=_hint(name),
        )
    if not rest:
        raise UsageError(f"{text!r} names no path", hint=f"write {scheme}:PATH")
    if scheme in _SELECTABLE:
        location, selector = _split(rest)
    else:
        location, selector = rest, None
    if not os.path.lexists(location):
        raise ImageNotFoundError(f"there is no file or directory {location!r}")
    if scheme is Scheme.DIR and not Path(location).is_dir():
        raise NotAnImageError(
            f"{location} is no directory", hint=f"leave the scheme out: {location}"
        )
    return Reference(scheme, location, text, selector)


def _bare(text: str) -> Reference:
    """Neither a scheme nor an existing path: perhaps a path with a tag, or a registry's name."""
    pathlike = text.startswith((".", "/", "~"))
    location, selector = _split(text)
    if pathlike and selector is not None and os.path.lexists(location):
        scheme = _look(location)
        if scheme in _SELECTABLE:
            return Reference(scheme, location, text, selector)
    if pathlike or not _NAME.fullmatch(text) or text.endswith((".tar", ".tar.gz", ".tgz")):
        raise ImageNotFoundError(f"there is no file or directory {text!r}")
    raise ImageNotFoundError(
        f"there is no file or directory {text!r}, and images cannot be taken from a registry or "
        f"a daemon in this version; {_SUPPORTED}",
        hint=_hint(text),
    )


def _hint(name: str) -> str:
    file = re.sub(r"\W+", "-", name.rpartition("/")[2].partition("@")[0].partition(":")[0])
    file = file.strip("-") or "image"
    return (
        f"docker save {name} -o {file}.tar && auditor scan {file}.tar, "
        f"or skopeo copy docker://{name} oci:{file} && auditor scan oci-dir:{file}"
    )


def _split(rest: str) -> tuple[str, str | None]:
    """``PATH[:TAG]`` or ``PATH@digest``: the longest path that is there wins."""
    if os.path.lexists(rest):
        return rest, None
    for position in sorted((i for i, char in enumerate(rest) if char in ":@"), reverse=True):
        path = rest[:position]
        if path and os.path.lexists(path):
            at = rest[position] == "@"
            return path, rest[position:] if at else rest[position + 1 :] or None
    return rest, None


def _look(path: str) -> Scheme:
    """What a path is, by looking inside."""
    if os.path.isdir(path):  # noqa: PTH112 - pathlib raises where a directory is closed to us
        return Scheme.OCI_DIR if is_layout(path) else Scheme.DIR
    if not os.path.isfile(path):  # noqa: PTH113
        raise NotAnImageError(f"{path} is neither a file nor a directory")
    archive = Archive(path, Bounds())
    try:
        # Docker 25 and later write both; manifest.json has the names that Docker shows.
        if "manifest.json" in archive:
            return Scheme.DOCKER_ARCHIVE
        if "oci-layout" in archive or "index.json" in archive:
            return Scheme.OCI_ARCHIVE
    finally:
        archive.close()
    raise NotAnImageError(
        f"{path} is a tar archive without an image: no manifest.json, index.json or oci-layout",
        hint="docker export writes such files; unpack it and scan dir:PATH, or use docker save",
    )
