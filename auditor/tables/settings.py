"""``settings.toml``: settings that decide what a program asks for, and where they are written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from auditor.model.settings import Unit
from auditor.model.terms import Need
from auditor.tables.checks import Shape, check_source
from auditor.tables.files import Files, complain
from auditor.tables.rows import CapabilityRow, Source

__all__ = ["FILE", "Number", "SettingRow", "load_settings"]

FILE = "settings.toml"


class Number(StrEnum):
    """How a value is written."""

    JVM = "jvm"
    """Bytes; ``k``, ``m``, ``g`` and ``t`` are powers of 1024, in either case."""
    REDIS = "redis"
    """Bytes; ``k`` is 1000 and ``kb`` 1024, and so on, in either case."""
    POSTGRESQL = "postgresql"
    """Blocks of 8 KiB, or ``B``, ``kB``, ``MB``, ``GB``, ``TB`` in powers of 1024."""
    MEBIBYTES = "mebibytes"
    COUNT = "count"
    PERCENT = "percent"

    @property
    def unit(self) -> Unit:
        """What the value counts."""
        match self:
            case Number.COUNT:
                return Unit.COUNT
            case Number.PERCENT:
                return Unit.PERCENT
            case _:
                return Unit.BYTES


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting; see the head of the file for what each field means."""

    name: str
    title: str
    programs: tuple[str, ...]
    after_program: bool
    prefixes: tuple[str, ...]
    options: tuple[str, ...]
    texts: tuple[str, ...]
    variables: tuple[str, ...]
    files: tuple[str, ...]
    line: str
    number: Number
    deciding: tuple[str, ...]
    above: int | None
    capability: str | None
    need: Need | None
    source: str


class _SettingShape(Shape, frozen=True):
    title: str
    programs: tuple[str, ...]
    number: Number
    source: str
    after_program: bool = False
    prefixes: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    line: str = ""
    deciding: tuple[str, ...] = ()
    above: int | None = None
    capability: str | None = None
    need: Need | None = None


def load_settings(
    files: Files, sources: Mapping[str, Source], capabilities: Mapping[str, CapabilityRow]
) -> tuple[SettingRow, ...]:
    """The rows in the order of the file. Raises ``RowError`` for a wrong one."""
    return tuple(
        _setting(name, shape, sources, capabilities)
        for name, shape in files.toml_tables(FILE, _SettingShape).items()
    )


def _setting(
    name: str,
    shape: _SettingShape,
    sources: Mapping[str, Source],
    capabilities: Mapping[str, CapabilityRow],
) -> SettingRow:
    where = f"[{name}]"
    check_source(FILE, where, shape.source, sources)
    if shape.capability is not None and shape.capability not in capabilities:
        raise complain(FILE, where, f"capability {shape.capability!r} is not in capabilities.toml")
    if len({asks is None for asks in (shape.capability, shape.above, shape.need)}) > 1:
        raise complain(FILE, where, "above, capability and need go together")
    if not shape.programs:
        raise complain(FILE, where, "programs is empty")
    if bool(shape.files) != bool(shape.line):
        raise complain(FILE, where, "files and line go together")
    try:
        if shape.line and re.compile(shape.line).groups != 1:
            raise complain(FILE, where, "line has not one group")
    except re.error as error:
        raise complain(FILE, where, f"line: {error}") from None
    return SettingRow(
        name=name,
        title=shape.title,
        programs=shape.programs,
        after_program=shape.after_program,
        prefixes=shape.prefixes,
        options=shape.options,
        texts=shape.texts,
        variables=shape.variables,
        files=shape.files,
        line=shape.line,
        number=shape.number,
        deciding=shape.deciding,
        above=shape.above,
        capability=shape.capability,
        need=shape.need,
        source=shape.source,
    )
