"""One file → the runtime that it is: by symbols and bytes, as its row says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath

from auditor.model.facts import ElfFacts, ElfType, ScriptFacts
from auditor.model.inventory import RuntimeKind
from auditor.tables.rows import RuntimeRow

__all__ = ["Recognised", "first", "interpreter_name", "recognise", "recognise_interpreter"]

_LARGEST = 512 << 20
"""Bytes of a file that is searched."""
_LONGEST = 80
"""Characters of a version or a vendor."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """A runtime, and what its own bytes say of it."""

    row: RuntimeRow
    kind: RuntimeKind
    version: str | None
    vendor: str | None


def recognise(facts: ElfFacts, content: bytes, rows: tuple[RuntimeRow, ...]) -> Recognised | None:
    """The runtime that an ELF file is. The first row that fits decides."""
    fits = _executable_fits if facts.type is ElfType.EXECUTABLE else _library_fits
    exports = frozenset(symbol.name for symbol in facts.exports)
    names = exports | {symbol.name for symbol in facts.imports}
    file = _File(facts, content if len(content) <= _LARGEST else b"", exports, names)
    row = next((row for row in rows if fits(row, file)), None)
    if row is None:
        return None
    library = facts.type is ElfType.LIBRARY
    return Recognised(
        row=row,
        kind=RuntimeKind.LIBRARY if library else row.kind,
        version=_version(row, file.content),
        vendor=first((row.vendor,), file.content) if row.vendor else None,
    )


def recognise_interpreter(script: ScriptFacts, runtimes: tuple[RuntimeRow, ...]) -> str | None:
    """Id of the runtime that could run a script, by its first line.

    Here the name is the evidence: it is what the kernel would look up.
    """
    name = interpreter_name(script)
    patterns = ((row.swap, row.command_pattern) for row in runtimes if row.command_pattern)
    return next((id_ for id_, pattern in patterns if re.fullmatch(pattern, name)), None)


def interpreter_name(script: ScriptFacts) -> str:
    """Base name of the program that a script is run by, ``/usr/bin/env`` looked through."""
    name = PurePosixPath(script.interpreter).name
    if name != "env" or script.argument is None:
        return name
    words = [word for word in script.argument.split() if not word.startswith("-")]
    commands = [word for word in words if "=" not in word]
    return PurePosixPath(commands[0]).name if commands else name


def first(patterns: tuple[str, ...], content: bytes, start: str = "") -> str | None:
    """Group 1 of the first match that begins with ``start``, of the first pattern that has one."""
    for pattern in patterns:
        for match in _compiled(pattern).finditer(content):
            text: str = match[1].decode("latin-1")[:_LONGEST]
            if text.startswith(start):
                return text
    return None


@dataclass(frozen=True, slots=True)
class _File:
    facts: ElfFacts
    content: bytes
    exports: frozenset[str]
    names: frozenset[str]


def _executable_fits(row: RuntimeRow, file: _File) -> bool:
    if row.files or not (row.entry_functions or row.marks):
        return False
    if row.entry_functions:
        asked = frozenset(row.entry_functions)
        if not asked & file.names:
            return False
        embeds = row.most_code and file.facts.code_size > row.most_code
        if embeds and not asked & file.exports:
            return False
    return _has_marks(row, file.content)


def _library_fits(row: RuntimeRow, file: _File) -> bool:
    return bool(file.exports & frozenset(row.library_functions))


def _has_marks(row: RuntimeRow, content: bytes) -> bool:
    if not all(mark.encode("latin-1") in content for mark in row.marks):
        return False
    return not row.pattern or _compiled(row.pattern).search(content) is not None


def _version(row: RuntimeRow, content: bytes) -> str | None:
    """The version, or where only its series is known, that."""
    if not row.series:
        return first(row.version, content)
    every = {
        b".".join(match.groups()).decode("latin-1")
        for pattern in row.series
        for match in _compiled(pattern).finditer(content)
    }
    # Two series say nothing of which is its own.
    if len(every) != 1:
        return None
    series = every.pop()
    return first(row.version, content, f"{series}.") or series


@cache
def _compiled(pattern: str) -> re.Pattern[bytes]:
    return re.compile(pattern.encode("latin-1"))
