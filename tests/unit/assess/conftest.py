"""Judge made-up components against the real tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from auditor.assess import assess
from auditor.model.assessment import Assessment
from auditor.model.facts import ElfFacts, Symbol
from auditor.model.graph import Binding, Call, DependencyGraph, Launch, Observed
from auditor.model.inventory import Component, Inventory, Unknown
from auditor.model.settings import Setting
from auditor.model.terms import Reach, Role
from auditor.tables import load

LIBC = "shared-library:/lib/libc.so.6"


@pytest.fixture(scope="session")
def tables():
    """The tables as they are shipped."""
    return load()


@pytest.fixture
def judged(component, elf, tables) -> Callable[..., Assessment]:
    """Assess components whose imports all come from libc, in a role each."""

    def run(
        *roles: tuple[Component, Role | None],
        main: tuple[str, ...] = (),
        unknowns: tuple[Unknown, ...] = (),
        problem: str | None = None,
        calls: tuple[Call, ...] = (),
        languages: Mapping[str, str] | None = None,
        settings: tuple[Setting, ...] = (),
        observed: tuple[Observed, ...] = (),
        **options: Any,
    ) -> Assessment:
        libc = component("/lib/libc.so.6", elf(soname="libc.so.6", exports=("fork",)))
        components = tuple(sorted([libc, *(item for item, _ in roles)], key=lambda c: c.id))
        reached = {item.id: role for item, role in roles if role is not None}
        graph = DependencyGraph(
            launch=Launch(("x",), main or tuple(reached)[:1], problem),
            edges=(),
            reach={c.id: Reach.REACHABLE if c.id in reached else Reach.PRESENT for c in components},
            roles=reached,
            chains={identifier: ("entrypoint", identifier) for identifier in reached},
            bindings={
                item.id: tuple(Binding(symbol, LIBC) for symbol in _imports(item))
                for item, role in roles
                if role is not None
            },
            commands=(),
            unknowns=(),
            calls=calls,
            languages=languages or {},
            observed=observed,
        )
        inventory = Inventory(components, unknowns, len(components), settings=settings)
        return assess(inventory, graph, tables, **options)

    return run


def _imports(item: Component) -> tuple[Symbol, ...]:
    return item.facts.imports if isinstance(item.facts, ElfFacts) else ()
