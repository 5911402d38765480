"""A real report of a small committed image, and ways to change it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

import auditor

SHELL = Path(__file__).parents[3] / "fixtures" / "small" / "shell-cmd"


@pytest.fixture(scope="session")
def report():
    """Of an image whose shell starts a program."""
    return auditor.scan(f"oci-dir:{SHELL}")


@pytest.fixture(scope="session")
def changed(report):
    """The report with one target's figures and findings changed; every other target is gone."""

    def change(*, verdict="adapt", score=60, coverage=1.0, findings=()):
        target = msgspec.structs.replace(
            next(item for item in report.targets if item.id == "wasip1"),
            verdict=verdict,
            score=score,
            coverage=coverage,
        )
        recommendation = msgspec.structs.replace(
            report.recommendation, target="wasip1", verdict=verdict
        )
        return msgspec.structs.replace(
            report, targets=[target], recommendation=recommendation, findings=list(findings)
        )

    return change


@pytest.fixture(scope="session")
def finding(report):
    """A finding on wasip1, made of a real one."""

    def make(severity="error", rule="process.fork", path="/usr/bin/app", **changes):
        first = report.findings[0]
        facts = changes.pop("evidence", [msgspec.structs.replace(first.evidence[0], path=path)])
        return msgspec.structs.replace(
            first,
            id=f"wasip1:{rule}:{path}",
            rule=rule,
            capability=rule,
            component=f"executable:{path}",
            target="wasip1",
            severity=severity,
            evidence=facts,
            **changes,
        )

    return make
