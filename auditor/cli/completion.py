"""``auditor completion bash|zsh|fish``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from auditor.cli import output
from auditor.errors import EXIT_OK

if TYPE_CHECKING:
    from argparse import _SubParsersAction

__all__ = ["SHELLS", "configure", "script"]

SHELLS = ("bash", "zsh", "fish")
_DESCRIPTION = """\
Print a script that makes the shell complete commands, options and their values.

  bash  auditor completion bash > ~/.local/share/bash-completion/completions/auditor
  zsh   auditor completion zsh > "${fpath[1]}/_auditor"
  fish  auditor completion fish > ~/.config/fish/completions/auditor.fish
"""


def configure(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "completion",
        help="print a completion script for a shell",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("shell", metavar="SHELL", choices=SHELLS, help="bash, zsh or fish")
    parser.set_defaults(execute=execute)


def execute(parsed: argparse.Namespace) -> int:
    """Print the script."""
    sys.stdout.write(script(parsed.shell))
    return EXIT_OK


def script(shell: str) -> str:
    """The script for one of ``SHELLS``, made from the command line's parser by shtab."""
    import shtab

    from auditor.cli.parser import build

    parser, _ = build()
    for action in _actions(parser):
        words, files = _offered(action)
        if words:
            action.choices = words
        elif files is not None:
            action.complete = files  # type: ignore[attr-defined] # shtab looks for it
    return f"{shtab.complete(parser, shell=shell).rstrip()}\n"


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """The options and operands of a parser and of all below it."""
    for action in parser._actions:  # noqa: SLF001 - no public way
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for item in action._choices_actions:  # noqa: SLF001
                # shtab shows the description, and its first line is often half a sentence.
                action.choices[item.dest].description = item.help
            for below in action.choices.values():
                yield from _actions(below)
        else:
            yield action


def _offered(action: argparse.Action) -> tuple[tuple[str, ...], object]:
    """What may follow an option or stand for an operand: words, or shtab's word for paths."""
    import shtab

    if action.choices is not None or action.nargs == 0:
        return (), None
    metavar = str(action.metavar)
    if (words := _WORDS.get((action.dest, metavar))) is not None:
        return words(action), None
    if metavar in _FOLDERS:
        return (), shtab.DIRECTORY
    return (), shtab.FILE if metavar in _FILES else None


def _capabilities(_: argparse.Action) -> tuple[str, ...]:
    from auditor.tables import load

    return tuple(sorted(load().capabilities))


def _judged(_: argparse.Action) -> tuple[str, ...]:
    from auditor.model.terms import Severity, Verdict

    return (*Verdict, *Severity)


def _sources(_: argparse.Action) -> tuple[str, ...]:
    from auditor.cli.arguments import sources

    return sources()


def _targets(_: argparse.Action) -> tuple[str, ...]:
    from auditor.tables import load

    return tuple(load().targets)


_FILES = frozenset({"AFTER", "BEFORE", "FILE", "REFERENCE", "REPORT", "syft|none|FILE"})
"""Metavars of what is mostly a file."""
_FOLDERS = frozenset({"DIR"})
_WORDS: Mapping[tuple[str, str], Callable[[argparse.Action], tuple[str, ...]]] = {
    ("fail_on", "VERDICT|SEVERITY"): _judged,
    ("id", "ID"): _capabilities,
    ("id", "RULE|FINDING"): _capabilities,
    ("output", "FORMAT[=FILE]"): output.formats_of,
    ("source", "SOURCE"): _sources,
    ("target", "ID"): _targets,
}
"""Destination and metavar → the words that may stand there."""
