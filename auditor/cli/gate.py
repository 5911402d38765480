"""``auditor gate REPORT``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from auditor.cli import gating, output, saved

if TYPE_CHECKING:
    from argparse import _SubParsersAction

__all__ = ["configure"]

_DESCRIPTION = """\
Ask something of a saved report (auditor scan -o json=FILE), without scanning again. Exit code 2
where it is not met.
"""


def configure(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "gate",
        help="ask something of a saved report",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    saved.add(parser)
    gating.add(parser)
    parser.set_defaults(execute=execute)


def execute(parsed: argparse.Namespace) -> int:
    """Judge the report, and write it where that was asked for."""
    from auditor.report.gate import judge

    outputs = output.parse(parsed.output, output.REPORT_FORMATS) if parsed.output else ()
    gate = gating.parse(parsed)
    report = judge(saved.read(parsed), gate, tuple(parsed.target))
    output.write_report(report, outputs, verbose=parsed.verbose)
    return gating.exit_code(report)
