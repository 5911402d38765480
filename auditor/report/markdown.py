"""Markdown for a pull request's comment or a job's summary: the answer, targets, what blocks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from auditor.report.phrases import findings_of, path_of, place, says_more, unblocks
from auditor.report.text import printable
from auditor.report.wire import WireFinding, WireReport

__all__ = ["render"]

_SHOWN = 20
"""Findings; a comment is read by people, and hosts cut it (GitHub at 65,536 characters)."""
_FACTS = 3
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&@!])")


def render(report: WireReport) -> str:
    """GitHub-flavoured Markdown; all text of the image is escaped."""
    return "\n".join([*_parts(report), ""])


def _parts(report: WireReport) -> Iterator[str]:
    headline = report.recommendation
    yield f"## {headline.verdict}: {_text(report.image.reference)}"
    yield from ("", _text(headline.summary), "")
    if report.gate.conditions:
        outcome = "met" if report.gate.met else "not met"
        yield f"**Gate {outcome}** ({_text(', '.join(report.gate.conditions))})"
        yield ""
        if report.gate.reasons:
            yield from (*(f"- {_text(reason)}" for reason in report.gate.reasons), "")
    yield "| Target | Verdict | Score | Coverage | Effort | Errors | Warnings | Notes |"
    yield "|---|---|--:|--:|--:|--:|--:|--:|"
    for target in report.targets:
        findings = [item.severity for item in findings_of(report, target.id)]
        counts = " | ".join(str(findings.count(name)) for name in ("error", "warning", "note"))
        name = f"**{target.id}**" if target.id == headline.target else target.id
        yield (
            f"| {name} | {target.verdict} | {_score(target.score_low, target.score_high)} | "
            f"{target.coverage:.0%} | {target.effort} | {counts} |"
        )
    yield ""
    yield from _findings(report)
    if report.waived:
        noun = "finding is" if len(report.waived) == 1 else "findings are"
        yield from (f"{len(report.waived)} {noun} waived.", "")
    if report.unknowns:
        noun = "file" if len(report.unknowns) == 1 else "files"
        yield from (f"{len(report.unknowns)} {noun} could not be analysed in full.", "")
    if report.split is not None and says_more(report.split):
        yield from (f"**Split:** {_text(report.split.summary)}", "")
    for item in report.unblock_sets:
        if item.target == headline.target:
            yield from (f"**Unblock:** {_text(unblocks(item))}", "")
    yield f"**Next:** {_text(headline.next_step)}"
    yield from ("", f"<sub>{_text(_made_by(report))}</sub>")


def _score(low: int, high: int) -> str:
    return str(low) if low == high else f"{low}–{high}"


def _findings(report: WireReport) -> Iterator[str]:
    target = report.recommendation.target
    weighty = [item for item in findings_of(report, target) if item.severity != "note"]
    if not weighty:
        return
    yield f"### What stands in the way of {target}"
    yield ""
    yield "| | Capability | Component | Evidence | What helps |"
    yield "|---|---|---|---|---|"
    for item in weighty[:_SHOWN]:
        yield (
            f"| {item.severity} | {_code(item.capability)} | {_code(path_of(item.component))} | "
            f"{_facts(item)} | {_text(item.remedy)} |"
        )
    yield ""
    if len(weighty) > _SHOWN:
        yield from (f"… and {len(weighty) - _SHOWN} more in the full report.", "")


def _facts(finding: WireFinding) -> str:
    shown = [
        _code(item.detail) + (f" at {_code(place(item))}" if item.line or item.address else "")
        for item in finding.evidence[:_FACTS]
    ]
    more = len(finding.evidence) - _FACTS
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def _made_by(report: WireReport) -> str:
    tool = report.tool
    digest = f", {report.image.digest}" if report.image.digest else ""
    return f"auditor {tool.version}, tables of {tool.tables_as_of}{digest}"


def _text(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", printable(text))


def _code(text: str) -> str:
    """A code span that its own content cannot end; a pipe would end the cell (GFM 4.10)."""
    shown = printable(text).replace("|", "\\|")
    longest = max(map(len, _runs(shown)), default=0)
    fence = "`" * (longest + 1)
    space = " " if longest else ""
    return f"{fence}{space}{shown}{space}{fence}"


def _runs(text: str) -> Iterable[str]:
    return re.findall("`+", text)
