"""What is printed stays readable where the terminal's encoding lacks a character.

A Windows code page, ISO 8859-1 or ASCII has no arrow. Reports that programs read are UTF-8
wherever they go; text for people gets the nearest thing that the encoding has.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import sys
from collections.abc import Iterator
from typing import TextIO

__all__ = ["prepare", "utf8"]

_READABLE = {
    "→": "->",
    "–": "-",
    "—": "-",
    "‐": "-",
    "·": "|",
    "…": "...",
    "×": "x",
    "−": "-",
    "≥": ">=",
    "≤": "<=",
    "‘": "'",
    "’": "'",
    "“": '"',
    "”": '"',
}
"""Character of ours → what stands for it in ASCII."""
_HANDLER = "auditor.readable"


def _readable(error: UnicodeError) -> tuple[str, int]:
    """An error handler of codecs: the nearest in ASCII, or else the code point's number."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    characters = error.object[error.start : error.end]
    shown = (
        _READABLE.get(character) or character.encode("ascii", "backslashreplace").decode()
        for character in characters
    )
    return "".join(shown), error.end


def _is_utf8(stream: TextIO) -> bool:
    return codecs.lookup(stream.encoding or "utf-8").name == "utf-8"


def prepare() -> None:
    """Let standard output and standard error print every character in some form."""
    codecs.register_error(_HANDLER, _readable)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and not _is_utf8(stream):
            stream.reconfigure(errors=_HANDLER)


@contextlib.contextmanager
def utf8() -> Iterator[TextIO]:
    """Standard output in UTF-8, whatever the terminal's encoding: for what programs read."""
    stream = sys.stdout
    if not isinstance(stream, io.TextIOWrapper) or _is_utf8(stream):
        yield stream
        return
    stream.flush()
    plain = io.TextIOWrapper(stream.buffer, encoding="utf-8", newline="\n", write_through=True)
    try:
        yield plain
    finally:
        plain.flush()
        plain.detach()  # or it would close standard output
