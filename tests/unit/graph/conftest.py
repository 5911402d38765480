"""Walk made-up images with the real tables and the real shell parser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from auditor.graph import build
from auditor.inventory import collect
from auditor.model.graph import DependencyGraph, Overrides
from auditor.model.image import ImageConfig
from auditor.model.inventory import Component, Inventory
from auditor.tables import load


@pytest.fixture
def graph_of(root_of, component) -> Callable[..., DependencyGraph]:
    """The graph of a tree: text as it is, ELF files by made-up facts or components."""

    def make(
        tree: dict[str, Any],
        *,
        entrypoint: tuple[str, ...] = (),
        cmd: tuple[str, ...] = (),
        env: tuple[tuple[str, str], ...] = (),
        working_dir: str = "/",
        healthcheck: tuple[str, ...] = (),
        overrides: Overrides | None = None,
    ) -> DependencyGraph:
        tables = load()
        elves = {path: facts for path, facts in tree.items() if not isinstance(facts, str)}
        rootfs = root_of(
            {p: c for p, c in tree.items() if p not in elves} | dict.fromkeys(elves, b"\x7fELF")
        )
        scripts = collect(rootfs, tables.runtimes).components
        known = [item for item in scripts if item.path not in elves]
        made = [
            facts if isinstance(facts, Component) else component(path, facts)
            for path, facts in elves.items()
        ]
        inventory = Inventory(tuple(sorted([*known, *made], key=lambda c: c.id)), (), len(tree))
        config = ImageConfig(
            entrypoint=entrypoint,
            cmd=cmd,
            env=env,
            working_dir=working_dir,
            healthcheck=healthcheck,
        )
        return build(rootfs, config, inventory, tables, overrides or Overrides())

    return make
