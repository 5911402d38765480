"""``auditor convert REPORT -o FORMAT``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from auditor.cli import output, saved
from auditor.errors import EXIT_OK

if TYPE_CHECKING:
    from argparse import _SubParsersAction

__all__ = ["configure"]


def configure(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "convert",
        help="write a saved report in other formats",
        description="Write a saved report (auditor scan -o json=FILE) in other formats.",
    )
    saved.add(parser)
    parser.set_defaults(execute=execute)


def execute(parsed: argparse.Namespace) -> int:
    """Read the report and write it."""
    outputs = output.parse(parsed.output, output.REPORT_FORMATS)
    output.write_report(saved.read(parsed), outputs, verbose=parsed.verbose)
    return EXIT_OK
