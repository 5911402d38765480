"""Every error the auditor raises on purpose, in one tree.

::

    AuditorError                    exit 1
    ├── UsageError                  exit 64   the command line or a reference makes no sense
    ├── ImageError                            the image cannot be had or is not what it says
    │   ├── ImageNotFoundError                nothing is there
    │   ├── UnreachableError                  an engine or a registry does not answer
    │   ├── AccessDeniedError                 it answers, and refuses
    │   ├── NotAnImageError                   something is there, and it is no image
    │   ├── PlatformError                     the image has no such platform
    │   ├── CorruptImageError                 a digest, size, manifest or layer is wrong
    │   ├── BoundExceededError                the image is larger than a bound allows
    │   └── PathInImageError                  the image holds no such path
    ├── TableError                            a row of signatures/ is wrong
    ├── TraceError                            a recording of system calls cannot be read
    └── ReportError                           a report cannot be read or written

A message is one sentence that says what happened, and to what; ``hint`` says what to do.
Anything that is not an ``AuditorError`` is a defect of ours.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "EXIT_ERROR",
    "EXIT_GATE",
    "EXIT_OK",
    "EXIT_USAGE",
    "AccessDeniedError",
    "AuditorError",
    "BoundExceededError",
    "CorruptImageError",
    "ImageError",
    "ImageNotFoundError",
    "NotAnImageError",
    "PathInImageError",
    "PlatformError",
    "ReportError",
    "TableError",
    "TraceError",
    "UnreachableError",
    "UsageError",
]

EXIT_OK = 0
EXIT_ERROR = 1
EXIT_GATE = 2
EXIT_USAGE = 64


class AuditorError(Exception):
    """The root: ``str()`` is a sentence for people, ``hint`` a next step or ``None``."""

    exit_code: ClassVar[int] = EXIT_ERROR

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(AuditorError):
    """The command line, or a reference on it, makes no sense."""

    exit_code = EXIT_USAGE


class ImageError(AuditorError):
    """The image cannot be had, or is not what it says."""


class ImageNotFoundError(ImageError):
    """Nothing is at the reference."""


class UnreachableError(ImageError):
    """An engine or a registry does not answer, or may not be asked (``--offline``)."""


class AccessDeniedError(ImageError):
    """An engine or a registry answers, and refuses: credentials are missing, or wrong."""


class NotAnImageError(ImageError):
    """Something is at the reference, and it is no container image."""


class PlatformError(ImageError):
    """The image is not there for the platform asked for."""


class CorruptImageError(ImageError):
    """A digest, a size, a manifest, a config or a layer is not what it should be."""


class BoundExceededError(ImageError):
    """The image is larger, deeper or longer than a bound allows."""


class PathInImageError(ImageError):
    """The image holds nothing at that path, or something that cannot be read."""


class TableError(AuditorError):
    """A file of ``signatures/`` is wrong; the message names file and key."""


class TraceError(AuditorError):
    """A recording of system calls cannot be read, or what should be one is none."""


class ReportError(AuditorError):
    """A report cannot be written where it should go, or what should be one is none."""
