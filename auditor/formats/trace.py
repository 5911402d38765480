"""Recordings of system calls: strace, perf trace, audit logs, seccomp profiles, lists of names.

What is read is bounded: bytes of the file and of a line, and the number of calls that differ.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, islice
from typing import BinaryIO

from auditor.formats import FormatError
from auditor.formats.trace_counts import Hints
from auditor.formats.trace_lines import AUDIT, LIST, PERF, read_audit, read_list, read_perf
from auditor.formats.trace_seccomp import read_seccomp
from auditor.formats.trace_strace import STRACE, read_strace
from auditor.model.trace import Trace

__all__ = ["Hints", "read_trace"]

LARGEST = 1 << 30
LARGEST_PROFILE = 1 << 24
LONGEST = 1 << 14
"""Bytes of a line that are looked at."""
_LOOKED_AT = 400
"""Lines that show what a file is."""
_READERS = ((AUDIT, read_audit), (STRACE, read_strace), (PERF, read_perf))
_SUMMARY = re.compile(r"\s*% time\s+seconds")


def read_trace(file: BinaryIO, hints: Hints) -> Trace:
    """Read a recording of any known form. Raises ``FormatError`` for what is none."""
    lines = _lines(file)
    first = next((line for line in lines if line.strip()), None)
    if first is None:
        raise FormatError("it is empty")
    if first.lstrip().startswith("{"):
        rest = "".join(islice(lines, LARGEST_PROFILE // 2))
        return read_seccomp((first + rest).encode(), hints)
    head = [first, *islice(lines, _LOOKED_AT)]
    whole = chain(head, lines)
    for shape, reader in _READERS:
        if any(shape.match(line) for line in head):
            trace = reader(whole, hints)
            break
    else:
        if not _SUMMARY.match(first) and not all(LIST.match(line) for line in head):
            raise FormatError("it is no recording of system calls that is known")
        trace = read_list(whole, hints)
    if not trace.calls and not trace.start_up:
        raise FormatError("no system call of Linux stands in it")
    return trace


def _lines(file: BinaryIO) -> Iterator[str]:
    """Text lines, cut where they are long; bytes that are no UTF-8 stand for themselves."""
    read = 0
    while line := file.readline(LONGEST):
        read += len(line)
        if read > LARGEST:
            raise FormatError(f"it is larger than {LARGEST >> 30} GiB")
        long = not line.endswith(b"\n") and len(line) == LONGEST
        yield line.decode("utf-8", "surrogateescape").rstrip("\r\n")
        while long:
            rest = file.readline(LONGEST)
            read += len(rest)
            if read > LARGEST:
                raise FormatError(f"it is larger than {LARGEST >> 30} GiB")
            long = bool(rest) and not rest.endswith(b"\n")
