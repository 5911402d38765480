"""``auditor explain RULE`` and ``auditor explain FINDING REPORT``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from auditor.cli import arguments, output, rules
from auditor.errors import EXIT_OK

if TYPE_CHECKING:
    from argparse import _SubParsersAction

__all__ = ["configure"]

_DESCRIPTION = """\
Explain a rule (process.fork, or a function: fork) by the tables, as auditor rules show does; or,
with a JSON report, one of its findings: by its id (wasip1:process.fork:/usr/sbin/nginx) or by the
first 8 or more digits of its fingerprint, as code scanning shows it.
"""


def configure(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "explain",
        help="explain a rule, or a finding of a report",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("id", metavar="RULE|FINDING", help="a rule, or a finding of REPORT")
    parser.add_argument("report", metavar="REPORT", nargs="?", help="a JSON report, or -")
    output.add(parser, formats=("table", "json"))
    arguments.add_tables(parser)
    parser.set_defaults(execute=execute)


def execute(parsed: argparse.Namespace) -> int:
    """Explain what was named."""
    if parsed.report is None:
        return rules.show(parsed)
    from auditor.report import table_finding
    from auditor.report.saved import read_report

    outputs = output.parse(parsed.output, formats=("table", "json"))
    report = read_report(parsed.report)
    finding = table_finding.find(report, parsed.id)
    output.write(finding, outputs, lambda item, stream: table_finding.write(item, report, stream))
    return EXIT_OK
