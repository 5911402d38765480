"""``auditor diff BEFORE AFTER``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from auditor.cli import output
from auditor.errors import EXIT_OK, UsageError

if TYPE_CHECKING:
    from argparse import _SubParsersAction

__all__ = ["configure"]


def configure(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "diff",
        help="compare two saved reports",
        description="Compare two saved JSON reports: verdicts, scores, and findings that are new, "
        "worse, better or gone. Exit code 0 whatever changed; auditor gate --baseline fails on it.",
    )
    parser.add_argument("before", metavar="BEFORE", help="the earlier report, or -")
    parser.add_argument("after", metavar="AFTER", help="the later report, or -")
    output.add(parser, formats=("table", "json"))
    parser.set_defaults(execute=execute)


def execute(parsed: argparse.Namespace) -> int:
    """Read both and write what changed."""
    from auditor.report import table_diff
    from auditor.report.diff import diff
    from auditor.report.saved import read_report

    outputs = output.parse(parsed.output, formats=("table", "json"))
    if parsed.before == parsed.after == "-":
        raise UsageError("both reports cannot come from standard input")
    document = diff(read_report(parsed.before), read_report(parsed.after))
    output.write(document, outputs, table_diff.write)
    return EXIT_OK
