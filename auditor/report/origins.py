"""Which layers brought what: those of the base image, or the image's own on top."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from auditor.model.image import Image
from auditor.model.inventory import Inventory
from auditor.report.wire import WireCounts, WireFinding, WireOrigins

__all__ = ["BASE", "OWN", "counted", "origin_of", "summary"]

OWN, BASE = "own", "base"


def origin_of(image: Image, inventory: Inventory) -> Mapping[str, str]:
    """Component id → ``own`` or ``base``; empty where no base is known."""
    if not image.base_layers:
        return {}
    base = {layer.diff_id for layer in image.layers[: image.base_layers]}
    return {
        component.id: BASE if component.layer in base else OWN
        for component in inventory.components
        if component.layer is not None
    }


def counted(findings: Iterable[WireFinding], target: str) -> WireOrigins:
    """Findings of one target, by origin and severity; waived ones are left out."""
    counts = Counter(
        (item.origin, item.severity)
        for item in findings
        if item.target == target and item.waiver is None
    )

    def of(origin: str) -> WireCounts:
        return WireCounts(
            error=counts[origin, "error"],
            warning=counts[origin, "warning"],
            note=counts[origin, "note"],
        )

    return WireOrigins(own=of(OWN), base=of(BASE))


def summary(origins: WireOrigins, base: str | None) -> str:
    """A sentence: what the team can change itself comes first."""
    own, below = _words(origins.own), _words(origins.base)
    return f"{own} from its own layers; {below} from {base or 'its base'}."


def _words(counts: WireCounts) -> str:
    named = [(counts.error, "error"), (counts.warning, "warning"), (counts.note, "note")]
    shown = [f"{count} {word}{'s' * (count != 1)}" for count, word in named if count]
    return ", ".join(shown) or "nothing"
