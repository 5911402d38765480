"""Which parts of a container image can become WebAssembly, and what stands in the way.

>>> import auditor
>>> report = auditor.scan("oci-dir:fixtures/small/hello")
>>> report.recommendation.verdict
'rebuild'

Nothing heavy is imported before it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from auditor.errors import AuditorError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from os import PathLike

    from auditor.image.bounds import Bounds
    from auditor.image.source import Access
    from auditor.model.graph import Overrides
    from auditor.model.terms import Severity, Verdict
    from auditor.pipeline import Options, Progress
    from auditor.report.gate import Gate
    from auditor.report.inspection import WireInspection as Inspection
    from auditor.report.wire import WireReport as Report

__all__ = [
    "Access",
    "AuditorError",
    "Bounds",
    "Gate",
    "Inspection",
    "Options",
    "Overrides",
    "Progress",
    "Report",
    "Severity",
    "Verdict",
    "inspect",
    "judge",
    "read_report",
    "render",
    "scan",
]

_LATE = {
    "Access": "auditor.image.source:Access",
    "Bounds": "auditor.image.bounds:Bounds",
    "Gate": "auditor.report.gate:Gate",
    "Inspection": "auditor.report.inspection:WireInspection",
    "Options": "auditor.pipeline:Options",
    "Overrides": "auditor.model.graph:Overrides",
    "Progress": "auditor.pipeline:Progress",
    "Report": "auditor.report.wire:WireReport",
    "Severity": "auditor.model.terms:Severity",
    "Verdict": "auditor.model.terms:Verdict",
}
"""Public name → module and name; imported when it is asked for."""


def scan(
    reference: str,
    options: Options | None = None,
    progress: Progress | Callable[[str], object] | None = None,
) -> Report:
    """Scan one image and give its report.

    Args:
        reference: The image, as ``auditor scan`` takes it: ``nginx:latest``, ``oci-dir:PATH``, …
        options: What to ask for besides; configuration files and ``AUDITOR_*`` variables of
            options are the command line's business and are not read.
        progress: Told what is going on: an object with ``stage`` and ``note``, or a function
            that gets each sentence. It is called from the thread that scans. What it raises ends
            the scan, leaves nothing behind, and comes out of this call.

    Raises:
        AuditorError: For anything that stops the scan; ``str()`` is a sentence for people.
    """
    from auditor import pipeline  # noqa: PLC0415 - see the module's docstring
    from auditor.report import to_wire  # noqa: PLC0415

    return to_wire(pipeline.scan(reference, options, _listener(progress)))


def inspect(
    reference: str,
    path: str,
    options: Options | None = None,
    progress: Progress | Callable[[str], object] | None = None,
) -> Inspection:
    """Look at one file of an image in full: its libraries, its imports, what targets lack.

    Raises:
        AuditorError: Where the image cannot be had, or holds no such program, library or script.
    """
    from auditor import inspecting  # noqa: PLC0415

    return inspecting.inspect(reference, path, options, _listener(progress))


def read_report(path: str | PathLike[str]) -> Report:
    """Read a JSON report that ``auditor scan -o json=FILE`` or ``render`` made.

    Raises:
        AuditorError: Where it cannot be read, or is no report of this major version.
    """
    from auditor.report.saved import read_report as read  # noqa: PLC0415

    return read(str(path))


def render(report: Report, format: str = "json") -> str:  # noqa: A002 - what -o calls it
    """A report as text in one of the formats of ``-o``, but ``table`` and ``template``.

    Raises:
        AuditorError: Where there is no such format.
    """
    from auditor.errors import UsageError  # noqa: PLC0415
    from auditor.report.formats import RENDERERS  # noqa: PLC0415

    if format not in RENDERERS:
        known = ", ".join(RENDERERS)
        raise UsageError(f"there is no output format {format!r}", hint=f"formats: {known}")
    return RENDERERS[format](report)


def judge(report: Report, gate: Gate, targets: Iterable[str] = ()) -> Report:
    """The report with the outcome of a gate in ``report.gate``.

    Args:
        report: What to judge.
        gate: What is asked of it.
        targets: Each of these has to meet it; without any, the recommended one has.

    Raises:
        AuditorError: For a target that the report does not speak of.
    """
    from auditor.report.gate import judge as judged  # noqa: PLC0415

    return judged(report, gate, tuple(targets))


def _listener(progress: Progress | Callable[[str], object] | None) -> Progress | None:
    from auditor.pipeline import Calling, Progress  # noqa: PLC0415

    return progress if progress is None or isinstance(progress, Progress) else Calling(progress)


def __getattr__(name: str) -> Any:
    if name in _LATE:
        module, _, member = _LATE[name].partition(":")
        return getattr(import_module(module), member)
    raise AttributeError(f"module 'auditor' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
