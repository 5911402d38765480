"""``signatures/syscalls/``: what each Linux system call asks for, by name, number and arguments.

Numbers are those of x86-64 and aarch64. All rows are checked at once; the some 2,700 levels become
values when they are asked for, as in ``support``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from auditor.model.terms import Need
from auditor.tables.checks import Shape, check_source
from auditor.tables.files import Files, complain
from auditor.tables.rows import CapabilityRow, Source, SupportRow
from auditor.tables.support import Levels, levels
from auditor.tables.syscall_gates import GateRow, StartupRow, load_gates
from auditor.tables.syscall_rules import RuleRow, load_constants, load_rules

__all__ = ["RuleRow", "SyscallRow", "SyscallTables", "load_syscalls"]

CALLS = "syscalls/syscalls.csv"
LIBRARY = "syscalls/library.toml"
ARCHITECTURES = ("amd64", "arm64")
"""As images name them, in the order of the columns ``x86_64`` and ``aarch64``."""
NOTHING: Mapping[int, int] = MappingProxyType({})

_NEEDS = {need.value: need for need in Need}


@dataclass(frozen=True, slots=True)
class SyscallRow:
    """A system call of Linux, under the kernel's name for it."""

    name: str
    numbers: Mapping[str, int]
    """``amd64``, ``arm64`` → number, where that architecture has the call."""
    capability: str
    need: Need
    """The capability's own, unless this row overrides it."""
    reason: str
    """Why it overrides it, else empty."""
    source: str


@dataclass(frozen=True, slots=True)
class SyscallTables:
    """All system calls, validated. Made by ``load_syscalls``."""

    rows: Mapping[str, SyscallRow]
    names: Mapping[str, Mapping[int, str]] = field(repr=False)
    """``amd64``, ``arm64`` → number → name."""
    rules: Mapping[str, tuple[RuleRow, ...]] = field(repr=False)
    """Name → rules in the order in which they are tried; only calls that have any."""
    constants: Mapping[str, int] = field(repr=False)
    """Constants that rules name (``CLONE_VM``) → value."""
    start_up: frozenset[str]
    """Names of calls that a loader, or the C library's start, makes in every program."""
    within: Mapping[str, frozenset[str]]
    """Capability → those behind which the C library asks for it of its own accord."""
    levels: Mapping[str, Levels] = field(repr=False)
    """Target → name → row; every pair is there."""
    startup: tuple[StartupRow, ...] = ()
    gates: tuple[GateRow, ...] = ()

    def row(self, name: str) -> SyscallRow | None:
        """The row of a call; ``None`` for a name that Linux does not have."""
        return self.rows.get(name)

    def name(self, arch: str, number: int) -> str | None:
        """The call of a number on ``amd64`` or ``arm64``; ``None`` where there is none."""
        return self.names.get(arch, {}).get(number)

    def support(self, target: str, name: str) -> SupportRow:
        """What a target offers for a call. Raises ``KeyError`` for an unknown name of either."""
        return self.levels[target][name]

    def rule(
        self, name: str, arguments: Mapping[int, int], memory: Mapping[int, int] = NOTHING
    ) -> RuleRow | None:
        """The first rule that holds for known arguments, by their position from 0.

        ``memory`` gives, where it is known, the first eight bytes of what an argument points to, as
        a number (``clone3`` takes its flags so). A rule that asks for something unknown is passed
        over.
        """
        for rule in self.rules.get(name, ()):
            if all(condition.holds(arguments, memory) for condition in rule.when):
                return rule
        return None

    def refine(
        self, name: str, arguments: Mapping[int, int], memory: Mapping[int, int] = NOTHING
    ) -> str:
        """The capability that a call with these arguments asks for.

        It is the call's own where no rule holds. Raises ``KeyError`` for an unknown name.
        """
        rule = self.rule(name, arguments, memory)
        return self.rows[name].capability if rule is None else rule.capability


def load_syscalls(
    files: Files,
    sources: Mapping[str, Source],
    capabilities: Mapping[str, CapabilityRow],
    targets: Iterable[str],
) -> SyscallTables:
    """Read and validate ``syscalls/``. Raises ``TableError`` for a wrong row."""
    rows = _calls(files, sources, capabilities)
    constants = load_constants(files, sources)
    start_up, within = _library(files, sources, capabilities, rows)
    startup, gates = load_gates(files, sources, rows)
    return SyscallTables(
        rows=rows,
        names={
            arch: {row.numbers[arch]: name for name, row in rows.items() if arch in row.numbers}
            for arch in ARCHITECTURES
        },
        rules=load_rules(files, sources, capabilities, rows, constants),
        constants=constants,
        start_up=start_up,
        within=within,
        levels={target: _levels(files, target, rows, sources) for target in targets},
        startup=startup,
        gates=gates,
    )


class _WithinShape(Shape, frozen=True):
    capability: str
    behind: str
    reason: str


class _LibraryShape(Shape, frozen=True):
    source: str
    start_up: str
    within: tuple[_WithinShape, ...]


def _library(
    files: Files,
    sources: Mapping[str, Source],
    capabilities: Mapping[str, CapabilityRow],
    calls: Mapping[str, SyscallRow],
) -> tuple[frozenset[str], dict[str, frozenset[str]]]:
    """What the C library does by itself."""
    shape = files.toml(LIBRARY, _LibraryShape)
    check_source(LIBRARY, "source", shape.source, sources)
    start_up = frozenset(shape.start_up.split())
    if unknown := sorted(start_up - calls.keys()):
        raise complain(LIBRARY, "start_up", f"no call {unknown[0]!r} in {CALLS}")
    within: dict[str, frozenset[str]] = {}
    for row in shape.within:
        where = f"within {row.capability}"
        behind = frozenset(row.behind.split())
        for name in (row.capability, *sorted(behind)):
            if name not in capabilities:
                raise complain(LIBRARY, where, f"capability {name!r} is not in capabilities.toml")
        if row.capability in within or not behind or not row.reason:
            raise complain(LIBRARY, where, "stands there twice, or lacks behind or reason")
        within[row.capability] = behind
    return start_up, within


def _calls(
    files: Files, sources: Mapping[str, Source], capabilities: Mapping[str, CapabilityRow]
) -> dict[str, SyscallRow]:
    columns = ("name", "x86_64", "aarch64", "capability", "need", "reason", "source")
    taken: set[tuple[str, int]] = set()
    found: dict[str, SyscallRow] = {}
    for line, (name, x86_64, aarch64, capability, need, reason, source) in files.rows(
        CALLS, columns
    ):
        where = f"line {line}"
        if source not in sources:
            raise complain(CALLS, where, f"source {source!r} is not in sources.toml")
        if capability not in capabilities:
            raise complain(CALLS, where, f"capability {capability!r} is not in capabilities.toml")
        if need and need not in _NEEDS:
            raise complain(CALLS, where, f"need {need!r} is none of {', '.join(_NEEDS)}")
        if bool(need) != bool(reason):
            lack = "without a reason" if need else "is missing, and there is a reason for it"
            raise complain(CALLS, where, f"a need of its own {lack}")
        numbers = _numbers(where, (x86_64, aarch64))
        for pair in numbers.items():
            if pair in taken:
                raise complain(CALLS, where, f"number {pair[1]} of {pair[0]} stands there twice")
            taken.add(pair)
        own = _NEEDS[need] if need else capabilities[capability].need
        found[name] = SyscallRow(name, numbers, capability, own, reason, source)
    return found


def _numbers(where: str, cells: tuple[str, str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for arch, cell in zip(ARCHITECTURES, cells, strict=True):
        if cell:
            if not (cell.isascii() and cell.isdigit()):
                raise complain(CALLS, where, f"{cell!r} is no number")
            found[arch] = int(cell)
    if not found:
        raise complain(CALLS, where, "no architecture has a number for it")
    return found


def _levels(
    files: Files, target: str, calls: Mapping[str, SyscallRow], sources: Mapping[str, Source]
) -> Levels:
    file = f"syscalls/support/{target}.csv"
    found = levels(files, file, "name", CALLS, calls, sources)
    if missing := sorted(calls.keys() - found.keys()):
        raise complain(file, "its rows", f"no row for {', '.join(missing)}")
    return found
