"""What the files of ``signatures/`` may hold: unknown keys and wrong kinds are refused."""

from __future__ import annotations

import msgspec

from auditor.model.inventory import RuntimeKind
from auditor.model.terms import Need, Support

__all__ = [
    "CapabilityShape",
    "LevelShape",
    "RuntimeShape",
    "SourceShape",
    "TargetShape",
    "ToolchainShape",
    "WrapperShape",
]


class _Shape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One table of a TOML file."""


class SourceShape(_Shape, frozen=True):
    """``sources.toml``."""

    title: str
    url: str
    as_of: str
    licence: str
    attribution: str | None = None


class CapabilityShape(_Shape, frozen=True):
    """``capabilities.toml``. ``reason`` says why where ``need`` was set by hand."""

    title: str
    summary: str
    why: str
    remedy: str
    need: Need
    effort: int
    source: str
    interface: str | None = None
    reason: str | None = None


class LevelShape(_Shape, frozen=True):
    """One row below ``[support]`` of a target."""

    level: Support
    source: str
    note: str = ""
    flags: tuple[str, ...] = ()


class TargetShape(_Shape, frozen=True):
    """``targets/ID.toml``. With ``extends``, ``support`` states the differences only."""

    title: str
    summary: str
    headline: bool
    order: int
    runtimes: tuple[str, ...]
    toolchain: str
    import_modules: tuple[str, ...]
    source: str
    support: dict[str, LevelShape]
    import_functions: tuple[str, ...] = ()
    adapter_from: tuple[str, ...] = ()
    extends: str | None = None


class ToolchainShape(_Shape, frozen=True):
    """``toolchain_libraries.toml``."""

    title: str
    source: str


class RuntimeShape(_Shape, frozen=True):
    """``runtimes.toml``."""

    title: str
    language: str
    source: str
    runtime: str = ""
    swap: str = ""
    kind: RuntimeKind = RuntimeKind.INTERPRETER
    entry_functions: tuple[str, ...] = ()
    most_code: int = 0
    marks: tuple[str, ...] = ()
    pattern: str = ""
    library_functions: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    command_pattern: str = ""
    version: tuple[str, ...] = ()
    series: tuple[str, ...] = ()
    vendor: str = ""


class WrapperShape(_Shape, frozen=True):
    """``wrappers.toml``."""

    replaces: bool
    source: str
    value_options: tuple[str, ...] = ()
    operands: int = 0
    assignments: bool = False
    after: tuple[str, ...] = ()
