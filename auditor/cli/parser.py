"""The whole command line as one argparse parser; help, completion, manual and docs come from it."""

from __future__ import annotations

import argparse
import sys
from typing import NoReturn

from auditor.cli import (
    assess,
    completion,
    config,
    convert,
    diff,
    explain,
    gate,
    inspect,
    manifest,
    manual,
    rules,
    scan,
    tables,
    targets,
)
from auditor.errors import EXIT_ERROR, EXIT_GATE, EXIT_OK, EXIT_USAGE

__all__ = ["EXIT_CODES", "build"]

EXIT_CODES = {
    EXIT_OK: "done",
    EXIT_ERROR: "error",
    EXIT_GATE: "gate not met",
    EXIT_USAGE: "wrong usage",
}
"""Exit code → what it means."""
_EPILOG = f"""\
exit codes: {", ".join(f"{code} {meaning}" for code, meaning in EXIT_CODES.items())}
The report goes to standard output or its file, all else to standard error.
"""
_COMMANDS = (
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
    completion,
    manual,
)


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


def build() -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """The parser, and those of its commands by name."""
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
    for module in _COMMANDS:
        module.configure(commands)
    return parser, dict(commands.choices)
