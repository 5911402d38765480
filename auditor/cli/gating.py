"""The options that ask something of an image, and what to say where it is not met."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from auditor.errors import EXIT_GATE, EXIT_OK, UsageError

if TYPE_CHECKING:
    from auditor.model.terms import Severity, Verdict
    from auditor.report.gate import Gate
    from auditor.report.wire import WireReport

__all__ = ["add", "exit_code", "parse"]

_WHOLE = 100


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    group = parser.add_argument_group(
        "gate",
        "Exit code 2 where the recommended target, or one of those named by --target, does not\n"
        "meet what is asked. A verdict of insufficient-evidence meets nothing.",
    )
    group.add_argument(
        "--fail-on",
        metavar="VERDICT|SEVERITY",
        help="not met by this verdict (rearchitect) or a finding of this severity (error), nor by "
        "anything worse",
    )
    group.add_argument("--min-score", metavar="N", help="not met by a score under N (0 to 100)")
    group.add_argument(
        "--min-coverage", metavar="N", help="not met by a coverage under N (0 to 1, or 80%%)"
    )
    group.add_argument(
        "--baseline",
        metavar="FILE",
        help="an earlier JSON report: only what is new or worse counts; alone, not met by a worse "
        "verdict or a new error",
    )


def parse(parsed: argparse.Namespace) -> Gate:
    """The gate that the command line asks for; reads the baseline."""
    from auditor.report.gate import Gate
    from auditor.report.saved import read_report

    return Gate(
        fail_on=_fail_on(parsed.fail_on),
        min_score=_min_score(parsed.min_score),
        min_coverage=_min_coverage(parsed.min_coverage),
        baseline=read_report(parsed.baseline) if parsed.baseline is not None else None,
    )


def exit_code(report: WireReport) -> int:
    """2 where the report's gate is not met, with the reason on standard error."""
    from auditor.report.text import printable

    if report.gate.met:
        return EXIT_OK
    reasons = printable("; ".join(report.gate.reasons))
    sys.stderr.write(f"auditor: gate not met: {reasons}\n")
    return EXIT_GATE


def _fail_on(text: str | None) -> Verdict | Severity | None:
    from auditor.model.terms import Severity, Verdict

    if text is None:
        return None
    for words in (Verdict, Severity):
        if text in set(words):
            return words(text)
    known = ", ".join((*Verdict, *Severity))
    raise UsageError(f"--fail-on {text!r} is no verdict and no severity", hint=f"one of {known}")


def _min_score(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or int(text) > _WHOLE:
        raise UsageError(f"--min-score {text!r} is no whole number from 0 to 100")
    return int(text)


def _min_coverage(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        share = float(text[:-1]) / _WHOLE if text.endswith("%") else float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise UsageError(f"--min-coverage {text!r} is no share from 0 to 1, nor from 0% to 100%")
    return share
