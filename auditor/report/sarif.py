"""SARIF 2.1.0 for code scanning: one run, about the recommended target alone.

Shapes are those of the OASIS standard; what is filled in, and how much, follows GitHub's
"SARIF support for code scanning": one category per image, platform and target; a region and a
relative URI for every location; at most ``MOST_RESULTS`` results, worst first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from auditor.report.fingerprint import fingerprint
from auditor.report.json import text
from auditor.report.phrases import evidence_text, findings_of, message
from auditor.report.sarif_places import Places, repository
from auditor.report.wire import WireFinding, WireReport, WireRuleText

__all__ = ["MOST_RESULTS", "render"]

MOST_RESULTS = 5000
"""GitHub shows the first 5,000 of a run; more would be dropped without a word."""
_MOST_LOCATIONS = 100
"""Places of one result that GitHub shows."""
_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_PROBLEM = {"error": "error", "warning": "warning", "note": "recommendation"}
_ORDER = ("note", "warning", "error")


def render(report: WireReport) -> str:
    """The log file; without findings it holds a run without results."""
    return text({"$schema": _SCHEMA, "version": "2.1.0", "runs": [_run(report)]})


def _run(report: WireReport) -> dict[str, Any]:
    target = report.recommendation.target
    findings = findings_of(report, target)
    shown = findings[:MOST_RESULTS]
    rules = _rules(report, shown)
    numbers = {rule["id"]: number for number, rule in enumerate(rules)}
    places = Places(report)
    return {
        "tool": {
            "driver": {
                "name": "auditor",
                "semanticVersion": report.tool.version,
                "rules": rules,
                "properties": {
                    "tablesDigest": report.tool.tables_digest,
                    "tablesAsOf": report.tool.tables_as_of,
                },
            }
        },
        "automationDetails": {"id": _category(report, target)},
        "columnKind": "utf16CodeUnits",
        "invocations": [
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": _notifications(report, len(findings) - len(shown)),
            }
        ],
        "results": [_result(finding, report, numbers, places) for finding in shown],
        "properties": _properties(report, target),
    }


def _category(report: WireReport, target: str) -> str:
    """Without the tag, so that the next scan of the image replaces this one."""
    platform = (report.image.platform or "any").replace("/", "-")
    return f"auditor/{repository(report)}/{platform}/{target}/"


def _properties(report: WireReport, target: str) -> dict[str, Any]:
    found = next(item for item in report.targets if item.id == target)
    return {
        "image": report.image.reference,
        "digest": report.image.digest,
        "target": target,
        "verdict": found.verdict,
        "score": found.score,
        "coverage": found.coverage,
        "gateMet": report.gate.met,
        "gateReasons": report.gate.reasons,
    }


def _rules(report: WireReport, findings: list[WireFinding]) -> list[dict[str, Any]]:
    known = {item.id: item for item in report.rules}
    worst: dict[str, str] = {}
    first: dict[str, WireFinding] = {}
    for finding in findings:
        before = worst.get(finding.rule, "note")
        worst[finding.rule] = max(before, finding.severity, key=_ORDER.index)
        first.setdefault(finding.rule, finding)
    urls = {item.id: item.url for item in report.sources}
    return [
        _rule(
            known.get(name) or WireRuleText(name, name, name, "", first[name].remedy, None),
            worst[name],
            urls.get(first[name].table.source, ""),
        )
        for name in sorted(worst)
    ]


def _rule(row: WireRuleText, severity: str, url: str) -> dict[str, Any]:
    why = f"{row.why} " if row.why else ""
    instead = f" The host interface that takes its place: {row.interface}." if row.interface else ""
    helps = f"{why}What usually helps: {row.remedy}{instead}"
    rule: dict[str, Any] = {
        "id": row.id,
        "name": "".join(word.capitalize() for word in re.split(r"[^0-9A-Za-z]+", row.id)),
        "shortDescription": {"text": _sentence(row.title)},
        "fullDescription": {"text": _sentence(row.summary)},
        "help": {
            "text": helps,
            "markdown": "\n\n".join(
                part
                for part in (
                    row.why,
                    f"**What usually helps:** {row.remedy}",
                    f"**Host interface:** `{row.interface}`" if row.interface else "",
                )
                if part
            ),
        },
        "defaultConfiguration": {"level": severity},
        "properties": {
            "tags": ["portability", "webassembly", row.id.partition(".")[0]],
            "precision": "high",
            "problem.severity": _PROBLEM[severity],
        },
    }
    if url.startswith("https://"):
        rule["helpUri"] = url
    return rule


def _sentence(words: str) -> str:
    whole = words[:1].upper() + words[1:]
    return whole if whole.endswith((".", "!", "?")) else f"{whole}."


def _notifications(report: WireReport, dropped: int) -> list[dict[str, Any]]:
    """What could not be analysed, and what was left out of this file."""
    notes = [(f"{item.path}: {item.reason}", "warning") for item in report.unknowns]
    if dropped:
        notes.append((f"{dropped} findings of least weight are left out of this file.", "note"))
    return [{"level": level, "message": {"text": words}} for words, level in notes]


def _result(
    finding: WireFinding, report: WireReport, numbers: Mapping[str, int], places: Places
) -> dict[str, Any]:
    first, *others = finding.evidence[:_MOST_LOCATIONS]
    whole = fingerprint(finding)
    prints = {"auditorFinding/v1": whole}
    built = places.in_dockerfile(first)
    if built is None:
        prints["primaryLocationLineHash"] = f"{whole[:16]}:1"
    else:  # GitHub hashes the line itself where it has the file
        others = [first, *others]
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": numbers[finding.rule],
        "kind": "fail",
        "level": finding.severity,
        "message": {"text": message(finding, report)},
        "locations": [built or places.of_evidence(first)],
        "partialFingerprints": prints,
        "properties": {
            "support": finding.support,
            "need": finding.need,
            "reach": finding.reach,
            "role": finding.role,
            "remedy": finding.remedy,
            "source": f"{finding.table.source} ({finding.table.as_of})",
        },
    }
    if others:
        result["relatedLocations"] = [
            {**places.of_evidence(item), "id": number, "message": {"text": evidence_text(item)}}
            for number, item in enumerate(others)
        ]
    steps = places.chain(finding)
    if steps:
        result["codeFlows"] = [{"threadFlows": [{"locations": steps}]}]
    return result
