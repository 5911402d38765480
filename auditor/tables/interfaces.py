"""``interfaces.toml``: what a component imports for what it asks for."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass

from auditor.tables.checks import Shape, check_source
from auditor.tables.files import Files, complain
from auditor.tables.rows import CapabilityRow, Source

__all__ = ["InterfaceRow", "Interfaces", "load_interfaces"]

FILE = "interfaces.toml"
GRANTS = ("directories", "environment", "tcp", "udp", "names", "")
_PREVIEW_3 = "0.3"
_HTTP = "wasi-http"


@dataclass(frozen=True, slots=True)
class InterfaceRow:
    """Interfaces for some capabilities."""

    capabilities: frozenset[str]
    p2: tuple[str, ...]
    """Of WASI 0.2, without version."""
    p3: tuple[str, ...]
    """Of WASI 0.3."""
    http: tuple[str, ...]
    """Of WASI 0.2, in the HTTP world."""
    grant: str
    """What a host has to be told for it; empty where nothing."""


@dataclass(frozen=True, slots=True)
class Interfaces:
    """All rows, in the order of the file."""

    versions: Mapping[str, str]
    """Target → version of WASI; a target without components is not there."""
    rows: tuple[InterfaceRow, ...]
    source: str

    def of(self, row: InterfaceRow, target: str) -> tuple[str, ...]:
        """A row's interfaces on one target, with their version."""
        version = self.versions[target]
        names = row.p3 if version.startswith(_PREVIEW_3) else row.p2
        names = row.http if target == _HTTP else names
        return tuple(f"{name}@{version}" for name in names)


class _RowShape(Shape, frozen=True):
    capabilities: str
    p2: str
    p3: str
    http: str | None = None
    grant: str = ""


class _FileShape(Shape, frozen=True):
    source: str
    versions: dict[str, str]
    interface: tuple[_RowShape, ...]


def load_interfaces(
    files: Files,
    sources: Mapping[str, Source],
    capabilities: Mapping[str, CapabilityRow],
    targets: Container[str],
) -> Interfaces:
    """Read and validate the file. Raises ``TableError`` for a wrong row."""
    shape = files.toml(FILE, _FileShape)
    check_source(FILE, "source", shape.source, sources)
    for target in shape.versions:
        if target not in targets:
            raise complain(FILE, "versions", f"no target {target!r}")
    taken: set[str] = set()
    for row in shape.interface:
        where = f"the row of {row.capabilities}"
        for name in row.capabilities.split():
            if name not in capabilities:
                raise complain(FILE, where, f"capability {name!r} is not in capabilities.toml")
            if name in taken:
                raise complain(FILE, where, f"{name} stands there twice")
            taken.add(name)
        if row.grant not in GRANTS:
            raise complain(FILE, where, f"grant {row.grant!r} is none of {', '.join(GRANTS)}")
    return Interfaces(
        versions=shape.versions,
        rows=tuple(
            InterfaceRow(
                frozenset(row.capabilities.split()),
                tuple(row.p2.split()),
                tuple(row.p3.split()),
                tuple((row.p2 if row.http is None else row.http).split()),
                row.grant,
            )
            for row in shape.interface
        ),
        source=shape.source,
    )
