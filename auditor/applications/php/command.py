"""The command lines of ``php`` and ``php-fpm``."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field

from auditor.applications.language import Words

__all__ = ["Command", "read_command"]

_VALUES = {
    "--php-ini": "-c",
    "--define": "-d",
    "--file": "-f",
    "--server": "-S",
    "--docroot": "-t",
    "--fpm-config": "-y",
    "--prefix": "-p",
    "--pid": "-g",
    "--run": "-r",
    "--process-code": "-R",
    "--process-file": "-F",
}
"""Long options that take a value → the short ones."""
_CLI = "cdfStrRFBEz"
_FPM = "cdypg"


@dataclass(slots=True)
class Command:
    """What ``php`` is told."""

    operands: list[str | None] = field(default_factory=list)
    options: dict[str, str] = field(default_factory=dict)
    """By their short names, paths absolute."""
    settings: dict[str, str] = field(default_factory=dict)
    """``-d name=value``."""


def read_command(words: Words, working_dir: str, *, fpm: bool) -> Command:
    """Read the words after the program (php(1), php-fpm(8))."""
    found = Command()
    values = _FPM if fpm else _CLI
    rest = list(words[1:])
    while rest:
        word = rest.pop(0)
        if word is None or word == "-" or not word.startswith("-"):
            found.operands = [word, *rest]
            break
        if word == "--":
            found.operands = rest
            break
        name, equals, value = word.partition("=")
        if name in _VALUES:
            given = value if equals else (rest.pop(0) if rest else "")
            _note(_VALUES[name], given or "", working_dir, found)
        elif word[1] in values:
            given = word[2:] or (rest.pop(0) if rest else "")
            _note(word[:2], given or "", working_dir, found)
    return found


def _note(name: str, value: str, working_dir: str, found: Command) -> None:
    if name == "-d":
        key, _, setting = value.partition("=")
        found.settings[key.strip().lower()] = setting.strip()
    elif name in {"-c", "-f", "-t", "-y", "-p", "-F"}:
        found.options[name] = posixpath.normpath(posixpath.join("/", working_dir, value))
    else:
        found.options[name] = value
