"""The terminal report: the answer first, then targets, blockers with their chains, next step."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from typing import TextIO

from rich.console import Console, JustifyMethod
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from auditor.report.console import console as console_for
from auditor.report.origins import BASE, counted, summary
from auditor.report.phrases import says_more, unblocks
from auditor.report.text import printable
from auditor.report.wire import WireFinding, WireReport, WireTarget

__all__ = ["write"]

_STYLES = {
    "already-wasm": "bold green",
    "rebuild": "green",
    "adapt": "yellow",
    "rearchitect": "dark_orange",
    "keep-in-container": "red",
    "insufficient-evidence": "magenta",
    "error": "red",
    "warning": "yellow",
    "note": "dim",
}
_PROGRAMS = frozenset({"executable", "script", "wasm"})
"""Kinds of components that are started."""
_COLUMNS = (("Target", 12), ("Verdict", 21), ("Score", 5), ("Coverage", 8), ("Effort", 6))
"""The columns of targets, with their least widths."""
_ROOMY = 62
"""Columns of a terminal from which all of them fit."""
_WIDE = 80
"""The same, with what is most in the way."""
_BLOCKERS_SHOWN = 8
_UNKNOWNS_SHOWN = 5
_SYMBOLS_SHOWN = 6


def write(report: WireReport, stream: TextIO, *, verbose: bool = False) -> None:
    """Print a report for people; colours and width follow the stream."""
    console = console_for(stream)
    _heading(console, report)
    _targets(console, report)
    _blockers(console, report, verbose=verbose)
    _unknowns(console, report, verbose=verbose)
    if verbose:
        _components(console, report)
        _packages(console, report)
    _origins(console, report)
    _unblocks(console, report, verbose=verbose)
    if report.split is not None and says_more(report.split):
        console.print(Text.assemble(("Split: ", "bold"), printable(report.split.summary)))
    _known(console, report)
    if report.gate.conditions:
        _gate(console, report)
    for note in report.notes:
        console.print(Text(f"Note: {printable(note)}"))
    console.print(Text.assemble(("Next: ", "bold"), printable(report.recommendation.next_step)))
    console.print(Text(f"Held against tables of {report.tool.tables_as_of}.", style="dim"))


def _origins(console: Console, report: WireReport) -> None:
    """What the image's own layers brought, and what its base did, on the recommended target."""
    if report.origins is not None:
        now = counted(report.findings, report.recommendation.target)
        words = printable(summary(now, report.image.base))
        console.print(Text.assemble(("Findings: ", "bold"), words))


def _unblocks(console: Console, report: WireReport, *, verbose: bool) -> None:
    """What would lift the recommended target's verdict; the first set, or all."""
    target = report.recommendation.target
    sets = [item for item in report.unblock_sets if item.target == target]
    for item in sets if verbose else sets[:1]:
        console.print(Text.assemble(("Unblock: ", "bold"), printable(unblocks(item))))


def _gate(console: Console, report: WireReport) -> None:
    outcome = ("met", "green") if report.gate.met else ("not met", "red")
    asked = printable(", ".join(report.gate.conditions))
    console.print(Text.assemble(("Gate ", "bold"), outcome, f" ({asked})"))
    for reason in report.gate.reasons:
        console.print(Text(f"  {printable(reason)}"))


def _heading(console: Console, report: WireReport) -> None:
    image, headline = report.image, report.recommendation
    verdict = Text(headline.verdict.replace("-", " "), style=_STYLES[headline.verdict])
    console.print(Text.assemble(verdict, "  ", printable(headline.summary)))
    facts = [printable(image.reference)]
    if image.platform is not None:
        facts.append(printable(image.platform))
    if image.layers:
        facts.append("1 layer" if len(image.layers) == 1 else f"{len(image.layers)} layers")
    if image.digest is not None:
        facts.append(image.digest[:19])
    console.print(Text(" · ".join(facts), style="dim"))
    if image.entrypoint:
        console.print(Text(f"runs {printable(shlex.join(image.entrypoint))}", style="dim"))
    for item in image.excluded:
        files = "1 file" if item.files == 1 else f"{item.files} files"
        console.print(Text(f"without {printable(item.glob)} ({files} left out)", style="dim"))
    console.print()


def _targets(console: Console, report: WireReport) -> None:
    """As many columns as there is room for, the more telling first."""
    roomy, wide = console.width >= _ROOMY, console.width >= _WIDE
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    names = _COLUMNS if roomy else _COLUMNS[:3]
    for name, width in names:
        justify: JustifyMethod = "left" if name in {"Target", "Verdict"} else "right"
        least = width if roomy else None
        table.add_column(name, justify=justify, min_width=least, no_wrap=roomy, overflow="fold")
    if wide:
        table.add_column("Most in the way", overflow="ellipsis", no_wrap=True)
    for target in report.targets:
        chosen = target.id == report.recommendation.target
        cells = (
            Text(f"{'> ' if chosen else '  '}{target.id}", style="bold" if chosen else ""),
            Text(target.verdict, style=_STYLES[target.verdict]),
            _score(target),
            f"{target.coverage:.0%}",
            str(target.effort),
        )
        most = (Text(_most(target), style="dim"),) if wide else ()
        table.add_row(*cells[: len(names)], *most)
    console.print(table)
    if not roomy:
        console.print(Text("Coverage and effort: in a wider terminal, or -o json", style="dim"))
    console.print()


def _score(target: WireTarget) -> str:
    if target.score_low == target.score_high:
        return str(target.score)
    return f"{target.score} ({target.score_low}–{target.score_high})"


def _most(target: WireTarget) -> str:
    names = [item.capability for item in target.deductions if item.capability is not None]
    more = f" and {len(names) - 2} more" if len(names) > 2 else ""  # noqa: PLR2004
    return ", ".join(names[:2]) + more


def _blockers(console: Console, report: WireReport, *, verbose: bool) -> None:
    target = report.recommendation.target
    (chosen,) = (item for item in report.targets if item.id == target)
    by_id = {finding.id: finding for finding in report.findings}
    blockers = [by_id[identifier] for identifier in chosen.blockers]
    if not blockers:
        return
    blockers.sort(key=lambda finding: finding.origin == BASE)
    shown = blockers if verbose else blockers[:_BLOCKERS_SHOWN]
    console.print(Text(f"In the way on {target}", style="bold"))
    paths = {component.id: component.path for component in report.components}
    for finding in shown:
        console.print(_blocker(finding, paths))
        detail = finding.remedy
        if finding.table.note:
            detail = f"{detail} ({finding.table.note}; {finding.table.source})"
        console.print(Padding.indent(Text(printable(detail), style="dim"), 4))
    rest = len(blockers) - len(shown)
    if rest:
        console.print(Text(f"  and {rest} more: -v shows them, -o json lists all", style="dim"))
    console.print()


def _blocker(finding: WireFinding, paths: dict[str, str]) -> Text:
    chain = [printable(paths.get(identifier, identifier)) for identifier in finding.chain]
    worst = [item.detail for item in finding.evidence if item.support == finding.support]
    names = ", ".join(printable(name) for name in worst[:_SYMBOLS_SHOWN])
    more = f" and {len(worst) - _SYMBOLS_SHOWN} more" if len(worst) > _SYMBOLS_SHOWN else ""
    return Text.assemble(
        "  ",
        (finding.capability, f"bold {_STYLES[finding.severity]}"),
        f" ({finding.support})  ",
        " → ".join([*chain, f"{names}{more}"]),
    )


def _unknowns(console: Console, report: WireReport, *, verbose: bool) -> None:
    reached = {c.id for c in report.components if c.reach != "present"}
    whole = [item for item in report.unknowns if item.stage == "packages"]
    about = [*whole, *(item for item in report.unknowns if item.component in reached)]
    others = len(report.unknowns) - len(about)
    shown = about if verbose else about[:_UNKNOWNS_SHOWN]
    if about:
        console.print(Text("Not known", style="bold"))
    for item in shown:
        where = "" if item in whole else f"{printable(item.path)}: "
        console.print(Text(f"  {where}{printable(item.reason)}"))
    rest = len(about) - len(shown)
    if rest:
        console.print(Text(f"  and {rest} more: -v shows them", style="dim"))
    if others:
        files = "1 file" if others == 1 else f"{others} files"
        console.print(Text(f"{files} out of the entrypoint's reach not read", style="dim"))
    if about or others:
        console.print()


def _known(console: Console, report: WireReport) -> None:
    for known in report.catalog:
        console.print(
            Text.assemble(("Known ", "bold"), f"as {known.title}: {known.summary} {known.instead}")
        )
        if known.agrees is False:
            line = f"  The evidence says otherwise: {report.recommendation.verdict}."
            console.print(Text(line, style="yellow"))


def _components(console: Console, report: WireReport) -> None:
    console.print(Text("Reached from the entrypoint", style="bold"))
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 2))
    table.add_column("Component", overflow="fold")
    table.add_column("Role", no_wrap=True)
    table.add_column("Route", overflow="fold")
    for component in _reached(report):
        table.add_row(Text(printable(component[0])), component[1], Text(printable(component[2])))
    console.print(table)
    present = sum(1 for component in report.components if component.reach == "present")
    console.print(Text(f"  {present} more components are present and not reached", style="dim"))
    console.print()


def _packages(console: Console, report: WireReport) -> None:
    """How many packages there are, and the programs that none of them owns."""
    if not report.packages:
        return
    count = "1 package" if len(report.packages) == 1 else f"{len(report.packages)} packages"
    by = f", named by {printable(report.tool.packages_by)}" if report.tool.packages_by else ""
    console.print(Text(f"{count}{by}"))
    unowned = [
        printable(component.path)
        for component in report.components
        if component.package is None and component.kind in _PROGRAMS
    ]
    if unowned:
        what = "1 executable" if len(unowned) == 1 else f"{len(unowned)} executables"
        console.print(Text(f"{what} that no package owns: {', '.join(sorted(unowned))}"))
    console.print()


def _reached(report: WireReport) -> Iterator[tuple[str, str, str]]:
    order = {"main": 0, "runtime": 1, "setup": 2}
    reached: Iterable[tuple[int, str, str, str]] = sorted(
        (order[component.role], component.path, component.role, component.route or "")
        for component in report.components
        if component.role is not None
    )
    for _, path, role, route in reached:
        yield path, role, route
