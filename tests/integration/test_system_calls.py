"""System calls of programs made here, of which we know what they can call."""

from __future__ import annotations

import bisect
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import capstone
import pytest

from auditor.formats.elf import parse_elf
from auditor.formats.x86_64 import scan
from auditor.model.syscalls import SyscallFacts
from auditor.syscalls import ProcessObject, system_calls
from auditor.syscalls.library import Library
from auditor.tables import load
from auditor.tables.rows import Tables
from bench.processes import Task, analyse

pytestmark = pytest.mark.integration

Compile = Callable[..., Path]
FUZZ_SECONDS = 60


@pytest.fixture(scope="module")
def tables() -> Tables:
    return load()


@pytest.fixture
def build(tmp_path: Path) -> Compile:
    if shutil.which("gcc") is None:
        pytest.skip("gcc not found")

    def make(source: str, *options: str) -> Path:
        (tmp_path / "p.c").write_text(source)
        target = tmp_path / "p"
        command = [
            "gcc",
            "-w",
            "-O2",
            "-pthread",
            *options,
            "-o",
            str(target),
            str(tmp_path / "p.c"),
        ]
        subprocess.run(command, check=True)
        return target

    return make


@pytest.fixture
def calls(build: Compile, tables: Tables) -> Callable[..., SyscallFacts]:
    """What a program, compiled and linked with this machine's libraries, can call."""

    def found(source: str, *options: str) -> SyscallFacts:
        return analyse(Task(Path("/"), str(build(source, *options))), tables).facts

    return found


BARE = """
static long call(long n, long a) {
  long r; asm volatile("syscall" : "=a"(r) : "a"(n), "D"(a) : "rcx", "r11", "memory"); return r;
}
__attribute__((noinline)) static long wrapper(long a, long n) { return call(n, a); }
__attribute__((noinline)) static long outer(long n) { return wrapper(7, n); }
static void quiet(void) { call(39, 0); }
static void loud(void) { call(102, 0); }
static void unused(void) { call(104, 0); }
void (*const table[])(void) = { quiet, loud };
void (*const other[])(void) = { unused };
volatile int choice;
void _start(void) { %s for (;;) call(231, 0); }
"""
"""No C library: all that it calls stands here (39 getpid, 102 getuid, 104 getgid)."""
STATIC = ("-nostdlib", "-static", "-fno-pic", "-no-pie")
PIE = ("-nostdlib", "-static-pie", "-fPIE")


@pytest.mark.parametrize("options", [STATIC, PIE, (*STATIC, "-s"), (*PIE, "-s")])
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("", set()),
        ("wrapper(0, 1); wrapper(0, choice ? 2 : 3);", {"write", "open", "close"}),
        ("outer(32); outer(33);", {"dup", "dup2"}),
        ("table[choice]();", {"getpid", "getuid"}),
        ("other[choice]();", {"getgid"}),
    ],
)
def test_the_set_is_exact_where_there_is_no_library(
    calls: Callable[..., SyscallFacts], options: tuple[str, ...], body: str, expected: set[str]
) -> None:
    found = calls(BARE % body, *options)
    assert set(found.may) == expected | {"exit_group"}


def test_a_number_nobody_knows_is_counted(calls: Callable[..., SyscallFacts]) -> None:
    found = calls(BARE % "call(choice, 0);", *STATIC)
    assert found.sites.unknown == 1
    assert "exit_group" in found.may


def test_a_witness_leads_to_the_instruction(build: Compile, tables: Tables) -> None:
    program = build(BARE % "wrapper(0, 1);", *STATIC)
    found = analyse(Task(Path("/"), str(program)), tables).facts
    data = program.read_bytes()
    image = Library("p", data).image
    assert image.read(found.witnesses["write"].address, 2) == b"\x0f\x05"
    assert found.witnesses["write"].library == str(program)


def test_syscall_of_the_c_library_is_solved_at_its_callers(
    calls: Callable[..., SyscallFacts],
) -> None:
    plain = calls("int main(void) { return 0; }")
    found = calls("#include <unistd.h>\nint main(void) { return syscall(175, 0, 0, 0); }")
    assert set(found.may) - set(plain.may) == {"init_module"}
    assert found.witnesses["init_module"].function == "syscall"


OPENED = {
    "priority-mutex": (
        (
            "pthread_mutexattr_t a; pthread_mutexattr_init(&a); %s; pthread_mutex_t m;"
            "pthread_mutex_init(&m, &a); pthread_mutex_lock(&m); pthread_mutex_unlock(&m);"
        ),
        "pthread_mutexattr_setprotocol(&a, PTHREAD_PRIO_PROTECT)",
        {"sched_getparam", "sched_getscheduler", "sched_setscheduler"},
    ),
    "priority-range": (
        (
            "pthread_mutexattr_t a; pthread_mutexattr_init(&a); %s; pthread_mutex_t m;"
            "pthread_mutex_init(&m, &a);"
        ),
        "pthread_mutexattr_setprotocol(&a, PTHREAD_PRIO_PROTECT)",
        {"sched_get_priority_max", "sched_get_priority_min"},
    ),
    "cancellation": (
        (
            "pthread_mutex_t m; pthread_mutex_init(&m, 0); pthread_mutex_lock(&m); jmp_buf e;"
            "setjmp(e); %s;"
        ),
        "pthread_exit(0)",
        set(),
    ),
    "end-of-the-first-thread": ("%s;", "pthread_exit(0)", {"exit"}),
    "dns": (
        "getpwnam(v[0]); %s;",
        "struct addrinfo *r; getaddrinfo(v[0], 0, 0, &r)",
        {"sendmmsg", "recvfrom"},
    ),
}
"""Gate → a program with a hole, what opens the gate there, and calls that come with it."""
PROGRAM = """#include <netdb.h>
#include <setjmp.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
int main(int c, char **v) { %s return 0; }
"""


@pytest.mark.parametrize("gate", OPENED)
def test_a_gate_opens_by_its_interface(calls: Callable[..., SyscallFacts], gate: str) -> None:
    body, opener, behind = OPENED[gate]
    closed, opened = (calls(PROGRAM % (body % text)) for text in ("", opener))
    assert gate in closed.gates
    assert not set(closed.may) & behind
    assert gate not in opened.gates
    assert set(opened.may) >= behind


@pytest.mark.parametrize(
    ("gate", "behind", "own"),
    [
        ("profile-of-a-library", "setitimer", "struct itimerval t = {0}; setitimer(0, &t, 0);"),
        ("plural-forms", "tgkill", "raise(SIGUSR1);"),
    ],
)
def test_what_only_the_environment_leads_to_is_left_out(
    calls: Callable[..., SyscallFacts], gate: str, behind: str, own: str
) -> None:
    """The program's own call of the same kind is there."""
    without, with_own = (calls(PROGRAM % body) for body in ("", own))
    assert gate in without.gates
    assert behind not in set(without.may) - set(without.abort_only)
    assert behind in set(with_own.may) - set(with_own.abort_only)


@pytest.mark.parametrize(
    ("behind", "own"),
    [
        ("tgkill", "raise(SIGUSR1);"),
        ("writev", "struct iovec { void *p; size_t n; } w = {0}; writev(1, &w, 1);"),
        ("rt_sigaction", "signal(SIGUSR1, SIG_IGN);"),
    ],
)
def test_what_only_an_abort_leads_to_is_kept_apart(
    calls: Callable[..., SyscallFacts], behind: str, own: str
) -> None:
    """abort, __libc_message, malloc_printerr and the loader's last words."""
    found = calls(PROGRAM % "char *p = malloc(c); free(p); if (c > 9) abort();")
    assert behind in found.abort_only
    assert set(found.abort_only) <= set(found.may)
    assert behind not in calls(PROGRAM % own).abort_only


def test_every_gate_has_a_test(tables: Tables) -> None:
    tested = {*OPENED, "profile-of-a-library", "plural-forms"}
    aborts = {"abort", "heap-corruption", "message", "message-of-the-loader"}
    assert {gate.name for gate in tables.syscalls.gates} == tested | aborts


def test_what_the_loader_does_is_apart(calls: Callable[..., SyscallFacts]) -> None:
    found = calls("int main(void) { return 0; }")
    assert {"arch_prctl", "set_tid_address", "mprotect", "openat"} <= set(found.loader)
    assert "arch_prctl" not in found.may
    assert len(found.may) < 45


@pytest.mark.parametrize("options", [STATIC, PIE])
def test_what_every_run_does_must_happen(
    calls: Callable[..., SyscallFacts], options: tuple[str, ...]
) -> None:
    body = "call(1, 0); if (choice) quiet(); else loud(); if (choice > 1) unused(); call(32, 0);"
    bare = BARE.replace("for (;;) call(231, 0);", "call(231, 0);")
    found = calls(bare % body, *options)
    assert set(found.must) == {"write", "dup", "exit_group"}
    assert set(found.may) >= {"getpid", "getuid", "getgid"}


def test_main_is_found_behind_the_c_library(calls: Callable[..., SyscallFacts]) -> None:
    found = calls("#include <unistd.h>\nint main(int c) { sync(); if (c) getppid(); return 0; }")
    assert {"sync", "exit_group"} <= set(found.must)
    assert "getppid" not in found.must
    assert set(found.must) <= set(found.may)


def test_libraries_loaded_by_name_are_said(calls: Callable[..., SyscallFacts]) -> None:
    source = "#include <dlfcn.h>\nint main(int c, char **v) { %s return 0; }"
    plain, known, unknown = (
        calls(source % text) for text in ("", 'dlopen("libm.so.6", 2);', "dlopen(v[0], 2);")
    )
    assert (plain.modules, plain.modules_unknown) == ((), False)
    assert (known.modules, known.modules_unknown) == (("libm.so.6",), False)
    assert unknown.modules_unknown


def test_a_function_looked_up_by_name_is_called(calls: Callable[..., SyscallFacts]) -> None:
    source = '#include <dlfcn.h>\nint main(void) { int (*f)() = dlsym(0, "%s"); return f(); }'
    assert "sync" in calls(source % "sync").may
    assert "sync" not in calls(source % "getppid").may


def test_a_module_adds_what_it_exports(build: Compile, tables: Tables) -> None:
    program = Path("/bin/true").read_bytes()
    module = build(
        "#include <unistd.h>\nint hook(void) { return syscall(165); }", "-shared", "-fPIC"
    ).read_bytes()
    objects = [ProcessObject("/bin/true", program, parse_elf(program))]
    modules = [ProcessObject("/m.so", module, parse_elf(module))]
    libc = Path("/lib/x86_64-linux-gnu/libc.so.6").read_bytes()
    objects.append(ProcessObject("/libc.so.6", libc, parse_elf(libc)))
    assert "mount" not in system_calls(objects, tables).may
    assert "mount" in system_calls(objects, tables, modules).may


def test_the_decoder_agrees_with_capstone_on_real_code() -> None:
    """Calls, jumps out of functions, and ways into the kernel, over the whole C library."""
    library = Library("libc", Path("/lib/x86_64-linux-gnu/libc.so.6").read_bytes())
    decoder = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
    compared = 0
    for low, high in library.ranges:
        code = library.image.read(low, high - low)
        shown = scan(code, low, stop=False, absolute=False)
        calls, sites = set(), set()
        end = low
        for address, size, mnemonic, operands in decoder.disasm_lite(code, low):
            end = address + size
            if mnemonic.endswith("call") and operands.startswith("0x"):
                calls.add((address, int(operands, 16)))
            if mnemonic == "syscall":
                sites.add(address)
        if end != high:  # capstone stops at what it does not know
            continue
        compared += 1
        assert {(site, target) for site, target, call in shown.branches if call} == calls
        assert {gate.site for gate in shown.gates} == sites
    assert compared > 0.95 * len(library.ranges)


def test_functions_are_those_that_symbols_name() -> None:
    """Unwind entries against the dynamic symbol table: each exported function starts one."""
    library = Library("libc", Path("/lib/x86_64-linux-gnu/libc.so.6").read_bytes())
    starts = [low for low, _ in library.ranges]
    named = [item.address for item in library.image.symbols if item.kind == 2 and item.defined]
    inside = [
        address
        for address in named
        if starts[bisect.bisect_left(starts, address) % len(starts)] == address
    ]
    assert len(inside) > 0.99 * len(named)


def test_a_minute_of_damaged_files(tables: Tables) -> None:
    """Seeds follow one another, so that a failure can be repeated by its number."""
    sources = [Path(name).read_bytes() for name in ("/bin/true", "/bin/ls", "/bin/bash")]
    facts = parse_elf(sources[0])
    deadline = time.monotonic() + FUZZ_SECONDS
    seed = 0
    while time.monotonic() < deadline:
        seed += 1
        random = Random(seed)
        data = bytearray(random.choice(sources))
        for _ in range(random.randint(1, 12)):
            at = random.randrange(random.choice((64, 4096, len(data))))
            length = random.randint(1, 8)
            data[at : at + length] = random.randbytes(length)
        if random.random() < 0.3:
            del data[random.randrange(len(data)) :]
        begin = time.process_time()
        found = system_calls([ProcessObject("/x", bytes(data), facts)], tables)
        assert set(found.witnesses) == set(found.may), seed
        assert time.process_time() - begin < 30, seed
    assert seed > 20
