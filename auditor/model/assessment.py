"""The judgement: findings, and a verdict for each target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from auditor.model.terms import Need, Reach, Role, Severity, Support, Verdict

__all__ = [
    "Assessment",
    "CapabilityUse",
    "Change",
    "Crossing",
    "Deduction",
    "Denied",
    "Evidence",
    "EvidenceKind",
    "Finding",
    "Manifest",
    "Part",
    "Recommendation",
    "Side",
    "Split",
    "TableRow",
    "TargetAssessment",
    "UnblockSet",
]


class EvidenceKind(StrEnum):
    """What sort of fact it is."""

    IMPORT = "import"
    """An ELF file imports a libc function."""
    COMMAND = "command"
    """A script runs a command."""
    WASM_IMPORT = "wasm-import"
    CALL = "call"
    """An application's source names something of a library."""
    MODULE = "module"
    """An application's source loads a module."""
    RUNTIME = "runtime"
    """A language's runtime runs it."""
    SETTING = "setting"
    """The image's configuration sets it."""
    SYSCALL = "syscall"
    """A trace shows the system call."""


@dataclass(frozen=True, slots=True, order=True)
class Evidence:
    """One checkable fact about a component."""

    kind: EvidenceKind
    detail: str
    path: str
    layer: str | None = None
    package: str | None = None
    line: int | None = None
    member: str | None = None
    """The function, method or class in the file that it stands in."""
    address: int | None = None
    """Of the call, or of an import's slot, in a binary."""
    support: Support = Support.UNKNOWN
    """What the target offers for this one fact."""
    need: Need = Need.TYPICAL


@dataclass(frozen=True, slots=True, order=True)
class TableRow:
    """The dated row that evidence was held against."""

    file: str
    key: str
    source: str
    as_of: str
    """ISO date."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """A capability × a component × a target."""

    id: str
    """Stable: made of rule, component and target."""
    capability: str
    component: str
    target: str
    support: Support
    need: Need
    severity: Severity
    reach: Reach
    role: Role
    evidence: tuple[Evidence, ...]
    """Worst first."""
    chain: tuple[str, ...]
    """Component ids from the entrypoint; empty where nothing leads there."""
    remedy: str
    table: TableRow


@dataclass(frozen=True, slots=True)
class Deduction:
    """Points taken from 100, and what for. All of a target's add up to ``100 - score``."""

    points: int
    reason: str
    capability: str | None = None
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TargetAssessment:
    """The answer for one target."""

    target: str
    verdict: Verdict
    score: int
    """0 to 100."""
    score_low: int
    score_high: int
    coverage: float
    """0 to 1, three decimals."""
    effort: int
    blockers: tuple[str, ...]
    """Ids of findings, worst first."""
    deductions: tuple[Deduction, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """A component that does without some of what it asks for: it is changed, or replaced."""

    component: str
    capabilities: tuple[str, ...]
    """Sorted."""


@dataclass(frozen=True, slots=True)
class UnblockSet:
    """Changes that together lift a target to a better verdict, and of which none can be spared."""

    target: str
    before: Verdict
    after: Verdict
    effort: int
    """Points over the distinct capabilities."""
    changes: tuple[Change, ...]


class Side(StrEnum):
    """Where a process ends up."""

    MOVES = "moves"
    STAYS = "stays"
    """In its container."""


@dataclass(frozen=True, slots=True)
class Part:
    """One process."""

    start: str
    """Id of the component that it starts with."""
    side: Side
    verdict: Verdict
    """Of all that it loads, together."""
    components: tuple[str, ...]
    """What else it loads, sorted."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """A call between what moves and what does not."""

    source: str
    """Component id."""
    to: str | None
    """Component id; ``None`` for somebody outside of the image."""
    capability: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Split:
    """What moves to a target, what stays, and what crosses between them."""

    target: str
    parts: tuple[Part, ...]
    falls_away: tuple[str, ...]
    """Programs that only prepare, launch or interpret: ids, sorted."""
    crossings: tuple[Crossing, ...]


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The headline."""

    target: str
    verdict: Verdict
    route: str
    summary: str
    next_step: str


@dataclass(frozen=True, slots=True)
class CapabilityUse:
    """A capability that the work asks for, whether or not a target meets it."""

    capability: str
    components: tuple[str, ...]
    """Ids of those that ask."""
    support: Mapping[str, Support]
    """Target → the worst level among the facts that ask."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The least that a migrated component needs, on a target that has components."""

    target: str
    wasi: str
    """Version of WASI."""
    world: str
    """A WIT identifier."""
    imports: tuple[tuple[str, tuple[str, ...]], ...]
    """Interface with version → capabilities that ask for it; sorted."""
    exports: tuple[str, ...]
    grants: tuple[str, ...]
    """What a host has to be told: ``directories``, ``environment``, ``tcp``, ``udp``, ``names``."""
    without: tuple[str, ...]
    """Capabilities that are asked for, and that the target does not have at all."""


@dataclass(frozen=True, slots=True)
class Denied:
    """What a trace shows a component asking for, and nothing that was read asks for."""

    component: str
    capability: str
    calls: tuple[str, ...]
    """Names of system calls, sorted."""
    trace: str


@dataclass(frozen=True, slots=True)
class Assessment:
    """Everything the report says about feasibility."""

    targets: tuple[TargetAssessment, ...]
    findings: tuple[Finding, ...]
    capabilities: tuple[CapabilityUse, ...]
    recommendation: Recommendation
    verdicts: Mapping[str, Mapping[str, Verdict]]
    """Component id → target → verdict of that component alone."""
    routes: Mapping[str, str]
    """Component id → route, for reachable components."""
    unblock_sets: tuple[UnblockSet, ...] = ()
    """Of every target, least effort first."""
    split: Split | None = None
    """For the recommended target; ``None`` where nothing is left running."""
    denied: tuple[Denied, ...] = ()
    """Where a trace shows more than the analysis found: a defect of ours."""
    manifests: tuple[Manifest, ...] = ()
    """For each target that has components, where something is left running."""
