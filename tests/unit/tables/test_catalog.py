"""What others have built or left alone, looked up by name or by content."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from auditor.errors import TableError
from auditor.tables import load
from auditor.tables.catalog import BESIDE, Catalog, ModuleState, PackageHome, load_catalog
from auditor.tables.files import Files
from auditor.tables.hosts import load_hosts
from auditor.tables.languages import load_languages
from auditor.tables.rows import Tables

SIGNATURES = Path(__file__).parents[3] / "signatures"
SERVERS = {
    "postgresql",
    "mysql",
    "mariadb",
    "mongodb",
    "redis",
    "nginx",
    "apache-httpd",
    "haproxy",
    "envoy",
    "rabbitmq",
    "kafka",
    "elasticsearch",
    "memcached",
    "tomcat",
}

Break = Callable[[Path], None]


@pytest.fixture(scope="module", name="tables")
def loaded() -> Tables:
    return load()


def open_catalog(directory: Path, tables: Tables) -> Catalog:
    """Load the catalogue below a directory, with the shipped sources and targets."""
    return load_catalog(Files(directory), tables.sources, tables.capabilities, tables.targets)


@pytest.fixture(scope="module", name="catalog")
def shipped(tables: Tables) -> Catalog:
    return open_catalog(SIGNATURES, tables)


@pytest.mark.parametrize("name", ["PyYAML", "pyyaml", "PYYAML"])
def test_a_package_is_found_however_it_is_written(catalog: Catalog, name: str) -> None:
    found = {package.home for package in catalog.python_package(name)}

    assert {PackageHome.PYODIDE, PackageHome.EMSCRIPTEN_FORGE} <= found


def test_dots_and_underscores_are_hyphens(catalog: Catalog) -> None:
    assert catalog.python_package("ruamel.yaml") == catalog.python_package("Ruamel_YAML")
    assert catalog.python_package("ruamel.yaml")


def test_numpy_is_built_for_two_targets(catalog: Catalog, tables: Tables) -> None:
    homes = [package.home for package in catalog.python_package("numpy")]

    assert {home.target for home in homes} == {"emscripten", "wasix"}
    assert {home.target for home in PackageHome} <= set(tables.targets)


def test_a_wheel_for_linux_is_no_build_for_wasix(catalog: Catalog) -> None:
    """The list of artefacts holds numpy's wheel for x86-64 Linux as well."""
    wasix = [p for p in catalog.python_package("numpy") if p.home is PackageHome.WASIX]

    assert sorted(p.version for p in wasix) == ["2.0.2", "2.4.0.dev0"]


def test_pure_and_disabled_are_told_apart(catalog: Catalog) -> None:
    jinja = [p for p in catalog.python_package("jinja2") if p.home is PackageHome.PYODIDE]
    numpy = [p for p in catalog.python_package("numpy") if p.home is PackageHome.PYODIDE]
    forge = [p for p in catalog.python_package("numpy") if p.home is PackageHome.EMSCRIPTEN_FORGE]

    assert [p.pure for p in jinja] == [True]
    assert [p.pure for p in numpy] == [False]
    assert {p.pure for p in forge} == {None}
    assert not numpy[0].disabled


def test_native_libraries_are_no_python_packages(catalog: Catalog) -> None:
    assert catalog.python_package("openssl") == ()
    assert any(port.target == "emscripten" for port in catalog.applications("openssl"))


@pytest.mark.parametrize(
    ("module", "target", "states"),
    [
        ("fcntl", "wasip1", {"missing"}),
        ("subprocess", "wasip1", {"broken"}),
        ("socket", "wasip1", {"broken"}),
        ("ssl", "wasip1", {"missing"}),
        ("threading", "wasip1", {"broken"}),
        ("ssl", "emscripten", {"stub"}),
        ("multiprocessing", "emscripten", {"broken"}),
        ("grp", "emscripten", {"missing"}),
        # From memory: nobody may count on it.
        ("sqlite3", "wasip1", {"unknown"}),
    ],
)
def test_modules_are_what_the_sources_say(
    catalog: Catalog, module: str, target: str, states: set[str]
) -> None:
    assert {row.state for row in catalog.python_module(module, target)} == states


def test_a_submodule_shares_the_fate_of_its_package(catalog: Catalog) -> None:
    inner = catalog.python_module("multiprocessing.pool", "emscripten")

    assert inner == catalog.python_module("multiprocessing", "emscripten")
    assert catalog.python_module("json.decoder", "wasip1") == ()


def test_a_module_of_which_nothing_is_said_is_not_there(catalog: Catalog) -> None:
    assert catalog.python_module("json", "wasip1") == ()
    assert catalog.python_module("fcntl", "core") == ()


@pytest.mark.parametrize(
    ("name", "target", "status"),
    [
        ("sqlite", "wasip1", "ported"),
        ("postgresql", "emscripten", "partial"),
        ("nginx", "emscripten", "historic"),
        ("haproxy", "wasix", "fork"),
        ("memcached", "wali", "ported"),
        ("mariadb", "*", "none"),
        ("zlib", "emscripten", "ported"),
        ("boost", "wasix", "recipe"),
        ("envoy", "*", "unknown"),
    ],
)
def test_ports_have_come_as_far_as_the_sources_say(
    catalog: Catalog, name: str, target: str, status: str
) -> None:
    assert {p.target: p.status for p in catalog.applications(name)}[target] == status


def test_names_of_applications_ignore_case(catalog: Catalog) -> None:
    assert catalog.applications("SQLite") == catalog.applications("sqlite") != ()
    assert catalog.applications("no-such-thing") == ()


def test_ports_beside_the_targets_are_described_as_routes(tables: Tables) -> None:
    hosts = load_hosts(Files(SIGNATURES), tables.sources, tables.targets)

    assert set(hosts.routes) >= BESIDE


def test_every_server_is_there_with_reasons(catalog: Catalog, tables: Tables) -> None:
    assert set(catalog.servers) == SERVERS
    for row in catalog.servers.values():
        assert set(row.reasons) <= set(tables.capabilities), row.id
        assert row.instead, row.id


def test_a_server_rests_on_a_runtime_that_is_described(catalog: Catalog, tables: Tables) -> None:
    languages = load_languages(
        Files(SIGNATURES), tables.sources, tables.targets, tables.capabilities
    )
    needed = {row.runtime for row in catalog.servers.values() if row.runtime}

    assert needed == {"beam", "jvm"}
    assert needed <= set(languages)


@pytest.mark.parametrize(
    ("exports", "server"),
    [
        ({"PostmasterMain", "PostgresMain", "SPI_connect"}, "postgresql"),
        ({"_Z11mysqld_mainiPPc"}, "mysql"),
        ({"_Z11mysqld_mainiPPc", "builtin_maria_binlog_plugin_interface_version"}, "mariadb"),
        ({"RM_CreateStringPrintf", "redisIsSupervised"}, "redis"),
        ({"ngx_cycle", "ngx_http_core_module"}, "nginx"),
        ({"ap_run_mpm", "ap_hook_post_config"}, "apache-httpd"),
        ({"haproxy_version", "proxies_list"}, "haproxy"),
    ],
)
def test_a_server_is_known_by_what_it_exports(
    catalog: Catalog, exports: set[str], server: str
) -> None:
    found = catalog.server(exports=exports)

    assert found is not None
    assert found.id == server


def test_half_of_the_marks_is_not_enough(catalog: Catalog) -> None:
    assert catalog.server(exports={"ngx_cycle"}) is None
    assert catalog.server() is None


def test_a_name_alone_says_nothing(catalog: Catalog) -> None:
    assert catalog.server(path="/usr/sbin/nginx") is None


def test_servers_are_known_by_strings_classes_and_files(catalog: Catalog) -> None:
    words = b"..too many slab classes specified\0..print memcached and libevent license\0"
    found = [
        catalog.server(content=words),
        catalog.server(content=b"DBException in initAndListen, terminating"),
        catalog.server(members={"org/apache/catalina/startup/Bootstrap.class", "x.class"}),
        catalog.server(members={"kafka/Kafka.class"}),
        catalog.server(path="/usr/lib/rabbitmq/plugins/rabbit-3.10.8/ebin/rabbit.app"),
    ]

    assert [row and row.id for row in found] == [
        "memcached",
        "mongodb",
        "tomcat",
        "kafka",
        "rabbitmq",
    ]


def test_a_file_whose_name_only_ends_alike_is_not_it(catalog: Catalog) -> None:
    assert catalog.server(path="/srv/webin/notebin/rabbit.app") is None


def replace(file: str, old: str, new: str) -> Break:
    """Put something else in the place of the first occurrence of a text, which must be there."""

    def act(root: Path) -> None:
        path = root / "catalog" / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return act


def append(file: str, text: str) -> Break:
    """Add lines at the end of a file."""

    def act(root: Path) -> None:
        with (root / "catalog" / file).open("a", encoding="utf-8") as stream:
            stream.write(text)

    return act


ROW = "made-up,1,pyodide,no,no,pyodide-recipes\n"
BROKEN = [
    pytest.param(
        append("python-packages.csv", ROW.replace("pyodide-recipes", "hearsay")),
        ["python-packages.csv, line ", "'hearsay' is not in sources.toml"],
        id="a package's source is not listed",
    ),
    pytest.param(
        append("python-packages.csv", ROW + ROW),
        ["python-packages.csv, line ", "made-up, 1, pyodide stands there twice"],
        id="a package stands there twice",
    ),
    pytest.param(
        append("python-packages.csv", ROW.replace("made-up", "Made_Up")),
        ["python-packages.csv, line ", "'Made_Up' is not as PEP 503 writes it"],
        id="a package's name is not normalised",
    ),
    pytest.param(
        append("python-packages.csv", ROW.replace(",pyodide,", ",elsewhere,")),
        ["python-packages.csv, line ", "'elsewhere' is none of pyodide, "],
        id="a package from nowhere",
    ),
    pytest.param(
        append("python-packages.csv", ROW.replace("no,no", "perhaps,no")),
        ["python-packages.csv, line ", "'perhaps' is neither yes nor no"],
        id="a flag that is none",
    ),
    pytest.param(
        append("python-packages.csv", "made-up,1\n"),
        ["python-packages.csv, line ", "2 columns, not 6"],
        id="too few columns",
    ),
    pytest.param(
        replace("python-packages.csv", "name,version,where", "name,where,version"),
        ["python-packages.csv, line ", "the header is not name,version,where"],
        id="another header",
    ),
    pytest.param(
        append("python-packages.csv", '"' + "x" * 140_000 + '"\n'),
        ["python-packages.csv, line ", "field larger than field limit"],
        id="an endless field",
    ),
    pytest.param(
        append("python-modules.csv", "made_up,wasip9,missing,,pyodide\n"),
        ["python-modules.csv, line ", "no target 'wasip9'"],
        id="a module on no target",
    ),
    pytest.param(
        append("python-modules.csv", "made_up,wasip1,lost,,pyodide\n"),
        ["python-modules.csv, line ", "'lost' is none of missing, "],
        id="a module's state outside its list",
    ),
    pytest.param(
        append("applications.csv", "made-up,,wasip9,ported,,wali\n"),
        ["applications.csv, line ", "no target 'wasip9'"],
        id="a port for no target",
    ),
    pytest.param(
        append("applications.csv", "made-up,,wasix,splendid,,wali\n"),
        ["applications.csv, line ", "'splendid' is none of ported, "],
        id="a port's status outside its list",
    ),
    pytest.param(
        replace("servers.toml", '"process.fork", "ipc.shm"', '"process.frok", "ipc.shm"'),
        ["servers.toml, [postgresql]", "capability 'process.frok' is not in capabilities.toml"],
        id="a reason that is no capability",
    ),
    pytest.param(
        replace("servers.toml", 'source = "pglite"', 'source = "hearsay"'),
        ["servers.toml, [postgresql]", "'hearsay' is not in sources.toml"],
        id="a server's source is not listed",
    ),
    pytest.param(
        replace("servers.toml", 'exports = ["PostmasterMain", "PostgresMain"]\n', ""),
        ["servers.toml, [postgresql]", "nothing to recognise it by"],
        id="a server without marks",
    ),
    pytest.param(
        replace("servers.toml", 'title = "PostgreSQL"', 'title = "PostgreSQL"\nhue = 1'),
        ["servers.toml, [postgresql]", "unknown field", "hue"],
        id="unknown key of a server",
    ),
    pytest.param(
        append(
            "servers.toml",
            '[x]\ntitle="X"\nsummary="X"\nreasons=[]\ninstead="X"\nexports=["x"]\n'
            'recognised_source="wali"\nsource="wali"\n',
        ),
        ["servers.toml, [x]", "no capability as a reason"],
        id="a server without reasons",
    ),
]


@pytest.mark.parametrize(("break_it", "parts"), BROKEN)
def test_a_wrong_row_is_refused_with_its_place(
    tmp_path: Path, tables: Tables, break_it: Break, parts: list[str]
) -> None:
    shutil.copytree(SIGNATURES / "catalog", tmp_path / "catalog")
    break_it(tmp_path)

    with pytest.raises(TableError) as caught:
        open_catalog(tmp_path, tables)

    for part in parts:
        assert part in str(caught.value)


def test_a_missing_file_is_refused(tmp_path: Path, tables: Tables) -> None:
    shutil.copytree(SIGNATURES / "catalog", tmp_path / "catalog")
    (tmp_path / "catalog" / "applications.csv").unlink()

    with pytest.raises(TableError, match=r"applications\.csv.*cannot be read"):
        open_catalog(tmp_path, tables)


def test_counts_speak_of_every_file(catalog: Catalog) -> None:
    counts = catalog.counts()

    files = {f"catalog/{path.name}" for path in (SIGNATURES / "catalog").iterdir()}
    assert set(counts) == files
    assert counts["catalog/servers.toml"] == len(SERVERS)
    lines = (SIGNATURES / "catalog" / "applications.csv").read_text().splitlines()
    assert counts["catalog/applications.csv"] == len(lines) - 2


def test_every_state_of_a_module_is_in_use_or_reserved(catalog: Catalog) -> None:
    known = [rows for target in catalog.modules.values() for rows in target.values()]
    used = {row.state for rows in known for row in rows}

    assert used >= {ModuleState.MISSING, ModuleState.BROKEN, ModuleState.STUB}
