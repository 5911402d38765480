"""The compiled form of the tables, in the user's cache: made by a full load, never shipped.

It is msgpack, decoded straight into the rows. Its name covers names and contents of the files of
``signatures/`` and of an overlay, and the modules that read them: where a byte of either changes,
there is no compiled form, and the next load makes one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import msgspec

from auditor.cache import cache_directory, keep_newest, recall, remember
from auditor.tables.apis import Apis
from auditor.tables.catalog import Catalog
from auditor.tables.hosts import Hosts
from auditor.tables.interfaces import Interfaces
from auditor.tables.languages import LanguageRow
from auditor.tables.launchers import LauncherRow
from auditor.tables.rows import (
    CapabilityRow,
    RuntimeRow,
    Source,
    SupportRow,
    SymbolRow,
    Tables,
    TargetRow,
    ToolchainLibrary,
    WrapperRow,
)
from auditor.tables.settings import SettingRow
from auditor.tables.support import Levels, Offer
from auditor.tables.syscalls import SyscallTables

__all__ = ["find", "keep"]

FORMAT = 1
KEPT = 8
"""Compiled forms that stay: for the shipped tables, and some with an overlay."""


class _Packed(msgspec.Struct, array_like=True, frozen=True):
    """``Levels`` of one target, without the symbols: some 3,400, the same for all targets."""

    file: str
    offers: tuple[Offer, ...]
    places: tuple[int, ...]
    """For each symbol the index of its offer, -1 where it has none."""

    @classmethod
    def of(cls, levels: Levels, symbols: Iterable[str]) -> _Packed:
        places = tuple(levels.places.get(symbol, -1) for symbol in symbols)
        return cls(levels.file, levels.offers, places)

    def levels(self, symbols: Iterable[str]) -> Levels:
        pairs = zip(symbols, self.places, strict=True)
        return Levels(
            self.file, self.offers, {symbol: place for symbol, place in pairs if place >= 0}
        )


class _Form(msgspec.Struct, array_like=True, frozen=True):
    """The fields of ``Tables``, of the same names, with the types that their values have.

    Only ``symbol_levels`` is stored in another shape.
    """

    digest: str
    as_of: str
    sources: dict[str, Source]
    capabilities: dict[str, CapabilityRow]
    targets: dict[str, TargetRow]
    symbols: dict[str, SymbolRow]
    aliases: dict[str, str]
    toolchain_libraries: tuple[ToolchainLibrary, ...]
    runtimes: tuple[RuntimeRow, ...]
    wrappers: dict[str, WrapperRow]
    languages: dict[str, LanguageRow]
    apis: dict[str, Apis]
    launchers: dict[str, dict[str, LauncherRow]]
    settings: tuple[SettingRow, ...]
    hosts: Hosts
    catalog: Catalog
    syscalls: SyscallTables
    interfaces: Interfaces
    capability_levels: dict[str, Mapping[str, SupportRow]]
    symbol_levels: dict[str, _Packed]


def find(digest: str) -> Tables | None:
    """The tables of that digest. ``None`` where there is no compiled form to trust."""
    path = _path(digest)
    content = None if path is None else recall(path)
    if content is None:
        return None
    try:
        form = msgspec.msgpack.decode(content, type=_Form)
    except msgspec.DecodeError:
        return None
    fields = msgspec.structs.asdict(form)
    levels = {name: packed.levels(form.symbols) for name, packed in form.symbol_levels.items()}
    return Tables(**{**fields, "symbol_levels": levels})


def keep(tables: Tables) -> None:
    """Write the compiled form of validated tables, and let go of the oldest."""
    path = _path(tables.digest)
    if path is None:
        return
    fields = {name: getattr(tables, name) for name in _Form.__struct_fields__}
    levels = {name: _Packed.of(own, tables.symbols) for name, own in tables.symbol_levels.items()}
    remember(path, msgspec.msgpack.encode(_Form(**{**fields, "symbol_levels": levels})))
    keep_newest(path.parent, KEPT)


def _path(digest: str) -> Path | None:
    reader = _reader()
    directory = cache_directory("tables") if reader else None
    if directory is None:
        return None
    name = hashlib.sha256(f"{FORMAT} {reader} {digest}".encode()).hexdigest()
    return directory / f"{name}.msgpack"


@cache
def _reader() -> str | None:
    """A digest of this room's modules; ``None`` where they are installed without their source.

    It says more than the auditor's version, which stays the same while a checkout changes.
    """
    hasher = hashlib.sha256()
    modules = sorted(Path(__file__).parent.glob("*.py"))
    try:
        for path in modules:
            hasher.update(path.read_bytes())
    except OSError:
        return None
    return hasher.hexdigest() if modules else None
