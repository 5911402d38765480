"""``auditor config``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.cli import configuration, output, scan
from auditor.errors import EXIT_OK

if TYPE_CHECKING:
    from argparse import _SubParsersAction

__all__ = ["configure"]

_DESCRIPTION = """\
Show every option of auditor scan with its value, and where that came from: a variable
(AUDITOR_FAIL_ON for --fail-on), the nearest .auditor.toml from the working directory upward, or
the default; and the waivers. A flag of auditor scan would count before all of these.
"""


def configure(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "config",
        help="show the options that hold, and where each came from",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", metavar="FILE", help="read this file, not the nearest")
    output.add(parser, formats=("table", "json"))
    parser.set_defaults(execute=execute)


def execute(parsed: argparse.Namespace) -> int:
    """Merge as a scan without flags would, and show the outcome."""
    from auditor.report import table_configuration
    from auditor.report.configured import WireConfiguration, WireOption, WireWaiver

    outputs = output.parse(parsed.output, formats=("table", "json"))
    options = argparse.ArgumentParser(add_help=False)
    scan.add_options(options)
    merged = options.parse_args([])
    merged.config = parsed.config
    known = frozenset(configuration.keys(options))
    configuration.merge(merged, argparse.Namespace(), options, known)
    found = configuration.of(merged)
    document = WireConfiguration(
        file=str(found.path) if found.path is not None else None,
        options=[
            WireOption(key, _plain(origin.value), origin.source)
            for key, origin in sorted(found.origins.items())
        ],
        waivers=[
            WireWaiver(
                **{
                    name: getattr(item, name)
                    for name in ("rule", "component", "package", "path", "target", "owner")
                },
                reason=item.reason,
                expires=item.expires.isoformat() if item.expires is not None else None,
            )
            for item in found.waivers
        ],
    )
    output.write(document, outputs, table_configuration.write)
    return EXIT_OK


def _plain(value: object) -> str | bool | list[str] | None:
    match value:
        case list():
            return [str(item) for item in value]
        case Path():
            return str(value)
        case None | bool() | str():
            return value
        case _:
            return str(value)
