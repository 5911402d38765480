"""``strace`` output, as ``-f`` and ``-o`` write it, with or without times (strace(1))."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from auditor.formats.trace_counts import Counts, Hints, Key
from auditor.model.trace import Trace, TraceForm

__all__ = ["STRACE", "read_strace"]

STRACE = re.compile(
    r"(?:\[pid\s+(?P<tagged>\d+)\]\s*|(?P<pid>\d+)\s+)?"
    r"(?:\d\d:\d\d:\d\d(?:\.\d+)?\s+|\d+\.\d+\s+)?(?:\(\+\s*[\d.]+\)\s+)?"
    r"(?:\[[0-9a-f]{8,16}\]\s+)?"
    r"(?:<\.\.\. (?P<resumed>\w+) resumed>(?P<rest>.*)|(?P<name>[a-z_][a-z0-9_]*)\((?P<args>.*))"
)
"""One call; ``rest`` and ``args`` run to the end of the line."""
_ASIDE = re.compile(r"(?:\[pid\s+\d+\]\s*|\d+\s+)?(?:[\d:.]+\s+)?(?:---|\+\+\+|strace:|>| >|\))")
"""Signals, exits, stacks, and what strace says of itself."""
_RESULT = re.compile(r"=\s+(-?\d+|0x[0-9a-f]+|\?)(?:<[^>]*>)?(?:\s+(E[A-Z0-9]+)\b)?[^=]*$")
_UNFINISHED = "<unfinished ...>"
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_CONSTANT = re.compile(r"[A-Z_][A-Z0-9_]{2,}|0x[0-9a-f]{1,8}|0")
"""A number of more than 32 bits is an address."""
_FLAGS = re.compile(r"\bflags=([A-Z0-9_|x]+)")
_LOADED = re.compile(r"\.so(?:\.[\w.-]+)?$|/ld\.so\.(?:cache|preload)$|/ld-musl-[\w.-]+\.path$")
_NAME_SERVICE = "/var/run/nscd/socket"
"""glibc asks there for users and hosts before it looks itself (nscd(8))."""
_CLONES = frozenset({"clone", "clone3", "fork", "vfork"})
_EXECS = frozenset({"execve", "execveat"})
_MOST_PROCESSES = 200_000
_MOST_ORPHANED = 1000
_ARGUMENTS = 6


@dataclass(slots=True)
class _Process:
    executable: str = ""
    own: bool = False
    """Whether it executed the program itself, and was not forked from it."""
    starting: bool = False
    """Whether nothing but the loader has run yet."""
    pending: str = ""
    """Arguments of an ``execve`` that has not come back."""
    socket: Key | None = None
    """The key of the last socket that was made."""
    orphaned: list[Key] = field(default_factory=list)
    """Calls that were seen before its parent's ``clone`` came back."""


def read_strace(lines: Iterable[str], hints: Hints) -> Trace:
    """All calls of all processes. A child's calls before ``execve`` are its parent's program's."""
    reader = _Reader(Counts(hints))
    for line in lines:
        if line.strip():
            reader.read(line)
    return reader.counts.trace(TraceForm.STRACE)


class _Reader:
    def __init__(self, counts: Counts) -> None:
        self.counts = counts
        self.processes: dict[str, _Process] = {}

    def read(self, line: str) -> None:
        found = STRACE.match(line)
        if found is None:
            self.counts.unread += _ASIDE.match(line) is None
            return
        pid = found["tagged"] or found["pid"] or ""
        process = self._process(pid)
        if found["resumed"] is not None:
            self._resumed(process, found["resumed"], found["rest"])
        else:
            self._called(process, found["name"], found["args"])

    def _process(self, pid: str) -> _Process:
        process = self.processes.get(pid)
        if process is None:
            if len(self.processes) >= _MOST_PROCESSES:
                self.processes.clear()
            process = self.processes[pid] = _Process()
        return process

    def _called(self, process: _Process, name: str, text: str) -> None:
        result = _RESULT.search(text)
        error = result[2] if result is not None else None
        if name in _EXECS:
            process.pending = text
            if process.executable:
                self._count(process, name, text, error)
            if error is None and not text.endswith(_UNFINISHED):
                self._executed(process)
            return
        if process.starting and self._loads(name, text):
            self.counts.start_up += 1
            return
        process.starting = False
        if name == "connect" and _NAME_SERVICE in text:
            if process.socket is not None:
                self.counts.calls[process.socket] -= 1
                process.socket = None
            self.counts.start_up += 1
            return
        key = self._count(process, name, text, error)
        if name == "socket":
            process.socket = key
        if name in _CLONES and result is not None and error is None:
            self._forked(process, result[1])

    def _resumed(self, process: _Process, name: str, rest: str) -> None:
        result = _RESULT.search(rest)
        if result is None or result[2] is not None:
            return
        if name in _EXECS:
            self._executed(process)
        elif name in _CLONES:
            self._forked(process, result[1])

    def _forked(self, parent: _Process, pid: str) -> None:
        child = self._process(pid)
        if not child.executable:
            child.executable = parent.executable
            for key in child.orphaned:
                self.counts.move(key, parent.executable)
            child.orphaned.clear()

    def _executed(self, process: _Process) -> None:
        path = _STRING.match(process.pending.lstrip())
        before = process.executable
        if before and process.own:
            self.counts.handed.add(before)
        process.executable = _unescaped(path[1]) if path is not None else ""
        process.own = process.starting = True
        process.pending = ""
        process.socket = None
        self.counts.start(process.executable, before or None)

    def _loads(self, name: str, text: str) -> bool:
        """Whether it is a call that the loader makes before the program begins."""
        if name not in self.counts.hints.start_up:
            return False
        if name in {"open", "openat"}:
            path = _STRING.search(text)
            return path is not None and _LOADED.search(path[1]) is not None
        # The loader reads what it opened; standard input is the program's.
        return not (name in {"read", "pread64"} and re.match(r"[012]\b", text))

    def _count(self, process: _Process, name: str, text: str, error: str | None) -> Key | None:
        arguments: tuple[str, ...] = ()
        pointed: tuple[str, ...] = ()
        if name in self.counts.hints.argued:
            arguments, pointed = _decisive(name, text)
        refused = error == "ENOSYS"
        key = self.counts.add(process.executable, name, arguments, pointed, refused=refused)
        if key is not None and not process.executable and len(process.orphaned) < _MOST_ORPHANED:
            process.orphaned.append(key)
        return key


def _decisive(name: str, text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The constants among the arguments. ``clone`` is shown by name, not by position."""
    flags = _FLAGS.search(text)
    if name == "clone":
        return (flags[1] if flags is not None else "",), ()
    if name == "clone3":
        return (), (flags[1] if flags is not None else "",)
    return tuple(_constants(item) for item in _split(text)), ()


def _constants(text: str) -> str:
    """``O_RDONLY|O_CLOEXEC`` as it stands; nothing for addresses, strings and structures."""
    words = text.split("|")
    return "|".join(words) if all(_CONSTANT.fullmatch(word) for word in words) else ""


def _split(text: str) -> list[str]:
    """The first six arguments, as written."""
    found: list[str] = []
    start = depth = position = 0
    while position < len(text) and len(found) < _ARGUMENTS:
        char = text[position]
        if char == '"':
            quoted = _STRING.match(text, position)
            position = quoted.end() if quoted is not None else len(text)
            continue
        if char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
        if (char == "," and depth == 0) or depth < 0:
            found.append(text[start:position].strip())
            start = position + 1
            if depth < 0:
                return found
        position += 1
    return found


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
