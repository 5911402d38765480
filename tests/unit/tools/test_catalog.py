"""The catalogue's generated files are what their generator makes of the upstream lists."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]


def script(name: str) -> ModuleType:
    """Load a script of ``tools/tables`` from its path, under a name of its own."""
    known = f"tools_tables_{name}"
    spec = importlib.util.spec_from_file_location(known, ROOT / "tools" / "tables" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[known] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module", name="generator")
def catalog_script() -> Iterator[ModuleType]:
    module = script("catalog")
    yield module
    del sys.modules[module.__name__]


@pytest.fixture(scope="module", name="collector")
def collect_script() -> Iterator[ModuleType]:
    module = script("collect_recipes")
    yield module
    del sys.modules[module.__name__]


def test_the_catalogue_is_as_generated_to_the_byte(generator: ModuleType) -> None:
    made = generator.generate()

    directory = ROOT / "signatures" / "catalog"
    assert set(made) == {f"catalog/{path.name}" for path in directory.glob("*.csv")}
    for name, content in made.items():
        same = (ROOT / "signatures" / name).read_bytes() == content.encode()
        assert same, f"signatures/{name} is stale: run tools/tables/catalog.py"


def test_every_recipe_has_come_over(generator: ModuleType) -> None:
    packages = {(row[0], row[2]) for row in generator.python_packages()}
    pyodide = {row[0] for row in generator.rows("pyodide-recipes.csv") if row[2] == "package"}
    ports = {(row[0], row[2]) for row in generator.applications()}

    assert {(generator.normalised(name), "pyodide") for name in pyodide} <= packages
    assert {(name, "emscripten") for name in generator.native_names()} <= ports


def test_no_port_is_known_and_then_a_mere_recipe(generator: ModuleType) -> None:
    keys = [(row[0], row[2]) for row in set(map(tuple, generator.applications()))]

    assert len(keys) == len(set(keys))


def test_what_nobody_checked_is_unknown(generator: ModuleType) -> None:
    memory = [row for row in generator.rows("known-ports.csv") if row[7] != "seen"]
    unknown = {row[0] for row in generator.known_ports() if row[3] == "unknown"}

    assert memory
    for app, *_ in memory:
        assert set(generator.APPLICATIONS.get(app, app.split())) <= unknown


@pytest.mark.parametrize(
    ("name", "recipe", "script", "kind"),
    [
        ("r-httpuv", "cross-r-base", "", "r"),
        ("numpy", "cross-python_x\nurl: https://pypi.example/n", "", "python"),
        ("markupsafe", "cross-python_x\nurl: https://github.com", "pip install .", "python"),
        ("graphviz", "cross-python_x\nurl: https://gitlab.com", "make", "native"),
        ("zlib", "url: https://zlib.net", "make", "native"),
    ],
)
def test_a_recipe_is_judged_by_what_it_needs(
    collector: ModuleType, name: str, recipe: str, script: str, kind: str
) -> None:
    assert collector.kind(name, recipe, script) == kind


@pytest.mark.parametrize(
    ("recipe", "version"),
    [
        ("context:\n  version: 1.2.3\npackage:\n  version: ${{ version }}\n", "1.2.3"),
        ('context:\n  version: "7.1"  # pinned\n\npackage:\n  name: x\n', "7.1"),
        ("package:\n  name: x\n  version: 4.0\n", "4.0"),
        ("context:\n  v: 9\npackage:\n  version: ${{ v }}\n", "9"),
        ("package:\n  version: ${{ missing[0] }}\n", ""),
    ],
)
def test_versions_are_read_through_variables(
    collector: ModuleType, recipe: str, version: str
) -> None:
    assert collector.version(recipe) == version
