"""A CycloneDX 1.6 bill of materials with verdicts as properties.

https://cyclonedx.org/docs/1.6/json/: packages are libraries with their purl; what a verdict was
given for is a file, or an application where it is the entrypoint's. No serial number and no time:
the same scan gives the same bytes.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from auditor.report.json import text
from auditor.report.wire import WireComponent, WirePackage, WireReport

__all__ = ["render"]

_ENTRYPOINT = "entrypoint"


def render(report: WireReport) -> str:
    """The bill as JSON."""
    counts = Counter((item.component, item.target) for item in report.findings)
    return text(
        {
            "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
            "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            "version": 1,
            "metadata": {
                "tools": {
                    "components": [
                        {"type": "application", "name": "auditor", "version": report.tool.version}
                    ]
                },
                "component": _image(report),
            },
            "components": [
                *(_component(item, counts) for item in report.components),
                *_packages(report.packages),
            ],
            "dependencies": _dependencies(report),
        }
    )


def _image(report: WireReport) -> dict[str, Any]:
    properties = [
        *(_property(f"verdict:{item.id}", item.verdict) for item in report.targets),
        *(_property(f"score:{item.id}", str(item.score)) for item in report.targets),
        *(_property(f"coverage:{item.id}", f"{item.coverage:g}") for item in report.targets),
    ]
    component: dict[str, Any] = {
        "type": "container",
        "bom-ref": _ENTRYPOINT,
        "name": report.image.reference,
    }
    if report.image.digest is not None:
        component["version"] = report.image.digest
    return {**component, "properties": properties}


def _component(item: WireComponent, counts: Counter[tuple[str, str]]) -> dict[str, Any]:
    main = item.role == "main" and item.kind in {"executable", "script", "source", "wasm"}
    optional = {"package": item.package, "layer": item.layer, "route": item.route}
    return {
        "type": "application" if main else "file",
        "bom-ref": item.id,
        "name": item.path,
        "properties": [
            _property("kind", item.kind),
            _property("reach", item.reach),
            *(_property(name, value) for name, value in optional.items() if value is not None),
            *(_property(f"verdict:{name}", value) for name, value in item.verdicts.items()),
            *(
                _property(f"findings:{name}", str(counts[item.id, name]))
                for name in item.verdicts
                if (item.id, name) in counts
            ),
        ],
    }


def _packages(packages: list[WirePackage]) -> list[dict[str, Any]]:
    made: dict[str, dict[str, Any]] = {}
    for item in packages:
        reference = item.purl or f"package:{item.type}/{item.name}@{item.version}"
        entry: dict[str, Any] = {
            "type": "library",
            "bom-ref": reference,
            "name": item.name,
            "version": item.version,
            "properties": [_property("type", item.type)],
        }
        if item.purl:
            entry["purl"] = item.purl
        if item.licences:
            entry["licenses"] = [{"license": {"name": licence}} for licence in item.licences]
        made.setdefault(reference, entry)
    return list(made.values())


def _dependencies(report: WireReport) -> list[dict[str, Any]]:
    known = {item.id for item in report.components} | {_ENTRYPOINT}
    edges: dict[str, set[str]] = {}
    for edge in report.edges:
        if edge.from_ in known and edge.to in known:
            edges.setdefault(edge.from_, set()).add(edge.to)
    return [{"ref": ref, "dependsOn": sorted(edges[ref])} for ref in sorted(edges)]


def _property(name: str, value: str) -> dict[str, str]:
    return {"name": f"auditor:{name}", "value": value}
