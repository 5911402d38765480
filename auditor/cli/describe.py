"""The command line as values, for what is written about it: the manual and the documentation."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Command", "Entry", "Group", "commands", "is_literal", "paragraphs"]


@dataclass(frozen=True, slots=True)
class Entry:
    """An option or an operand."""

    flags: tuple[str, ...]
    """As they are typed, the short one first; empty for an operand."""
    metavar: str | None
    """What follows it, or stands for it; ``None`` for a switch."""
    help: str
    required: bool = True
    """False for an option, and for an operand that may be left out."""


@dataclass(frozen=True, slots=True)
class Group:
    """Entries under a title."""

    title: str
    description: str | None
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Command:
    """A subcommand, or the program itself."""

    name: str
    """All its words: ``auditor rules show``."""
    summary: str
    description: str
    groups: tuple[Group, ...]
    commands: tuple[Command, ...]
    bounds: tuple[tuple[str, str, str], ...] = ()
    """Name, default and meaning of what ``--limit`` sets, where the command has it."""

    @property
    def synopsis(self) -> str:
        """How it is called, in one line."""
        words = [self.name]
        entries = [entry for group in self.groups for entry in group.entries]
        if any(entry.flags for entry in entries):
            words.append("[OPTION ...]")
        operands = [entry for entry in entries if not entry.flags]
        words += [f"{item.metavar}" if item.required else f"[{item.metavar}]" for item in operands]
        return " ".join([*words, "COMMAND ..."] if self.commands else words)

    def walk(self) -> Iterator[Command]:
        """It, and all below it."""
        yield self
        for command in self.commands:
            yield from command.walk()


def commands() -> Command:
    """The program and all its commands, as its parser has them."""
    from auditor.cli.parser import build

    parser, _ = build()
    return _command(parser, parser.description or "")


def paragraphs(text: str) -> tuple[str, ...]:
    """A description cut at its empty lines."""
    return tuple(part.strip("\n") for part in text.strip("\n").split("\n\n") if part.strip())


def is_literal(paragraph: str) -> bool:
    """Whether a paragraph's lines stand as they are: code, not prose."""
    return any(line.startswith(" ") for line in paragraph.splitlines())


def _command(parser: argparse.ArgumentParser, summary: str) -> Command:
    below = [item for item in parser._actions if isinstance(item, argparse._SubParsersAction)]  # noqa: SLF001
    groups = tuple(_group(parser, group) for group in parser._action_groups)  # noqa: SLF001
    groups = tuple(group for group in groups if group.entries)
    bounds = any("--limit" in entry.flags for group in groups for entry in group.entries)
    return Command(
        name=parser.prog,
        summary=summary,
        description=parser.description or summary,
        groups=groups,
        commands=tuple(
            _command(action.choices[item.dest], item.help or "")
            for action in below
            for item in action._choices_actions  # noqa: SLF001
        ),
        bounds=_bounds() if bounds else (),
    )


def _group(parser: argparse.ArgumentParser, group: argparse._ArgumentGroup) -> Group:
    entries = tuple(
        _entry(parser, action)
        for action in group._group_actions  # noqa: SLF001
        if not isinstance(action, argparse._SubParsersAction)  # noqa: SLF001
        and action.help != argparse.SUPPRESS
    )
    title = {"positional arguments": "operands"}.get(group.title or "", group.title or "")
    return Group(title, group.description, entries)


def _entry(parser: argparse.ArgumentParser, action: argparse.Action) -> Entry:
    expand = parser._get_formatter()._expand_help  # noqa: SLF001
    metavar = None if action.nargs == 0 else str(action.metavar or action.dest.upper())
    flags = tuple(action.option_strings)
    return Entry(
        flags=tuple(sorted(flags, key=len)),
        metavar=metavar,
        help=expand(action) if action.help else "",
        required=not flags and action.nargs not in {"?", "*"},
    )


def _bounds() -> tuple[tuple[str, str, str], ...]:
    from auditor.image.bounds import describe

    return describe()
