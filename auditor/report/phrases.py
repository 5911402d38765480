"""Sentences about findings that several formats share."""

from __future__ import annotations

from collections.abc import Iterable

from auditor.model.assessment import Side, Split
from auditor.report.wire import (
    WireComponent,
    WireEvidence,
    WireFinding,
    WireReport,
    WireSplit,
    WireUnblockSet,
)

__all__ = [
    "evidence_text",
    "findings_of",
    "message",
    "path_of",
    "place",
    "says_more",
    "split_summary",
    "title_of",
    "unblocks",
]

_NAMED = 4
_SUPPORT = {
    "full": "supported",
    "flags": "supported with extra flags",
    "emulated": "emulated",
    "partial": "supported in part",
    "unknown": "not known to be supported",
    "stub": "a stub that always fails",
    "none": "not supported",
}
_VERBS = {
    "import": "imports",
    "command": "runs",
    "wasm-import": "imports",
    "call": "uses",
    "module": "loads",
    "runtime": "runs on",
    "setting": "is set by",
    "syscall": "makes the system call",
}


def message(finding: WireFinding, report: WireReport) -> str:
    """One sentence: who needs what, shown by which facts, and what the target offers."""
    names = list(dict.fromkeys(item.detail for item in finding.evidence))
    shown = ", ".join(names[:_NAMED])
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    kinds = {item.kind for item in finding.evidence}
    verb = _VERBS.get(next(iter(kinds)), "uses") if len(kinds) == 1 else "uses"
    title = title_of(finding.rule, report)
    title = f"{title[:1].lower()}{title[1:]}" if title[1:2].islower() else title
    return (
        f"{path_of(finding.component)} {verb} {shown}{more}: {finding.capability} ({title}) is "
        f"{_SUPPORT[finding.support]} on {finding.target}; the need is {finding.need}."
    )


def split_summary(split: Split) -> str:
    """Who moves, who stays, what falls away, what crosses: in sentences."""
    moves = _paths(part.start for part in split.parts if part.side is Side.MOVES)
    stays = _paths(part.start for part in split.parts if part.side is Side.STAYS)
    sentences = []
    if moves:
        sentences.append(f"{_some(moves)} {_verb(moves, 'move')} to {split.target}")
    if stays:
        sentences.append(f"{_some(stays)} {_verb(stays, 'stay')} in the container")
    if moves and split.falls_away:
        gone = _paths(split.falls_away)
        sentences.append(f"{_some(gone)} {_verb(gone, 'fall')} away")
    inside = sum(item.to is not None for item in split.crossings)
    outside = _paths(item.source for item in split.crossings if item.to is None)
    if inside:
        sentences.append(f"{inside} {'call crosses' if inside == 1 else 'calls cross'}")
    if outside:
        sentences.append(f"{_some(outside)} {_verb(outside, 'call')} others over the network")
    return "; ".join(sentences) + "."


def says_more(split: WireSplit) -> bool:
    """Whether a split tells what the headline does not."""
    return len(split.parts) > 1 or bool(split.falls_away or split.crossings)


def _paths(components: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(map(path_of, components)))


def _some(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _verb(names: list[str], verb: str) -> str:
    return f"{verb}s" if len(names) == 1 else verb


def unblocks(item: WireUnblockSet) -> str:
    """What would lift a target's verdict, in a sentence."""
    parts = [
        f"{path_of(change.component)} without {', '.join(change.capabilities[:_NAMED])}"
        + (f" and {len(change.capabilities) - _NAMED} more" * (len(change.capabilities) > _NAMED))
        for change in item.changes[:_NAMED]
    ]
    more = len(item.changes) - _NAMED
    words = "; ".join(parts) + (f"; and {more} more components" if more > 0 else "")
    return f"{item.before} → {item.after} ({item.effort} points): {words}"


def title_of(rule: str, report: WireReport) -> str:
    """A rule's title, or its name where an older report holds none."""
    return next((item.title for item in report.rules if item.id == rule), rule)


def path_of(component: str) -> str:
    """The path in a component's id (``executable:/usr/sbin/nginx``)."""
    return component.partition(":")[2] or component


def place(evidence: WireEvidence) -> str:
    """Where a fact stands: path, and line, member and address where it has them."""
    line = f":{evidence.line}" if evidence.line is not None else ""
    where = ", ".join(part for part in (evidence.member, evidence.address) if part)
    return f"{evidence.path}{line}" + (f" ({where})" if where else "")


def evidence_text(evidence: WireEvidence) -> str:
    """A fact with its place."""
    return f"{place(evidence)} {_VERBS.get(evidence.kind, 'uses')} {evidence.detail}"


def findings_of(report: WireReport, target: str) -> list[WireFinding]:
    """A target's findings but for waived ones, worst first.

    What the image's own layers hold comes before what its base's hold.
    """
    order = {"error": 0, "warning": 1, "note": 2}
    layers = {layer.diff_id: number for number, layer in enumerate(report.image.layers)}
    components: dict[str, WireComponent] = {item.id: item for item in report.components}

    def key(finding: WireFinding) -> tuple[int, bool, bool, str]:
        component = components.get(finding.component)
        layer = layers.get(component.layer or "", 0) if component is not None else 0
        in_base = layer < report.image.base_layers
        return (order[finding.severity], finding.reach == "present", in_base, finding.id)

    counted = (item for item in report.findings if item.target == target and item.waiver is None)
    return sorted(counted, key=key)
