"""A report in a form of the user's own: a Jinja template, rendered in a sandbox."""

from __future__ import annotations

from pathlib import Path

import msgspec

from auditor.errors import ReportError
from auditor.report.json import plain
from auditor.report.wire import WireReport

__all__ = ["render"]

_MARKUP = frozenset({".htm", ".html", ".svg", ".xhtml", ".xml"})
_LARGEST = 16 << 20
"""Bytes of a template."""


def render(report: WireReport, template: Path) -> str:
    """What the template makes of ``report``: the JSON report, as dictionaries and lists.

    The template is the user's; the names it prints are an image's. So it runs in Jinja's
    sandbox, escapes by the template's ending (``.html.j2``, ``.xml``), and fails on a name that
    the report does not have. Raises ``ReportError`` for a template that cannot be read or run.
    """
    import jinja2  # noqa: PLC0415 - only this format needs it
    from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415

    try:
        with template.open("rb") as file:
            data = file.read(_LARGEST + 1)
        source = data[:_LARGEST].decode()
    except OSError as error:
        raise ReportError(
            f"the template {template} cannot be read: {error.strerror}",
            hint="-o template=FILE takes a Jinja template, and -o template=FILE=OUT writes to OUT",
        ) from None
    except UnicodeDecodeError:
        raise ReportError(f"the template {template} is not UTF-8") from None
    if len(data) > _LARGEST:
        raise ReportError(f"the template {template} is larger than {_LARGEST >> 20} MiB")
    environment = ImmutableSandboxedEnvironment(
        autoescape=_escapes(template),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    values = msgspec.to_builtins(report)
    try:
        return plain(environment.from_string(source).render(**values, report=values))
    except jinja2.TemplateSyntaxError as error:
        raise ReportError(
            f"the template {template} is wrong in line {error.lineno}: {error.message}"
        ) from None
    except Exception as error:  # noqa: BLE001 - a template raises whatever its expressions do
        raise ReportError(f"the template {template} cannot be rendered: {error}") from None


def _escapes(template: Path) -> bool:
    return not _MARKUP.isdisjoint(suffix.lower() for suffix in template.suffixes)
