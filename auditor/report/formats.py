"""The formats that a report can be written in, besides the terminal's table."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from auditor.report import (
    cyclonedx,
    gitlab,
    graphs,
    html,
    json,
    junit,
    manifest,
    markdown,
    sarif,
    spreadsheet,
)
from auditor.report.wire import WireReport

__all__ = ["RENDERERS"]

RENDERERS: Mapping[str, Callable[[WireReport], str]] = {
    "json": json.render,
    "sarif": sarif.render,
    "html": html.render,
    "markdown": markdown.render,
    "junit": junit.render,
    "gitlab": gitlab.render,
    "csv": spreadsheet.render,
    "cyclonedx": cyclonedx.render,
    "dot": graphs.dot,
    "graphml": graphs.graphml,
    "wit": manifest.wit,
}
"""Format → text. ``sarif`` and ``gitlab`` speak of the recommended target, which is the only one
where a single ``--target`` was asked for; the others speak of every target."""
