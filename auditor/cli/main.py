"""Parse the command line, run a subcommand, turn errors into a sentence and an exit code."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from auditor.cli import configuration, terminal
from auditor.cli.parser import build
from auditor.errors import EXIT_ERROR, AuditorError

__all__ = ["main"]

_CONFIGURABLE = ("scan", "assess", "inspect", "gate", "convert")
_INTERRUPTED = 130
_LONGEST = 2000
"""Characters of a message."""


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line, completed from the environment and the nearest configuration file."""
    parser, commands = build()
    parsed = parser.parse_args(arguments)
    if parsed.command not in _CONFIGURABLE:
        return parsed
    # A second parser without defaults tells which options were given.
    again, without = build()
    for action in configuration.keys(without[parsed.command]).values():
        action.default = argparse.SUPPRESS
    known = frozenset(key for name in _CONFIGURABLE for key in configuration.keys(commands[name]))
    flags = again.parse_args(arguments)
    configuration.merge(parsed, flags, commands[parsed.command], known)
    return parsed


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code."""
    terminal.prepare()
    try:
        parsed = _parsed(arguments)
        code: int = parsed.execute(parsed)
        sys.stdout.flush()
    except AuditorError as error:
        _tell(error)
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("auditor: interrupted\n")
        return _INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone (``| head``); point stdout at nothing, so that
        # Python's own flush at exit does not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_ERROR
    return code


def _tell(error: AuditorError) -> None:
    from auditor.report.text import printable

    sys.stderr.write(f"auditor: {_short(printable(str(error)))}\n")
    if error.hint is not None:
        sys.stderr.write(f"  hint: {_short(printable(error.hint))}\n")


def _short(text: str) -> str:
    """What an image, a registry or an engine says may be of any length."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"
