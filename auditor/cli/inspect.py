"""``auditor inspect REFERENCE PATH``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from auditor.cli import arguments, configuration, output, progress
from auditor.errors import EXIT_OK

if TYPE_CHECKING:
    from argparse import _SubParsersAction

__all__ = ["configure"]

_DESCRIPTION = """\
Show one file of an image in full: the libraries it would load, the libc functions it imports,
and what of these each target lacks. Reads no more of the image than that takes.
"""


def configure(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "inspect",
        help="show one file of an image in full",
        description=_DESCRIPTION,
        add_help=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    arguments.add_reference(parser)
    arguments.add_image(parser)
    arguments.add_tables(parser)
    parser.add_argument("path", metavar="PATH", help="the file's path inside the image")
    output.add(parser, formats=("table", "json"))
    configuration.add(parser)
    parser.set_defaults(execute=execute)


def execute(parsed: argparse.Namespace) -> int:
    """Inspect and write every output that was asked for."""
    outputs = output.parse(parsed.output, formats=("table", "json"))
    options = arguments.options(parsed)
    with progress.shown(quiet=parsed.quiet, stages=not parsed.no_progress) as display:
        from auditor.inspecting import inspect

        document = inspect(parsed.reference, parsed.path, options, display)
    output.write_inspection(document, outputs)
    return EXIT_OK
