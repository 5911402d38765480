"""What the page's scripts read: the graph and its evidence, as columns of numbers.

All texts stand once, in one pool: a report of 5,000 components repeats its words a million times,
which a reader of the page should not wait for.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

from auditor.report.html import layout
from auditor.report.phrases import place
from auditor.report.text import printable
from auditor.report.wire import WireComponent, WireEvidence, WireFinding, WireReport

__all__ = ["ENTRYPOINT", "GraphData", "written"]

ENTRYPOINT = "entrypoint"
_OUTSIDE = "others over the network"
_NOWHERE = -1
"""Stands for what a row does not have."""


def written(value: object) -> str:
    """JSON that cannot end the element it stands in, nor hold a character that steers."""
    text = json.dumps(value, separators=(",", ":"))  # ASCII: U+2028 and the like are escaped
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


class GraphData:
    """The tables for the page's scripts, made from a report."""

    def __init__(self, report: WireReport) -> None:
        self._report = report
        self._texts: dict[str, int] = {}
        self._shown: dict[str, int] = {}
        reached = [item for item in report.components if item.reach != "present"]
        present = [item for item in report.components if item.reach == "present"]
        self._components = [*reached, *present]
        self.index = {ENTRYPOINT: 0}
        """Component id → node; what is reached comes first."""
        for item in reached:
            self.index.setdefault(item.id, len(self.index))
        self._reached = len(self.index)
        for item in present:
            self.index.setdefault(item.id, len(self.index))
        self._outside = len(self.index)

    def value(self) -> dict[str, Any]:
        """Columns by table; a text is its place in ``texts``."""
        report = self._report
        edges = self._edges()
        value: dict[str, Any] = {
            "targets": [item.id for item in report.targets],
            "chosen": report.recommendation.target,
            "split": report.split.target if report.split is not None else None,
            "reached": self._reached,
            "nodes": self._nodes(edges),
            "edges": edges,
            **self._findings(),
            "rules": self._rules(),
            "layers": [self._text(item.created_by or item.diff_id) for item in report.image.layers],
            "unknowns": [
                [self.index[item.component], self._text(item.reason)]
                for item in report.unknowns
                if item.component in self.index
            ],
        }
        return {**value, "texts": list(self._texts)}

    def _text(self, text: str | None) -> int:
        if text is None:
            return _NOWHERE
        if text not in self._shown:
            self._shown[text] = self._texts.setdefault(printable(text), len(self._texts))
        return self._shown[text]

    def _nodes(self, edges: dict[str, list[int]]) -> dict[str, list[Any]]:
        report = self._report
        layers = {item.diff_id: number for number, item in enumerate(report.image.layers)}
        unique = {item.id: item for item in reversed(self._components)}
        items = [unique[identifier] for identifier in list(self.index)[1:]]
        places = self._places(items, edges)
        sides = self._sides()

        def column(text: Iterable[str | None], first: str | None, last: str | None) -> list[int]:
            return [self._text(first), *map(self._text, text), self._text(last)]

        return {
            "path": column((item.path for item in items), ENTRYPOINT, _OUTSIDE),
            "kind": column((item.kind for item in items), ENTRYPOINT, "outside"),
            "package": column((item.package for item in items), None, None),
            "reach": column((item.reach for item in items), "reachable", "reachable"),
            "role": column((item.role for item in items), None, None),
            "route": column((item.route for item in items), None, None),
            "runtime": column((item.runtime for item in items), None, None),
            "size": [_NOWHERE, *(item.size for item in items), _NOWHERE],
            "layer": [_NOWHERE, *(layers.get(item.layer or "", -1) for item in items), _NOWHERE],
            "verdicts": [[], *(self._verdicts(item) for item in items), []],
            "side": [sides.get(node, "") for node in range(self._outside + 1)],
            "place": [places[node] for node in range(self._outside + 1)],
        }

    def _verdicts(self, component: WireComponent) -> list[int]:
        return [self._text(component.verdicts.get(item.id)) for item in self._report.targets]

    def _places(
        self, items: list[WireComponent], edges: dict[str, list[int]]
    ) -> dict[int, tuple[int, int]]:
        reached = items[: self._reached - 1]
        labels = [ENTRYPOINT, *(PurePosixPath(item.path).name for item in reached)]
        libraries = {n for n, item in enumerate(reached, 1) if item.kind == "shared-library"}
        ends = zip(edges["from"], edges["to"], strict=True)
        places = layout.layered(labels, ends, libraries)
        present = range(self._reached, self._outside)
        outside = (max(x for x, _ in places.values()) + 2 * layout.ROW, -5 * layout.ROW)
        return {**places, **layout.block(present, places), self._outside: outside}

    def _sides(self) -> dict[int, str]:
        """Node → what the split does with it; a library may be loaded on both sides."""
        sides: dict[int, str] = {}
        split = self._report.split
        if split is None:
            return sides
        for part in split.parts:
            for identifier in (part.start, *part.components):
                node = self.index.get(identifier, _NOWHERE)
                sides[node] = part.side if sides.get(node, part.side) == part.side else "both"
        for identifier in split.falls_away:
            sides.setdefault(self.index.get(identifier, _NOWHERE), "falls away")
        if any(item.to is None for item in split.crossings):
            sides[self._outside] = "outside"
        return sides

    def _edges(self) -> dict[str, list[int]]:
        """Each kind once between two nodes, and the split's crossings after them."""
        rows: dict[tuple[int, int, int], tuple[int, int]] = {}
        for edge in self._report.edges:
            source, target = self.index.get(edge.from_), self.index.get(edge.to)
            if source is None or target is None:
                continue
            detail = edge.detail if edge.line is None else f"{edge.detail} (line {edge.line})"
            key = (source, target, self._text(edge.kind))
            rows.setdefault(key, (self._text(detail), 0))
        for item in self._report.split.crossings if self._report.split is not None else ():
            source = self.index.get(item.from_)
            target = self._outside if item.to is None else self.index.get(item.to)
            if source is not None and target is not None:
                words = self._text(", ".join(item.evidence))
                rows[source, target, self._text(item.capability)] = (words, 1)
        return {
            "from": [source for source, _, _ in rows],
            "to": [target for _, target, _ in rows],
            "kind": [kind for _, _, kind in rows],
            "detail": [detail for detail, _ in rows.values()],
            "crosses": [crosses for _, crosses in rows.values()],
        }

    def _findings(self) -> dict[str, dict[str, list[Any]]]:
        """Findings, and the facts, chains and table rows that they share."""
        facts: dict[tuple[int, ...], int] = {}
        chains: dict[tuple[int, ...], int] = {}
        rows: dict[tuple[int, ...], int] = {}
        targets = {item.id: number for number, item in enumerate(self._report.targets)}
        columns: dict[str, list[Any]] = {name: [] for name in _FINDING}
        for item in self._report.findings:
            values = (
                self.index.get(item.component, _NOWHERE),
                targets.get(item.target, _NOWHERE),
                self._text(item.rule),
                self._text(item.support),
                self._text(item.need),
                self._text(item.severity),
                [facts.setdefault(self._fact(fact), len(facts)) for fact in item.evidence],
                [self._text(fact.support) for fact in item.evidence],
                chains.setdefault(self._chain(item), len(chains)),
                self._text(item.remedy),
                rows.setdefault(self._row(item), len(rows)),
                self._text(item.waiver),
            )
            for name, value in zip(_FINDING, values, strict=True):
                columns[name].append(value)
        return {
            "findings": columns,
            "facts": _columns(_FACT, facts),
            "chains": {"nodes": [list(chain) for chain in chains]},
            "rows": _columns(_ROW, rows),
        }

    def _fact(self, fact: WireEvidence) -> tuple[int, ...]:
        return (self._text(fact.kind), self._text(fact.detail), self._text(place(fact)))

    def _chain(self, finding: WireFinding) -> tuple[int, ...]:
        return tuple(self.index[item] for item in finding.chain if item in self.index)

    def _row(self, finding: WireFinding) -> tuple[int, ...]:
        row = finding.table
        words = (row.file, row.key, row.source, row.as_of, row.note)
        return tuple(map(self._text, words))

    def _rules(self) -> dict[str, list[int]]:
        rules = self._report.rules
        return {
            "id": [self._text(item.id) for item in rules],
            "title": [self._text(item.title) for item in rules],
            "why": [self._text(item.why) for item in rules],
        }


_FINDING = (
    *("node", "target", "rule", "support", "need", "severity"),
    *("facts", "offered", "chain", "remedy", "row", "waiver"),
)
_FACT = ("kind", "detail", "place")
_ROW = ("file", "key", "source", "as_of", "note")


def _columns(names: tuple[str, ...], rows: Iterable[tuple[int, ...]]) -> dict[str, list[int]]:
    listed = list(rows)
    return {name: [row[number] for row in listed] for number, name in enumerate(names)}
