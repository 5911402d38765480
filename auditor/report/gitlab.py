"""GitLab's code quality report: a JSON array of issues of the recommended target.

https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

from __future__ import annotations

from auditor.report.fingerprint import fingerprint
from auditor.report.json import text
from auditor.report.phrases import findings_of, message
from auditor.report.wire import WireReport

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
                "location": {
                    "path": finding.evidence[0].path.lstrip("/"),
                    "lines": {"begin": finding.evidence[0].line or 1},
                },
            }
            for finding in findings_of(report, report.recommendation.target)
        ]
    )
