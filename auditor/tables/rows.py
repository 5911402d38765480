"""The rows of ``signatures/`` as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from auditor.model.facts import ElfFacts
from auditor.model.inventory import Component, ComponentKind, RuntimeKind
from auditor.model.terms import Need, Support

if TYPE_CHECKING:  # these modules are made of the rows below
    from auditor.tables.apis import Apis
    from auditor.tables.catalog import Catalog
    from auditor.tables.hosts import Hosts
    from auditor.tables.interfaces import Interfaces
    from auditor.tables.languages import LanguageRow
    from auditor.tables.launchers import LauncherRow
    from auditor.tables.settings import SettingRow
    from auditor.tables.support import Levels
    from auditor.tables.syscalls import SyscallTables

__all__ = [
    "CapabilityRow",
    "RuntimeRow",
    "Source",
    "SupportRow",
    "SymbolRow",
    "Tables",
    "TargetRow",
    "ToolchainLibrary",
    "WrapperRow",
]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a fact was read, and when."""

    id: str
    title: str
    url: str
    as_of: str
    """ISO date of the copy that was read."""
    licence: str
    attribution: str | None = None
    """The words that its licence asks to be kept."""


@dataclass(frozen=True, slots=True)
class CapabilityRow:
    """What a program may ask of its platform."""

    name: str
    title: str
    summary: str
    """A sentence for someone who has never heard of WASI."""
    why: str
    """Why it matters to WebAssembly."""
    remedy: str
    """What usually helps, as an instruction."""
    interface: str | None
    """The host interface that takes its place (``wasi:sockets``), if any."""
    need: Need
    effort: int
    """Points to do without it: 0 nothing, 1 flag, 3 local change, 5 redesign of a part,
    8 re-architecture, 13 not known."""
    source: str
    reason: str | None = None
    """Why the need is what it is, where it was not measured."""


@dataclass(frozen=True, slots=True)
class TargetRow:
    """A platform profile."""

    id: str
    title: str
    summary: str
    headline: bool
    """Whether the headline verdict may speak of it (DESIGN law 10)."""
    breadth: int
    """Number of runtimes that run it, for ties."""
    runtimes: tuple[str, ...]
    toolchain: str
    """What rebuilds a C program for it: compiler and triple."""
    import_modules: tuple[str, ...]
    """Import module names (``wasi_snapshot_preview1``) or prefixes ending in ``*`` that a
    WebAssembly binary built for it may use."""
    import_functions: frozenset[str]
    """Where the modules' functions are a closed list: their names; else empty."""
    adapter_from: tuple[str, ...]
    """Targets whose binaries run here through an adapter that exists."""
    source: str


@dataclass(frozen=True, slots=True)
class SupportRow:
    """What one target offers for one symbol or capability."""

    level: Support
    note: str
    flags: tuple[str, ...]
    """Compile and link flags that it takes."""
    source: str
    """Id of a ``Source``."""
    as_of: str
    file: str
    """File below ``signatures/``."""
    key: str


@dataclass(frozen=True, slots=True)
class SymbolRow:
    """A libc function, under its canonical name."""

    name: str
    capability: str
    need: Need
    """The capability's own, unless this row overrides it."""
    source: str


@dataclass(frozen=True, slots=True)
class ToolchainLibrary:
    """A library that the target's toolchain brings, so that its own imports do not count."""

    soname: str
    """With ``*`` for versions: ``libc.so.*``."""
    title: str
    source: str


@dataclass(frozen=True, slots=True)
class RuntimeRow:
    """A language runtime, and how it is known."""

    id: str
    title: str
    language: str
    swap: str
    """Id of the runtime whose builds can take its place: itself, or one for the same language."""
    kind: RuntimeKind
    """``INTERPRETER``, or what the row's files are."""
    entry_functions: tuple[str, ...]
    """Functions that only its own launcher imports, or that only it exports. Any of them."""
    most_code: int
    """Bytes of code of the largest executable that is still its launcher when it imports one of
    these: a larger one embeds the runtime. 0 for any size."""
    marks: tuple[str, ...]
    """Contents, in Latin-1. All of them. What else the row names must be there too."""
    pattern: str
    """Regular expression over the contents, looked for where the marks are."""
    library_functions: tuple[str, ...]
    """Exports of a shared library that is the runtime itself. Any of them."""
    files: tuple[str, ...]
    """Globs of other files that show it; ``marks`` must be in them."""
    command_pattern: str
    """Regular expression for the whole base name that a first line asks for; empty for none."""
    version: tuple[str, ...]
    """Regular expressions over the contents, tried in order; group 1 is the version."""
    series: tuple[str, ...]
    """The same for what the version must begin with; groups are joined by dots."""
    vendor: str
    """The same for who built it."""
    source: str


@dataclass(frozen=True, slots=True)
class WrapperRow:
    """A program whose arguments hold another command line (``tini -- nginx``)."""

    name: str
    value_options: tuple[str, ...]
    """Options that take the next word as their value."""
    operands: int
    """Words of its own before the command (``gosu USER command``)."""
    assignments: bool
    """Whether ``NAME=value`` words come before the command (``env``)."""
    after: tuple[str, ...]
    """Words that the command follows (``-exec``); empty where it simply comes next."""
    replaces: bool
    """Hands its process over, so that nothing of it stays."""
    source: str


@dataclass(frozen=True, slots=True)
class Tables:
    """All tables, validated. Made by ``auditor.tables.load``."""

    digest: str
    """``sha256:…`` over all files, in order of their names."""
    as_of: str
    """The newest date of any source."""
    sources: Mapping[str, Source]
    capabilities: Mapping[str, CapabilityRow]
    targets: Mapping[str, TargetRow]
    """In the order in which reports show them."""
    symbols: Mapping[str, SymbolRow]
    aliases: Mapping[str, str]
    """``__printf_chk`` → ``printf``."""
    toolchain_libraries: tuple[ToolchainLibrary, ...]
    runtimes: tuple[RuntimeRow, ...]
    wrappers: Mapping[str, WrapperRow]
    languages: Mapping[str, LanguageRow]
    """In the order of the file."""
    apis: Mapping[str, Apis]
    """Language (``python``) → what the names of its libraries ask for."""
    launchers: Mapping[str, Mapping[str, LauncherRow]]
    """Language → id → launcher."""
    settings: tuple[SettingRow, ...]
    """In the order of the file."""
    hosts: Hosts
    catalog: Catalog
    syscalls: SyscallTables
    interfaces: Interfaces
    capability_levels: Mapping[str, Mapping[str, SupportRow]]
    """Target → capability → row; every pair is there."""
    symbol_levels: Mapping[str, Levels] = field(repr=False)
    """Target → canonical symbol → row; a pair without knowledge is not there."""
    overlay: tuple[str, ...] = ()
    """Files that were added or put over the shipped ones, sorted."""

    def symbol(self, name: str) -> SymbolRow | None:
        """The row for a function as an ELF file names it, aliases folded."""
        return self.symbols.get(self.canonical(name))

    def canonical(self, name: str) -> str:
        """The canonical name of a function (``__open64_2`` → ``open``)."""
        return self.aliases.get(name, name)

    def is_compiled(self, runtime: str) -> bool:
        """Whether a runtime is linked into the programs of its language."""
        return any(row.id == runtime and row.kind is RuntimeKind.COMPILED for row in self.runtimes)

    def is_toolchain_library(self, soname: str | None) -> bool:
        """Whether every target's toolchain brings a library of that soname."""
        return soname is not None and any(
            fnmatchcase(soname, row.soname) for row in self.toolchain_libraries
        )

    def is_toolchain_component(self, component: Component) -> bool:
        """Whether a library is one of those, by its soname, or by its file's where it has none.

        musl's C library has no soname.
        """
        if not isinstance(component.facts, ElfFacts):
            return False
        name = component.facts.soname or PurePosixPath(component.path).name
        return component.kind is ComponentKind.LIBRARY and self.is_toolchain_library(name)

    def symbol_support(self, target: str, name: str) -> SupportRow | None:
        """What a target offers for one function; ``None`` where nothing is known."""
        return self.symbol_levels[target].get(self.canonical(name))
