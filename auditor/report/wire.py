"""The versioned wire type: what every report format is made of, and what ``-o json`` prints.

Apart from the internal types on purpose, so that these can change without breaking readers.
``schema_version`` follows semantic versioning: a new key raises the minor number, a changed or
removed one the major.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

__all__ = ["SCHEMA_VERSION", "WireReport"]

SCHEMA_VERSION = "1.5.0"

Score = Annotated[int, Meta(ge=0, le=100)]
Share = Annotated[float, Meta(ge=0, le=1)]
Points = Annotated[int, Meta(ge=0)]


class WireTool(msgspec.Struct, frozen=True):
    """What made the report."""

    name: str
    version: str
    tables_digest: str
    tables_as_of: str
    packages_by: str | None
    """What named the packages (``syft 1.18.1``); ``None`` where nothing was there to name."""


class WireLayer(msgspec.Struct, frozen=True):
    """A layer, by the digest of its uncompressed tar."""

    diff_id: str
    size: int
    created_by: str | None
    dockerfile_lines: tuple[int, int] | None = None
    """The first and last line of the instruction that made it, where a Dockerfile was given."""


class WireExcluded(msgspec.Struct, frozen=True):
    """What a glob of ``--exclude`` left out."""

    glob: str
    files: int
    """Everything but directories; what two globs match counts for both."""


class WireImage(msgspec.Struct, frozen=True):
    """What was scanned."""

    reference: str
    source: str
    digest: str | None
    platform: str | None
    entrypoint: list[str]
    """ENTRYPOINT and CMD joined, overrides applied."""
    user: str | None
    exposed_ports: list[str]
    volumes: list[str]
    stop_signal: str | None
    healthcheck: list[str]
    """As Docker writes it: ``CMD`` or ``CMD-SHELL`` and words; empty where there is none."""
    layers: list[WireLayer]
    excluded: list[WireExcluded]
    """In the order given; empty where nothing was left out."""
    base_layers: int = 0
    """The lowest layers that seem to be those of the image it was built from; 0 if none do."""
    dockerfile: str | None = None
    """Where the lines of its layers are, from the working directory."""
    base: str | None = None
    """The image that it was built on, where that was given; since 1.5."""


class WireDeduction(msgspec.Struct, frozen=True):
    """Points taken from 100; a target's add up to ``100 - score``."""

    points: Points
    reason: str
    capability: str | None
    findings: list[str]


class WireTarget(msgspec.Struct, frozen=True):
    """The answer for one target."""

    id: str
    title: str
    headline: bool
    verdict: str
    score: Score
    score_low: Score
    score_high: Score
    coverage: Share
    effort: Points
    blockers: list[str]
    deductions: list[WireDeduction]


class WireRecommendation(msgspec.Struct, frozen=True):
    """The headline."""

    target: str
    verdict: str
    route: str
    summary: str
    next_step: str


class WireComponent(msgspec.Struct, frozen=True):
    """A thing in the image that a verdict is given for."""

    id: str
    kind: str
    path: str
    size: int
    package: str | None
    layer: str | None
    reach: str
    role: str | None
    runtime: str | None
    verdicts: dict[str, str]
    route: str | None


class WireEdge(msgspec.Struct, frozen=True):
    """``from`` leads to ``to``."""

    from_: str = msgspec.field(name="from")
    to: str
    kind: str
    detail: str
    line: int | None


class WireEvidence(msgspec.Struct, frozen=True, omit_defaults=True):
    """One checkable fact; ``line``, ``address`` or ``member`` where it has one."""

    kind: str
    detail: str
    path: str
    support: str
    need: str
    package: str | None
    layer: str | None
    line: int | None = None
    address: str | None = None
    member: str | None = None


class WireTableRow(msgspec.Struct, frozen=True):
    """The dated row that the evidence was held against."""

    file: str
    key: str
    source: str
    as_of: str
    note: str


class WireFinding(msgspec.Struct, frozen=True):
    """A capability × a component × a target."""

    id: str
    rule: str
    capability: str
    component: str
    target: str
    support: str
    need: str
    severity: str
    reach: str
    role: str
    evidence: list[WireEvidence]
    chain: list[str]
    remedy: str
    table: WireTableRow
    waiver: str | None = None
    """Why it was accepted; ``None`` where it was not."""
    origin: str | None = None
    """``own`` or ``base``: which layers brought the component; ``None`` where there is no base to
    tell apart; since 1.5."""


class WireCapability(msgspec.Struct, frozen=True):
    """What the work asks for, and the worst that each target offers for it."""

    name: str
    title: str
    components: list[str]
    support: dict[str, str]


class WirePackage(msgspec.Struct, frozen=True):
    """A package that a package manager knows of."""

    name: str
    version: str
    type: str
    """In syft's words: ``deb``, ``python``, ``npm``, ``go-module``, …"""
    purl: str
    """Package URL; empty where there is none."""
    licences: list[str]
    """SPDX expressions where the text is one, else as written; sorted."""
    layer: str | None
    """The layer that brought what names the package."""
    depends_on: list[str]
    """Names of other packages in the image."""


class WireRuntime(msgspec.Struct, frozen=True):
    """A language runtime found in the image."""

    name: str
    version: str | None
    path: str
    id: str
    kind: str
    """``interpreter``; ``library`` for other programs to load; ``compiled`` into one program."""
    vendor: str | None
    modules: list[str]
    """Modules of a JVM, shared extensions of PHP."""


class WireSetting(msgspec.Struct, frozen=True):
    """A setting that decides what a program asks for."""

    name: str
    title: str
    value: int | None
    """``None`` where run time decides."""
    unit: str
    """``bytes``, ``count`` or ``percent``."""
    where: str
    """``ENTRYPOINT``, ``CMD``, ``ENV NAME``, or the path of a file."""
    line: int | None
    text: str
    capability: str | None
    """What the value asks for, where it does."""


class WireUnknown(msgspec.Struct, frozen=True):
    """What could not be analysed."""

    path: str
    stage: str
    reason: str
    component: str | None


class WireKnown(msgspec.Struct, frozen=True):
    """What the catalogue knows a component as. It adds to the evidence and replaces none."""

    component: str
    id: str
    title: str
    summary: str
    reasons: list[str]
    """Capabilities that it rests on by its design."""
    instead: str
    """What people use from the WebAssembly side."""
    also: str | None
    agrees: bool | None
    """Whether the evidence says the same; ``None`` where it says too little."""
    source: str


class WireGate(msgspec.Struct, frozen=True):
    """Whether what was asked of the image is met; without a gate it always is."""

    met: bool
    reasons: list[str]
    """Why it is not met, a sentence each; empty where it is."""
    conditions: list[str] = []
    """What was asked (``--min-score 60``); empty without a gate."""


class WireRuleText(msgspec.Struct, frozen=True):
    """What a finding's rule means, for people."""

    id: str
    title: str
    summary: str
    why: str
    remedy: str
    interface: str | None
    """The host interface that takes its place, if any."""


class WireWaived(msgspec.Struct, frozen=True):
    """A finding that was accepted."""

    finding: str
    reason: str
    expires: str | None
    """The last day, ISO."""
    owner: str | None
    where: str
    """Where the waiver stands."""


class WireChange(msgspec.Struct, frozen=True):
    """A component that does without some of what it asks for: it is changed, or replaced."""

    component: str
    package: str | None
    capabilities: list[str]


class WireUnblockSet(msgspec.Struct, frozen=True):
    """Changes that together lift a target's verdict, and of which none can be spared."""

    target: str
    before: str
    after: str
    effort: Points
    changes: list[WireChange]


class WirePart(msgspec.Struct, frozen=True):
    """One process: it moves as a whole, or stays."""

    start: str
    side: str
    """``moves`` or ``stays``."""
    verdict: str
    components: list[str]
    """What else it loads."""


class WireCrossing(msgspec.Struct, frozen=True):
    """A call between what moves and what does not."""

    from_: str = msgspec.field(name="from")
    to: str | None
    """``None`` for somebody outside of the image."""
    capability: str
    evidence: list[str]


class WireSplit(msgspec.Struct, frozen=True):
    """What moves to the recommended target, what stays, and what crosses."""

    target: str
    summary: str
    parts: list[WirePart]
    falls_away: list[str]
    crossings: list[WireCrossing]


class WireCounts(msgspec.Struct, frozen=True):
    """Findings by severity."""

    error: int
    warning: int
    note: int


class WireOrigins(msgspec.Struct, frozen=True):
    """Findings of the recommended target, by the layers that brought their components."""

    own: WireCounts
    """What the image's own layers brought: its makers can change it themselves."""
    base: WireCounts


class WireInterface(msgspec.Struct, frozen=True):
    """An interface that a migrated component imports, and what asks for it."""

    interface: str
    capabilities: list[str]


class WireManifest(msgspec.Struct, frozen=True):
    """The least that a migrated component needs, on a target that has components."""

    target: str
    wasi: str
    """Version of WASI."""
    world: str
    """A WIT identifier."""
    imports: list[WireInterface]
    exports: list[str]
    grants: list[str]
    """What a host has to be told: ``directories``, ``environment``, ``tcp``, ``udp``, ``names``."""
    without: list[str]
    """Capabilities that are asked for, and that the target does not have at all."""


class WireSource(msgspec.Struct, frozen=True):
    """A source that a finding's table row names."""

    id: str
    title: str
    url: str
    as_of: str


class WireReport(msgspec.Struct, frozen=True):
    """The whole document."""

    schema_version: str
    tool: WireTool
    image: WireImage
    recommendation: WireRecommendation
    targets: list[WireTarget]
    capabilities: list[WireCapability]
    findings: list[WireFinding]
    components: list[WireComponent]
    edges: list[WireEdge]
    packages: list[WirePackage]
    runtimes: list[WireRuntime]
    settings: list[WireSetting]
    unknowns: list[WireUnknown]
    catalog: list[WireKnown]
    notes: list[str]
    split: WireSplit | None
    unblock_sets: list[WireUnblockSet]
    gate: WireGate
    waived: list[WireWaived]
    sources: list[WireSource]
    rules: list[WireRuleText] = []
    """One for each rule that a finding names, sorted; since 1.4."""
    manifests: list[WireManifest] = []
    """For each judged target that has components; since 1.5."""
    origins: WireOrigins | None = None
    """``None`` where no base is known; since 1.5."""
