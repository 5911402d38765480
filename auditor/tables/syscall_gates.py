"""``signatures/syscalls/gates.toml``: what narrows a set of system calls, and what is start-up."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

import msgspec

from auditor.tables.files import Files, complain
from auditor.tables.rows import Source

__all__ = ["GateClass", "GateRow", "StartupRow", "load_gates"]

GATES = "syscalls/gates.toml"


class GateClass(StrEnum):
    """What a gate is argued from."""

    API = "api"
    ENVIRONMENT = "environment"
    ABORT = "abort"


@dataclass(frozen=True, slots=True)
class StartupRow:
    """What comes before the program."""

    loaders: tuple[str, ...]
    """Names of the loader's file, with wildcards; empty: an executable without one."""
    calls: tuple[str, ...]
    reason: str
    source: str

    def fits(self, loader: str | None) -> bool:
        """Whether it tells of an executable with that loader."""
        if loader is None:
            return not self.loaders
        name = loader.rsplit("/", 1)[-1]
        return any(fnmatchcase(name, pattern) for pattern in self.loaders)


@dataclass(frozen=True, slots=True)
class GateRow:
    """Functions that are left out until something opens them."""

    name: str
    library: str
    exports: tuple[str, ...]
    strings: tuple[str, ...]
    callees: tuple[str, ...]
    calls: tuple[str, ...]
    called_by: tuple[str, ...]
    fatal: tuple[str, ...]
    only: tuple[str, ...]
    opened_by: tuple[str, ...]
    kind: GateClass
    reason: str
    source: str


class _Startup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    loaders: str
    calls: str
    reason: str
    source: str


class _Gate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    library: str
    opened_by: str
    kind: GateClass = msgspec.field(name="class")
    reason: str
    source: str
    exports: str = ""
    strings: tuple[str, ...] = ()
    callees: str = ""
    calls: str = ""
    called_by: str = ""
    fatal: str = ""
    only: str = ""


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    startup: tuple[_Startup, ...]
    gate: tuple[_Gate, ...]


def load_gates(
    files: Files, sources: Mapping[str, Source], calls: Container[str]
) -> tuple[tuple[StartupRow, ...], tuple[GateRow, ...]]:
    """Both kinds of rows, in the order of the file. Raises ``TableError`` for a wrong one."""
    document = files.toml(GATES, _Document)
    startup = []
    for item in document.startup:
        where = f"startup {item.loaders!r}"
        if wrong := [name for name in item.calls.split() if name not in calls]:
            raise complain(GATES, where, f"no call {wrong[0]!r} in syscalls/syscalls.csv")
        _check(where, item.source, item.reason, sources)
        row = StartupRow(
            tuple(item.loaders.split()), tuple(item.calls.split()), item.reason, item.source
        )
        startup.append(row)
    gates: dict[str, GateRow] = {}
    for gate in document.gate:
        where = f"gate {gate.name}"
        _check(where, gate.source, gate.reason, sources)
        if wrong := [name for name in f"{gate.calls} {gate.only}".split() if name not in calls]:
            raise complain(GATES, where, f"no call {wrong[0]!r} in syscalls/syscalls.csv")
        if gate.name in gates:
            raise complain(GATES, where, "stands there twice")
        signs = (gate.exports, gate.strings, gate.callees, gate.calls, gate.called_by, gate.fatal)
        if not any(signs):
            raise complain(GATES, where, "nothing tells which functions it holds back")
        gates[gate.name] = GateRow(
            name=gate.name,
            library=gate.library,
            exports=tuple(gate.exports.split()),
            strings=gate.strings,
            callees=tuple(gate.callees.split()),
            calls=tuple(gate.calls.split()),
            called_by=tuple(gate.called_by.split()),
            fatal=tuple(gate.fatal.split()),
            only=tuple(gate.only.split()),
            opened_by=tuple(gate.opened_by.split()),
            kind=gate.kind,
            reason=gate.reason,
            source=gate.source,
        )
    return tuple(startup), tuple(gates.values())


def _check(where: str, source: str, reason: str, sources: Mapping[str, Source]) -> None:
    if source not in sources:
        raise complain(GATES, where, f"source {source!r} is not in sources.toml")
    if not reason:
        raise complain(GATES, where, "no reason is given")
