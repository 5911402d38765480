"""What the tables say, held against what is known about the platforms.

Expectations on single functions were read in the C libraries themselves (wasi-libc at 476bd3c,
WASIX libc at 34178a6, Emscripten 6.0.8), not in the tables.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from auditor.model.terms import Need, Support
from auditor.tables import load
from auditor.tables.rows import Tables

ROOT = Path(__file__).parents[3]
TARGETS = ("wasip1", "wasip2", "wasip3", "wasix", "emscripten")

LEVELS = """
function        wasip1    wasip2    wasip3    wasix     emscripten
fork            none      none      none      partial   stub
vfork           none      none      none      partial   stub
listen          none      full      full      full      partial
accept          partial   full      full      full      partial
connect         none      full      full      full      partial
socket          none      partial   partial   full      partial
getaddrinfo     none      full      full      full      emulated
gethostbyname   none      stub      stub      full      emulated
sendmsg         none      none      none      partial   partial
socketpair      none      none      none      full      stub
epoll_create1   none      none      none      full      partial
eventfd         none      none      none      full      none
setjmp          flags     flags     flags     full      full
chmod           stub      stub      stub      full      full
chown           none      none      none      full      partial
umask           none      none      none      full      full
pthread_create  stub      stub      stub      full      flags
getpid          emulated  emulated  emulated  full      emulated
getuid          none      none      none      stub      full
mmap            emulated  emulated  emulated  emulated  emulated
madvise         none      none      none      partial   partial
signal          emulated  emulated  emulated  partial   partial
sigaction       none      none      none      partial   partial
dlopen          stub      stub      stub      partial   flags
pipe            stub      stub      partial   full      full
dup2            stub      full      full      full      full
sem_open        stub      stub      stub      full      stub
shm_open        none      none      none      full      stub
flock           none      none      none      none      stub
localtime       partial   partial   partial   full      full
tmpfile         none      none      none      full      full
system          none      none      none      full      stub
posix_fallocate full      stub      stub      full      full
open            full      full      full      full      full
memcpy          full      full      full      full      full
"""

ALIASES = {
    "__printf_chk": "printf",
    "__open64_2": "open",
    "__open64": "open",
    "__isoc99_sscanf": "sscanf",
    "__isoc23_sscanf": "sscanf",
    "__isoc23_strtol": "strtol",
    "fopen64": "fopen",
    "__xstat": "stat",
    "__fxstatat64": "fstatat",
    "__sigsetjmp": "sigsetjmp",
    "_setjmp": "setjmp",
    "__longjmp_chk": "longjmp",
    "_IO_getc": "getc",
    "__libc_fcntl64": "fcntl",
    "preadv64v2": "preadv2",
    "__strtol_internal": "strtol",
    "bsd_signal": "signal",
}

READ_BUT_NOT_CITED = {
    "component-model": "what a component may import; no row rests on it alone",
}


def expectations() -> list[tuple[str, str, str]]:
    """Function, target, level: one for each cell of the table above."""
    header, *rows = (line.split() for line in LEVELS.split("\n") if line)
    assert tuple(header[1:]) == TARGETS
    return [(name, *cell) for name, *row in rows for cell in zip(TARGETS, row, strict=True)]


@pytest.fixture(scope="module", name="tables")
def shipped() -> Tables:
    return load()


@pytest.mark.parametrize(("function", "target", "level"), expectations())
def test_a_function_has_the_level_that_its_c_library_gives_it(
    tables: Tables, function: str, target: str, level: str
) -> None:
    row = tables.symbol_support(target, function)

    assert (row.level.value if row else "unknown") == level


@pytest.mark.parametrize("target", ["wasi-http", "core"])
@pytest.mark.parametrize("function", ["fork", "listen", "open", "epoll_create1", "getrandom"])
def test_a_world_without_a_system_lacks_what_asks_for_one(
    tables: Tables, target: str, function: str
) -> None:
    assert tables.symbol_levels[target][function].level is Support.NONE


@pytest.mark.parametrize("target", ["wasi-http", "core"])
@pytest.mark.parametrize("function", ["memcpy", "qsort", "snprintf", "malloc", "strtol"])
def test_a_world_without_a_system_has_plain_code(
    tables: Tables, target: str, function: str
) -> None:
    assert tables.symbol_levels[target][function].level is Support.FULL


def test_a_world_of_components_offers_a_function_no_better_than_the_library_that_is_built_for_it(
    tables: Tables,
) -> None:
    for world, origin in (("wasi-http", "wasip2"), ("core", "wasip1")):
        for name, row in tables.symbol_levels[world].items():
            assert row.level.rank >= tables.symbol_levels[origin][name].level.rank, name


@pytest.mark.parametrize(("alias", "name"), ALIASES.items())
def test_a_name_of_the_binary_is_folded_into_that_of_the_source(
    tables: Tables, alias: str, name: str
) -> None:
    assert tables.canonical(alias) == name
    assert tables.symbol(alias) == tables.symbol(name)
    assert tables.symbol(name) is not None


@pytest.mark.parametrize("name", ["__errno_location", "__stack_chk_fail", "__libc_start_main"])
def test_what_every_program_imports_needs_nothing(tables: Tables, name: str) -> None:
    for target in TARGETS:
        row = tables.symbol_support(target, name)
        assert row is not None
        assert row.level is Support.FULL


@pytest.mark.parametrize("name", ["__environ", "environ", "stdout", "no_such_function"])
def test_data_and_unknown_names_have_no_row(tables: Tables, name: str) -> None:
    assert tables.symbol(name) is None


def test_every_capability_has_a_level_on_every_target(tables: Tables) -> None:
    for target in tables.targets:
        assert set(tables.capability_levels[target]) == set(tables.capabilities)


def test_every_function_has_a_level_on_every_target(tables: Tables) -> None:
    for target in tables.targets:
        assert set(tables.symbol_levels[target]) == set(tables.symbols)


def test_plain_code_is_full_wherever_something_is_known(tables: Tables) -> None:
    lacking = [
        (target, name)
        for target, rows in tables.symbol_levels.items()
        for name, row in rows.items()
        if tables.symbols[name].capability == "compute.libc" and row.level is not Support.FULL
    ]

    assert not lacking


def cited_sources() -> set[str]:
    """Sources that any row below ``signatures/`` names, of whichever table."""
    found: set[str] = set()
    for path in (ROOT / "signatures").rglob("*.toml"):
        found |= set(re.findall(r'source = "([^"]+)"', path.read_text(encoding="utf-8")))
    for path in (ROOT / "signatures").rglob("*.csv"):
        lines = path.read_text(encoding="utf-8").splitlines()
        rows = csv.DictReader(line for line in lines if not line.startswith("#"))
        found |= {row.get("source", "") for row in rows}
    return found


def test_every_source_is_cited(tables: Tables) -> None:
    assert set(tables.sources) - cited_sources() == set(READ_BUT_NOT_CITED)


def test_a_level_below_full_says_why(tables: Tables) -> None:
    for target, rows in (*tables.symbol_levels.items(), *tables.capability_levels.items()):
        for name, row in rows.items():
            assert row.level is Support.FULL or row.note, (target, name)


def test_flags_are_given_where_flags_are_the_price(tables: Tables) -> None:
    for target, rows in tables.symbol_levels.items():
        for name, row in rows.items():
            assert row.level is not Support.FLAGS or row.flags, (target, name)


def test_a_remedy_is_said_for_everything_that_costs_work(tables: Tables) -> None:
    for name, row in tables.capabilities.items():
        assert row.title, name
        assert row.summary.endswith("."), name
        assert row.effort == 0 or row.remedy, name


def test_what_defines_a_server_or_a_shell_is_essential(tables: Tables) -> None:
    for name in ("process.fork", "process.exec", "net.tcp.listen", "fs.read", "fs.write"):
        assert tables.capabilities[name].need is Need.ESSENTIAL


def test_wasi_grows_and_never_loses_a_network_function(tables: Tables) -> None:
    names = [n for n, row in tables.symbols.items() if row.capability.startswith("net.tcp.")]

    assert names
    for name in names:
        levels = [tables.symbol_levels[target][name].level for target in TARGETS[:3]]
        assert levels[1] == levels[2]
        assert levels[1] is Support.FULL or levels[0] is levels[1]


def measured() -> list[dict[str, str]]:
    path = ROOT / "fixtures" / "truth" / "native_imports_wasip1.csv"
    text = path.read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(line for line in text if not line.startswith("#")))


def test_the_tables_know_what_real_ports_lacked(tables: Tables) -> None:
    """Programs that were really recompiled: both ways, 98 of 100 must agree."""
    levels = {}
    for row in measured():
        support = tables.symbol_support("wasip1", row["symbol"])
        assert support is not None, row["symbol"]
        levels[row["symbol"]] = support.level
    lacked = {row["symbol"] for row in measured() if row["missing_upstream"] == "yes"}
    none = {name for name, level in levels.items() if level is Support.NONE}
    flags = {row["symbol"] for row in measured() if row["missing_upstream"] == "flags"}

    assert len(lacked) > 100
    assert len(lacked & none) >= 0.98 * len(lacked), sorted(lacked - none)
    assert len(lacked & none) >= 0.98 * len(none), sorted(none - lacked)
    assert flags
    assert {levels[name] for name in flags} == {Support.FLAGS}
