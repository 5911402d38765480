"""``auditor tables``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from auditor.cli import arguments, output, warn
from auditor.errors import EXIT_OK

if TYPE_CHECKING:
    from argparse import _SubParsersAction

__all__ = ["configure"]

_DESCRIPTION = """\
Show how many rows the tables have, how old they are, and where they were read.

SOURCE_DATE_EPOCH takes the place of today's date, for builds that must repeat.
"""


def configure(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "tables",
        help="show counts, dates and sources of the tables",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    arguments.add_tables(parser)
    output.add(parser, formats=("table", "json"))
    parser.set_defaults(execute=execute)


def execute(parsed: argparse.Namespace) -> int:
    """Show them."""
    outputs = output.parse(parsed.output, formats=("table", "json"))
    from importlib.metadata import version

    from auditor.report import table_tables
    from auditor.report.tables import tables_document
    from auditor.tables import load
    from auditor.tables.age import age, stale

    tables = load(overlay=parsed.tables)
    warn.about_age(tables)
    document = tables_document(
        tables, version=version("auditor"), age=age(tables), stale=stale(tables) is not None
    )
    output.write(document, outputs, table_tables.write)
    return EXIT_OK
