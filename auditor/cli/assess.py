"""``auditor assess INVENTORY``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from auditor.cli import arguments, configuration, gating, output, warn

if TYPE_CHECKING:
    from argparse import _SubParsersAction

__all__ = ["configure"]

_DESCRIPTION = """\
Assess a saved inventory (auditor scan -o inventory=FILE) again, with other tables or what-ifs, and
without the image.
"""


def configure(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "assess",
        help="judge a saved inventory again",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("inventory", metavar="INVENTORY", help="a saved inventory, or -")
    parser.add_argument("-v", "--verbose", action="store_true", help="show everything found")
    arguments.add_tables(parser)
    arguments.add_judgement(parser)
    output.add(parser, formats=output.SCAN_FORMATS)
    output.add_dockerfile(parser)
    gating.add(parser)
    configuration.add(parser)
    parser.set_defaults(execute=execute)


def execute(parsed: argparse.Namespace) -> int:
    """Judge, and write every output that was asked for."""
    from auditor.reassess import reassess
    from auditor.report import to_wire
    from auditor.report.gate import judge

    outputs = output.parse(parsed.output, formats=output.SCAN_FORMATS)
    gate = gating.parse(parsed)
    options = arguments.judgement(parsed)
    scanned = reassess(parsed.inventory, options)
    report, idle = configuration.waive(output.placed(to_wire(scanned), parsed), parsed)
    report = judge(report, gate, options.targets)
    warn.about_age(scanned.tables)
    warn.about_traces(report.unknowns)
    warn.about_waivers(idle)
    output.write_report(report, outputs, verbose=parsed.verbose, scan=scanned)
    return gating.exit_code(report)
