"""The table of wasip1 against a linker: a function links where its level is not "none".

One C file takes the address of every function that the table knows, and is linked for real. What
the C library does not define stays behind as an import of the module, so that one link answers
for all. The libc of zig is wasi-libc of some months ago, with two additions of its own: where it
differs from the release that the table describes is listed here, with the reason.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from auditor.formats.wasm import parse_wasm
from auditor.model.terms import Support
from auditor.tables import load

EMULATIONS = ("mman", "signal", "process-clocks", "getpid")

LINKS_ELSEWHERE = {
    "made by the compiler or a header, with no function behind it": "alloca isinf isnan",
    "in wasi-libc at 476bd3c, not yet in the copy that zig builds": (
        "dup dup2 dup3 flockfile ftrylockfile funlockfile gethostname inet_addr inet_lnaof "
        "inet_makeaddr inet_netof inet_network inet_ntoa mtx_destroy mtx_init mtx_lock "
        "mtx_timedlock mtx_trylock pipe pipe2 posix_close ppoll pthread_getcpuclockid "
        "pthread_getschedparam pthread_mutex_setprioceiling pthread_setconcurrency "
        "pthread_setschedparam pthread_setschedprio sem_close sem_destroy sem_getvalue sem_init "
        "sem_open sem_post sem_timedwait sem_trywait sem_wait thrd_create thrd_join thrd_yield"
    ),
}
LINKS_WITH_ZIG_ALONE = {
    "quadruple precision comes with zig's compiler-rt": (
        "ceilf128 cosf128 exp2f128 expf128 fabsf128 floorf128 fmaf128 fmaxf128 fminf128 fmodf128 "
        "log10f128 log2f128 logf128 roundf128 sincosf128 sinf128 sqrtf128 tanf128 truncf128"
    ),
    "written in Zig, in a library of zig's own": "memalign valloc",
}


def named(reasons: dict[str, str]) -> set[str]:
    return {name for names in reasons.values() for name in names.split()}


@pytest.fixture(scope="module", name="levels")
def wasip1_levels() -> dict[str, Support]:
    """Levels of the functions that a program names; without those that need flags to link."""
    return {
        name: row.level
        for name, row in load().symbol_levels["wasip1"].items()
        if not name.startswith("_") and row.level is not Support.FLAGS
    }


@pytest.fixture(scope="module", name="undefined")
def undefined_functions(
    levels: dict[str, Support], tmp_path_factory: pytest.TempPathFactory
) -> frozenset[str]:
    """The functions that a real link leaves undefined."""
    directory: Path = tmp_path_factory.mktemp("link")
    source = directory / "all.c"
    source.write_text(
        "".join(f"extern void {name}(void);\n" for name in sorted(levels))
        + f"void (*const all[])(void) = {{{', '.join(sorted(levels))}}};\n"
        + "int main(int argc, char **argv) { return all[argc] == 0; }\n",
        encoding="utf-8",
    )
    module = directory / "all.wasm"
    compiler = [sys.executable, "-m", "ziglang", "cc", "-target", "wasm32-wasi"]
    options = ["-fno-builtin", "-w", "-Wl,--import-symbols", "-o", str(module)]
    libraries = [f"-lwasi-emulated-{name}" for name in EMULATIONS]
    subprocess.run([*compiler, *options, str(source), *libraries], check=True, timeout=300)
    imports = parse_wasm(module.read_bytes()).imports
    return frozenset(one.name for one in imports if one.module == "env")


def test_every_function_that_the_table_grants_links(
    levels: dict[str, Support], undefined: frozenset[str]
) -> None:
    granted = {name for name, level in levels.items() if level is not Support.NONE}

    assert len(granted - undefined) > 800
    assert granted & undefined <= named(LINKS_ELSEWHERE)


def test_no_function_that_the_table_denies_links(
    levels: dict[str, Support], undefined: frozenset[str]
) -> None:
    denied = {name for name, level in levels.items() if level is Support.NONE}

    assert len(denied & undefined) > 1500
    assert denied - undefined <= named(LINKS_WITH_ZIG_ALONE)
