"""What stands in ``signatures/`` is what its generators make of the upstream lists."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]


def script(name: str) -> ModuleType:
    """Load a script of ``tools/tables`` from its path."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / "tables" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module", name="generator")
def generate_script() -> Iterator[ModuleType]:
    yield script("generate")
    del sys.modules["generate"]


def test_libc_tables_are_as_generated_to_the_byte(generator: ModuleType) -> None:
    made = generator.generate()

    committed = {
        str(path.relative_to(ROOT / "signatures"))
        for path in (ROOT / "signatures" / "libc").rglob("*")
        if path.is_file()
    }
    assert set(made) == committed
    for name, content in made.items():
        # Not an assertion on the texts: the difference of two files of 2,800 lines helps nobody.
        same = (ROOT / "signatures" / name).read_bytes() == content.encode()
        assert same, f"signatures/{name} is stale: run tools/tables/generate.py"


def test_measured_needs_are_as_generated_to_the_byte() -> None:
    made = script("need").generate(ROOT)
    del sys.modules["need"]

    assert set(made) == {"signatures/need.csv"}
    for name, content in made.items():
        assert (ROOT / name).read_bytes() == content.encode()


def test_every_function_of_glibc_and_musl_has_a_row(generator: ModuleType) -> None:
    rows = set(generator.symbols()) | set(generator.aliases())

    assert not set(generator.glibc()) - rows
    assert not generator.defined("musl-functions.txt") - rows


def test_every_override_speaks_of_a_known_function(generator: ModuleType) -> None:
    spoken = {name for rows in generator.overrides().values() for name in rows}

    assert not spoken - set(generator.symbols()) - set(generator.aliases())


def test_no_name_is_assigned_to_two_capabilities(generator: ModuleType) -> None:
    names = [name for group in generator.rules()["names"].values() for name in group.split()]

    assert not {name for name in names if names.count(name) > 1}


def test_upstream_files_are_all_described() -> None:
    upstream = ROOT / "tools" / "tables" / "upstream"
    described = (upstream / "README.md").read_text(encoding="utf-8")

    for path in set(upstream.iterdir()) - {upstream / "README.md"}:
        assert path.name in described, f"{path.name} is not in upstream/README.md"
