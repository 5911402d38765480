"""Where a finding stands, as SARIF's locations."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from auditor.report.json import plain
from auditor.report.phrases import evidence_text
from auditor.report.wire import WireEvidence, WireFinding, WireReport

__all__ = ["Places", "repository"]

_MOST_STEPS = 1000
"""Locations of a thread flow that GitHub shows."""
_ENDS = (".tar.gz", ".tgz", ".tar", ".json")


def repository(report: WireReport) -> str:
    """The image's name without scheme, registry, tag and digest: ``library/nginx``.

    For an image from a file, the name of that file or directory.
    """
    words = report.image.reference.removeprefix(f"{report.image.source}:")
    if report.image.source in {"registry", "docker", "podman"}:
        name = words.partition("@")[0]
        head, slash, last = name.rpartition("/")
        name = f"{head}{slash}{last.partition(':')[0]}"
        first, slash, rest = name.partition("/")
        if slash and (set(first) & set(".:") or first == "localhost"):
            name = rest
    else:
        name = words.rstrip("/").rpartition("/")[2].partition(":")[0]
        for ending in _ENDS:
            name = name.removesuffix(ending)
    return re.sub(r"[^0-9A-Za-z._/-]+", "-", name).strip("-./") or "image"


class Places:
    """Locations in one report's image."""

    def __init__(self, report: WireReport) -> None:
        self._image = repository(report)
        self._prefix = self._image.rpartition("/")[2]
        self._dockerfile = report.image.dockerfile
        self._lines = {item.diff_id: item.dockerfile_lines for item in report.image.layers}
        self._components = {item.id: item for item in report.components}
        self._edges = {(edge.from_, edge.to): edge for edge in reversed(report.edges)}

    def of_evidence(self, evidence: WireEvidence) -> dict[str, Any]:
        """The file, with line or address, and what in it, with the layer."""
        name = evidence.member or evidence.detail
        logical = [_logical(name, "member" if evidence.member else "function", evidence.path)]
        return self._location(
            evidence.path, evidence.layer, evidence.line, evidence.address, logical
        )

    def in_dockerfile(self, evidence: WireEvidence) -> dict[str, Any] | None:
        """The instruction that brought the file; ``None`` where that is not known."""
        lines = self._lines.get(evidence.layer or "")
        if self._dockerfile is None or lines is None:
            return None
        uri = quote(self._dockerfile.encode("utf-8", "surrogateescape"), safe="/-._~")
        region = {"startLine": lines[0], "startColumn": 1, "endLine": lines[1] + 1, "endColumn": 1}
        location: dict[str, Any] = {
            "physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}
        }
        if evidence.layer is not None:
            location["logicalLocations"] = [self._layer(evidence.layer, evidence.path)]
        return location

    def _layer(self, layer: str, path: str) -> dict[str, Any]:
        full = f"{self._image}@{layer}:{path}"
        return {"name": layer, "kind": "layer", "fullyQualifiedName": plain(full)}

    def chain(self, finding: WireFinding) -> list[dict[str, Any]]:
        """The way from the entrypoint to the fact, a step for each component."""
        steps: list[dict[str, Any]] = []
        before = "entrypoint"
        for identifier in finding.chain:
            component = self._components.get(identifier)
            if component is not None:
                edge = self._edges.get((before, identifier))
                detail = f"{edge.kind} {edge.detail}".strip() if edge is not None else "leads here"
                words = f"{before.partition(':')[2] or before} {detail}"
                line = self._line(before, identifier)
                steps.append(_step(self._location(component.path, component.layer), words, line))
            before = identifier
        if steps and finding.evidence:
            first = finding.evidence[0]
            steps.append(_step(self.of_evidence(first), evidence_text(first), None))
        return steps[:_MOST_STEPS]

    def _line(self, source: str, target: str) -> str | None:
        edge = self._edges.get((source, target))
        path = self._components[source].path if source in self._components else None
        return f"{path}:{edge.line}" if edge is not None and edge.line and path else None

    def _location(
        self,
        path: str,
        layer: str | None,
        line: int | None = None,
        address: str | None = None,
        logical: list[dict[str, Any]] | None = None,
    ) -> dict[str, Any]:
        physical: dict[str, Any] = {
            "artifactLocation": {"uri": self._uri(path)},
            "region": {
                "startLine": line or 1,
                "startColumn": 1,
                "endLine": line or 1,
                "endColumn": 1,
            },
        }
        if address is not None:
            physical["address"] = {"absoluteAddress": int(address, 16), "name": address}
        named = list(logical or ())
        if layer is not None:
            named.append(self._layer(layer, path))
        location: dict[str, Any] = {"physicalLocation": physical}
        return {**location, "logicalLocations": named} if named else location

    def _uri(self, path: str) -> str:
        """Relative and percent-encoded (RFC 3986); bytes that are no UTF-8 stay those bytes."""
        name = f"{self._prefix}/{path.lstrip('/')}"
        return quote(name.encode("utf-8", "surrogateescape"), safe="/-._~")


def _logical(name: str, kind: str, path: str) -> dict[str, Any]:
    return {"name": plain(name), "kind": kind, "fullyQualifiedName": plain(f"{path}:{name}")}


def _step(location: dict[str, Any], words: str, line: str | None) -> dict[str, Any]:
    text = f"{words} ({line})" if line is not None else words
    return {"location": {**location, "message": {"text": plain(text)}}}
