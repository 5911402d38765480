"""Asks held against a target: a finding for each capability of each component that it lacks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from auditor.assess.asks import Ask
from auditor.assess.support import Offer, Offers, severity
from auditor.model.assessment import Evidence, EvidenceKind, Finding
from auditor.model.graph import DependencyGraph
from auditor.model.inventory import Component
from auditor.model.terms import Need, Reach, Role, Severity, Support
from auditor.tables.rows import CapabilityRow, Tables, TargetRow

__all__ = ["Shortfall", "find", "shortfalls"]


@dataclass(frozen=True, slots=True)
class Shortfall:
    """An ask that a target does not fully meet."""

    ask: Ask
    offer: Offer
    need: Need
    severity: Severity

    @property
    def order(self) -> tuple[int, int, int]:
        """Worst first."""
        return (-self.severity.rank, -self.need.rank, -self.offer.level.rank)


def shortfalls(
    asks: Iterable[Ask], target: TargetRow, offers: Offers, role: Role = Role.MAIN
) -> tuple[Shortfall, ...]:
    """What of the asks a target lacks; the role lowers what does not count."""
    found: list[Shortfall] = []
    for ask in asks:
        answer = offers.find(ask, target)
        if answer.level is Support.FULL:
            continue
        need = _need(ask, role)
        found.append(Shortfall(ask, answer, need, severity(answer.level, need)))
    return tuple(found)


def find(
    component: Component,
    lacking: tuple[Shortfall, ...],
    target: TargetRow,
    graph: DependencyGraph,
    tables: Tables,
) -> Iterator[Finding]:
    """One finding for each capability, its evidence worst first."""
    groups: dict[str, list[Shortfall]] = {}
    for item in sorted(lacking, key=lambda item: item.order):
        groups.setdefault(item.ask.capability, []).append(item)
    for capability, items in groups.items():
        worst = items[0]
        yield Finding(
            id=f"{target.id}:{capability}:{component.path}",
            capability=capability,
            component=component.id,
            target=target.id,
            support=worst.offer.level,
            need=worst.need,
            severity=worst.severity,
            reach=_reach(component, items, graph),
            role=graph.roles.get(component.id, Role.SETUP),
            evidence=tuple(_evidence(component, item) for item in items),
            chain=graph.chains.get(component.id, ()),
            remedy=_remedy(tables.capabilities[capability], worst),
            table=worst.offer.row,
        )


def _reach(component: Component, items: Iterable[Shortfall], graph: DependencyGraph) -> Reach:
    """A component that was seen running was not seen to do all that it can."""
    if any(item.ask.kind is EvidenceKind.SYSCALL for item in items):
        return Reach.OBSERVED
    reach = graph.reach.get(component.id, Reach.PRESENT)
    return Reach.worst(reach, Reach.REACHABLE)


def _need(ask: Ask, role: Role) -> Need:
    """What only prepares, or belongs to a swapped runtime, is not needed on the target.

    A set-up script's commands stay typical: somebody has to take that work over.
    """
    if role is Role.MAIN or ask.kind is EvidenceKind.COMMAND:
        return ask.need
    return Need.INCIDENTAL


def _evidence(component: Component, item: Shortfall) -> Evidence:
    return Evidence(
        kind=item.ask.kind,
        detail=item.ask.detail,
        path=item.ask.path or component.path,
        layer=component.layer,
        package=component.package,
        line=item.ask.line,
        member=item.ask.member,
        address=item.ask.address,
        support=item.offer.level,
        need=item.need,
    )


def _remedy(row: CapabilityRow, worst: Shortfall) -> str:
    match worst.offer.level:
        case Support.FLAGS | Support.EMULATED if worst.offer.flags:
            return f"Build with {' '.join(worst.offer.flags)}."
        case _:
            return row.remedy
