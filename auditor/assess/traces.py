"""What traces show, as asks; and where they show what nothing that was read asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from auditor.assess.asks import Ask, Asks
from auditor.model.assessment import Denied, EvidenceKind
from auditor.model.graph import DependencyGraph, Observed
from auditor.model.terms import Need, Role
from auditor.tables.rows import Tables

__all__ = ["with_observed"]

_TELLING = frozenset(
    {
        "process.exec",
        "process.fork",
        "process.spawn",
        "net.tcp.connect",
        "net.tcp.listen",
        "net.udp",
    }
)
"""What a language's runtime does not do unless the application has it done: no CPython, V8 or JVM
starts a program or speaks to another machine by itself. All else that a runtime is seen to ask
for may be its own, and goes with it (law 4)."""


def with_observed(
    asks: Asks, graph: DependencyGraph, tables: Tables, *, whole: bool
) -> tuple[Asks, tuple[Denied, ...]]:
    """The asks with what was seen, and what was seen against all that was read.

    ``whole``: everything of the work was read, so that its silence says something. A trace alone
    is taken at its word. What the C library asks for behind something that the work does ask for
    is incidental: the work's own ask weighs.
    """
    if not graph.observed:
        return asks, ()
    known = _Known.of(asks, graph, tables)
    denied: dict[tuple[str, str], list[Observed]] = {}
    more: dict[str, set[Ask]] = {}
    for item in graph.observed:
        if item.component in graph.met:
            continue
        judged = known.judge(item, graph, tables)
        more.setdefault(item.component, set()).add(_ask(item, judged.need))
        if judged.denied and whole and graph.sampled is None:
            denied.setdefault((item.component, item.capability), []).append(item)
    return _merged(asks, more), tuple(_denials(denied))


@dataclass(frozen=True, slots=True)
class _Judged:
    need: Need
    denied: bool = False


@dataclass(frozen=True, slots=True)
class _Known:
    """What was read asks for."""

    needs: Mapping[str, Need]
    """Capability → the most that any of the facts says, though a library states it."""
    functions: frozenset[str]
    """Functions of the C library that the work imports."""

    @classmethod
    def of(cls, asks: Asks, graph: DependencyGraph, tables: Tables) -> _Known:
        needs: dict[str, Need] = {}
        functions: set[str] = set()
        for identifier, role in graph.roles.items():
            for ask in asks[identifier] if role is Role.MAIN else ():
                need = ask.need
                if ask.kind is EvidenceKind.IMPORT:
                    functions.add(tables.canonical(ask.detail))
                    row = tables.symbol(ask.detail)
                    need = row.need if row is not None else need
                needs[ask.capability] = Need.worst(need, needs.get(ask.capability, need))
        return cls(needs, frozenset(functions))

    def judge(self, item: Observed, graph: DependencyGraph, tables: Tables) -> _Judged:
        """How much one call weighs, and whether all that was read denies it.

        That a call is made does not show that it is needed: what the facts know of that stays. A
        function of the call's own name passes on whatever arguments it is given, and so does
        ``syscall``.
        """
        if item.capability in self.needs:
            known = self.needs[item.capability]
            return _Judged(min(item.need, known, key=lambda need: need.rank))
        if graph.sampled is not None or self.functions & {item.name, "syscall"}:
            return _Judged(item.need)
        if tables.syscalls.within.get(item.capability, frozenset()) & self.needs.keys():
            return _Judged(Need.INCIDENTAL)
        if item.component in graph.languages and item.capability not in _TELLING:
            return _Judged(Need.INCIDENTAL)
        return _Judged(item.need, denied=graph.roles.get(item.component) is Role.MAIN)


def _ask(item: Observed, need: Need) -> Ask:
    return Ask(item.capability, EvidenceKind.SYSCALL, item.name, need, member=item.trace)


def _merged(asks: Asks, more: Mapping[str, set[Ask]]) -> Asks:
    found = dict(asks)
    for component, items in more.items():
        ordered = sorted(items, key=lambda ask: (ask.capability, ask.detail, ask.member or ""))
        found[component] = (*found.get(component, ()), *ordered)
    return found


def _denials(denied: Mapping[tuple[str, str], list[Observed]]) -> Iterator[Denied]:
    for (component, capability), items in sorted(denied.items()):
        names = tuple(sorted({item.name for item in items}))
        yield Denied(component, capability, names, items[0].trace)
