"""Recorded answers, programs that stand in for syft, and an inventory over a tree."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from auditor.image import open_image, parse_reference
from auditor.image.rootfs import RootFS
from auditor.inventory import keep
from auditor.inventory.packages.owners import with_packages
from auditor.inventory.packages.records import Packages
from auditor.model.inventory import Component, ComponentKind, Inventory, Package
from fixtures.images.oci import Step, write_image, write_layer

RECORDED = Path(__file__).parents[4] / "fixtures" / "recorded" / "syft"


@pytest.fixture
def recorded() -> Callable[[str], Path]:
    """The path of a recorded document by its name."""
    return lambda name: RECORDED / name


@pytest.fixture
def document(recorded) -> dict[str, Any]:
    """The recorded answer for a Debian image, to be changed."""
    value: dict[str, Any] = json.loads(recorded("debian.json").read_text())
    return value


@pytest.fixture
def program(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A shell script in syft's place."""
    folder = tmp_path_factory.mktemp("programs")

    def make(body: str) -> Path:
        path = folder / "syft"
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return path

    return make


@pytest.fixture
def owners() -> Callable[..., dict[str, str | None]]:
    """Path → owner, for components at some paths of a root file system."""

    def own(rootfs: RootFS, packages: tuple[Package, ...], *paths: str) -> dict[str, str | None]:
        kind = ComponentKind.EXECUTABLE
        components = tuple(Component(f"{kind}:{p}", kind, p, 1, None, None) for p in paths)
        inventory = with_packages(Inventory(components, (), 0), Packages(packages), rootfs)
        return {component.path: component.package for component in inventory.components}

    return own


@pytest.fixture
def opened_layer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., RootFS]]:
    """Open an image of one layer, of which only what ``keep`` wants is kept."""
    with ExitStack() as stack:

        def make(tree: dict[str, str]) -> RootFS:
            root, layout = tmp_path_factory.mktemp("root"), tmp_path_factory.mktemp("layout")
            for name, content in tree.items():
                path = root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                if content.startswith("-> "):
                    path.symlink_to(content.removeprefix("-> "))
                else:
                    path.write_text(content)
            layer = write_layer(layout, root, sorted(tree), made_at=0)
            platform = {"os": "linux", "architecture": "amd64"}
            write_image(layout, platform, {}, [Step("COPY", layer)], "latest")
            opened = open_image(parse_reference(f"oci-dir:{layout}"), keep)
            return stack.enter_context(opened).rootfs

        yield make
