"""The command lines of ``ruby`` and of the launchers that are written in it."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field

from auditor.applications.language import Context, Words
from auditor.tables.launchers import LauncherRow

__all__ = ["Command", "named_applications", "read_command"]

_VALUES = frozenset("CEFIerxXT0KW")
"""Options of ruby(1) that may take the rest of their word as their value."""
_NEXT = frozenset("CEIer")
"""Those that take the next word where theirs ends."""


@dataclass(slots=True)
class Command:
    """What ``ruby`` is told."""

    script: str | None = None
    """Absolute path."""
    arguments: Words = ()
    folders: list[str] = field(default_factory=list)
    """``-I``."""
    features: list[str] = field(default_factory=list)
    """``-r``."""
    folder: str = "/"
    """Where it runs."""
    problem: str | None = None


def read_command(words: Words, context: Context) -> Command:
    """Read the words that follow ``ruby`` (https://docs.ruby-lang.org/en/3.3/)."""
    found = Command(folder=posixpath.join("/", context.working_dir))
    rest = list(words[1:])
    rest = [*context.variables.get("RUBYOPT", "").split(), *rest]
    search = False
    while rest:
        word = rest.pop(0)
        if word is None:
            found.problem = "the script that ruby is told to run depends on run time"
            return found
        if word == "--":
            break
        if word == "-" or not word.startswith("-"):
            rest.insert(0, word)
            break
        if word.startswith("--"):
            continue
        search = search or "S" in word
        _option(word, rest, found)
        if found.problem is not None:
            return found
    if not rest or rest[0] in {None, "-"}:
        found.problem = found.problem or "ruby is not told which script to run"
        return found
    _script(str(rest[0]), found, context, search=search)
    found.arguments = tuple(rest[1:])
    return found


def _script(name: str, found: Command, context: Context, *, search: bool) -> None:
    found.script = posixpath.normpath(posixpath.join(found.folder, name))
    if search and "/" not in name:
        for folder in context.variables.get("PATH", "").split(":"):
            entry = context.rootfs.resolve(posixpath.join(folder or "/", name))
            if entry is not None:
                found.script = entry.path
                return


def _option(word: str, rest: list[str | None], found: Command) -> None:
    """One word of short options, some of them with a value."""
    for position, letter in enumerate(word[1:], 1):
        if letter not in _VALUES:
            continue
        value: str | None = word[position + 1 :]
        if not value and letter in _NEXT and rest:
            value = rest.pop(0)
        if value is None:
            found.problem = f"ruby's option -{letter} depends on run time"
        elif letter == "I":
            found.folders += [posixpath.join(found.folder, one) for one in value.split(":")]
        elif letter == "r":
            found.features.append(value)
        elif letter in "CX":
            found.folder = posixpath.normpath(posixpath.join(found.folder, value))
        elif letter == "e":
            found.problem = "the program stands on the command line of ruby (-e)"
        return


def named_applications(row: LauncherRow, arguments: Words) -> tuple[list[str], dict[str, str]]:
    """Operands of a launcher, and the values of its options."""
    operands: list[str] = []
    values: dict[str, str] = {}
    taking = {*row.options, *row.value_options}
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word is None:
            continue
        name, equals, value = word.partition("=")
        if name in taking and equals:
            values[name] = value
        elif word in taking:
            following = rest.pop(0) if rest else None
            values[word] = following or ""
        elif word[:2] in taking and not word.startswith("--"):
            values[word[:2]] = word[2:]
        elif not word.startswith("-"):
            operands.append(word)
    return operands, values
