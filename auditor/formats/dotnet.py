"""Managed assemblies → facts: what each method calls, read from its byte code (ECMA-335, III).

A unit is a method (``Acme.Shop.Program.Main``, a constructor ``.new``) or a type. What lies in
another assembly is named with it: ``System.Console!System.Console.WriteLine``.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from auditor.formats import FormatError
from auditor.formats.dotnet_metadata import LARGEST, Metadata, parse_metadata
from auditor.model.source import SourceFacts, Unit, Use, UseKind

__all__ = ["LARGEST", "NATIVE", "AssemblyFacts", "parse_assembly"]

NATIVE = "native!"
"""A function of a native library (P/Invoke), in the place of an assembly: ``native!libc.fork``."""

_TYPE_REF, _TYPE_DEF, _METHOD, _MEMBER = 0x01, 0x02, 0x06, 0x0A
_MODULE_REF, _TYPE_SPEC, _IMPL_MAP, _ASSEMBLY = 0x1A, 0x1B, 0x1C, 0x20
_ASSEMBLY_REF, _NESTED, _METHOD_SPEC = 0x23, 0x29, 0x2B
_DEEP = 6
"""Types inside of each other."""
_NAMES = {".ctor": "new", ".cctor": "static"}
_CALLS = {0x27: True, 0x28: True, 0x6F: True, 0x73: True, 0xFE06: False, 0xFE07: False}
"""jmp, call, callvirt, newobj call; ldftn and ldvirtftn pass on."""
_VIRTUAL = frozenset({0x6F, 0xFE07})
_SIZES = {
    **dict.fromkeys((*range(0x0E, 0x14), 0x1F, *range(0x2B, 0x38), 0xDE), 1),
    **dict.fromkeys((0x20, 0x22, *range(0x27, 0x2A), *range(0x38, 0x45)), 4),
    **dict.fromkeys((*range(0x6F, 0x76), 0x79, *range(0x7B, 0x82), 0x8C, 0x8D, 0x8F), 4),
    **dict.fromkeys((0xA3, 0xA4, 0xA5, 0xC2, 0xC6, 0xD0, 0xDD), 4),
    **dict.fromkeys((0x21, 0x23), 8),
    **dict.fromkeys((0xFE06, 0xFE07, 0xFE15, 0xFE16, 0xFE1C), 4),
    **dict.fromkeys(range(0xFE09, 0xFE0F), 2),
    **dict.fromkeys((0xFE12, 0xFE19), 1),
}
"""Bytes of an instruction's operand, where it has one (III, table of opcodes)."""
_SWITCH = 0x45
_LOADS = (
    "System.Reflection.Assembly.Load",
    "System.Runtime.Loader.AssemblyLoadContext.LoadFrom",
    "System.Reflection.Emit.",
)
"""What brings code along that is not there to be read."""


@dataclass(frozen=True, slots=True)
class AssemblyFacts:
    """One assembly."""

    facts: SourceFacts
    name: str
    entry: str
    """The unit that it starts with; empty for a library."""
    references: tuple[str, ...]
    """Names of the assemblies that it refers to."""


@dataclass(slots=True)
class _Draft:
    """A unit while it is read."""

    name: str
    size: int = 0
    is_class: bool = False
    uses: dict[Use, None] = field(default_factory=dict)


def parse_assembly(data: bytes) -> AssemblyFacts:
    """Read an assembly. Raises ``FormatError``."""
    return _Reader(parse_metadata(data)).read()


@dataclass(slots=True)
class _Reader:
    metadata: Metadata
    types: dict[int, str] = field(default_factory=dict)
    """Index of a type → its name."""
    owners: dict[int, int] = field(default_factory=dict)
    """Index of a method → that of its type."""
    drafts: dict[str, _Draft] = field(default_factory=lambda: {"": _Draft("")})
    natives: dict[int, str] = field(default_factory=dict)
    """Index of a method that is a function of a native library → its name. It counts where it is
    called: declaring it asks for nothing."""
    statics: set[str] = field(default_factory=set)
    """Static constructors."""
    errors: int = 0
    code: int = 0
    """Bytes of the methods with a long header, which may share their code."""

    def read(self) -> AssemblyFacts:
        """The facts of the assembly."""
        tables = self.metadata.tables
        nested = {row[0]: row[1] for row in tables.get(_NESTED, [])}
        for index in range(1, len(tables.get(_TYPE_DEF, [])) + 1):
            self.types[index] = self._type_name(index, nested)
        self._natives()
        self._own_methods()
        for index, row in enumerate(tables.get(_TYPE_DEF, []), 1):
            self._type(index, row)
        for index, row in enumerate(tables.get(_METHOD, []), 1):
            self._method(index, row)
        size = len(self.metadata.data)
        self.drafts[""].size = max(size - sum(draft.size for draft in self.drafts.values()), 0)
        units = tuple(
            Unit(draft.name, 0, draft.size, tuple(draft.uses), draft.is_class)
            for draft in self.drafts.values()
        )
        facts = SourceFacts("dotnet", size, units, errors=self.errors)
        named = tables.get(_ASSEMBLY, [])
        name = self.metadata.string(named[0][7]) if named else ""
        entry = self.metadata.entry
        start = self._unit(entry & 0xFFFFFF) if entry >> 24 == _METHOD else ""
        references = tuple(self.metadata.string(row[6]) for row in tables.get(_ASSEMBLY_REF, []))
        return AssemblyFacts(facts, name, start, references)

    def _type_name(self, index: int, nested: dict[int, int]) -> str:
        parts: list[str] = []
        for _ in range(_DEEP):
            row = self.metadata.row(_TYPE_DEF, index)
            if row is None:
                break
            space, name = self.metadata.string(row[2]), self.metadata.string(row[1])
            parts.append(f"{space}.{name}" if space else name)
            if index not in nested:
                break
            index = nested[index]
        return "+".join(reversed(parts))

    def _own_methods(self) -> None:
        """Each type's methods go from its first to the next type's first."""
        rows = self.metadata.tables.get(_TYPE_DEF, [])
        last = len(self.metadata.tables.get(_METHOD, [])) + 1
        start = 1
        for index, row in enumerate(rows, 1):
            end = rows[index][5] if index < len(rows) else last
            first, start = max(row[5], start), max(end, start)
            for method in range(first, min(end, last)):
                self.owners.setdefault(method, index)
                found = self.metadata.row(_METHOD, method)
                if found is not None and self.metadata.string(found[3]) == ".cctor":
                    self.statics.add(self._unit(method))

    def _natives(self) -> None:
        for row in self.metadata.tables.get(_IMPL_MAP, []):
            module = self.metadata.row(_MODULE_REF, row[3])
            if row[1] >> 24 == _METHOD and module is not None:
                library = self.metadata.string(module[0]).replace(".", "-")
                name = self.metadata.string(row[2])
                self.natives[row[1] & 0xFFFFFF] = f"{NATIVE}{library}.{name}"

    def _unit(self, method: int) -> str:
        row = self.metadata.row(_METHOD, method)
        if row is None:
            return ""
        name = self.metadata.string(row[3])
        owner = self.types.get(self.owners.get(method, 0), "")
        return f"{owner}.{_NAMES.get(name, name).replace('.', '-')}"

    def _type(self, index: int, row: tuple[int, ...]) -> None:
        name = self.types[index]
        draft = self.drafts.setdefault(name, _Draft(name, is_class=True))
        if f"{name}.static" in self.statics:
            draft.uses[Use(UseKind.LOCAL, f"{name}.static", 0, called=True)] = None
        base = self._referred(row[3])
        if base:
            kind = UseKind.NAME if "!" in base else UseKind.LOCAL
            draft.uses[Use(kind, base, 0, called=True)] = None

    def _referred(self, token: int) -> str:
        """The name of a type by its token; of another assembly with ``!``."""
        names: list[str] = []
        for _ in range(_DEEP):
            table, index = token >> 24, token & 0xFFFFFF
            if table == _TYPE_DEF:
                return self.types.get(index, "")
            row = self.metadata.row(table, index)
            if row is None:
                return ""
            if table == _TYPE_SPEC:
                token = _generic(self.metadata.blob(row[0]))
            elif table == _TYPE_REF:
                space, name = self.metadata.string(row[2]), self.metadata.string(row[1])
                names.append(f"{space}.{name}" if space else name)
                token = row[0]
            elif table == _ASSEMBLY_REF:
                return f"{self.metadata.string(row[6])}!{'+'.join(reversed(names))}"
            else:
                return ""
        return ""

    def _method(self, index: int, row: tuple[int, ...]) -> None:
        name = self._unit(index)
        draft = self.drafts.setdefault(name, _Draft(name))
        if row[0] == 0 or row[1] & 3:
            return
        try:
            code = self._code(row[0])
            draft.size += len(code)
            for instruction, token in _tokens(code):
                self._call(draft, instruction, token)
        except (FormatError, struct.error, IndexError):
            self.errors += 1

    def _code(self, address: int) -> bytes:
        data, at = self.metadata.data, self.metadata.offset(address)
        if data[at] & 3 == 2:  # noqa: PLR2004 - a tiny header
            return data[at + 1 : at + 1 + (data[at] >> 2)]
        words, size = struct.unpack_from("<HxxI", data, at)
        start = at + (words >> 12) * 4
        self.code += size
        if self.code > len(data):
            raise FormatError("its methods have more code than the file")
        return data[start : start + size]

    def _call(self, draft: _Draft, instruction: int, token: int) -> None:
        called = _CALLS[instruction]
        if token >> 24 == _METHOD_SPEC:
            spec = self.metadata.row(_METHOD_SPEC, token & 0xFFFFFF)
            token = spec[0] if spec is not None else 0
        if token >> 24 == _METHOD and token & 0xFFFFFF in self.natives:
            kind, name = UseKind.NAME, self.natives[token & 0xFFFFFF]
        elif token >> 24 == _METHOD:
            kind, name = UseKind.LOCAL, self._unit(token & 0xFFFFFF)
        else:
            kind, name = self._member(token)
        if not name:
            return
        if name.partition("!")[2].startswith(_LOADS):
            draft.uses[Use(UseKind.DYNAMIC, name.partition("!")[2], 0)] = None
        draft.uses[Use(kind, name, 0, called=called)] = None
        if instruction in _VIRTUAL:
            member = Use(UseKind.MEMBER, name.rpartition(".")[2], 0, called=called)
            draft.uses[member] = None

    def _member(self, token: int) -> tuple[UseKind, str]:
        row = self.metadata.row(_MEMBER, token & 0xFFFFFF) if token >> 24 == _MEMBER else None
        owner = "" if row is None else self._referred(row[0])
        if row is None or not owner:
            return UseKind.NAME, ""
        name = self.metadata.string(row[1])
        full = f"{owner}.{_NAMES.get(name, name).replace('.', '-')}"
        return (UseKind.NAME if "!" in full else UseKind.LOCAL), full


def _generic(blob: bytes) -> int:
    """Token of the type that a signature makes an instance of (``List<int>``); 0 if of none."""
    if len(blob) < 3 or blob[0] != 0x15:  # noqa: PLR2004 - ELEMENT_TYPE_GENERICINST
        return 0
    first = blob[2]
    if first < 0x80:  # noqa: PLR2004 - a compressed number, II.23.2
        value = first
    elif first < 0xC0:  # noqa: PLR2004
        value = (first & 0x3F) << 8 | blob[3] if len(blob) > 3 else 0  # noqa: PLR2004
    else:
        value = int.from_bytes(blob[2:6], "big") & 0x1FFFFFFF
    table = (_TYPE_DEF, _TYPE_REF, _TYPE_SPEC, 0)[value & 3]
    return table << 24 | value >> 2


def _tokens(code: bytes) -> list[tuple[int, int]]:
    """The instructions that name a method, and its token."""
    found: list[tuple[int, int]] = []
    at = 0
    while at < len(code):
        instruction = code[at]
        at += 1
        if instruction == 0xFE:  # noqa: PLR2004 - the first of two bytes
            instruction = 0xFE00 | code[at]
            at += 1
        if instruction in _CALLS:
            found.append((instruction, struct.unpack_from("<I", code, at)[0]))
        if instruction == _SWITCH:
            at += 4 + 4 * struct.unpack_from("<I", code, at)[0]
        else:
            at += _SIZES.get(instruction, 0)
    return found
