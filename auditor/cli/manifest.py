"""``auditor manifest REPORT``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from auditor.cli import output
from auditor.errors import EXIT_OK

if TYPE_CHECKING:
    from argparse import _SubParsersAction

__all__ = ["configure"]

_FORMATS = ("text", "wit", "wasmtime", "spin", "wasmcloud")
_DESCRIPTION = """\
Show the least that a migrated component would need, from a saved report: a WIT world with its
imports and exports, and what Wasmtime, Spin and wasmCloud have to be told to grant just that.
Directories are the image's volumes, or /data; hosts to call are for you to name.
"""


def configure(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "manifest",
        help="show what a migrated component would have to be granted",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("report", metavar="REPORT", help="a JSON report, or - for standard input")
    parser.add_argument(
        "--target",
        action="append",
        default=[],
        metavar="ID",
        help="speak of this target instead of the recommended one",
    )
    output.add(parser, formats=_FORMATS)
    parser.set_defaults(execute=execute)


def execute(parsed: argparse.Namespace) -> int:
    """Read the report and write what it leads to."""
    from auditor.report.manifest import FORMATS
    from auditor.report.saved import read_report
    from auditor.report.select import only

    outputs = output.parse(parsed.output or ["text"], _FORMATS)
    report = read_report(parsed.report)
    report = only(report, tuple(parsed.target)) if parsed.target else report
    output.write_texts(outputs, lambda name: FORMATS[name](report))
    return EXIT_OK
