"""``auditor targets``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from auditor.cli import arguments, output, warn
from auditor.errors import EXIT_OK

if TYPE_CHECKING:
    from argparse import _SubParsersAction

__all__ = ["configure"]

_DESCRIPTION = """\
Show the platforms that verdicts are given for: what they are, what runs them, what builds for
them, and how many capabilities they offer at each level.
"""


def configure(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "targets",
        help="show the platforms that verdicts are given for",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    arguments.add_tables(parser)
    output.add(parser, formats=("table", "json"))
    parser.set_defaults(execute=execute)


def execute(parsed: argparse.Namespace) -> int:
    """Show them."""
    outputs = output.parse(parsed.output, formats=("table", "json"))
    from auditor.report import table_targets
    from auditor.report.targets import target_list
    from auditor.tables import load

    tables = load(overlay=parsed.tables)
    warn.about_age(tables)
    output.write(target_list(tables), outputs, table_targets.write)
    return EXIT_OK
