"""The formula: unmet needs and coverage → verdict, score, interval, effort.

Each distinct capability that is not fully met keeps a factor of the score, so that every
further one takes less and none can raise it. An essential capability that is absent also caps
the score (law 1). What is not known takes its share of what is left, and widens the interval;
below ``ENOUGH`` coverage no number is claimed at all. Points are whole: each deduction is the
step that the rounded score takes, so that they add up to ``100 - score`` exactly.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache

from auditor.model.terms import Need, Severity, Support, Verdict

__all__ = ["ENOUGH", "Result", "Step", "Unmet", "evaluate", "loss", "verdict_of", "worst"]

ENOUGH = 0.6
"""Least coverage for a verdict (DESIGN.md, "Coverage")."""

CAP_BLOCKED = 40
CAP_KEEP = 20
KEEP_EFFORT = 16
"""Effort over distinct absent essential capabilities from which a rewrite costs more than the
container: two re-architectures."""
REDESIGN_EFFORT = 16
"""The same over absent typical ones, from which small edits are no longer small."""

_ABSENT_LOSS = {0: 0.0, 1: 0.04, 3: 0.10, 5: 0.25, 8: 0.45, 13: 0.45}
"""Share lost to an absent essential capability, by its effort in points."""
_NEED_SHARE = {Need.ESSENTIAL: 1.0, Need.TYPICAL: 0.4, Need.INCIDENTAL: 0.05}
_SUPPORT_SHARE = {
    Support.FULL: 0.0,
    Support.FLAGS: 0.05,
    Support.EMULATED: 0.05,
    Support.PARTIAL: 0.4,
    Support.UNKNOWN: 0.5,
    Support.STUB: 1.0,
    Support.NONE: 1.0,
}


@dataclass(frozen=True, slots=True)
class Unmet:
    """The worst of what is asked for one capability, over the whole closure."""

    capability: str
    need: Need
    support: Support
    severity: Severity
    effort: int
    hides_absent: bool = False
    """Whether a lesser need of the same capability is not met at all: it still counts."""

    @property
    def redesigned(self) -> bool:
        """Whether it is a warning behind which something is absent."""
        absent = self.support.absent or self.hides_absent
        return self.severity is Severity.WARNING and absent


@dataclass(frozen=True, slots=True)
class Step:
    """Points taken, and for what; ``capability`` is ``None`` for a cap or for what is unknown."""

    points: int
    reason: str
    capability: str | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """Verdict and numbers for one target."""

    verdict: Verdict
    score: int
    low: int
    high: int
    effort: int
    steps: tuple[Step, ...]


def loss(item: Unmet) -> float:
    """Share of the score that one unmet capability takes, 0 to 0.45."""
    return _loss(item.need, item.support, item.effort)


@cache
def _loss(need: Need, support: Support, effort: int) -> float:
    return _ABSENT_LOSS[effort] * _NEED_SHARE[need] * _SUPPORT_SHARE[support]


def worst(items: Iterable[Unmet]) -> list[Unmet]:
    """The worst of each capability; that something else of it is absent is kept in mind."""
    found: dict[str, Unmet] = {}
    absent: set[str] = set()
    for item in items:
        if item.redesigned:
            absent.add(item.capability)
        old = found.get(item.capability)
        if old is None or (item.severity.rank, loss(item)) > (old.severity.rank, loss(old)):
            found[item.capability] = item
    return [
        replace(item, hides_absent=True) if name in absent and not item.redesigned else item
        for name, item in found.items()
    ]


def verdict_of(unmet: Iterable[Unmet], coverage: float, *, wasm: bool = False) -> Verdict:
    """The verdict alone, without the numbers."""
    if coverage < ENOUGH:
        return Verdict.INSUFFICIENT_EVIDENCE
    return _verdict(list(unmet), wasm=wasm)


def evaluate(unmet: Iterable[Unmet], coverage: float, *, wasm: bool = False) -> Result:
    """Judge one target. ``wasm``: all of the work is WebAssembly already."""
    items = sorted(unmet, key=lambda item: (-loss(item), item.capability))
    verdict = _verdict(items, wasm=wasm)
    steps: list[Step] = []
    exact, score = 100.0, 100
    for item in items:
        exact *= 1 - loss(item)
        score = _take(steps, score, round(exact), _reason(item), item.capability)
    cap = _cap(verdict, items)
    if score > cap:
        reason = "an essential capability is absent, however much else is there"
        score = _take(steps, score, cap, reason)
    high = score
    if coverage < ENOUGH:
        verdict = Verdict.INSUFFICIENT_EVIDENCE
        score = _take(steps, score, 0, "too little of what would run is known for a number")
        return Result(verdict, score, 0, high, _effort(items), tuple(steps))
    share = f"{(1 - coverage) * 100:.1f} % of what would run is not known"
    score = _take(steps, score, int(high * coverage), share)
    low = int(high * (2 * coverage - 1))
    return Result(verdict, score, low, high, _effort(items), tuple(steps))


def _take(
    steps: list[Step], score: int, to: int, reason: str, capability: str | None = None
) -> int:
    if to < score:
        steps.append(Step(score - to, reason, capability))
    return min(score, to)


def _verdict(items: list[Unmet], *, wasm: bool) -> Verdict:
    blocked = [item.effort for item in items if item.severity is Severity.ERROR]
    if blocked:
        keep = sum(blocked) >= KEEP_EFFORT
        return Verdict.KEEP_IN_CONTAINER if keep else Verdict.REARCHITECT
    absent = [item.effort for item in items if item.redesigned]
    if sum(absent) >= REDESIGN_EFFORT:
        return Verdict.REARCHITECT
    if items:
        return Verdict.ADAPT
    return Verdict.ALREADY_WASM if wasm else Verdict.REBUILD


def _cap(verdict: Verdict, items: list[Unmet]) -> int:
    if verdict is Verdict.KEEP_IN_CONTAINER:
        return CAP_KEEP
    blocked = verdict is Verdict.REARCHITECT and bool(items)
    return CAP_BLOCKED if blocked else 100


def _effort(items: list[Unmet]) -> int:
    """Points over distinct changes: 1 for a flag or a stub, else the capability's own."""
    total = 0
    for item in items:
        light = item.severity is Severity.NOTE
        total += min(item.effort, 1) if light else item.effort
    return total


def _reason(item: Unmet) -> str:
    return f"{item.capability}: {item.need} need, support {item.support}"
