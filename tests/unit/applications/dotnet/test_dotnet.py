"""Applications for .NET over made-up images, with assemblies that a compiler made."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from auditor.applications import Certainty, Context
from auditor.applications.dotnet import make
from auditor.applications.follow import follow
from auditor.tables import load

SMALL = Path(__file__).parents[4] / "fixtures/small/dotnet"
ORDERS = (SMALL / "orders.dll").read_bytes()
STORE = (SMALL / "Acme.Store.dll").read_bytes()
APP = {"/app/orders.dll": ORDERS, "/app/Acme.Store.dll": STORE}


@pytest.fixture(scope="module")
def tables():
    return load()


@pytest.fixture
def dotnet(root_of, tables):
    def made(tree, *words, workdir="/app"):
        context = Context(root_of(tree), {}, workdir, tables)
        language = make(context)
        start = language.start(words)
        return start, follow(language, start, tables.apis["dotnet"])

    return made


def asked(found, least=Certainty.SURE):
    return {one.name for one in found.asked.values() if one.certainty >= least}


def test_the_application_and_the_assemblies_that_it_refers_to(dotnet):
    start, found = dotnet(APP, "dotnet", "exec", "--roll-forward", "Major", "orders.dll")
    assert start.modules == ("/app/orders.dll",)
    assert set(found.modules) == set(APP)
    assert asked(found) == {
        *("System.Net.Sockets.TcpListener.Start", "System.Threading.Thread.Start"),
        *("System.Diagnostics.Process.Start", "native.libc.kill", "native.libc.getpid"),
        "System.IO.File.AppendAllText",
    }
    assert found.unknowns == set()


def test_of_a_package_only_what_is_called_counts(dotnet):
    _, found = dotnet(APP, "dotnet", "orders.dll")
    modules = {one.module for one in found.asked.values() if "Process" in one.name}
    assert modules == {"/app/orders.dll"}


def test_a_project_of_the_same_solution_is_the_application_itself(dotnet):
    told = {"libraries": {"Acme.Store/1.0.0": {"type": "project"}, "Else/1": {"type": "package"}}}
    _, found = dotnet({**APP, "/app/orders.deps.json": json.dumps(told)}, "dotnet", "orders.dll")
    assert {module.key: module.own for module in found.modules.values()}["/app/Acme.Store.dll"]
    modules = {one.module for one in found.asked.values() if "Process" in one.name}
    assert modules == set(APP)


def test_a_host_of_its_own_starts_the_assembly_beside_it(dotnet):
    start, _ = dotnet({**APP, "/app/orders": b"\x7fELF"}, "/app/orders", workdir="/")
    assert start.modules == ("/app/orders.dll",)


def test_a_damaged_assembly_is_unknown_and_a_missing_one_too(dotnet):
    _, found = dotnet(
        {"/app/orders.dll": ORDERS, "/app/Acme.Store.dll": b"MZ"}, "dotnet", "orders.dll"
    )
    (unknown,) = found.unknowns
    assert unknown.path == "/app/Acme.Store.dll"


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("dotnet", None), "depends on run time"),
        (("dotnet", "run"), "makes the application"),
        (("dotnet",), "without an assembly"),
        (("dotnet", "gone.dll"), "gone.dll is not in the image"),
        (("/app/one",), "holds its assemblies itself"),
    ],
)
def test_what_cannot_be_told_is_said(dotnet, words, problem):
    start, _ = dotnet({}, *words)
    assert problem in (start.problem or "")


@pytest.mark.parametrize("told", ["[" * 5000, "[]", '{"libraries": 1}', "\x00"])
def test_a_damaged_deps_file_is_passed_over(dotnet, told):
    start, _ = dotnet({**APP, "/app/orders.deps.json": told}, "dotnet", "orders.dll")
    assert start.problem is None
