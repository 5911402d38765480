"""List the functions that Emscripten's C library defines, and the system calls behind each.

``collect_emscripten.py CHECKOUT > upstream/emscripten-functions.csv``; CHECKOUT is a tree of
github:emscripten-core/emscripten. Which files of musl are built follows ``class libc`` and
``class libsockets`` of its ``tools/system_libs.py``. They are compiled by ziglang's clang and
their symbols read by ``llvm-nm``; nothing is linked or run.

``build``: ``libc`` stands in every build, ``pthread`` only in builds with ``-pthread``, ``js``
comes from the JavaScript library. ``calls``: the system calls that the function's own file makes.
"""

from __future__ import annotations

import csv
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

MUSL = "system/lib/libc/musl"
DIRECTORIES_OUT = frozenset(
    {"aio", "ipc", "ldso", "legacy", "linux", "malloc", "mq", "passwd", "sched", "setjmp"}
    | {"signal", "thread", "time"}
)
SOCKETS = (
    "socket socketpair shutdown bind connect listen accept getsockname getpeername send recv "
    "sendto recvfrom sendmsg recvmsg getsockopt setsockopt freeaddrinfo gethostbyaddr "
    "gethostbyaddr_r gethostbyname gethostbyname_r gethostbyname2 gethostbyname2_r in6addr_any "
    "in6addr_loopback accept4"
)
FILES_OUT = frozenset(
    (
        "memcpy memset memmove getaddrinfo getnameinfo res_query res_querydomain proto syscall "
        "popen pclose getgrouplist initgroups wordexp timer_create getauxval lookup_name fork "
        "vfork posix_spawn posix_spawnp execve waitid system _Fork __reset_tls __init_tls "
        "__libc_start_main assert exit pow_small log_small log2_small " + SOCKETS
    ).split()
)
FILES_IN = {
    f"{MUSL}/src/network": SOCKETS,
    f"{MUSL}/src/time": (
        "clock_settime asctime_r asctime ctime difftime ftime gmtime localtime nanosleep clock "
        "clock_nanosleep clock_getres clock_gettime ctime_r timespec_get utime __map_file "
        "strftime __tz __utc __tm_to_secs __year_to_secs __month_to_secs wcsftime"
    ),
    f"{MUSL}/src/legacy": "getpagesize err euidaccess",
    f"{MUSL}/src/linux": "getdents gettid utimes statx wait4 wait3 epoll",
    f"{MUSL}/src/malloc": "reallocarray",
    f"{MUSL}/src/sched": "sched_yield",
    f"{MUSL}/src/ldso": "dladdr dlerror dlsym dlclose",
    f"{MUSL}/src/signal": (
        "block getitimer killpg setitimer sigorset sigandset sigaddset sigdelset sigemptyset "
        "sigisemptyset sigfillset sigismember siginterrupt signal sigprocmask sigrtmax sigrtmin "
        "sigwait sigwaitinfo"
    ),
    f"{MUSL}/src/thread": (
        "pthread_self pthread_cleanup_push pthread_getconcurrency pthread_getcpuclockid "
        "pthread_getschedparam pthread_setschedprio pthread_setconcurrency default_attr "
        "call_once sem_destroy sem_init pthread_*attr* pthread_spin* cnd_* mtx_* tss_* thrd_*"
    ),
    "system/lib/libc": (
        "emscripten_console emscripten_fiber emscripten_get_heap_size emscripten_memcpy "
        "emscripten_memmove emscripten_memset emscripten_mmap emscripten_scan_stack "
        "emscripten_time mktime kill lookup_name pthread_sigmask raise sigaction sigtimedwait "
        "wasi-helpers system emscripten_yield_stub sbrk emscripten_libc_stubs "
        "emscripten_syscall_stubs compat/*"
    ),
    "system/lib/pthread": "library_pthread_stub pthread_self_stub proxying_stub",
    "system/lib": "dlmalloc",
}
PTHREAD_OUT = (
    "clone pthread_create pthread_kill pthread_sigmask __set_thread_area synccall __syscall_cp "
    "__tls_get_addr __unmapself syscall_cp tls pthread_setname_np pthread_getname_np"
)
PTHREAD_IN = {
    f"{MUSL}/src/thread": "*",
    "system/lib/pthread": "library_pthread pthread_create pthread_kill emscripten_yield",
}
JAVASCRIPT = ("libcore.js", "libtime.js")
"""The files of ``src/lib`` that define functions of the C library."""

PUBLIC = (f"{MUSL}/arch/emscripten", f"{MUSL}/arch/generic", f"{MUSL}/include", "system/include")
PRIVATE = (f"{MUSL}/src/internal", f"{MUSL}/src/include", "system/lib/libc", "system/lib/pthread")
CALL = re.compile(r"__(?:syscall|wasi)_(\w+)")
NO_CALLS = frozenset({"ret", "syscall_ret", "timestamp_to_timespec"})
KEY = re.compile(r"^  ([a-z][a-z0-9_]*)(?:: |\()", re.MULTILINE)
VERSION_HEADER = """\
#define __EMSCRIPTEN_MAJOR__ 6
#define __EMSCRIPTEN_MINOR__ 0
#define __EMSCRIPTEN_TINY__ 8
"""


def chosen(root: Path, listed: dict[str, str], without: Iterable[str] = ()) -> set[Path]:
    """The files that stand in a list."""
    found: set[Path] = set()
    for directory, names in listed.items():
        for name in names.split():
            paths = set((root / directory).glob(f"{name}.c"))
            if not paths:
                raise SystemExit(f"{directory}/{name}.c is not there: read system_libs.py again")
            found |= paths
    return {path for path in found if path.stem not in without}


def plain(root: Path) -> set[Path]:
    """The files of every build."""
    found: set[Path] = set()
    for directory, below, names in os.walk(root / MUSL / "src"):
        below[:] = [name for name in below if name not in DIRECTORIES_OUT]
        found |= {Path(directory, name) for name in names if name.endswith(".c")}
    return {path for path in found if path.stem not in FILES_OUT} | chosen(root, FILES_IN)


def symbols(root: Path, file: Path, *options: str) -> tuple[set[str], set[str]]:
    """The functions that a file defines, and the system calls that it makes."""
    compiler = [sys.executable, "-m", "ziglang", "cc", "-target", "wasm32-emscripten"]
    flags = ["-nostdinc", "-std=gnu11", "-D_XOPEN_SOURCE=700", "-D__EMSCRIPTEN__", "-O1", "-w"]
    flags.append("-Wno-error=implicit-function-declaration")
    # The order of upstream; dlmalloc is no part of musl, and trips over its inner headers.
    inner = () if file.stem == "dlmalloc" else PRIVATE
    include = [f"-I{root / name}" for name in (*PUBLIC[:2], *inner, *PUBLIC[2:])]
    made = root / "made.o"
    command = [*compiler, *flags, *options, *include, "-fno-builtin", "-c", str(file)]
    subprocess.run([*command, "-o", str(made)], check=True)
    listing = subprocess.run(["llvm-nm", str(made)], check=True, capture_output=True, text=True)
    rows = [line.split()[-2:] for line in listing.stdout.splitlines()]
    calls = {match[1] for kind, name in rows if kind == "U" and (match := CALL.fullmatch(name))}
    return {name for kind, name in rows if kind in {"T", "W"}}, calls - NO_CALLS


def functions(root: Path, work: Path) -> Iterator[tuple[str, str, str]]:
    """Every function with its build and its system calls, the common build first."""
    # Upstream's own version.h is an error on purpose, to be replaced by a generated one.
    shutil.copytree(root / "system", work / "system")
    (work / "system/include/emscripten/version.h").write_text(VERSION_HEADER)
    common = plain(work)
    for build, files, options in (
        ("libc", common, ()),
        ("pthread", chosen(work, PTHREAD_IN, PTHREAD_OUT.split()) - common, ("-pthread",)),
    ):
        for file in sorted(files):
            names, calls = symbols(work, file, *options)
            yield from ((name, build, " ".join(sorted(calls))) for name in sorted(names))
    for name in JAVASCRIPT:
        text = (root / "src" / "lib" / name).read_text(encoding="utf-8")
        keys = (key for key in KEY.findall(text) if "__" not in key)
        yield from ((key, "js", "") for key in keys if not key.startswith("emscripten_"))


def main() -> None:
    """Write the list."""
    root = Path(sys.argv[1]).resolve()
    rows: dict[str, tuple[str, str, str]] = {}
    with tempfile.TemporaryDirectory() as work:
        for row in functions(root, Path(work)):
            rows.setdefault(row[0], row)
    print("# functions that the C library of Emscripten 6.0.8 (a04d0be, 2026-08-22) defines")
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(("function", "build", "calls"))
    writer.writerows(rows[name] for name in sorted(rows))


if __name__ == "__main__":
    main()
