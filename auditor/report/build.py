"""Internal values → the wire type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from auditor.image.exclude import Excluded
from auditor.model.assessment import (
    Assessment,
    Evidence,
    Finding,
    Manifest,
    Split,
    TargetAssessment,
    UnblockSet,
)
from auditor.model.facts import WasmFacts
from auditor.model.graph import DependencyGraph
from auditor.model.image import Image
from auditor.model.inventory import Component, Inventory, Package, Runtime, Unknown
from auditor.model.settings import Setting
from auditor.model.terms import Verdict
from auditor.report import wire
from auditor.report.origins import counted, origin_of
from auditor.report.phrases import split_summary
from auditor.tables.catalog import ServerRow
from auditor.tables.rows import Tables

__all__ = ["Scan", "to_wire"]

_STAYS = frozenset({Verdict.REARCHITECT, Verdict.KEEP_IN_CONTAINER})


@dataclass(frozen=True, slots=True)
class Scan:
    """Everything that one scan came to."""

    version: str
    image: Image
    inventory: Inventory
    graph: DependencyGraph
    assessment: Assessment
    servers: Mapping[str, ServerRow]
    """Component id → what the catalogue knows it as; adds to the evidence, decides nothing."""
    tables: Tables
    notes: tuple[str, ...] = ()
    """Sentences about the scan itself that the report should carry."""
    excluded: tuple[Excluded, ...] = ()
    """What the user left out of the image, in the order given."""


def to_wire(scan: Scan) -> wire.WireReport:
    """The document for a scan: sorted, without times, the same for the same input."""
    own = origin_of(scan.image, scan.inventory)
    findings = [_finding(finding, own) for finding in scan.assessment.findings]
    return wire.WireReport(
        schema_version=wire.SCHEMA_VERSION,
        tool=wire.WireTool(
            "auditor",
            scan.version,
            scan.tables.digest,
            scan.tables.as_of,
            scan.inventory.packages_by,
        ),
        image=_image(scan),
        recommendation=msgspec.convert(
            scan.assessment.recommendation, wire.WireRecommendation, from_attributes=True
        ),
        targets=[_target(target, scan.tables) for target in scan.assessment.targets],
        capabilities=[
            wire.WireCapability(
                name=use.capability,
                title=scan.tables.capabilities[use.capability].title,
                components=list(use.components),
                support={target: level.value for target, level in use.support.items()},
            )
            for use in scan.assessment.capabilities
        ],
        findings=findings,
        components=[_component(component, scan) for component in scan.inventory.components],
        edges=[
            wire.WireEdge(edge.source, edge.target, edge.kind.value, edge.detail, edge.line)
            for edge in scan.graph.edges
        ],
        packages=[_package(package) for package in scan.inventory.packages],
        runtimes=[_runtime(runtime) for runtime in scan.inventory.runtimes],
        settings=[_setting(setting) for setting in scan.inventory.settings],
        unknowns=_unknowns(scan),
        catalog=[_known(identifier, row, scan) for identifier, row in scan.servers.items()],
        notes=_notes(scan),
        split=_split(scan.assessment.split),
        unblock_sets=[_unblock_set(item, scan) for item in scan.assessment.unblock_sets],
        gate=wire.WireGate(met=True, reasons=[]),
        waived=[],
        sources=_sources(findings, scan),
        rules=_rules(findings, scan),
        manifests=[_manifest(item) for item in scan.assessment.manifests],
        origins=counted(findings, scan.assessment.recommendation.target) if own else None,
    )


def _image(scan: Scan) -> wire.WireImage:
    image = scan.image
    return wire.WireImage(
        reference=image.reference,
        source=image.scheme.value,
        digest=image.digest,
        platform=str(image.platform) if image.platform is not None else None,
        entrypoint=list(scan.graph.launch.argv),
        user=image.config.user,
        exposed_ports=list(image.config.exposed_ports),
        volumes=list(image.config.volumes),
        stop_signal=image.config.stop_signal,
        healthcheck=list(image.config.healthcheck),
        layers=[
            wire.WireLayer(layer.diff_id, layer.size, layer.created_by) for layer in image.layers
        ],
        excluded=[wire.WireExcluded(item.glob, item.files) for item in scan.excluded],
        base_layers=image.base_layers,
        base=image.base,
    )


def _target(target: TargetAssessment, tables: Tables) -> wire.WireTarget:
    return wire.WireTarget(
        id=target.target,
        title=tables.targets[target.target].title,
        headline=tables.targets[target.target].headline,
        verdict=target.verdict.value,
        score=target.score,
        score_low=target.score_low,
        score_high=target.score_high,
        coverage=target.coverage,
        effort=target.effort,
        blockers=list(target.blockers),
        deductions=[
            wire.WireDeduction(item.points, item.reason, item.capability, list(item.findings))
            for item in target.deductions
        ],
    )


def _component(component: Component, scan: Scan) -> wire.WireComponent:
    role = scan.graph.roles.get(component.id)
    return wire.WireComponent(
        id=component.id,
        kind=component.kind.value,
        path=component.path,
        size=component.size,
        package=component.package,
        layer=component.layer,
        reach=scan.graph.reach[component.id].value,
        role=role.value if role is not None else None,
        runtime=component.runtime,
        verdicts={
            target: verdict.value
            for target, verdict in scan.assessment.verdicts[component.id].items()
        },
        route=scan.assessment.routes.get(component.id),
    )


def _package(package: Package) -> wire.WirePackage:
    return wire.WirePackage(
        name=package.name,
        version=package.version,
        type=package.type,
        purl=package.purl or "",
        licences=list(package.licences),
        layer=package.layer,
        depends_on=list(package.depends_on),
    )


def _finding(finding: Finding, own: Mapping[str, str]) -> wire.WireFinding:
    return wire.WireFinding(
        id=finding.id,
        rule=finding.capability,
        capability=finding.capability,
        component=finding.component,
        target=finding.target,
        support=finding.support.value,
        need=finding.need.value,
        severity=finding.severity.value,
        reach=finding.reach.value,
        role=finding.role.value,
        evidence=[_evidence(item) for item in finding.evidence],
        chain=list(finding.chain),
        remedy=finding.remedy,
        table=msgspec.convert(finding.table, wire.WireTableRow, from_attributes=True),
        origin=own.get(finding.component),
    )


def _evidence(evidence: Evidence) -> wire.WireEvidence:
    return wire.WireEvidence(
        kind=evidence.kind.value,
        detail=evidence.detail,
        path=evidence.path,
        support=evidence.support.value,
        need=evidence.need.value,
        package=evidence.package,
        layer=evidence.layer,
        line=evidence.line,
        address=hex(evidence.address) if evidence.address is not None else None,
        member=evidence.member,
    )


def _runtime(runtime: Runtime) -> wire.WireRuntime:
    return wire.WireRuntime(
        name=runtime.title,
        version=runtime.version,
        path=runtime.path,
        id=runtime.id,
        kind=runtime.kind.value,
        vendor=runtime.vendor,
        modules=list(runtime.modules),
    )


def _setting(setting: Setting) -> wire.WireSetting:
    return wire.WireSetting(
        name=setting.name,
        title=setting.title,
        value=setting.value,
        unit=setting.unit.value,
        where=setting.where,
        line=setting.line,
        text=setting.text,
        capability=setting.capability,
    )


def _unknowns(scan: Scan) -> list[wire.WireUnknown]:
    every = {*scan.inventory.unknowns, *scan.graph.unknowns, *denials(scan)}
    ordered = sorted(every, key=lambda item: (item.path, item.stage, item.reason))
    return [
        wire.WireUnknown(item.path, item.stage, item.reason, item.component) for item in ordered
    ]


def denials(scan: Scan) -> tuple[Unknown, ...]:
    """Where a trace shows what the analysis denies, in sentences."""
    paths = {component.id: component.path for component in scan.inventory.components}
    return tuple(
        Unknown(
            paths[item.component],
            "trace",
            f"{item.trace} shows {', '.join(item.calls)} ({item.capability}), and nothing that "
            "was read asks for it; this is a defect of the auditor, please report it",
            item.component,
        )
        for item in scan.assessment.denied
    )


def _notes(scan: Scan) -> list[str]:
    """What a reader should know that is no finding."""
    notes: list[str] = []
    if scan.graph.launch.problem is not None:
        notes.append(f"The entrypoint could not be followed: {scan.graph.launch.problem}.")
    modules = [
        component
        for component in scan.inventory.components
        if isinstance(component.facts, WasmFacts)
    ]
    if modules:
        paths = ", ".join(component.path for component in modules[:3])
        more = f" and {len(modules) - 3} more" if len(modules) > 3 else ""  # noqa: PLR2004
        notes.append(f"The image already holds WebAssembly: {paths}{more}.")
    return [*notes, *scan.notes]


def _known(identifier: str, row: ServerRow, scan: Scan) -> wire.WireKnown:
    """What the catalogue adds, and whether the evidence says the same."""
    verdict = scan.assessment.recommendation.verdict
    agrees = None if verdict is Verdict.INSUFFICIENT_EVIDENCE else verdict in _STAYS
    return wire.WireKnown(
        component=identifier,
        id=row.id,
        title=row.title,
        summary=row.summary,
        reasons=list(row.reasons),
        instead=row.instead,
        also=row.also,
        agrees=agrees,
        source=row.source,
    )


def _sources(findings: list[wire.WireFinding], scan: Scan) -> list[wire.WireSource]:
    tables = scan.tables
    rows = {row.source for row in scan.servers.values()}
    rows |= {setting.source for setting in scan.inventory.settings}
    named = sorted(rows | {finding.table.source for finding in findings})
    return [
        wire.WireSource(source.id, source.title, source.url, source.as_of)
        for source in (tables.sources[name] for name in named)
    ]


def _rules(findings: list[wire.WireFinding], scan: Scan) -> list[wire.WireRuleText]:
    rows = (scan.tables.capabilities[name] for name in sorted({item.rule for item in findings}))
    return [
        wire.WireRuleText(row.name, row.title, row.summary, row.why, row.remedy, row.interface)
        for row in rows
    ]


def _unblock_set(item: UnblockSet, scan: Scan) -> wire.WireUnblockSet:
    packages = {component.id: component.package for component in scan.inventory.components}
    return wire.WireUnblockSet(
        target=item.target,
        before=item.before.value,
        after=item.after.value,
        effort=item.effort,
        changes=[
            wire.WireChange(
                change.component, packages.get(change.component), list(change.capabilities)
            )
            for change in item.changes
        ],
    )


def _manifest(item: Manifest) -> wire.WireManifest:
    return wire.WireManifest(
        target=item.target,
        wasi=item.wasi,
        world=item.world,
        imports=[wire.WireInterface(name, list(names)) for name, names in item.imports],
        exports=list(item.exports),
        grants=list(item.grants),
        without=list(item.without),
    )


def _split(found: Split | None) -> wire.WireSplit | None:
    if found is None:
        return None
    return wire.WireSplit(
        target=found.target,
        summary=split_summary(found),
        parts=[
            wire.WirePart(part.start, part.side.value, part.verdict.value, list(part.components))
            for part in found.parts
        ],
        falls_away=list(found.falls_away),
        crossings=[
            wire.WireCrossing(item.source, item.to, item.capability, list(item.evidence))
            for item in found.crossings
        ],
    )
