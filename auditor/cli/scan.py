"""``auditor scan REFERENCE``."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from auditor.cli import arguments, configuration, gating, output, progress, warn

if TYPE_CHECKING:
    from argparse import _SubParsersAction

__all__ = ["add_options", "configure"]

_DESCRIPTION = """\
Read an image, follow its entrypoint, and judge what it reaches against every target. Nothing of
the image is run or unpacked.

REFERENCE is a path, else a name (nginx:latest) that is looked for in Docker, Podman and its
registry, in this order; or - for an archive on standard input (docker save app | auditor scan -).
docker:NAME, podman:NAME, registry:NAME, oci-dir:PATH[:TAG], oci-archive:PATH[:TAG],
docker-archive:PATH[:NAME:TAG] and dir:PATH leave no choice. sbom:FILE and trace:FILE speak of an
image that cannot be had, from its bill of materials or from a recording of its system calls.
"""


def configure(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "scan",
        help="judge an image",
        description=_DESCRIPTION,
        add_help=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    arguments.add_reference(parser)
    add_options(parser)
    parser.set_defaults(execute=execute)


def add_options(parser: argparse.ArgumentParser) -> None:
    """All that is no operand."""
    arguments.add_image(parser, exclude=True)
    arguments.add_launch(parser)
    arguments.add_packages(parser)
    arguments.add_tables(parser)
    parser.add_argument(
        "--base",
        metavar="REFERENCE",
        help="the image that it was built on: what its own layers bring is told apart and comes "
        "first; otherwise the history of the layers tells",
    )
    parser.add_argument(
        "--trace",
        action="append",
        type=Path,
        default=[],
        metavar="FILE",
        help="system calls that were recorded of this image: strace or perf trace output, an audit "
        "log, a seccomp profile, or names (repeatable); docs/traces.md tells how to record one",
    )
    arguments.add_judgement(parser)
    output.add(parser, formats=output.SCAN_FORMATS)
    output.add_dockerfile(parser)
    gating.add(parser)
    configuration.add(parser)


def execute(parsed: argparse.Namespace) -> int:
    """Scan and write every output that was asked for."""
    outputs = output.parse(parsed.output, formats=output.SCAN_FORMATS)
    gate = gating.parse(parsed)
    options = arguments.options(parsed)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _leave)
    with progress.shown(quiet=parsed.quiet, stages=not parsed.no_progress) as display:
        from auditor.pipeline import scan
        from auditor.report import to_wire
        from auditor.report.gate import judge

        scanned = scan(parsed.reference, options, display)
        report, idle = configuration.waive(output.placed(to_wire(scanned), parsed), parsed)
        report = judge(report, gate, options.targets)
    warn.about_age(scanned.tables)
    warn.about_excluded(scanned.excluded)
    warn.about_packages(scanned.inventory.unknowns)
    warn.about_traces(report.unknowns)
    warn.about_waivers(idle)
    output.write_report(report, outputs, verbose=parsed.verbose, scan=scanned)
    return gating.exit_code(report)


def _leave(number: int, _: object) -> NoReturn:
    """Leave as on an interrupt, so that what was started is ended and what was written goes."""
    sys.exit(128 + number)
