"""The interpreter's own command line (perlrun), and those of launchers (``starman app.psgi``)."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.applications.language import Words
from auditor.tables.launchers import LauncherRow

__all__ = ["Command", "application_of", "parse_command"]

_VALUED = {"e": "e", "E": "e", "I": "I", "m": "M", "M": "M"}
"""Switches with a value, which may be the next word → what they are kept as."""
_JOINED = frozenset("0CdDFilVx")
"""Switches whose value, if any, is the rest of the word."""


@dataclass(frozen=True, slots=True)
class Command:
    """``perl [switches] [-e text | script] arguments``."""

    script: str | None = None
    text: str | None = None
    modules: tuple[str, ...] = ()
    """``-MModule``."""
    libraries: tuple[str, ...] = ()
    """``-I``."""
    on_path: bool = False
    """``-S``: the script is looked for on PATH."""
    arguments: Words = ()
    unclear: bool = False
    """A word that decides depends on run time."""


def parse_command(words: Words) -> Command:
    """Read the switches, which may stand together in one word (``-wT``)."""
    rest = list(words[1:])
    given: dict[str, list[str]] = {letter: [] for letter in "eIMS"}
    while rest:
        word = rest[0]
        if word is None:
            return Command(unclear=True)
        if not word.startswith("-") or word == "-":
            break
        rest.pop(0)
        if word == "--":
            break
        if not _switches(word[1:], rest, given):
            return Command(unclear=True)
    text = "\n".join(given["e"]) if given["e"] else None
    script = rest.pop(0) if text is None and rest else None
    return Command(
        script=script,
        text=text,
        modules=tuple(name.lstrip("-").partition("=")[0].split(" ")[0] for name in given["M"]),
        libraries=tuple(given["I"]),
        on_path=bool(given["S"]),
        arguments=tuple(rest),
    )


def _switches(letters: str, rest: list[str | None], given: dict[str, list[str]]) -> bool:
    """Read one word of switches; False where the value of one depends on run time."""
    while letters:
        letter, letters = letters[0], letters[1:]
        if letter in _VALUED:
            value = letters or (rest.pop(0) if rest else "")
            if value is None:
                return False
            given[_VALUED[letter]].append(value)
        elif letter == "S":
            given[letter].append("")
            continue
        if letter in _VALUED or letter in _JOINED:
            break
    return True


def application_of(launcher: LauncherRow, arguments: Words) -> str | None:
    """The file that a launcher is given, or its default one."""
    takes = {*launcher.options, *launcher.value_options}
    operands: list[str] = []
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word is None:
            continue
        if not word.startswith("-") or word == "-":
            operands.append(word)
            continue
        name, joined, value = word.partition("=")
        if not joined and name in takes and rest:
            value = rest.pop(0) or ""
        elif not joined and not name.startswith("--") and name[:2] in takes:
            name, value = name[:2], name[2:]
        if name in launcher.options and value:
            return value
    return operands[0] if launcher.operand and operands else None
