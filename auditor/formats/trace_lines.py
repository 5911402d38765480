"""Recordings of one call a line: ``perf trace``, audit logs, and lists of names."""

from __future__ import annotations

import re
from collections.abc import Iterable

from auditor.formats.trace_counts import Counts, Hints
from auditor.model.trace import Trace, TraceForm

__all__ = ["AUDIT", "LIST", "PERF", "read_audit", "read_list", "read_perf"]

PERF = re.compile(
    r"\s*(?:\?|\d+\.\d+)\s+\(\s*(?:[\d.]+\s*ms)?\s*\):\s+(?P<who>.*?)[\s/](?:\d+\s+)"
    r"(?:\.\.\. \[continued\]: (?P<resumed>\w+)\(\)|(?P<name>[a-z_][a-z0-9_]*)\((?P<args>.*))"
)
"""``0.123 ( 0.005 ms): nginx/4711 openat(dfd: CWD, …) = 3`` (perf-trace(1))."""
AUDIT = re.compile(r".*\btype=(?:SYSCALL|SECCOMP|1300|1326)\b.*\bsyscall=(?P<call>\w+)")
"""A record of the audit system (auditd(8)), with numbers or as ``ausearch -i`` shows it."""
_NAME = r"[\"']?[a-z_][a-z0-9_]*[\"']?"
LIST = re.compile(rf"\s*(?:#.*|[-*]?\s*{_NAME}(?:[\s,;]+{_NAME})*[,;]?)?\s*$")
"""Names, a line each or parted by blanks or commas; ``#`` starts a comment."""
_SUMMARY = re.compile(r"\s*[\d.]+\s+[\d.]+\s+\d+\s+\d+\s+(?:\d+\s+)?(?P<name>[a-z_]\w*)\s*$")
"""A row of ``strace -c``."""
_FIELD = re.compile(r'\b(arch|exe|a[0-3]|success|exit)=("[^"]*"|\S+)')
_ARCHITECTURES = {
    "c000003e": "amd64",
    "x86_64": "amd64",
    "c00000b7": "arm64",
    "aarch64": "arm64",
}
"""``AUDIT_ARCH_X86_64`` and ``AUDIT_ARCH_AARCH64`` (linux/audit.h)."""
_HEX = re.compile(r"[0-9a-f]{1,16}")
_ENOSYS = "-38"
_PERF_CLONE = re.compile(r"\b(?:clone_flags|flags): ([A-Z0-9_|]+)")
_WORD = re.compile(r"[a-z_][a-z0-9_]*")


def read_perf(lines: Iterable[str], hints: Hints) -> Trace:
    """Names alone, but for the flags of ``clone``: perf shortens constants as it likes."""
    counts = Counts(hints)
    for line in lines:
        found = PERF.match(line)
        if found is None:
            counts.unread += bool(line.strip())
            continue
        if found["name"] is None:
            continue
        flags = _PERF_CLONE.search(found["args"]) if found["name"] == "clone" else None
        words = flags[1].split("|") if flags is not None else []
        _seen(counts, "", found["name"], ("|".join(f"CLONE_{word}" for word in words),))
    return counts.trace(TraceForm.PERF)


def read_audit(lines: Iterable[str], hints: Hints) -> Trace:
    """Records of ``SYSCALL``, with their first four arguments, and of ``SECCOMP``, without."""
    counts = Counts(hints)
    for line in lines:
        found = AUDIT.match(line)
        if found is None:
            continue  # a log holds much else
        fields = {key: value.strip('"') for key, value in _FIELD.findall(line)}
        names = hints.names.get(_ARCHITECTURES.get(fields.get("arch", ""), ""), {})
        call = found["call"]
        name = names.get(int(call), call) if call.isdecimal() and len(call) < 6 else call  # noqa: PLR2004
        arguments = [fields.get(f"a{position}", "") for position in range(4)]
        shown = [f"0x{item}" if _HEX.fullmatch(item) else "" for item in arguments]
        executable = fields.get("exe", "")
        if executable.startswith("/"):
            counts.start(executable)
        else:
            executable = ""
        refused = fields.get("exit") == _ENOSYS
        _seen(counts, executable, name, tuple(shown), refused=refused)
    return counts.trace(TraceForm.AUDIT)


def read_list(lines: Iterable[str], hints: Hints) -> Trace:
    """Names, or the table that ``strace -c`` ends with."""
    counts = Counts(hints)
    for line in lines:
        text = line.partition("#")[0]
        row = _SUMMARY.match(text)
        if row is not None:
            _seen(counts, "", row["name"])
            continue
        if LIST.match(text) is None:
            continue
        for word in _WORD.findall(text):
            _seen(counts, "", word)
    return counts.trace(TraceForm.LIST)


def _seen(
    counts: Counts,
    executable: str,
    name: str,
    arguments: tuple[str, ...] = (),
    *,
    refused: bool = False,
) -> None:
    """Count a call, unless it is one that a loader makes in every program.

    Nothing here tells where start-up ends, so that such a name says nothing of the program; a
    call whose arguments are shown, and decide, still does.
    """
    argued = name in counts.hints.argued and any(arguments)
    if name in counts.hints.start_up and not (
        argued and name not in {"mmap", "mprotect", "openat"}
    ):
        counts.start_up += 1
        return
    counts.add(executable, name, arguments if argued else (), refused=refused)
