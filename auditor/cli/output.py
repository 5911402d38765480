"""``-o FORMAT[=FILE]``: what to write, and where; ``-`` is standard output."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, TypeVar

from auditor.cli import terminal
from auditor.errors import ReportError, UsageError

if TYPE_CHECKING:
    import msgspec

    from auditor.report import Scan, WireInspection, WireReport

__all__ = [
    "REPORT_FORMATS",
    "SCAN_FORMATS",
    "Output",
    "add",
    "add_dockerfile",
    "formats_of",
    "parse",
    "placed",
    "write",
    "write_inspection",
    "write_report",
    "write_texts",
]

REPORT_FORMATS = (
    "table",
    "json",
    "sarif",
    "html",
    "markdown",
    "junit",
    "gitlab",
    "csv",
    "cyclonedx",
    "dot",
    "graphml",
    "wit",
    "template",
)
"""What a scan's report can be written as: the table, a template of the user's, and
``report.formats.RENDERERS``."""
SCAN_FORMATS = (*REPORT_FORMATS, "inventory")
"""The same, and what ``auditor assess`` reads, which no report holds."""
TEMPLATE = "template"

T = TypeVar("T", bound="msgspec.Struct")


@dataclass(frozen=True, slots=True)
class Output:
    """One output; ``file`` is ``None`` for standard output."""

    format: str
    file: Path | None
    template: Path | None = None
    """The file that ``template=FILE`` names."""


def add(parser: argparse.ArgumentParser, formats: tuple[str, ...]) -> None:
    """Add the option."""
    option = parser.add_argument(
        "-o",
        "--output",
        action="append",
        default=[],
        metavar="FORMAT[=FILE]",
        help=_help(formats),
    )
    option.formats = formats  # type: ignore[attr-defined] # for ``formats_of``


def formats_of(option: argparse.Action) -> tuple[str, ...]:
    """The formats that an option made by ``add`` knows."""
    return tuple(getattr(option, "formats", ()))


def add_dockerfile(parser: argparse.ArgumentParser) -> None:
    """Add the option that places findings in a Dockerfile."""
    parser.add_argument(
        "--dockerfile",
        type=Path,
        metavar="FILE",
        help="place findings at the line of this Dockerfile whose layer brought them, in sarif "
        "and gitlab",
    )


def placed(report: WireReport, parsed: argparse.Namespace) -> WireReport:
    """The report whose layers know their lines, where a Dockerfile was given."""
    if parsed.dockerfile is None:
        return report
    from auditor.report.dockerfile import with_dockerfile

    return with_dockerfile(report, parsed.dockerfile)


def _help(formats: tuple[str, ...]) -> str:
    plain = [name for name in formats if name != TEMPLATE]
    words = f"{', '.join(plain[:-1])} or {plain[-1]}, to standard output or a file (repeatable)"
    return f"{words}; template=JINJA[=FILE] for one of your own" if TEMPLATE in formats else words


def parse(texts: list[str], formats: tuple[str, ...]) -> tuple[Output, ...]:
    """Read the option's values; a table on standard output where none is given."""
    outputs: list[Output] = []
    for text in texts or ["table"]:
        name, separator, file = text.partition("=")
        template = None
        if name == TEMPLATE and name in formats:
            template, _, file = file.partition("=")
            if not template:
                raise UsageError(
                    "-o template names no template", hint="-o template=FILE, or template=FILE=OUT"
                )
            separator = ""
        if name not in formats:
            known = ", ".join(formats)
            raise UsageError(f"there is no output format {name!r}", hint=f"formats: {known}")
        if separator and not file:
            raise UsageError(f"-o {text!r} names no file")
        written = Path(file) if file and file != "-" else None
        outputs.append(Output(name, written, Path(template) if template is not None else None))
    if sum(output.file is None for output in outputs) > 1:
        raise UsageError(
            "more than one output would go to standard output",
            hint="give all but one a file, as in -o table -o json=report.json",
        )
    return tuple(outputs)


def write_report(
    report: WireReport,
    outputs: tuple[Output, ...],
    *,
    verbose: bool,
    scan: Scan | None = None,
) -> None:
    """Write a scan's report in each format; ``scan`` is what its inventory is taken from."""
    for output in outputs:
        if output.format == "table":
            from auditor.report import table

            with _stream(output) as stream:
                table.write(report, stream, verbose=verbose)
            continue
        if output.format == "inventory" and scan is not None:
            from auditor.report import inventory

            text = inventory.render(scan)
        elif output.template is not None:
            from auditor.report import template

            text = template.render(report, output.template)
        else:
            from auditor.report.formats import RENDERERS

            text = RENDERERS[output.format](report)
        with _stream(output) as stream:
            stream.write(text)


def write_texts(outputs: tuple[Output, ...], render: Callable[[str], str]) -> None:
    """Write what ``render`` makes of each format's name."""
    for output in outputs:
        text = render(output.format)
        with _stream(output) as stream:
            stream.write(text)


def write_inspection(document: WireInspection, outputs: tuple[Output, ...]) -> None:
    """Write one component's document in each format."""
    from auditor.report import table_inspection

    write(document, outputs, table_inspection.write)


def write(document: T, outputs: tuple[Output, ...], table: Callable[[T, TextIO], None]) -> None:
    """Write any document in each format; ``table`` is its view for people."""
    from auditor.report import json

    for output in outputs:
        with _stream(output) as stream:
            if output.format == "json":
                stream.write(json.render(document))
            else:
                table(document, stream)


@contextlib.contextmanager
def _stream(output: Output) -> Iterator[TextIO]:
    if output.file is None:
        if output.format == "table":
            yield sys.stdout
            return
        with terminal.utf8() as stream:
            yield stream
        return
    try:
        with output.file.open("w", encoding="utf-8", newline="") as stream:
            yield stream
    except OSError as error:
        raise ReportError(
            f"the {output.format} report cannot be written to {output.file}: {error.strerror}"
        ) from None
