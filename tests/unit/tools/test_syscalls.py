"""The tables of system calls are what their generator makes of the kernel's headers."""

from __future__ import annotations

import csv
import importlib.util
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]
SIGNATURES = ROOT / "signatures"
UPSTREAM = ROOT / "tools" / "tables" / "upstream"
PLAIN = {"libc.extension", "libc.unlisted", "compute.libc"}
"""Capabilities that say how a C library has a function, not what it asks for."""


@pytest.fixture(scope="module", name="generator")
def syscalls_script() -> Iterator[ModuleType]:
    path = ROOT / "tools" / "tables" / "syscalls.py"
    spec = importlib.util.spec_from_file_location("tables_syscalls", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["tables_syscalls"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules["tables_syscalls"]


def table(path: Path) -> list[dict[str, str]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def test_syscall_tables_are_as_generated_to_the_byte(generator: ModuleType) -> None:
    made = generator.generate()

    committed = {
        str(path.relative_to(SIGNATURES)) for path in (SIGNATURES / "syscalls").rglob("*.csv")
    }
    assert set(made) == committed
    for name, content in made.items():
        same = (SIGNATURES / name).read_bytes() == content.encode()
        assert same, f"signatures/{name} is stale: run tools/tables/syscalls.py"


def test_files_say_which_kernel_they_speak_of(generator: ModuleType) -> None:
    version = "Linux 7.2.0"

    for content in generator.generate().values():
        assert content.partition("\n")[0].endswith(version)
    sources = tomllib.loads((SIGNATURES / "sources.toml").read_text(encoding="utf-8"))
    assert "Linux 7.2" in sources["linux-uapi"]["title"]


@pytest.mark.parametrize(
    ("architecture", "number", "name"),
    [
        ("x86_64", "0", "read"),
        ("x86_64", "56", "clone"),
        ("x86_64", "231", "exit_group"),
        ("x86_64", "336", "uprobe"),
        ("x86_64", "471", "rseq_slice_yield"),
        ("aarch64", "0", "io_setup"),
        ("aarch64", "79", "newfstatat"),
        ("aarch64", "220", "clone"),
        ("aarch64", "221", "execve"),
        ("aarch64", "471", "rseq_slice_yield"),
    ],
)
def test_numbers_are_the_kernels(
    generator: ModuleType, architecture: str, number: str, name: str
) -> None:
    assert generator.numbers(architecture)[name] == number


def test_every_call_from_424_on_has_one_number_on_both_architectures(
    generator: ModuleType,
) -> None:
    x86_64, aarch64 = generator.numbers("x86_64"), generator.numbers("aarch64")
    young = {name for name, number in x86_64.items() if int(number) >= 424}

    assert len(young) > 40
    assert {name: aarch64[name] for name in young} == {name: x86_64[name] for name in young}


def test_every_call_is_assigned_once(generator: ModuleType) -> None:
    assert set(generator.capabilities()) == set(generator.names())


@pytest.mark.parametrize("section", ["functions", "absent", "need", "differs"])
def test_what_is_said_by_hand_is_said_of_calls_that_exist(
    generator: ModuleType, section: str
) -> None:
    assert not set(generator.assignments()[section]) - set(generator.names())


def test_calls_of_the_start_exist(generator: ModuleType) -> None:
    assert not set(generator.assignments()["startup"]["calls"].split()) - set(generator.names())


def test_functions_that_stand_for_a_call_are_known(generator: ModuleType) -> None:
    known = {row["symbol"] for row in table(SIGNATURES / "libc" / "symbols.csv")}
    known |= {row["alias"] for row in table(SIGNATURES / "libc" / "aliases.csv")}
    named = {
        function
        for functions in generator.assignments()["functions"].values()
        for function in functions.split()
    }

    assert not named - known - {"-"}


def test_a_call_asks_for_what_the_function_of_its_name_does(generator: ModuleType) -> None:
    rows = {row["symbol"]: row["capability"] for row in table(SIGNATURES / "libc" / "symbols.csv")}
    other = {
        name
        for name, capability in generator.capabilities().items()
        if rows.get(name, capability) not in {capability, *PLAIN}
    }

    assert other <= set(generator.assignments()["differs"])


@pytest.mark.parametrize(
    ("share", "need"),
    [(0.0, "incidental"), (0.2499, "incidental"), (0.25, "typical"), (0.55, "essential")],
)
def test_a_measured_share_becomes_a_need_at_the_stated_bounds(
    generator: ModuleType, share: float, need: str
) -> None:
    assert generator.need_of(share) == need


def test_a_call_that_was_measured_seldom_is_not_judged_by_it(generator: ModuleType) -> None:
    used = generator.prior()[generator.numbers("x86_64")["chown"]]["used"]

    assert 0 < used < 10
    assert "measured runs" not in generator.need("chown")[1]


def test_the_best_of_several_functions_counts(generator: ModuleType) -> None:
    offers = generator.function_offers("wasip1")

    assert offers["getrandom"].level == "none"
    assert generator.offer("wasip1", "getrandom").level == offers["getentropy"].level == "full"
    assert generator.offer("wasip1", "getrandom").note.startswith("as getentropy")


def test_headers_of_the_installed_compiler_say_the_same(
    generator: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generator, "UPSTREAM", tmp_path)
    same_kernel = generator.kernel(generator.headers()) == "7.2.0"

    generator.collect()

    made = sorted(tmp_path.iterdir())
    assert len(made) == 3
    for path in made:
        collected = {row["name"]: row for row in table(path)}
        kept = {row["name"]: row for row in table(UPSTREAM / path.name)}
        # Numbers never change; another kernel may have more of them, or fewer.
        shared = collected if same_kernel else collected.keys() & kept.keys()
        assert len(shared) > 200
        assert [collected[name] for name in shared] == [kept[name] for name in shared]
