"""The dependency graph for other programs: Graphviz's DOT, and GraphML.

What the entrypoint reaches, with its edges; a component that is merely present is left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from xml.etree import ElementTree as ET

from auditor.report.json import plain
from auditor.report.junit import xml_text
from auditor.report.wire import WireComponent, WireEdge, WireReport

__all__ = ["dot", "graphml"]

_ENTRYPOINT = "entrypoint"
_COLOURS = {
    "already-wasm": "#1a7f37",
    "rebuild": "#4c9a5b",
    "adapt": "#bf8700",
    "rearchitect": "#bc4c00",
    "keep-in-container": "#cf222e",
    "insufficient-evidence": "#8250df",
}
_UNJUDGED = "#6e7781"
_NODE_KEYS = ("kind", "path", "package", "role", "verdict", "route")
_EDGE_KEYS = ("kind", "detail")


def dot(report: WireReport) -> str:
    """A digraph, coloured by the verdict on the recommended target."""
    target = report.recommendation.target
    lines = ["digraph auditor {", "  rankdir=LR;", "  node [shape=box, fontname=sans];"]
    lines.append(f"  {_quoted(_ENTRYPOINT)} [shape=oval];")
    for item in _reached(report):
        colour = _COLOURS.get(item.verdicts.get(target, ""), _UNJUDGED)
        label = f"{item.path}\n{item.verdicts.get(target) or item.role or item.kind}"
        lines.append(f"  {_quoted(item.id)} [label={_quoted(label)}, color={_quoted(colour)}];")
    for edge in _edges(report):
        ends = f"{_quoted(edge.from_)} -> {_quoted(edge.to)}"
        lines.append(f"  {ends} [label={_quoted(edge.kind)}];")
    return "\n".join([*lines, "}", ""])


def graphml(report: WireReport) -> str:
    """A GraphML document (http://graphml.graphdrawing.org/specification.html)."""
    target = report.recommendation.target
    root = ET.Element("graphml", xmlns="http://graphml.graphdrawing.org/xmlns")
    for scope, names in (("node", _NODE_KEYS), ("edge", _EDGE_KEYS)):
        for name in names:
            attributes = {"attr.name": name, "attr.type": "string"}
            ET.SubElement(root, "key", {"id": f"{scope}_{name}", "for": scope, **attributes})
    graph = ET.SubElement(root, "graph", id="auditor", edgedefault="directed")
    entry = ET.SubElement(graph, "node", id=_ENTRYPOINT)
    _data(entry, "node", {"kind": _ENTRYPOINT})
    for item in _reached(report):
        node = ET.SubElement(graph, "node", id=xml_text(item.id))
        values = {
            "kind": item.kind,
            "path": item.path,
            "package": item.package,
            "role": item.role,
            "verdict": item.verdicts.get(target),
            "route": item.route,
        }
        _data(node, "node", values)
    for edge in _edges(report):
        ends = {"source": xml_text(edge.from_), "target": xml_text(edge.to)}
        _data(
            ET.SubElement(graph, "edge", ends), "edge", {"kind": edge.kind, "detail": edge.detail}
        )
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _data(element: ET.Element, scope: str, values: dict[str, str | None]) -> None:
    for name, value in values.items():
        if value:
            ET.SubElement(element, "data", key=f"{scope}_{name}").text = xml_text(value)


def _reached(report: WireReport) -> list[WireComponent]:
    return [item for item in report.components if item.reach != "present"]


def _edges(report: WireReport) -> Iterable[WireEdge]:
    """Edges between what is shown, each kind once."""
    shown = {item.id for item in _reached(report)} | {_ENTRYPOINT}
    seen: set[tuple[str, str, str]] = set()
    for edge in report.edges:
        key = (edge.from_, edge.to, edge.kind)
        if edge.from_ in shown and edge.to in shown and key not in seen:
            seen.add(key)
            yield edge


def _quoted(text: str) -> str:
    """A DOT string: JSON's escapes are understood, but for those of characters."""
    return json.dumps(_shown(text), ensure_ascii=False)


def _shown(text: str) -> str:
    """Text of which every control character but the line feed is gone."""
    return "".join(char if char == "\n" or char.isprintable() else "?" for char in plain(text))
