"""The headline, a route for each component, and what to do next."""

from __future__ import annotations

from auditor.model.assessment import Recommendation, TargetAssessment
from auditor.model.facts import ElfFacts
from auditor.model.graph import DependencyGraph
from auditor.model.inventory import Component, Inventory
from auditor.model.terms import Role, Verdict
from auditor.tables.rows import Tables, TargetRow

__all__ = ["recommend", "route_of", "toolchain_of"]

_ROUTES = {
    Verdict.ALREADY_WASM: "already wasm",
    Verdict.REBUILD: "rebuild",
    Verdict.ADAPT: "adapt",
    Verdict.REARCHITECT: "rearchitect",
    Verdict.KEEP_IN_CONTAINER: "leave in the container and call it over the network",
    Verdict.INSUFFICIENT_EVIDENCE: "gather more evidence",
}

_OUTSIDE_THE_WORK = {
    Role.SETUP: "falls away: its work moves into the host's configuration",
    Role.RUNTIME: "swap the runtime for the target's own build",
}
_SENTENCES = {
    Verdict.ALREADY_WASM: "is WebAssembly for {title} already.",
    Verdict.REBUILD: "can be recompiled for {title} as it is.",
    Verdict.ADAPT: "can move to {title} with flags, shims or small edits.",
    Verdict.REARCHITECT: "would have to be redesigned in part for {title}.",
    Verdict.KEEP_IN_CONTAINER: "is best left in its container; {title} comes nearest.",
}


def recommend(
    assessments: tuple[TargetAssessment, ...],
    inventory: Inventory,
    graph: DependencyGraph,
    tables: Tables,
    among: frozenset[str] | None = None,
) -> Recommendation:
    """The best of the headline targets, or of those asked for where none of them is.

    By verdict, then score, then the number of runtimes that run the target (law 10). ``among``:
    the headline's targets, where the tables do not choose them.
    """
    if among is None:
        among = frozenset(row.id for row in tables.targets.values() if row.headline)
    headline = [item for item in assessments if item.target in among]
    best = min(headline or assessments, key=lambda item: _preference(item, tables))
    others = [item for item in assessments if item not in headline] if headline else []
    better = [item for item in others if item.verdict.rank < best.verdict.rank]
    names = [inventory_name(identifier, inventory) for identifier in graph.launch.main]
    return Recommendation(
        target=best.target,
        verdict=best.verdict,
        route=_ROUTES[best.verdict],
        summary=_summary(best, names, graph, tables) + _aside(better, tables),
        next_step=_next_step(best, inventory, graph, tables),
    )


def route_of(
    component: Component,
    role: Role,
    verdict: Verdict | None,
    *,
    provided: bool,
    toolchain: str | None,
    target: TargetRow,
) -> str:
    """What to do with one reachable component on the recommended target.

    ``toolchain``: the target's build of the runtime that runs it, where a runtime does.
    """
    if provided:
        return f"comes with the toolchain of {target.title}"
    if role is not Role.MAIN:
        return _OUTSIDE_THE_WORK[role]
    rebuilt = verdict in {Verdict.REBUILD, Verdict.ADAPT} and isinstance(component.facts, ElfFacts)
    if verdict is not None and rebuilt:
        return f"{verdict}: {toolchain or target.toolchain}"
    if verdict is Verdict.ADAPT and toolchain is not None:
        return f"adapt: {toolchain}"
    return _ROUTES[verdict] if verdict is not None else "not judged"


def toolchain_of(
    identifier: str, target: str, graph: DependencyGraph, tables: Tables
) -> str | None:
    """What builds a program for a target, or brings the runtime of an application there.

    ``None`` where the language is not known, or does not come there.
    """
    language = tables.languages.get(graph.languages.get(identifier, ""))
    return language.targets[target].toolchain if language is not None else None


def inventory_name(identifier: str, inventory: Inventory) -> str:
    """The path of a component, for people."""
    paths = {component.id: component.path for component in inventory.components}
    return paths.get(identifier, identifier)


def _preference(item: TargetAssessment, tables: Tables) -> tuple[int, int, int, str]:
    return (item.verdict.rank, -item.score, -tables.targets[item.target].breadth, item.target)


def _summary(
    best: TargetAssessment, names: list[str], graph: DependencyGraph, tables: Tables
) -> str:
    what = ", ".join(names) if names else "the image"
    title = tables.targets[best.target].title
    if best.verdict is Verdict.INSUFFICIENT_EVIDENCE:
        why = graph.launch.problem or f"too little of {what} could be read"
        return f"There is no verdict: {why}."
    return f"{what} {_SENTENCES[best.verdict].format(title=title)}"


def _aside(better: list[TargetAssessment], tables: Tables) -> str:
    if not better:
        return ""
    shown = ", ".join(f"{tables.targets[item.target].title} ({item.verdict})" for item in better)
    return f" Outside the headline: {shown}."


def _next_step(
    best: TargetAssessment, inventory: Inventory, graph: DependencyGraph, tables: Tables
) -> str:
    target = tables.targets[best.target]
    match best.verdict:
        case Verdict.ALREADY_WASM:
            runtime = target.runtimes[0] if target.runtimes else "a WebAssembly runtime"
            return f"Run the module with {runtime}, without the container."
        case Verdict.REBUILD | Verdict.ADAPT:
            return _move(best.target, target.toolchain, graph, tables)
        case Verdict.REARCHITECT | Verdict.KEEP_IN_CONTAINER:
            worst = best.deductions[0].capability if best.deductions else None
            remedy = tables.capabilities[worst].remedy if worst is not None else ""
            return f"Start from the largest blocker, {worst}: {remedy}" if worst else remedy
        case Verdict.INSUFFICIENT_EVIDENCE:
            return _for_evidence(inventory, graph)


def _move(target: str, toolchain: str, graph: DependencyGraph, tables: Tables) -> str:
    """How what is left running gets to a target where it can go."""
    compiled: set[str] = set()
    swapped: set[str] = set()
    for item, runtime in graph.languages.items():
        found = toolchain_of(item, target, graph, tables)
        if found is not None and graph.roles.get(item) is Role.MAIN:
            (compiled if tables.is_compiled(runtime) else swapped).add(found)
    if swapped:
        return f"Run it with {', '.join(sorted(swapped))}; then run its own tests there."
    builders = ", ".join(sorted(compiled)) or toolchain
    return f"Build it with {builders}; then run its own tests on the result."


def _for_evidence(inventory: Inventory, graph: DependencyGraph) -> str:
    """What would show more, where too little is known."""
    if graph.launch.argv and graph.launch.problem is None:
        return "See the unknowns: each names a file and why it could not be read."
    if graph.sampled is not None:
        return (
            "Scan the image itself, with --trace; or record a longer run, by strace from its start."
        )
    if not inventory.files and inventory.packages:
        return "Scan the image itself: its packages do not show what they ask for."
    return "Name the program with --entrypoint."
