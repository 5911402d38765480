"""Recordings of system calls: what is read out of each form, and what is refused."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path

import pytest

from auditor.formats import FormatError
from auditor.formats.trace import Hints, read_trace
from auditor.model.trace import Trace, TraceForm
from auditor.tables import load

TRACES = Path(__file__).parents[3] / "fixtures/traces"


@pytest.fixture(scope="module")
def read():
    """Read a recording with what the shipped tables know."""
    calls = load().syscalls
    hints = Hints(calls.names, frozenset(calls.rows), frozenset(calls.rules), calls.start_up)

    def reader(text: str | bytes) -> Trace:
        data = text.encode() if isinstance(text, str) else text
        return read_trace(io.BytesIO(data), hints)

    return reader


def names(trace: Trace, executable: str = "") -> set[str]:
    return {call.name for call in trace.calls if call.executable == executable}


@pytest.mark.parametrize("name", ["jq", "nginx", "python3", "redis-server", "sqlite3"])
def test_every_line_of_a_real_recording_is_understood(read, name):
    trace = read(gzip.decompress((TRACES / f"{name}.strace.log.gz").read_bytes()))
    assert trace.form is TraceForm.STRACE
    assert trace.unread == 0
    assert trace.executables[0].endswith(name)
    nobodys = sum(call.count for call in trace.calls if not call.executable)
    # Of python3 the lines were trimmed in which some processes begin.
    assert nobodys == 0 or (name == "python3" and nobodys < 200)


def test_calls_of_the_loader_are_left_out_of_a_real_recording(read):
    trace = read(gzip.decompress((TRACES / "jq.strace.log.gz").read_bytes()))
    seen = names(trace, "/usr/bin/jq")
    assert {"write", "newfstatat", "readlink"} <= seen
    assert not seen & {"mprotect", "arch_prctl", "set_tid_address", "rseq", "mmap", "access"}
    assert trace.start_up > 600


def test_nginx_is_seen_to_make_threads_and_processes(read):
    trace = read(gzip.decompress((TRACES / "nginx.strace.log.gz").read_bytes()))
    pointed = [call.pointed[0] for call in trace.calls if call.name == "clone3"]
    assert pointed
    assert all("CLONE_THREAD" in item for item in pointed)
    (fork,) = (call for call in trace.calls if call.name == "clone")
    assert "CLONE_VM" not in fork.arguments[0]


def test_a_child_calls_for_its_parents_program_until_it_executes_another(read):
    trace = read(
        '10 execve("/bin/sh", ["sh"], 0x1 /* 1 vars */) = 0\n'
        "10 clone(child_stack=NULL, flags=CLONE_CHILD_SETTID|SIGCHLD <unfinished ...>\n"
        "11 dup2(3, 1) = 1\n"
        "10 <... clone resumed>, child_tidptr=0x1) = 11\n"
        '11 execve("/usr/bin/id", ["id"], 0x1 /* 1 vars */) = 0\n'
        '11 openat(AT_FDCWD, "/lib/libc.so.6", O_RDONLY|O_CLOEXEC) = 3\n'
        "11 getuid() = 0\n"
        "11 +++ exited with 0 +++\n"
        "10 --- SIGCHLD {si_signo=SIGCHLD} ---\n"
    )
    assert names(trace, "/bin/sh") == {"clone", "dup2", "execve"}
    assert names(trace, "/usr/bin/id") == {"getuid"}
    assert trace.spawned == (("/bin/sh", "/usr/bin/id"),)
    assert not trace.handed


def test_a_process_that_is_handed_over_is_told_from_one_that_is_started(read):
    trace = read(
        'execve("/entry.sh", ["/entry.sh"], 0x1 /* 1 vars */) = 0\n'
        'execve("/usr/bin/nothing", ["x"], 0x1) = -1 ENOENT (No such file or directory)\n'
        'execve("/usr/sbin/nginx", ["nginx"], 0x1 /* 1 vars */) = 0\n'
        "listen(3, 511) = 0\n"
    )
    assert trace.handed == {"/entry.sh"}
    assert trace.executables == ("/entry.sh", "/usr/sbin/nginx")


def test_what_glibc_asks_of_its_name_service_is_not_the_programs(read):
    trace = read(
        "5 socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC|SOCK_NONBLOCK, 0) = 3\n"
        '5 connect(3, {sa_family=AF_UNIX, sun_path="/var/run/nscd/socket"}, 110) = -1 ENOENT\n'
        "5 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 3\n"
    )
    assert [call.arguments[0] for call in trace.calls] == ["AF_INET"]


@pytest.mark.parametrize(
    "prefix", ["", "[pid  71] ", "71 ", "71 12:00:01 ", "71 1700000000.123456 ", "12:00:01.5 "]
)
def test_times_and_process_numbers_may_stand_before_a_call(read, prefix):
    trace = read(f"{prefix}listen(3, 511) = 0\n{prefix}io_uring_setup(8, 0x1) = -1 ENOSYS (no)\n")
    assert {(call.name, call.refused) for call in trace.calls} == {
        ("listen", False),
        ("io_uring_setup", True),
    }


def test_an_audit_log_gives_numbers_of_calls_and_arguments(read):
    trace = read(
        "type=SYSCALL msg=audit(1.2:3): arch=c000003e syscall=41 success=yes exit=3 a0=2 a1=1 a2=6 "
        'a3=0 items=0 ppid=1 pid=2 comm="app" exe="/usr/bin/app" key=(null)\n'
        "type=CWD msg=audit(1.2:3): cwd=/\n"
        'type=SECCOMP msg=audit(1.2:4): pid=2 comm="app" exe="/usr/bin/app" sig=0 arch=c00000b7 '
        "syscall=201 compat=0 ip=0x1 code=0x7ffc0000\n"
    )
    assert trace.form is TraceForm.AUDIT
    assert names(trace, "/usr/bin/app") == {"socket", "listen"}
    (socket,) = (call for call in trace.calls if call.name == "socket")
    assert socket.arguments[:2] == ("0x2", "0x1")


def test_perf_trace_tells_a_thread_from_a_process(read):
    trace = read(
        "     0.012 ( 0.004 ms): app/71 openat(dfd: CWD, filename: 0x1, flags: RDONLY) = 3\n"
        "     0.300 ( 0.040 ms): app/71 clone(clone_flags: VM|FS|THREAD, newsp: 0x1) = 72 (app)\n"
        "     0.500 (         ): app/72 futex(uaddr: 0x1, op: WAIT) ...\n"
        "     0.700 ( 0.001 ms): app/72 sendto(fd: 3, buff: 0x1, len: 4) = 4\n"
    )
    assert trace.form is TraceForm.PERF
    assert {call.name: call.arguments for call in trace.calls} == {
        "clone": ("CLONE_VM|CLONE_FS|CLONE_THREAD",),
        "sendto": (),
    }


@pytest.mark.parametrize(
    "text",
    [
        "socket\nlisten\nread\n",
        "# calls of app\nsocket, listen, read",
        "- socket\n- listen\n",
        (
            "% time     seconds  usecs/call     calls    errors syscall\n"
            "------ ----------- ----------- --------- --------- ----------------\n"
            " 60.00    0.000010          10         1           socket\n"
            " 40.00    0.000010          10         1         1 listen\n"
            "------ ----------- ----------- --------- --------- ----------------\n"
            "100.00    0.000020                     2         1 total\n"
        ),
    ],
)
def test_a_list_of_names_is_read_without_what_every_start_brings(read, text):
    trace = read(text)
    assert trace.form is TraceForm.LIST
    assert names(trace) == {"socket", "listen"}


def test_a_recorded_seccomp_profile_is_a_list_of_names(read):
    rules = [
        {"names": ["listen", "mmap"], "action": "SCMP_ACT_ALLOW"},
        {"names": ["ptrace"], "action": "SCMP_ACT_ERRNO"},
    ]
    profile = {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": rules}
    for document in (profile, {"kind": "SeccompProfile", "spec": profile}):
        assert names(read(json.dumps(document, indent=1))) == {"listen"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        ("\x7fELF\x02\x01\n", "no recording"),
        ("Dear reader,\nthis is a letter.\n", "no recording"),
        ("frobnicate\n", "no system call"),
        ("{", "no seccomp profile"),
        ('{"defaultAction": "SCMP_ACT_ALLOW"}', "forbidden"),
        (
            (
                '{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["bpf"], "action": '
                '"SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_BPF"]}}]}'
            ),
            "any program",
        ),
    ],
)
def test_what_shows_nothing_of_a_program_is_refused(read, text, why):
    with pytest.raises(FormatError, match=why):
        read(text)


def test_lines_without_end_and_calls_without_number_are_bounded(read, monkeypatch):
    trace = read(
        b"listen(3, " + b"(" * 5_000_000 + b"\nread(9, 1) = 1\n" + b'ioctl(1, "' + b"\\" * 99
    )
    assert "listen" in names(trace)
    monkeypatch.setattr("auditor.formats.trace_counts._MOST_CALLS", 100)
    many = "".join(f"ioctl(3, {number:#x}) = 0\n" for number in range(200))
    with pytest.raises(FormatError, match="more than 100"):
        read(many)
