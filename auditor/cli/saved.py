"""What the subcommands that read a saved report have in common."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from auditor.cli import configuration, output, warn

if TYPE_CHECKING:
    from auditor.report.wire import WireReport

__all__ = ["add", "read"]


def add(parser: argparse.ArgumentParser) -> None:
    """Add the report, its outputs and the target to speak of."""
    parser.add_argument("report", metavar="REPORT", help="a JSON report, or - for standard input")
    parser.add_argument(
        "--target",
        action="append",
        default=[],
        metavar="ID",
        help="speak of this target instead of the recommended one (repeatable)",
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="show everything found")
    output.add(parser, formats=output.REPORT_FORMATS)
    output.add_dockerfile(parser)
    configuration.add(parser)


def read(parsed: argparse.Namespace) -> WireReport:
    """The report, cut to the targets that were named, with its waived findings marked."""
    from auditor.report.saved import read_report
    from auditor.report.select import only

    report = output.placed(read_report(parsed.report), parsed)
    report = only(report, tuple(parsed.target)) if parsed.target else report
    report, idle = configuration.waive(report, parsed)
    warn.about_waivers(idle)
    return report
