"""A JSON report, read back."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from auditor.errors import ReportError
from auditor.report.wire import SCHEMA_VERSION, WireReport

__all__ = ["read_bytes", "read_report"]

LARGEST = 1 << 30
"""Bytes; a report of more than 1 GiB is not read."""
_HINT = "a report is what auditor scan -o json=FILE writes"


class _Version(msgspec.Struct, frozen=True):
    schema_version: str = ""


def read_report(place: str) -> WireReport:
    """The report in a file; ``-`` is standard input.

    A report of an older or newer minor version is read as far as this version knows it. Raises
    ``ReportError`` for what cannot be read, is no report, or has another major version.
    """
    name = "standard input" if place == "-" else place
    data = read_bytes(place, name)
    try:
        version = msgspec.json.decode(data, type=_Version).schema_version
    except msgspec.DecodeError as error:
        raise ReportError(f"{name} is no report: {error}", hint=_HINT) from None
    if not version:
        raise ReportError(f"{name} is no report: it has no schema_version", hint=_HINT)
    major, ours = version.partition(".")[0], SCHEMA_VERSION.partition(".")[0]
    if major != ours:
        raise ReportError(
            f"{name} is a report of schema version {version}, and this auditor reads {ours}",
            hint="scan the image again",
        )
    try:
        return msgspec.json.decode(data, type=WireReport)
    except msgspec.DecodeError as error:
        raise ReportError(f"{name} is no report: {error}", hint=_HINT) from None


def read_bytes(place: str, name: str) -> bytes:
    """A whole file, or standard input for ``-``. Raises ``ReportError``."""
    try:
        if place == "-":
            data = sys.stdin.buffer.read(LARGEST + 1)
        else:
            with Path(place).open("rb") as file:
                data = file.read(LARGEST + 1)
    except OSError as error:
        raise ReportError(f"{name} cannot be read: {error.strerror}", hint=_HINT) from None
    if len(data) > LARGEST:
        raise ReportError(f"{name} is larger than the {LARGEST >> 30} GiB that a report may have")
    return data
