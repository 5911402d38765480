"""The whole judgement, target by target."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from auditor.assess.asks import Asks, gather
from auditor.assess.coverage import coverage
from auditor.assess.findings import Shortfall, find, shortfalls
from auditor.assess.manifest import manifest_of
from auditor.assess.recommend import recommend, route_of, toolchain_of
from auditor.assess.score import Result, Step, Unmet, evaluate, verdict_of, worst
from auditor.assess.split import split
from auditor.assess.support import Offers
from auditor.assess.traces import with_observed
from auditor.assess.unblock import unblock_sets
from auditor.model.assessment import (
    Assessment,
    CapabilityUse,
    Deduction,
    Denied,
    Finding,
    Split,
    TargetAssessment,
    UnblockSet,
)
from auditor.model.graph import DependencyGraph
from auditor.model.inventory import Component, ComponentKind, Inventory, Unknown
from auditor.model.terms import Role, Severity, Support, Verdict
from auditor.tables.rows import Tables, TargetRow

__all__ = ["assess"]


def assess(
    inventory: Inventory,
    graph: DependencyGraph,
    tables: Tables,
    *,
    targets: tuple[str, ...] = (),
    assume: Mapping[str, Support] = MappingProxyType({}),
    headline: frozenset[str] | None = None,
) -> Assessment:
    """Judge an image for some targets, or for all that the tables know.

    ``assume``: capability → the level that every target is taken to offer for it. ``headline``:
    ids of the targets that the headline may speak of, where it is not for the tables to say.
    """
    case = _Case.of(inventory, graph, tables, assume)
    chosen = [tables.targets[target] for target in targets] or list(tables.targets.values())
    judged = [case.judge(target) for target in chosen]
    assessments = tuple(target for target, _, _ in judged)
    verdicts = {
        identifier: {target.id: case.alone(identifier, target) for target in chosen}
        for identifier in sorted(case.components)
    }
    main = [case.components[identifier].path for identifier in graph.launch.main]
    manifests = (manifest_of(case.best(target), main, target, tables) for target in chosen if main)
    recommendation = recommend(assessments, inventory, graph, tables, headline)
    return Assessment(
        targets=assessments,
        findings=tuple(finding for _, findings, _ in judged for finding in findings),
        capabilities=case.uses(chosen),
        recommendation=recommendation,
        verdicts=verdicts,
        routes={
            identifier: route_of(
                case.components[identifier],
                role,
                verdicts[identifier].get(recommendation.target),
                provided=identifier in case.provided,
                toolchain=toolchain_of(identifier, recommendation.target, graph, tables),
                target=tables.targets[recommendation.target],
            )
            for identifier, role in sorted(graph.roles.items())
        },
        unblock_sets=tuple(item for _, _, sets in judged for item in sets),
        split=case.split(tables.targets[recommendation.target]),
        denied=case.denied,
        manifests=tuple(item for item in manifests if item is not None),
    )


@dataclass(frozen=True, slots=True)
class _Case:
    """One image, held against the tables."""

    graph: DependencyGraph
    tables: Tables
    offers: Offers
    asks: Asks
    components: Mapping[str, Component]
    provided: frozenset[str]
    coverage: float
    opaque: frozenset[str]
    denied: tuple[Denied, ...]

    @classmethod
    def of(
        cls,
        inventory: Inventory,
        graph: DependencyGraph,
        tables: Tables,
        assume: Mapping[str, Support],
    ) -> _Case:
        """Gather once what every target is judged by."""
        components = {component.id: component for component in inventory.components}
        provided = frozenset(
            component.id
            for component in inventory.components
            if tables.is_toolchain_component(component)
        )
        every = (*inventory.unknowns, *graph.unknowns)
        unknowns = tuple(item for item in every if item.component not in graph.met)
        opaque = _opaque(unknowns)
        whole = not any(role is Role.MAIN and item in opaque for item, role in graph.roles.items())
        asks = gather(inventory, graph, tables)
        asks, denied = with_observed(asks, graph, tables, whole=whole)
        return cls(
            graph=graph,
            tables=tables,
            offers=Offers(tables, assume),
            asks=asks,
            components=components,
            provided=provided,
            coverage=coverage(components, graph, unknowns, provided),
            opaque=opaque,
            denied=denied,
        )

    def judge(
        self, target: TargetRow
    ) -> tuple[TargetAssessment, tuple[Finding, ...], tuple[UnblockSet, ...]]:
        """The verdict for one target, its findings, worst first, and what would lift it."""
        findings: list[Finding] = []
        lacks: dict[str, dict[str, Unmet]] = {}
        for identifier in sorted(self.graph.roles):
            component, role = self.components[identifier], self.graph.roles[identifier]
            lacking = shortfalls(self.asks[identifier], target, self.offers, role)
            found = tuple(find(component, lacking, target, self.graph, self.tables))
            findings.extend(found)
            counted = (
                item for item in lacking if role is Role.MAIN or item.severity is not Severity.NOTE
            )
            lacks[identifier] = {item.capability: item for item in self._unmet(counted)}
        findings.sort(key=self._finding_order)
        unmet = worst(item for found in lacks.values() for item in found.values())
        result = evaluate(unmet, self.coverage, wasm=self._all_wasm())
        sets = unblock_sets(
            target.id,
            result.verdict,
            lacks,
            lambda items: verdict_of(items, self.coverage, wasm=self._all_wasm()),
            lambda name: self.tables.capabilities[name].effort,
        )
        return self._assessment(target, result, findings), tuple(findings), sets

    def alone(self, identifier: str, target: TargetRow) -> Verdict:
        """The verdict of one component by its own asks, wherever it stands in the graph."""
        if identifier in self.provided:
            return Verdict.REBUILD
        component = self.components[identifier]
        unmet = self._unmet(shortfalls(self.asks[identifier], target, self.offers))
        known = 0.0 if identifier in self.opaque else 1.0
        wasm = component.kind is ComponentKind.WASM
        return verdict_of(unmet, known, wasm=wasm)

    def split(self, target: TargetRow) -> Split | None:
        """What moves to one target, and what stays."""

        def together(members: Iterable[str]) -> Verdict:
            members = [item for item in members if item not in self.provided]
            items = (
                item
                for member in members
                for item in shortfalls(self.asks[member], target, self.offers)
            )
            weights = {member: max(self.components[member].weight, 1) for member in members}
            unread = sum(weights[member] for member in members if member in self.opaque)
            known = 1 - unread / sum(weights.values()) if weights else 1.0
            wasm = bool(members) and all(
                self.components[member].kind is ComponentKind.WASM for member in members
            )
            return verdict_of(self._unmet(items), known, wasm=wasm)

        if self.graph.launch.problem is not None:
            return None
        return split(target.id, self.graph, self.asks, together)

    def uses(self, chosen: Iterable[TargetRow]) -> tuple[CapabilityUse, ...]:
        """What the work asks for, met or not, and what each target offers for it."""
        chosen = tuple(chosen)
        asked: dict[str, set[str]] = {}
        for identifier, role in self.graph.roles.items():
            if role is Role.MAIN:
                for ask in self.asks[identifier]:
                    asked.setdefault(ask.capability, set()).add(identifier)
        uses: list[CapabilityUse] = []
        for capability in sorted(asked):
            by = tuple(sorted(asked[capability]))
            asks = [ask for i in by for ask in self.asks[i] if ask.capability == capability]
            uses.append(
                CapabilityUse(
                    capability=capability,
                    components=by,
                    support={
                        target.id: Support.worst(
                            *(self.offers.find(ask, target).level for ask in asks)
                        )
                        for target in chosen
                    },
                )
            )
        return tuple(uses)

    def best(self, target: TargetRow) -> dict[str, Support]:
        """What the work asks for, and the best that one target offers for any of it."""
        found: dict[str, Support] = {}
        for identifier, role in self.graph.roles.items():
            for ask in self.asks[identifier] if role is Role.MAIN else ():
                level = self.offers.find(ask, target).level
                known = found.get(ask.capability, level)
                found[ask.capability] = min(known, level, key=lambda item: item.rank)
        return found

    def _unmet(self, items: Iterable[Shortfall]) -> list[Unmet]:
        """The worst of each capability."""
        return worst(
            Unmet(
                item.ask.capability,
                item.need,
                item.offer.level,
                item.severity,
                self.tables.capabilities[item.ask.capability].effort
                if item.offer.effort is None
                else item.offer.effort,
            )
            for item in items
        )

    def _all_wasm(self) -> bool:
        main = self.graph.launch.main
        return bool(main) and all(
            self.components[identifier].kind is ComponentKind.WASM for identifier in main
        )

    def _assessment(
        self, target: TargetRow, result: Result, findings: list[Finding]
    ) -> TargetAssessment:
        work = [finding for finding in findings if finding.severity is not Severity.NOTE]
        worst = work[0].severity if work else Severity.NOTE
        blockers = tuple(finding.id for finding in work if finding.severity is worst)
        return TargetAssessment(
            target=target.id,
            verdict=result.verdict,
            score=result.score,
            score_low=result.low,
            score_high=result.high,
            coverage=self.coverage,
            effort=result.effort,
            blockers=blockers,
            deductions=tuple(_deduction(step, findings) for step in result.steps),
        )

    def _finding_order(self, finding: Finding) -> tuple[int, int, int, int, str]:
        """Worst first: severity, then what takes most work, then what is nearest."""
        effort = self.tables.capabilities[finding.capability].effort
        severity = -finding.severity.rank
        return (severity, finding.role.rank, -effort, len(finding.chain), finding.id)


def _deduction(step: Step, findings: Iterable[Finding]) -> Deduction:
    about = tuple(
        finding.id
        for finding in findings
        if step.capability is not None and finding.capability == step.capability
    )
    return Deduction(step.points, step.reason, step.capability, about)


def _opaque(unknowns: Iterable[Unknown]) -> frozenset[str]:
    """Components of which nothing that decides is known."""
    return frozenset(
        unknown.component
        for unknown in unknowns
        if unknown.component is not None and unknown.weight > 0
    )
