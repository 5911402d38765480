"""Which parts of a container image can become WebAssembly, and what stands in the way.

>>> import auditor
>>> report = auditor.scan("oci-dir:fixtures/small/hello")
>>> report.recommendation.verdict
'rebuild'

Nothing heavy is imported before it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auditor.errors import AuditorError

if TYPE_CHECKING:
    from auditor.pipeline import Options, Progress
    from auditor.report.wire import WireReport as Report

__all__ = ["AuditorError", "Options", "Report", "scan"]


def scan(
    reference: str, options: Options | None = None, progress: Progress | None = None
) -> Report:
    """Scan one image and give its report. Raises ``AuditorError`` for anything that stops it."""
    from auditor import pipeline  # noqa: PLC0415 - see the module's docstring
    from auditor.report import to_wire  # noqa: PLC0415

    return to_wire(pipeline.scan(reference, options, progress))


def __getattr__(name: str) -> Any:
    if name == "Options":
        from auditor.pipeline import Options  # noqa: PLC0415

        return Options
    if name == "Report":
        from auditor.report.wire import WireReport  # noqa: PLC0415

        return WireReport
    raise AttributeError(f"module 'auditor' has no attribute {name!r}")
