"""ELF files: what they import and export, and what they ask of the dynamic loader.

System V gABI, with GNU symbol versioning (Drepper, "ELF Symbol Versioning"; LSB 5.0, 10.7).
All facts come from the program headers and the dynamic segment, as the loader reads them, so
files without section headers give the same answer. Importing this module loads lief.
"""

from __future__ import annotations

from dataclasses import dataclass

from auditor.formats import FormatError
from auditor.formats.elf_header import Header, check_extent, machine_name, packer, read_header
from auditor.model.facts import ElfFacts, ElfType, Symbol
from auditor.signals import signals_held

with signals_held():
    import lief

__all__ = ["MAX_SIZE", "parse_elf"]

MAX_SIZE = 2 << 30
"""Bytes; no file larger than 2 GiB is read."""

_TAG = lief.ELF.DynamicEntry.TAG
_FLAG = lief.ELF.DynamicEntryFlags.FLAG
_SEGMENT = lief.ELF.Segment.TYPE
_COUNT = lief.ELF.ParserConfig.DYNSYM_COUNT

# Numbers of the gABI rather than lief's enums, which warn of every value that they do not know.
_UNDEFINED = 0
_WEAK = 2
_GLOBAL = frozenset({1, _WEAK, 10})
"""``STB_GLOBAL``, ``STB_WEAK``, ``STB_GNU_UNIQUE``."""
_VISIBLE = frozenset({0, 3})
"""``STV_DEFAULT``, ``STV_PROTECTED``."""
_NOTYPE = 0
_FUNCTIONS = frozenset({2, 10})
"""``STT_FUNC``, ``STT_GNU_IFUNC``."""
_VERSION_INDEX = 0x7FFF
"""The bit above says "not the default version" (``VERSYM_HIDDEN``)."""

lief.logging.disable()  # it would write its doubts to standard error


def parse_elf(data: bytes) -> ElfFacts:
    """Read one ELF file of any machine, word size and byte order.

    Raises ``FormatError`` for a damaged or truncated file, and for one over ``MAX_SIZE``.
    A separate debug file, whose dynamic section has no content, has type ``OTHER``.
    """
    if len(data) > MAX_SIZE:
        raise FormatError(f"The ELF file has {len(data)} bytes, more than the {MAX_SIZE} allowed.")
    header = read_header(data)
    check_extent(data, header)
    try:
        return _facts(_parse(data, header), header, data)
    except (RuntimeError, UnicodeError, TypeError) as error:
        raise FormatError(f"The ELF file is damaged: {error}.") from error


def _parse(data: bytes, header: Header) -> lief.ELF.Binary:
    """Let lief read the file.

    Without section headers it guesses the length of the symbol table: from relocations, which
    miss exports, or from the hash table, which may miss imports. The longer one is right.
    """
    ways = (_COUNT.AUTO,) if header.sections else (_COUNT.HASH, _COUNT.RELOCATIONS)
    found = (lief.ELF.parse(data, _configuration(way)) for way in ways)
    readings = [binary for binary in found if binary is not None]
    if not readings:
        raise FormatError("The ELF file is damaged: its headers make no sense.")
    return max(readings, key=lambda binary: len(binary.dynamic_symbols))


def _configuration(way: lief.ELF.ParserConfig.DYNSYM_COUNT) -> lief.ELF.ParserConfig:
    configuration = lief.ELF.ParserConfig()
    configuration.count_mtd = way
    configuration.parse_relocations = False
    configuration.parse_symtab_symbols = False
    configuration.parse_overlay = False
    return configuration


def _facts(binary: lief.ELF.Binary, header: Header, data: bytes) -> ElfFacts:
    interpreter = binary.interpreter if binary.has(_SEGMENT.INTERP) else ""
    flags = _flags(binary)
    soname = _entry_text(binary, _TAG.SONAME)
    kind = _type(binary, header, flags, interpreter=bool(interpreter), soname=soname is not None)
    dynamic = kind in {ElfType.EXECUTABLE, ElfType.LIBRARY}
    needed = _needed(binary) if dynamic else ()
    symbols = _Symbols.read(binary) if dynamic else _Symbols((), ())
    return ElfFacts(
        type=kind,
        machine=machine_name(header),
        bits=header.bits,
        interpreter=interpreter or None,
        needed=needed,
        soname=soname,
        rpath=_search_path(binary, _TAG.RPATH),
        runpath=_search_path(binary, _TAG.RUNPATH),
        imports=symbols.imports,
        exports=symbols.exports,
        static=kind is ElfType.EXECUTABLE and not interpreter and not needed,
        stripped=not header.has_symtab,
        build_id=_build_id(binary),
        code_size=sum(segment.file_size for segment in header.code),
        nodeflib=bool(flags & _low(_FLAG.NODEFLIB)),
        packed=packer(data, header),
    )


def _type(
    binary: lief.ELF.Binary, header: Header, flags: int, *, interpreter: bool, soname: bool
) -> ElfType:
    """Tell position-independent executables from libraries, which share ``ET_DYN``.

    ``DF_1_PIE`` settles it; older linkers did not set it. ``PT_INTERP`` alone does not: libc
    has one, to greet whoever runs it, but it also has a soname. A file with an entry point and
    no dynamic segment can only be run (static-pie of packers).
    """
    if header.type is not ElfType.LIBRARY:
        return header.type
    if header.without_content:
        return ElfType.OTHER
    if flags & _low(_FLAG.PIE) or (interpreter and not soname):
        return ElfType.EXECUTABLE
    if header.entry and not binary.has(_SEGMENT.DYNAMIC):
        return ElfType.EXECUTABLE
    return ElfType.LIBRARY


def _low(flag: lief.ELF.DynamicEntryFlags.FLAG) -> int:
    """The bits as they stand in the file; lief marks those of ``DT_FLAGS_1`` in higher ones."""
    return int(flag) & 0xFFFFFFFF


def _flags(binary: lief.ELF.Binary) -> int:
    entry = binary.get(_TAG.FLAGS_1)
    return entry.value if entry is not None else 0


def _needed(binary: lief.ELF.Binary) -> tuple[str, ...]:
    entries = binary.dynamic_entries
    return tuple(
        _text(entry.name) for entry in entries if isinstance(entry, lief.ELF.DynamicEntryLibrary)
    )


def _entry_text(binary: lief.ELF.Binary, tag: lief.ELF.DynamicEntry.TAG) -> str | None:
    match binary.get(tag):
        case lief.ELF.DynamicSharedObject() as entry:
            return _text(entry.name)
        case lief.ELF.DynamicEntryRpath() as entry:
            return _text(entry.rpath)
        case lief.ELF.DynamicEntryRunPath() as entry:
            return _text(entry.runpath)
        case _:
            return None


def _search_path(binary: lief.ELF.Binary, tag: lief.ELF.DynamicEntry.TAG) -> tuple[str, ...]:
    text = _entry_text(binary, tag)
    return tuple(text.split(":")) if text else ()


def _build_id(binary: lief.ELF.Binary) -> str | None:
    for note in binary.notes:
        if note.type == lief.ELF.Note.TYPE.GNU_BUILD_ID:
            return bytes(note.description).hex() or None
    return None


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class _Versions:
    """Version index → (soname that it is needed from, version)."""

    names: dict[int, tuple[str | None, str]]

    @classmethod
    def read(cls, binary: lief.ELF.Binary) -> _Versions:
        names: dict[int, tuple[str | None, str]] = {}
        for definition in binary.symbols_version_definition:
            own = next(iter(definition.auxiliary_symbols), None)
            if own is not None:
                names[definition.ndx & _VERSION_INDEX] = (None, _text(own.name))
        for requirement in binary.symbols_version_requirement:
            for needed in requirement.get_auxiliary_symbols():
                names[needed.other & _VERSION_INDEX] = (_text(requirement.name), _text(needed.name))
        return cls(names)

    def of(self, symbol: lief.ELF.Symbol) -> tuple[str | None, str | None]:
        """Library and version; indices 0 and 1 mean local and unversioned."""
        index = symbol.symbol_version.value & _VERSION_INDEX if symbol.symbol_version else 0
        return self.names.get(index, (None, None)) if index > 1 else (None, None)


@dataclass(frozen=True, slots=True)
class _Symbols:
    """The dynamic symbol table, parted."""

    imports: tuple[Symbol, ...]
    exports: tuple[Symbol, ...]

    @classmethod
    def read(cls, binary: lief.ELF.Binary) -> _Symbols:
        versions = _Versions.read(binary)
        imports: set[Symbol] = set()
        exports: set[Symbol] = set()
        for symbol in binary.dynamic_symbols:
            name = _text(symbol.name)
            binding, kind = symbol.information >> 4, symbol.information & 0xF
            if not name or binding not in _GLOBAL:
                continue
            library, version = versions.of(symbol)
            weak = binding == _WEAK
            if symbol.shndx == _UNDEFINED:
                function = kind in _FUNCTIONS or kind == _NOTYPE
                imports.add(Symbol(name, version, library, weak, function))
            elif symbol.other & 0x3 in _VISIBLE and name != version:
                # A symbol named as its version is the linker's mark for that version.
                exports.add(Symbol(name, version, None, weak, kind in _FUNCTIONS))
        return cls(_sorted(imports), _sorted(exports))


def _sorted(symbols: set[Symbol]) -> tuple[Symbol, ...]:
    return tuple(sorted(symbols, key=lambda s: (s.name, s.version or "", s.library or "", s.weak)))
