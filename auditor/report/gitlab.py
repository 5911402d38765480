"""GitLab's code quality report: a JSON array of issues of the recommended target.

https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

from __future__ import annotations

from typing import Any

from auditor.report.fingerprint import fingerprint
from auditor.report.json import text
from auditor.report.phrases import findings_of, message
from auditor.report.wire import WireFinding, WireReport

__all__ = ["render"]

_SEVERITIES = {"error": "critical", "warning": "major", "note": "info"}


def render(report: WireReport) -> str:
    """One issue for each finding, worst first."""
    return text(
        [
            {
                "description": message(finding, report),
                "check_name": finding.rule,
                "fingerprint": fingerprint(finding),
                "severity": _SEVERITIES[finding.severity],
                "location": _location(finding, report),
            }
            for finding in findings_of(report, report.recommendation.target)
        ]
    )


def _location(finding: WireFinding, report: WireReport) -> dict[str, Any]:
    """The Dockerfile's line where that is known, since the repository holds it; else the file."""
    first = finding.evidence[0]
    lines = {layer.diff_id: layer.dockerfile_lines for layer in report.image.layers}
    built = lines.get(first.layer or "")
    if report.image.dockerfile is not None and built is not None:
        return {"path": report.image.dockerfile, "lines": {"begin": built[0]}}
    return {"path": first.path.lstrip("/"), "lines": {"begin": first.line or 1}}
