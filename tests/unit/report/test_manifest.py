"""What a manifest grants: what was asked for and is met, and nothing else."""

from __future__ import annotations

import pytest

from auditor.assess.manifest import manifest_of
from auditor.tables import load


@pytest.fixture(scope="module")
def tables():
    """The tables as they are shipped."""
    return load()


@pytest.fixture
def made(tables):
    """The manifest of a program that asks for some capabilities, by the capabilities' levels."""

    def make(*asked, target="wasip2", path="/usr/sbin/my_App2.0"):
        levels = {name: tables.capability_levels[target][name].level for name in asked}
        return manifest_of(levels, [path], tables.targets[target], tables)

    return make


def interfaces(manifest):
    return {name.partition("@")[0] for name, _ in manifest.imports}


def test_a_program_that_asks_for_nothing_imports_nothing(made):
    found = made()
    assert found.imports == ()
    assert found.exports == ("wasi:cli/run@0.2.0",)
    assert found.grants == ()


def test_files_alone_open_no_network(made):
    found = made("fs.read", "io.stdio")
    assert found.grants == ("directories",)
    assert not any("sockets" in name for name in interfaces(found))


@pytest.mark.parametrize(
    ("capability", "grant", "interface"),
    [
        ("net.tcp.connect", "tcp", "wasi:sockets/tcp"),
        ("net.udp", "udp", "wasi:sockets/udp"),
        ("net.dns", "names", "wasi:sockets/ip-name-lookup"),
        ("process.env", "environment", "wasi:cli/environment"),
    ],
)
def test_each_grant_comes_of_its_capability_alone(made, capability, grant, interface):
    found = made(capability)
    assert found.grants == (grant,)
    assert interface in interfaces(found)
    assert all(names == (capability,) for _, names in found.imports)


def test_what_the_target_lacks_is_not_imported(made):
    found = made("net.tcp.connect", "process.fork", target="wasip1")
    assert found.without == ("net.tcp.connect", "process.fork")
    assert found.imports == ()


def test_who_answers_through_an_interface_exports_a_handler(made):
    assert made("net.http.serve").exports == ("wasi:http/incoming-handler@0.2.0",)
    assert made("net.http.serve", target="wasip3").exports == ("wasi:http/handler@0.3.0",)
    http = made("net.tcp.listen", target="wasi-http")
    assert http.exports == ("wasi:http/incoming-handler@0.2.0",)
    assert http.without == ()
    files = made("fs.read", "net.tcp.connect", target="wasi-http")
    assert not interfaces(files) & {"wasi:filesystem/types", "wasi:sockets/tcp"}


@pytest.mark.parametrize("target", ["wasix", "emscripten", "core"])
def test_without_components_there_is_no_manifest(made, target):
    assert made("fs.read", target=target) is None


@pytest.mark.parametrize(
    ("path", "world"),
    [
        ("/usr/sbin/my_App2.0", "my-app2"),
        ("/usr/bin/python3.11", "python3"),
        ("/bin/2048", "program"),
        ("/srv/ünïcode.py", "n-code"),
    ],
)
def test_a_worlds_name_is_an_identifier_of_wit(made, path, world):
    assert made(path=path).world == world


def test_every_row_of_the_interfaces_names_interfaces_of_wasi(tables):
    for row in tables.interfaces.rows:
        assert row.p2
        assert all(name.startswith("wasi:") and "/" in name for name in (*row.p2, *row.p3))
