"""``auditor rules list``, ``auditor rules show ID`` and ``auditor rules test [DIR]``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.cli import arguments, output, warn
from auditor.errors import EXIT_ERROR, EXIT_OK

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from auditor.rules import Outcome

__all__ = ["configure", "show"]

_TEST = """\
Hold made-up components against the tables, and compare with what small YAML cases expect:

- name: a server that forks
  component: {imports: [fork, open, printf]}
  expect:
    wasip1: {process.fork: none}
    wasix: {process.fork: partial}
  absent: [net.tcp.listen]

component has imports (kind: library for a shared library), wasm_imports, or commands of a
script; asks: [capability] places what none of these shows. expect gives the level that a target
offers, absent the capabilities that have no finding on any target.

Without DIR, the cases that come with auditor are run. Exit code 1 if one fails.
"""


def configure(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand and its own."""
    parser = commands.add_parser("rules", help="list, explain and test what the auditor looks for")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    listing = actions.add_parser(
        "list",
        help="list all capabilities",
        description="List every capability: need, effort, and the level on each target.",
    )
    output.add(listing, formats=("table", "json"))
    listing.set_defaults(execute=_list)
    showing = actions.add_parser(
        "show",
        help="explain a capability, or a function of the C library",
        description="Explain a capability, and what each target offers for it, with sources.",
    )
    showing.add_argument(
        "id", metavar="ID", help="a capability (process.fork) or a function (fork)"
    )
    output.add(showing, formats=("table", "json"))
    showing.set_defaults(execute=show)
    testing = actions.add_parser(
        "test",
        help="run rule tests",
        description=_TEST,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    testing.add_argument("directory", nargs="?", type=Path, metavar="DIR", help="the cases")
    testing.set_defaults(execute=_test)
    for action in (listing, showing, testing):
        arguments.add_tables(action)


def _list(parsed: argparse.Namespace) -> int:
    outputs = output.parse(parsed.output, formats=("table", "json"))
    from auditor.report import table_rules
    from auditor.report.rules import rule_list
    from auditor.tables import load

    tables = load(overlay=parsed.tables)
    warn.about_age(tables)
    output.write(rule_list(tables), outputs, table_rules.write_list)
    return EXIT_OK


def show(parsed: argparse.Namespace) -> int:
    """Explain a capability, or a function of the C library."""
    outputs = output.parse(parsed.output, formats=("table", "json"))
    from auditor.report import table_rules
    from auditor.report.rules import rule
    from auditor.tables import load

    tables = load(overlay=parsed.tables)
    document = rule(parsed.id, tables)
    warn.about_age(tables)
    output.write(document, outputs, table_rules.write_rule)
    return EXIT_OK


def _test(parsed: argparse.Namespace) -> int:
    from auditor.rules import run
    from auditor.tables import load
    from auditor.tables.load import shipped

    outcome = run(parsed.directory or shipped() / "tests", load(overlay=parsed.tables))
    _tell(outcome)
    return EXIT_ERROR if outcome.failures else EXIT_OK


def _tell(outcome: Outcome) -> None:
    from auditor.report.text import printable

    for failure in outcome.failures:
        sys.stdout.write(
            f"{printable(failure.file)}: {printable(failure.case)}: {failure.capability} on "
            f"{failure.target}: expected {failure.expected}, found {failure.found}\n"
        )
    cases = "1 case" if outcome.cases == 1 else f"{outcome.cases} cases"
    files = "1 file" if outcome.files == 1 else f"{outcome.files} files"
    failed = len({(failure.file, failure.case) for failure in outcome.failures})
    result = f"{failed} failed" if failed else "all passed"
    sys.stdout.write(f"{cases} in {files}, {outcome.expectations} expectations: {result}\n")
