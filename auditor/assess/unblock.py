"""Unblock sets: the smallest sets of changes that lift a target to a better verdict.

A change is one component that does without some of what it asks for. The verdict of what is left
is asked of the formula itself, so a set promises what a second assessment would say. Sets are
found by trying all of one component, then of two and of three, as far as ``_MOST_TRIES`` goes;
beyond that one is built up by the largest effort that each component brings along, and thinned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, islice

from auditor.assess.score import Unmet, worst
from auditor.model.assessment import Change, UnblockSet
from auditor.model.terms import Severity, Verdict

__all__ = ["unblock_sets"]

_LARGEST_TRIED = 3
_MOST_TRIES = 4000
_MOST_SETS = 3
_REST = ""
"""Stands for the components whose notes are not looked at."""

Lacks = Mapping[str, Mapping[str, Unmet]]
"""Component id → capability → the worst that its target does not meet of it."""
Judge = Callable[[Iterable[Unmet]], Verdict]


@dataclass(frozen=True, slots=True)
class _Search:
    lacks: Lacks
    judge: Judge
    effort: Callable[[str], int]
    verdict: Verdict

    def after(self, gone: frozenset[tuple[str, str]]) -> Verdict:
        """The verdict without some capabilities of some components."""
        return self.judge(
            worst(
                item
                for component, capabilities in self.lacks.items()
                for capability, item in capabilities.items()
                if (component, capability) not in gone
            )
        )

    def better(self, components: Iterable[str]) -> bool:
        """Whether a better verdict comes of components that ask for nothing unmet any more."""
        return self.after(self.all_of(components)).rank < self.verdict.rank

    def all_of(self, components: Iterable[str]) -> frozenset[tuple[str, str]]:
        """All that some components lack."""
        return frozenset((item, name) for item in components for name in self.lacks[item])

    def sets(self) -> Iterator[frozenset[str]]:
        """Smallest sets of components, as many as are wanted."""
        heavy = [item for item in sorted(self.lacks) if self._weighs(item)]
        tries = 0
        for size in range(1, _LARGEST_TRIED + 1):
            found = False
            for chosen in combinations(heavy, size):
                tries += 1
                if tries > _MOST_TRIES:
                    break
                if self.better(chosen):
                    found = True
                    yield frozenset(chosen)
            if found:
                return
        yield from self._thinned(heavy)

    def _thinned(self, heavy: list[str]) -> Iterator[frozenset[str]]:
        """All of them, without those that need not be there; the lightest go first."""
        if not self.better(heavy):
            return
        chosen = set(heavy)
        for item in sorted(heavy, key=lambda item: (self._sum(item), item)):
            if self.better(chosen - {item}):
                chosen.discard(item)
        yield frozenset(chosen)

    def _sum(self, component: str) -> int:
        return sum(self.effort(name) for name in self.lacks[component])

    def _weighs(self, component: str) -> bool:
        return any(item.severity is not Severity.NOTE for item in self.lacks[component].values())

    def least(self, components: frozenset[str]) -> frozenset[tuple[str, str]]:
        """What these components have to do without for the verdict that they lead to."""
        gone = self.all_of(components)
        aim = self.after(gone)
        for pair in sorted(gone, key=lambda pair: (-self.effort(pair[1]), pair)):
            if self.after(gone - {pair}) is aim:
                gone -= {pair}
        return gone


def unblock_sets(
    target: str, verdict: Verdict, lacks: Lacks, judge: Judge, effort: Callable[[str], int]
) -> tuple[UnblockSet, ...]:
    """The sets for one target, least effort first; none where nothing lifts the verdict.

    ``effort``: points of doing without a capability. A capability that two components give up
    counts once, as it does in a target's effort.
    """
    if verdict in {Verdict.ALREADY_WASM, Verdict.REBUILD, Verdict.INSUFFICIENT_EVIDENCE}:
        return ()
    search = _Search(_without_notes(lacks), judge, effort, verdict)
    found = [_set(target, search, item) for item in islice(search.sets(), _MOST_TRIES)]
    return tuple(sorted(found, key=_order)[:_MOST_SETS])


def _without_notes(lacks: Lacks) -> Lacks:
    """Only what decides, and one note that stands for all others: a note alone means "adapt"."""
    heavy: dict[str, dict[str, Unmet]] = {}
    notes: dict[str, dict[str, Unmet]] = {}
    for component, capabilities in lacks.items():
        for capability, item in capabilities.items():
            if item.severity is not Severity.NOTE:
                heavy.setdefault(component, {})[capability] = item
            elif not notes:
                notes = {_REST: {capability: item}}
    return {**heavy, **notes}


def _set(target: str, search: _Search, components: frozenset[str]) -> UnblockSet:
    gone = search.least(components)
    changes: dict[str, list[str]] = {}
    for component, capability in sorted(gone):
        changes.setdefault(component, []).append(capability)
    return UnblockSet(
        target=target,
        before=search.verdict,
        after=search.after(gone),
        effort=sum(search.effort(name) for name in {name for _, name in gone}),
        changes=tuple(Change(component, tuple(names)) for component, names in changes.items()),
    )


def _order(item: UnblockSet) -> tuple[int, int, int, tuple[str, ...]]:
    names = tuple(change.component for change in item.changes)
    return (len(item.changes), item.after.rank, item.effort, names)
