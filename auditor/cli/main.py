"""Parse the command line, run a subcommand, turn errors into a sentence and an exit code."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from auditor.cli import (
    assess,
    config,
    configuration,
    convert,
    diff,
    explain,
    gate,
    inspect,
    manifest,
    rules,
    scan,
    tables,
    targets,
)
from auditor.errors import EXIT_ERROR, EXIT_USAGE, AuditorError

__all__ = ["main"]

_EPILOG = """\
exit codes: 0 done, 1 error, 2 gate not met, 64 wrong usage
The report goes to standard output or its file, all else to standard error.
"""
_CONFIGURABLE = ("scan", "assess", "inspect", "gate", "convert")
_INTERRUPTED = 130
_LONGEST = 2000
"""Characters of a message."""


class _Parser(argparse.ArgumentParser):
    """Exits with 64 for wrong usage, since 2 means that a gate is not met."""

    def error(self, message: str) -> NoReturn:
        """Print usage and the sentence, and leave."""
        self.print_usage(sys.stderr)
        self.exit(EXIT_USAGE, f"auditor: {message}\n")


class _Version(argparse.Action):
    """Looks the version up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import version

        sys.stdout.write(f"auditor {version('auditor')}\n")
        parser.exit()


def _parser() -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """The parser, and those of its commands."""
    parser = _Parser(
        prog="auditor",
        description="Tells, with proof, which parts of a container image can become WebAssembly.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(
        title="commands", metavar="COMMAND", required=True, dest="command"
    )
    for module in (
        scan,
        assess,
        inspect,
        explain,
        gate,
        convert,
        diff,
        manifest,
        config,
        targets,
        tables,
        rules,
    ):
        module.configure(commands)
    return parser, dict(commands.choices)


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line, completed from the environment and the nearest configuration file."""
    parser, commands = _parser()
    parsed = parser.parse_args(arguments)
    if parsed.command not in _CONFIGURABLE:
        return parsed
    # A second parser without defaults tells which options were given.
    again, without = _parser()
    for action in configuration.keys(without[parsed.command]).values():
        action.default = argparse.SUPPRESS
    known = frozenset(key for name in _CONFIGURABLE for key in configuration.keys(commands[name]))
    flags = again.parse_args(arguments)
    configuration.merge(parsed, flags, commands[parsed.command], known)
    return parsed


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code."""
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
