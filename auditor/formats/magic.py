"""What a file is, by its first bytes and never by its name."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["HEAD_SIZE", "FileFormat", "Shebang", "read_shebang", "sniff"]

HEAD_SIZE = 256
"""Bytes that decide. Linux reads as many for ``#!`` (``BINPRM_BUF_SIZE``, since 5.1)."""

_ELF_MAGIC = b"\x7fELF"
_WASM_MAGIC = b"\0asm"
_BLANKS = b" \t"


class FileFormat(StrEnum):
    """The formats that this room reads."""

    ELF = "elf"
    WASM = "wasm"
    SCRIPT = "script"


@dataclass(frozen=True, slots=True)
class Shebang:
    """The first line of a script, as Linux takes it apart."""

    interpreter: str
    argument: str | None
    """The rest of the line as one word, blanks at both ends cut off."""


def sniff(head: bytes) -> FileFormat | None:
    """The format of a file that begins with ``head``; more than 256 bytes are not looked at."""
    if head.startswith(_ELF_MAGIC):
        return FileFormat.ELF
    if head.startswith(_WASM_MAGIC):
        return FileFormat.WASM
    return FileFormat.SCRIPT if read_shebang(head) is not None else None


def read_shebang(head: bytes) -> Shebang | None:
    """The interpreter line, or ``None`` where Linux would refuse to run the file by it.

    Follows ``load_script`` in Linux ``fs/binfmt_script.c``: a line cut off by the 256 bytes is
    taken as it is, unless the cut goes through the interpreter's path. One exception: ``#![``
    opens an attribute in Rust source, and no interpreter is called so.
    """
    if not head.startswith(b"#!") or head.startswith(b"#!["):
        return None
    head = head[:HEAD_SIZE]
    line, newline, _ = head[2:].partition(b"\n")
    line = line.partition(b"\0")[0]
    path, rest = _split(line.lstrip(_BLANKS))
    if not path:
        return None
    whole = newline or len(head) < HEAD_SIZE or rest is not None or b"\0" in head
    if not whole:
        return None
    argument = (rest or b"").strip(_BLANKS)
    return Shebang(_text(path), _text(argument) if argument else None)


def _split(line: bytes) -> tuple[bytes, bytes | None]:
    """The path, and what follows the first blank after it."""
    for position, byte in enumerate(line):
        if byte in _BLANKS:
            return line[:position], line[position + 1 :]
    return line, None


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
