"""The page: its template, style and scripts put into one file.

Names in an image are chosen by whoever made it. So Jinja escapes every value, control characters
are shown as escapes, the data for the scripts cannot end its element, the scripts insert text as
text only, and a Content Security Policy lets nothing run or load but what is written here
(https://www.w3.org/TR/CSP3/: hashes; Trusted Types).
"""

from __future__ import annotations

import base64
import hashlib
import shlex
from importlib import resources
from typing import Any

from auditor.report.html import view
from auditor.report.html.data import GraphData, written
from auditor.report.phrases import evidence_text, path_of, says_more, title_of
from auditor.report.text import printable
from auditor.report.wire import WireReport

__all__ = ["render"]

_CYTOSCAPE_STYLE = ".__________cytoscape_container{position:relative}"
"""What cytoscape would insert itself, which the policy forbids; it does not if it is there."""
_HEAD_SCRIPT = 'document.documentElement.className="js"'
"""Before the first paint, so that what scripts hide is never laid out."""
_STYLES = ("base.css", "parts.css", "graph.css", "media.css")
_SCRIPTS = (
    *("cytoscape.min.js", "data.js", "page.js"),
    *("detail.js", "search.js", "drawing.js", "dots.js", "graph.js"),
)
_KIB = 1024


def render(report: WireReport) -> str:
    """The page; the same report gives the same text."""
    import jinja2  # noqa: PLC0415 - only this format needs it

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_asset),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_finalize,
    )
    graph = GraphData(report)
    environment.filters |= {
        "as_command": shlex.join,
        "as_fact": evidence_text,
        "as_path": path_of,
        "as_percent": lambda share: f"{share:.0%}",
        "as_size": _size,
        "is_link": lambda url: url.startswith(("https://", "http://")),
        "node": graph.index.get,
        "title": lambda rule: title_of(rule, report),
    }
    styles = [_CYTOSCAPE_STYLE, *map(_asset, _STYLES)]
    scripts = [_HEAD_SCRIPT, *map(_asset, _SCRIPTS)]
    return environment.get_template("page.html.jinja").render(
        **_values(report),
        policy=_policy(styles, scripts),
        styles=styles,
        scripts=scripts,
        data=written(graph.value()),
    )


def _values(report: WireReport) -> dict[str, Any]:
    lacking, rest = view.capabilities(report)
    near, far = view.unknowns(report)
    return {
        "report": report,
        "image": report.image,
        "headline": report.recommendation,
        "targets": view.targets(report),
        "lacking": lacking,
        "rest": rest,
        "packages": view.packages(report),
        "sources": view.sources(report),
        "near": near,
        "far": far,
        "facts": view.FACTS,
        "split": report.split if report.split and says_more(report.split) else None,
    }


def _policy(styles: list[str], scripts: list[str]) -> str:
    rules = {
        "default-src": "'none'",
        "script-src": _hashes(scripts),
        "style-src": _hashes(styles),
        "img-src": "data:",  # the graph for print
        "base-uri": "'none'",
        "form-action": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def _hashes(texts: list[str]) -> str:
    digests = (hashlib.sha256(text.encode()).digest() for text in texts)
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)


def _asset(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _finalize(value: object) -> object:
    """Text of the report made harmless; markup is ours."""
    return printable(value) if type(value) is str else value


def _size(size: int) -> str:
    """Bytes for people, in IEC units."""
    amount = float(size)
    for unit in ("B", "KiB", "MiB"):
        if amount < _KIB:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= _KIB
    return f"{amount:.1f} GiB"
