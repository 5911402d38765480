"""The interpreter's own command line, and those of launchers (``gunicorn shop.wsgi:app``)."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from auditor.applications.language import Words
from auditor.tables.launchers import LauncherRow

__all__ = ["Command", "Named", "named_by", "options_of", "parse_command"]

_ENDS = frozenset("cm")
_TAKES_VALUE = frozenset("WX")
_TARGET = re.compile(r"([A-Za-z_][\w.]*)(?::([A-Za-z_][\w.]*)(\(.*\))?)?", re.DOTALL)
_DIRECTORIES = ("--chdir", "--app-dir", "--pythonpath", "--workdir")
_OPERANDS = 2
_FILE = re.compile(r"(.*/)?([^/]+)\.py(?::([A-Za-z_][\w.]*))?")


@dataclass(frozen=True, slots=True)
class Command:
    """``python3 [options] [-c text | -m module | script] arguments``."""

    script: str | None = None
    module: str | None = None
    text: str | None = None
    arguments: Words = ()
    unclear: bool = False
    """A word that decides depends on run time."""
    isolated: bool = False
    """``-I`` or ``-P``: neither the script's directory nor the working directory is searched."""


@dataclass(frozen=True, slots=True)
class Named:
    """The application that a launcher's command line names."""

    module: str
    attribute: str = ""
    directory: str | None = None
    """Searched for modules before all others."""


def parse_command(words: Words) -> Command:
    """Read the interpreter's command line (CPython 3, "Command line and environment")."""
    rest = list(words[1:])
    isolated = False
    while rest:
        word = rest.pop(0)
        if word is None:
            return Command(unclear=True)
        if word == "--" or not word.startswith("-") or word == "-":
            script = rest.pop(0) if word == "--" and rest else word
            return Command(script=script, arguments=tuple(rest), isolated=isolated)
        if word.startswith("--"):
            continue
        flag = next((flag for flag in word[1:] if flag in _ENDS or flag in _TAKES_VALUE), "")
        before, _, value = word[1:].partition(flag) if flag else (word[1:], "", "")
        isolated = isolated or not {"I", "P"}.isdisjoint(before)
        if flag:
            given: str | None = value or (rest.pop(0) if rest else "")
        if flag in _ENDS and flag:
            return _ended(flag, given, tuple(rest), isolated=isolated)
    return Command()


def _ended(flag: str, value: str | None, arguments: Words, *, isolated: bool) -> Command:
    """What ``-c`` and ``-m`` end the options with."""
    if value is None:
        return Command(unclear=True)
    if flag == "c":
        return Command(text=value, arguments=arguments, isolated=isolated)
    return Command(module=value, arguments=arguments, isolated=isolated)


def named_by(launcher: LauncherRow, arguments: Words, environment: str = "") -> list[Named]:
    """The applications that a launcher's command line may name, the likeliest first.

    ``environment`` holds more arguments, as ``GUNICORN_CMD_ARGS`` does. Of the operands, the
    first are tried, since one may be a subcommand (``fastapi run main.py``).
    """
    operands, options = _split(launcher, (*_shell_words(environment), *arguments))
    directory = next((options[name] for name in _DIRECTORIES if name in options), None)
    given = [options[name] for name in launcher.options if name in options]
    if launcher.operand:
        given += operands[:_OPERANDS]
    found = (_named(text, directory) for text in given)
    return [named for named in found if named is not None]


def options_of(launcher: LauncherRow, arguments: Words, environment: str = "") -> dict[str, str]:
    """Options of a launcher's command line that have a value."""
    return _split(launcher, (*_shell_words(environment), *arguments))[1]


def _named(text: str, directory: str | None) -> Named | None:
    file = _FILE.fullmatch(text)
    if file is not None:
        return Named(file.group(2), file.group(3) or "", file.group(1) or directory)
    match = _TARGET.fullmatch(text)
    if match is None:
        return None
    return Named(match.group(1), match.group(2) or "", directory)


def _split(launcher: LauncherRow, words: Iterable[str | None]) -> tuple[list[str], dict[str, str]]:
    """Operands, and the values of options."""
    operands: list[str] = []
    options: dict[str, str] = {}
    takes = {*launcher.options, *launcher.value_options, *_DIRECTORIES}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word is None:
            continue
        if not word.startswith("-") or word == "-":
            operands.append(word)
            continue
        name, joined, value = word.partition("=")
        if joined:
            options[name] = value
        elif name in takes and rest:
            options[name] = rest.pop(0) or ""
        elif name[:2] in takes and not name.startswith("--"):
            options[name[:2]] = name[2:]
    return operands, options


def _shell_words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return []
