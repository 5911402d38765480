"""What is known of a system call, by name, number and arguments."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.model.terms import Need, Support
from auditor.tables import load
from auditor.tables.files import Files
from auditor.tables.syscalls import load_syscalls

ROOT = Path(__file__).parents[3]
SIGNATURES = ROOT / "signatures"
UPSTREAM = ROOT / "tools" / "tables" / "upstream"
TABLES = load(SIGNATURES)
TARGETS = ("wasip1", "wasip2", "wasip3", "wasi-http", "wasix", "emscripten", "core")

CALLS = load_syscalls(Files(SIGNATURES), TABLES.sources, TABLES.capabilities, TABLES.targets)


def upstream(architecture: str) -> dict[int, str]:
    lines = (UPSTREAM / f"syscalls-{architecture}.csv").read_text(encoding="utf-8").splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    return {int(row["number"]): row["name"] for row in rows}


@pytest.mark.parametrize(("architecture", "arch"), [("x86_64", "amd64"), ("aarch64", "arm64")])
def test_every_number_has_a_row_with_a_sourced_level_on_every_target(
    architecture: str, arch: str
) -> None:
    numbered = upstream(architecture)

    assert len(numbered) > 320
    for number, name in numbered.items():
        assert CALLS.name(arch, number) == name
        row = CALLS.row(name)
        assert row is not None
        assert row.numbers[arch] == number
        assert row.capability in TABLES.capabilities
        for target in TARGETS:
            level = CALLS.support(target, name)
            assert level.level is not Support.UNKNOWN
            assert level.as_of == TABLES.sources[level.source].as_of
            assert level.key == name


def test_there_is_no_row_beyond_the_kernels_own_numbers() -> None:
    assert set(CALLS.rows) == {*upstream("x86_64").values(), *upstream("aarch64").values()}
    assert set(CALLS.levels) == set(TARGETS) == set(TABLES.targets)


def test_what_linux_does_not_have_is_not_known() -> None:
    assert CALLS.row("made_up") is None
    assert CALLS.name("amd64", 9999) is None
    assert CALLS.name("riscv64", 0) is None
    assert "made_up" not in CALLS.levels["wasip1"]
    with pytest.raises(KeyError):
        CALLS.support("wasip1", "made_up")
    with pytest.raises(KeyError):
        CALLS.refine("made_up", {})


def test_one_call_has_its_number_on_each_architecture() -> None:
    clone, fork = CALLS.row("clone"), CALLS.row("fork")

    assert clone is not None
    assert clone.numbers == {"amd64": 56, "arm64": 220}
    assert fork is not None
    assert fork.numbers == {"amd64": 57}


@pytest.mark.parametrize(
    ("name", "capability", "need"),
    [
        ("fork", "process.fork", Need.ESSENTIAL),
        ("clone", "process.fork", Need.ESSENTIAL),
        ("clone3", "thread.create", Need.ESSENTIAL),
        ("execve", "process.exec", Need.ESSENTIAL),
        ("set_robust_list", "thread.sync", Need.INCIDENTAL),
        ("arch_prctl", "thread.tls", Need.INCIDENTAL),
        ("mprotect", "memory.protect", Need.INCIDENTAL),
        ("mmap", "memory.heap", Need.ESSENTIAL),
        ("futex", "thread.sync", Need.TYPICAL),
        ("epoll_create", "io.epoll", Need.ESSENTIAL),
        ("epoll_create1", "io.epoll", Need.ESSENTIAL),
        ("rt_sigaction", "process.signal", Need.TYPICAL),
        ("access", "fs.metadata", Need.INCIDENTAL),
        ("io_uring_setup", "io.uring", Need.TYPICAL),
        ("landlock_restrict_self", "kernel.seccomp", Need.INCIDENTAL),
    ],
)
def test_a_call_asks_for_a_capability_and_says_how_much(
    name: str, capability: str, need: Need
) -> None:
    row = CALLS.row(name)

    assert row is not None
    assert (row.capability, row.need) == (capability, need)


def test_a_measured_need_says_what_was_measured() -> None:
    row = CALLS.row("access")

    assert row is not None
    assert row.reason == "required in .17 of 120 measured runs"


@pytest.mark.parametrize(
    ("target", "name", "level"),
    [
        ("wasip1", "fork", Support.NONE),
        ("wasip1", "openat", Support.FULL),
        ("wasip1", "socket", Support.NONE),
        ("wasip2", "socket", Support.PARTIAL),
        ("wasip1", "pipe2", Support.STUB),
        ("wasip1", "getpid", Support.EMULATED),
        ("wasip1", "getdents64", Support.FULL),
        ("wasip1", "newfstatat", Support.FULL),
        ("wasip1", "rt_sigaction", Support.NONE),
        ("wasip1", "exit_group", Support.FULL),
        ("wasip1", "io_uring_setup", Support.NONE),
        ("wasix", "clone", Support.PARTIAL),
        ("wasix", "epoll_wait", Support.FULL),
        ("emscripten", "fork", Support.STUB),
        ("core", "openat", Support.NONE),
        ("wasi-http", "openat", Support.NONE),
    ],
)
def test_a_target_offers_what_its_c_library_offers(target: str, name: str, level: Support) -> None:
    assert CALLS.support(target, name).level is level


@pytest.mark.parametrize("name", ["set_robust_list", "set_tid_address", "rseq", "rt_sigreturn"])
@pytest.mark.parametrize("target", TARGETS)
def test_calls_of_the_loader_stand_in_nobodys_way(target: str, name: str) -> None:
    row = CALLS.support(target, name)

    assert row.level is Support.FULL
    assert "a rebuild replaces" in row.note


def test_a_level_carries_the_flags_that_it_takes() -> None:
    assert CALLS.support("wasip1", "getpid").flags == (
        "-D_WASI_EMULATED_GETPID",
        "-lwasi-emulated-getpid",
    )
    assert CALLS.support("wasip1", "getpid").file == "syscalls/support/wasip1.csv"


SIGCHLD = 17
PTHREAD = 0x3D0F00
"""The flags with which C libraries make a thread."""

REFINED = [
    ("clone", {0: PTHREAD}, "thread.create"),
    ("clone", {0: SIGCHLD | 0x1200000}, "process.fork"),
    ("clone", {0: SIGCHLD | 0x4100}, "process.spawn"),
    ("clone", {0: SIGCHLD | 0x20000000}, "kernel.namespace"),
    ("clone", {}, "process.fork"),
    ("unshare", {0: 0x20000}, "kernel.namespace"),
    ("unshare", {0: 0x200}, "thread.create"),
    ("socket", {0: 2, 1: 1}, "net.socket"),
    ("socket", {0: 10, 1: 2}, "net.udp"),
    ("socket", {0: 2, 1: 2 | 0o2000000 | 0o4000}, "net.udp"),
    ("socket", {0: 2, 1: 3}, "net.raw"),
    ("socket", {0: 1, 1: 1}, "net.unix"),
    ("socket", {0: 1}, "net.unix"),
    ("socket", {0: 16, 1: 3}, "net.netlink"),
    ("socket", {0: 17, 1: 3}, "net.raw"),
    ("socket", {0: 31, 1: 3}, "net.raw"),
    ("socket", {0: 2}, "net.socket"),
    ("socket", {}, "net.socket"),
    ("mmap", {2: 3, 3: 0x22}, "memory.heap"),
    ("mmap", {2: 7, 3: 0x22}, "jit.exec"),
    ("mmap", {2: 3, 3: 0x01}, "memory.map.shared"),
    ("mmap", {2: 3, 3: 0x21}, "memory.map.shared"),
    ("mmap", {2: 3, 3: 0x03}, "memory.map.shared"),
    ("mmap", {2: 1, 3: 0x02}, "memory.map.file"),
    ("mmap", {2: 5, 3: 0x802}, "dynlink.dlopen"),
    ("mmap", {2: 4}, "memory.heap"),
    ("mprotect", {2: 5}, "jit.exec"),
    ("mprotect", {2: 1}, "memory.protect"),
    ("openat", {2: 0}, "fs.read"),
    ("openat", {2: 0o2000000 | 0o1101}, "fs.write"),
    ("openat", {2: 0o20200002}, "fs.temp"),
    ("open", {1: 0o2}, "fs.write"),
    ("mknodat", {2: 0o100644}, "fs.write"),
    ("mknodat", {2: 0o010644}, "fs.special"),
    ("fcntl", {1: 1030}, "io.dup"),
    ("fcntl", {1: 7}, "fs.locks"),
    ("fcntl", {1: 38}, "fs.locks"),
    ("fcntl", {1: 1024}, "fs.watch"),
    ("fcntl", {1: 1031}, "io.pipe"),
    ("fcntl", {1: 1033}, "ipc.shm"),
    ("fcntl", {1: 4}, "fs.read"),
    ("ioctl", {1: 0x5401}, "io.stdio"),
    ("ioctl", {1: 0x5402}, "tty.control"),
    ("ioctl", {1: 0x5421}, "io.ioctl"),
    ("ioctl", {1: 0x80045430}, "tty.pty"),
    ("ioctl", {1: 0x8912}, "net.interfaces"),
    ("ioctl", {1: 0x890B}, "net.netlink"),
    ("ioctl", {1: 0xC0406400}, "device.gpu"),
    ("ioctl", {1: 0xAE80}, "device.raw"),
    ("prctl", {0: 15}, "thread.sync"),
    ("prctl", {0: 22}, "kernel.seccomp"),
    ("prctl", {0: 1}, "process.signal"),
    ("prctl", {0: 24}, "identity.capabilities"),
    ("arch_prctl", {0: 0x1002}, "thread.tls"),
    ("arch_prctl", {0: 0x1023}, "cpu.simd"),
    ("personality", {0: 0xFFFFFFFF}, "process.env"),
    ("personality", {0: 0x40000}, "process.trace"),
    ("setsockopt", {1: 1, 2: 26}, "kernel.bpf"),
    ("setsockopt", {1: 0, 2: 35}, "net.udp"),
    ("setsockopt", {1: 1, 2: 2}, "net.options"),
    ("read", {0: 0}, "fs.read"),
]


@pytest.mark.parametrize(("name", "arguments", "capability"), REFINED)
def test_arguments_decide_where_they_are_known(
    name: str, arguments: dict[int, int], capability: str
) -> None:
    assert CALLS.refine(name, arguments) == capability


def test_clone3_reads_its_flags_from_memory_and_never_from_the_pointer() -> None:
    assert CALLS.refine("clone3", {0: 0x20000000}) == "thread.create"
    assert CALLS.refine("clone3", {}, {0: PTHREAD}) == "thread.create"
    assert CALLS.refine("clone3", {}, {0: 0}) == "process.fork"
    assert CALLS.refine("clone3", {}, {0: 0x1_0000_4100}) == "process.spawn"
    assert CALLS.refine("clone3", {}, {0: 0x80}) == "kernel.namespace"


def test_a_rule_may_weigh_less_than_its_capability() -> None:
    name, filtered = CALLS.rule("prctl", {0: 15}), CALLS.rule("prctl", {0: 22})

    assert name is not None
    assert name.need is Need.INCIDENTAL
    assert filtered is not None
    assert filtered.need is TABLES.capabilities["kernel.seccomp"].need
    assert CALLS.rule("prctl", {0: 9999}) is None


def test_every_rule_speaks_of_a_call_and_says_why() -> None:
    for name, rules in CALLS.rules.items():
        for rule in rules:
            assert name == rule.call
            assert name in CALLS.rows
            assert rule.reason
            assert rule.source in TABLES.sources


@given(st.sampled_from(sorted(CALLS.rows)))
def test_without_arguments_a_call_asks_for_what_its_row_says(name: str) -> None:
    assert CALLS.refine(name, {}) == CALLS.rows[name].capability


@given(st.sampled_from(sorted(CALLS.rules)), st.integers(-(2**31), 2**31 - 1))
def test_a_sign_makes_no_difference_to_an_argument(name: str, value: int) -> None:
    narrow = dict.fromkeys(range(6), value & 0xFFFFFFFF)
    wide = dict.fromkeys(range(6), value & 0xFFFFFFFFFFFFFFFF)
    signed = dict.fromkeys(range(6), value)

    assert CALLS.refine(name, narrow) == CALLS.refine(name, wide) == CALLS.refine(name, signed)


def test_levels_are_a_mapping_like_any_other() -> None:
    rows = CALLS.levels["wasix"]

    assert len(rows) == len(list(rows)) == len(CALLS.rows)
    assert rows["clone"].key == "clone"
    assert rows.get("made_up") is None
