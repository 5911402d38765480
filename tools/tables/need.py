"""Make ``signatures/need.csv``: how often programs truly need each capability.

Reads ``upstream/loupedb-required-prior.json`` (per x86-64 system call: the measured runs that used
it, and those that required it; the rest ran on when it was stubbed or faked) and folds the calls
into capabilities. The source is unikraft/loupedb, CC BY 4.0.
"""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
UPSTREAM = Path("tools/tables/upstream")
OUTPUT = "signatures/need.csv"

ESSENTIAL_FROM = 0.55
"""Share of the using runs that required the call, from which a need is essential."""
TYPICAL_FROM = 0.25
"""The same for a typical need; below it, the need is incidental."""

CALLS = {
    # clone also makes threads, and the measurement does not tell the two apart.
    "process.fork": "clone fork vfork",
    # execve is left out: each measured run begins with it.
    "process.exec": "execveat",
    "process.wait": "wait4 waitid",
    "process.signal": (
        "rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigsuspend "
        "sigaltstack kill tgkill pause"
    ),
    "process.daemon": "setsid",
    "process.ids": "getpid getppid gettid getpgrp getpgid setpgid getsid",
    "process.limits": "getrlimit prlimit64 getrusage times sysinfo",
    "process.priority": (
        "getpriority setpriority sched_setparam sched_getparam sched_setscheduler "
        "sched_getscheduler sched_get_priority_max sched_get_priority_min sched_rr_get_interval "
        "sched_setattr sched_getattr"
    ),
    "process.exit": "exit exit_group",
    "thread.sync": "futex set_robust_list sched_yield",
    "thread.tls": "set_tid_address rseq",
    "thread.affinity": ("sched_setaffinity sched_getaffinity mbind set_mempolicy get_mempolicy"),
    # mmap also maps files and shared memory; most of its calls ask for plain memory.
    "memory.heap": "brk mmap munmap mremap madvise mincore",
    "memory.map.file": "msync",
    "memory.protect": "mprotect pkey_alloc",
    "memory.lock": "mlock mlockall",
    "fs.read": "open openat close read readv pread64 preadv2 lseek getdents getdents64 fadvise64",
    "fs.write": (
        "creat write writev pwrite64 pwritev pwritev2 truncate ftruncate fallocate mkdir mkdirat "
        "rmdir unlink unlinkat rename renameat"
    ),
    "fs.metadata": (
        "stat fstat lstat newfstatat statx statfs fstatfs access faccessat getcwd chdir fchdir "
        "utime utimes utimensat"
    ),
    "fs.permissions": "chmod fchmod fchmodat chown fchown lchown fchownat umask",
    "fs.links": "link linkat symlink symlinkat readlink readlinkat",
    "fs.locks": "flock",
    "fs.watch": "inotify_add_watch",
    "fs.special": "mknod mknodat",
    "fs.xattr": (
        "setxattr lsetxattr fsetxattr getxattr lgetxattr fgetxattr listxattr llistxattr "
        "flistxattr removexattr lremovexattr fremovexattr"
    ),
    "fs.mount": "chroot",
    "fs.sync": "sync fsync fdatasync sync_file_range",
    "net.socket": (
        "socket sendto recvfrom sendmsg recvmsg sendmmsg recvmmsg shutdown getsockname getpeername"
    ),
    "net.tcp.connect": "connect",
    "net.tcp.listen": "bind listen accept accept4",
    "net.unix": "socketpair",
    "net.options": "setsockopt getsockopt",
    "io.poll": "poll ppoll select pselect6",
    "io.epoll": "epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait",
    "io.pipe": "pipe pipe2",
    "io.eventfd": "eventfd2",
    "io.timerfd": "timerfd_create timerfd_settime timerfd_gettime",
    "io.signalfd": "signalfd4",
    "io.aio": "io_setup io_destroy io_getevents io_submit",
    "io.sendfile": "sendfile copy_file_range",
    "io.ioctl": "ioctl",
    "io.dup": "dup dup2 dup3",
    "ipc.sysv": "shmget shmat shmdt shmctl semget semctl semtimedop msgget",
    "ipc.shm": "memfd_create",
    "identity.users": "getuid geteuid getgid getegid getgroups getresuid getresgid",
    "identity.setuid": "setuid setgid setreuid setregid setgroups setresuid setresgid",
    "time.clock": "clock_gettime clock_getres gettimeofday time",
    "time.sleep": "nanosleep clock_nanosleep",
    "time.timer": "alarm getitimer setitimer timer_create timer_settime timer_delete",
    "time.set": "clock_settime",
    "kernel.namespace": "sethostname",
    "random.bytes": "getrandom",
}
"""Capability → its system calls. Not counted: ``arch_prctl`` and ``execve`` (part of starting
any program), and ``fcntl``, ``prctl``, ``restart_syscall`` and ``uname`` (many jobs in one)."""


def level(share: float) -> str:
    """Give the need that a share of requiring runs (0 to 1) stands for."""
    if share >= ESSENTIAL_FROM:
        return "essential"
    return "typical" if share >= TYPICAL_FROM else "incidental"


def numbers(root: Path) -> dict[str, str]:
    """Read the table of system calls: name → number."""
    text = (root / UPSTREAM / "syscalls-x86_64.csv").read_text(encoding="utf-8")
    rows = (line for line in text.splitlines() if not line.startswith("#"))
    return {row["name"]: row["number"] for row in csv.DictReader(rows)}


def generate(root: Path) -> dict[str, str]:
    """Give the content of each file to write, by its path below ``root``.

    Raises ``KeyError`` where ``CALLS`` names a system call that Linux does not have.
    """
    prior = json.loads(
        (root / UPSTREAM / "loupedb-required-prior.json").read_text(encoding="utf-8")
    )
    number = numbers(root)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["capability", "syscalls", "used", "p_required", "derived"])
    for capability, names in CALLS.items():
        measured = [name for name in names.split() if number[name] in prior]
        used = sum(prior[number[name]]["used"] for name in measured)
        if not used:
            continue
        share = sum(prior[number[name]]["required"] for name in measured) / used
        row = [capability, " ".join(measured), used, f"{share:.3f}", level(share)]
        writer.writerow(row)
    return {OUTPUT: out.getvalue()}


def main() -> None:
    """Write the files."""
    for path, content in generate(REPOSITORY).items():
        (REPOSITORY / path).write_text(content, encoding="utf-8")
        print(path)


if __name__ == "__main__":
    main()
