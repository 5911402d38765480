"""What runs each target, where it falls short, and which ways are no targets."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from auditor.errors import TableError
from auditor.tables import load
from auditor.tables.files import Files
from auditor.tables.hosts import Hosts, RunsLevel, load_hosts
from auditor.tables.rows import Tables

SIGNATURES = Path(__file__).parents[3] / "signatures"
HOSTS = {
    "wasmtime",
    "wasmedge",
    "wasmer",
    "wazero",
    "wamr",
    "jco",
    "nodejs",
    "spin",
    "wasmcloud",
    "runwasi",
    "shim-spin",
    "crun",
}
ROUTES = {"wasip1-threads", "wasip3-coop", "wali", "emulation", "translation"}

Break = Callable[[Path], None]


@pytest.fixture(scope="module", name="tables")
def loaded() -> Tables:
    return load()


@pytest.fixture(scope="module", name="hosts")
def shipped(tables: Tables) -> Hosts:
    return load_hosts(Files(SIGNATURES), tables.sources, tables.targets)


def test_every_host_and_route_is_there(hosts: Hosts) -> None:
    assert set(hosts.hosts) == HOSTS
    assert set(hosts.routes) == ROUTES


def test_every_host_has_a_word_for_every_target(hosts: Hosts, tables: Tables) -> None:
    for host in hosts.hosts.values():
        assert list(host.runs) == list(tables.targets), host.id
        assert host.version
        assert host.as_of == tables.sources[host.source].as_of


def test_hosts_fall_short_somewhere(hosts: Hosts) -> None:
    assert all(host.short for host in hosts.hosts.values())


def test_a_target_names_no_runtime_that_does_not_run_it(hosts: Hosts, tables: Tables) -> None:
    titles = {host.title: host for host in hosts.hosts.values()}
    met = 0
    for target in tables.targets.values():
        for name in target.runtimes:
            if name in titles:
                met += 1
                level = titles[name].runs[target.id].level
                assert level in {RunsLevel.YES, RunsLevel.PARTIAL}, (target.id, name)
    assert met > len(tables.targets)


@pytest.mark.parametrize(
    ("host", "target", "level"),
    [
        ("wasmtime", "wasip3", "yes"),
        ("wasmtime", "wasix", "no"),
        ("wasmedge", "wasip2", "no"),
        ("wasmer", "wasix", "yes"),
        ("wazero", "wasip2", "no"),
        ("wamr", "wasip1", "yes"),
        ("runwasi", "wasip3", "no"),
        ("shim-spin", "wasip3", "no"),
        ("wasmcloud", "wasip1", "no"),
        ("spin", "wasi-http", "yes"),
        ("nodejs", "emscripten", "yes"),
    ],
)
def test_hosts_run_what_the_sources_say(hosts: Hosts, host: str, target: str, level: str) -> None:
    assert hosts.hosts[host].runs[target].level == level


def test_full_hosts_come_before_partial_ones(hosts: Hosts) -> None:
    levels = [host.runs["wasip2"].level for host in hosts.running("wasip2")]

    assert levels == sorted(levels, key=[RunsLevel.YES, RunsLevel.PARTIAL].index)
    assert {RunsLevel.YES, RunsLevel.PARTIAL} == set(levels)


def test_only_one_host_runs_wasix_wholly(hosts: Hosts) -> None:
    whole = [row.id for row in hosts.running("wasix") if row.runs["wasix"].level is RunsLevel.YES]

    assert whole == ["wasmer"]


def test_threads_of_wasi_are_told_to_be_gone(hosts: Hosts) -> None:
    assert "removed from Wasmtime 47" in hosts.routes["wasip1-threads"].status


def replace(file: str, old: str, new: str) -> Break:
    """Put something else in the place of the first occurrence of a text, which must be there."""

    def act(root: Path) -> None:
        text = (root / file).read_text(encoding="utf-8")
        assert old in text
        (root / file).write_text(text.replace(old, new, 1), encoding="utf-8")

    return act


BROKEN = [
    pytest.param(
        replace("hosts.toml", 'version = "48.0.0"', 'version = "48.0.0"\nhue = 1'),
        ["hosts.toml, [wasmtime]", "unknown field", "hue"],
        id="unknown key of a host",
    ),
    pytest.param(
        replace("hosts.toml", 'version = "48.0.0"', 'version = ""'),
        ["hosts.toml, [wasmtime]", "version is empty"],
        id="a host without version",
    ),
    pytest.param(
        replace("hosts.toml", 'source = "wasmtime"', 'source = "hearsay"'),
        ["hosts.toml, [wasmtime]", "'hearsay' is not in sources.toml"],
        id="a host's source is not listed",
    ),
    pytest.param(
        replace("hosts.toml", 'level = "yes"', 'level = "maybe"'),
        ["hosts.toml, [wasmtime]", "maybe"],
        id="a level outside its list",
    ),
    pytest.param(
        replace("hosts.toml", "\nwasip3 = {", "\n# wasip3 = {"),
        ["hosts.toml, [wasmtime.runs]", "no row for the target wasip3"],
        id="a target is left out",
    ),
    pytest.param(
        replace("hosts.toml", 'kind = "runtime"', 'kind = "toy"'),
        ["hosts.toml, [wasmtime]", "toy"],
        id="a kind outside its list",
    ),
    pytest.param(
        replace("routes.toml", 'targets = ["wasip1"]', 'targets = ["wasip9"]'),
        ["routes.toml, [wasip1-threads]", "no target 'wasip9'"],
        id="a route to no target",
    ),
    pytest.param(
        replace("routes.toml", 'source = "wali"', 'source = "hearsay"'),
        ["routes.toml, [wali]", "'hearsay' is not in sources.toml"],
        id="a route's source is not listed",
    ),
    pytest.param(
        replace("routes.toml", 'source = "wali"\n', ""),
        ["routes.toml, [wali]", "missing required field `source`"],
        id="a route without source",
    ),
]


@pytest.mark.parametrize(("break_it", "parts"), BROKEN)
def test_a_wrong_row_is_refused_with_its_place(
    tmp_path: Path, tables: Tables, break_it: Break, parts: list[str]
) -> None:
    for name in ("hosts.toml", "routes.toml"):
        shutil.copy(SIGNATURES / name, tmp_path)
    break_it(tmp_path)

    with pytest.raises(TableError) as caught:
        load_hosts(Files(tmp_path), tables.sources, tables.targets)

    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize("gone", ["hosts.toml", "routes.toml"])
def test_a_missing_file_is_refused(tmp_path: Path, tables: Tables, gone: str) -> None:
    for name in {"hosts.toml", "routes.toml"} - {gone}:
        shutil.copy(SIGNATURES / name, tmp_path)

    with pytest.raises(TableError, match=f"{gone}.*cannot be read"):
        load_hosts(Files(tmp_path), tables.sources, tables.targets)
