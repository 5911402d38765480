"""Where an image is taken from: as the reference says, or the first place that has it."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Mapping
from typing import BinaryIO

from auditor.errors import AuditorError, ImageError, ImageNotFoundError, NotAnImageError
from auditor.image.archive import Archive
from auditor.image.docker_archive import DockerArchive
from auditor.image.file_archive import FileArchive
from auditor.image.layout import OciLayout, open_oci_dir
from auditor.image.source import STDIN, BlobSource, Found, Reference, Request, open_at_once
from auditor.image.stream import is_compressed
from auditor.image.streamed_archive import StreamedArchive
from auditor.model.image import Platform, Scheme

__all__ = ["OPENERS", "find_image"]

_HEAD = 4
"""Bytes that tell a compressed file."""
_ENGINES = (Scheme.DOCKER, Scheme.PODMAN)
"""In the order in which they are asked."""


def find_image(reference: Reference, request: Request) -> tuple[BlobSource, Found]:
    """The place that has the image, opened, and the manifest that it found.

    A bare name is looked for in Docker, then Podman, then its registry. Raises ``ImageError``s.
    """
    if reference.scheme is not None:
        return _found(OPENERS[reference.scheme](reference, request), request)
    tried: list[str] = []
    for scheme in _ENGINES:
        try:
            source = OPENERS[scheme](reference, request)
        except AuditorError as error:  # settings that make no sense are no reason to stop either
            tried.append(str(error))
            continue
        return _found(source, request)
    try:
        return _found(OPENERS[Scheme.REGISTRY](reference, request), request)
    except ImageError as error:
        looked = "; ".join(tried)
        raise type(error)(
            f"{error}; before that: there is no file or directory of that name; {looked}",
            hint=error.hint,
        ) from error


def _found(source: BlobSource, request: Request) -> tuple[BlobSource, Found]:
    try:
        found = source.find(request.platform)
    except BaseException:
        source.close()
        raise
    if source.scheme not in _ENGINES:  # whose images are on their way by now
        request.took(_taken_from(source.origin, found.platform))
    return source, found


def _taken_from(origin: str, platform: Platform | None) -> str:
    return f"{origin} ({platform})" if platform else origin


def _open_archive(reference: Reference, request: Request) -> BlobSource:
    """``archive:PATH``, ``oci-archive:PATH[:TAG]`` and ``docker-archive:PATH[:NAME:TAG]``."""
    archive = _opened_archive(reference.location, request)
    try:
        return _in_archive(archive, reference, request)
    except BaseException:
        archive.close()
        raise


def _opened_archive(location: str, request: Request) -> Archive:
    """The archive at a path, or on standard input.

    What can be sought in is read where it lies. A pipe, and a compressed file, stream by once.
    """
    if location == STDIN:
        return StreamedArchive(_stdin(), "standard input", request)
    file = _open_file(location)
    try:
        mode = os.fstat(file.fileno()).st_mode
        if stat.S_ISFIFO(mode) or is_compressed(os.pread(file.fileno(), _HEAD, 0)):
            return StreamedArchive(file, location, request)
        return FileArchive(file, location, request.budget)
    except OSError as error:
        file.close()
        raise ImageError(f"cannot read {location}: {error.strerror or error}") from error
    except BaseException:
        file.close()
        raise


def _open_file(location: str) -> BinaryIO:
    """A regular file or a pipe. A pipe's writer is waited for (``<(docker save app)``)."""
    try:
        mode = os.stat(location).st_mode  # noqa: PTH116
        if not stat.S_ISFIFO(mode) and not stat.S_ISREG(mode):
            raise NotAnImageError(f"{location} is neither a file nor a pipe")
        opener = None if stat.S_ISFIFO(mode) else open_at_once
        return open(location, "rb", buffering=0, opener=opener)
    except FileNotFoundError as error:
        raise ImageNotFoundError(f"there is no file {location}") from error
    except OSError as error:
        raise ImageError(f"cannot open {location}: {error.strerror or error}") from error


def _stdin() -> BinaryIO:
    if sys.stdin is None:  # its number may by now be another file's
        raise NotAnImageError("standard input is closed", hint="pipe an archive into it")
    try:
        if os.isatty(0):
            raise NotAnImageError(
                "standard input is a terminal, and no archive",
                hint="pipe one into it: docker save IMAGE | auditor scan -",
            )
        return open(0, "rb", buffering=0, closefd=False)
    except OSError as error:
        raise ImageError(f"cannot read standard input: {error.strerror or error}") from error


def _in_archive(archive: Archive, reference: Reference, request: Request) -> BlobSource:
    scheme = reference.scheme
    bounds = request.budget.bounds
    # Docker 25 and later write both; manifest.json has the names that Docker shows.
    if scheme is Scheme.DOCKER_ARCHIVE or (
        scheme is not Scheme.OCI_ARCHIVE and "manifest.json" in archive
    ):
        return DockerArchive(archive, reference.selector, bounds)
    if scheme is Scheme.OCI_ARCHIVE or "index.json" in archive:
        return OciLayout(archive, Scheme.OCI_ARCHIVE, reference.selector, bounds)
    raise NotAnImageError(
        f"{archive.title} is a tar archive without an image: no manifest.json or index.json",
        hint="docker export writes such files; unpack it and scan dir:PATH, or use docker save",
    )


def _open_engine(reference: Reference, request: Request, scheme: Scheme) -> BlobSource:
    """What an engine exports is a Docker archive that is read as it arrives."""
    from auditor.image.engine import open_export  # noqa: PLC0415 - the SDK is slow to import

    offline = request.access.offline
    export = open_export(scheme, reference.location, request.platform, offline=offline)
    request.took(_taken_from(export.origin, export.platform))
    archive = StreamedArchive(export.stream, export.origin, request)
    bounds = request.budget.bounds
    return DockerArchive(archive, None, bounds, scheme=scheme, digest=export.digest)


def _open_docker(reference: Reference, request: Request) -> BlobSource:
    """``docker:NAME``."""
    return _open_engine(reference, request, Scheme.DOCKER)


def _open_podman(reference: Reference, request: Request) -> BlobSource:
    """``podman:NAME``."""
    return _open_engine(reference, request, Scheme.PODMAN)


def _open_registry(reference: Reference, request: Request) -> BlobSource:
    """``registry:NAME``."""
    from auditor.image.registry import open_registry  # noqa: PLC0415 - as is the HTTP client

    return open_registry(reference, request.budget.bounds, request.access)


OPENERS: Mapping[Scheme, Callable[[Reference, Request], BlobSource]] = {
    Scheme.OCI_DIR: open_oci_dir,
    Scheme.OCI_ARCHIVE: _open_archive,
    Scheme.DOCKER_ARCHIVE: _open_archive,
    Scheme.ARCHIVE: _open_archive,
    Scheme.DOCKER: _open_docker,
    Scheme.PODMAN: _open_podman,
    Scheme.REGISTRY: _open_registry,
}
"""How each kind of place is opened: a new one is one file and one row."""
