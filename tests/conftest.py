"""What holds for every test: integration tests are marked, and CI allows no skip.

With ``AUDITOR_NO_SKIP=1`` a run in which any test was skipped fails and names it: a tool that
CI forgot to install must not turn a test off in silence.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# The age of the tables is counted from this day, so that tests say the same in a year.
os.environ.setdefault("SOURCE_DATE_EPOCH", "1795392000")  # 2026-11-23

_INTEGRATION = Path(__file__).parent / "integration"


def _skips_fail() -> bool:
    return os.environ.get("AUDITOR_NO_SKIP") == "1"


def _skipped(config: pytest.Config) -> list[str]:
    """Return the tests that were skipped; a worker of xdist leaves this to its controller."""
    if hasattr(config, "workerinput"):
        return []
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return [] if reporter is None else [one.nodeid for one in reporter.stats.get("skipped", ())]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(_INTEGRATION):
            item.add_marker(pytest.mark.integration)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if _skips_fail() and _skipped(session.config) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    skipped = _skipped(config)
    if _skips_fail() and skipped:
        terminalreporter.section("skipped, which AUDITOR_NO_SKIP=1 forbids", red=True)
        for name in skipped:
            terminalreporter.line(name)
