"""What was read out of a file: facts, without judgement."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "ElfFacts",
    "ElfType",
    "ScriptFacts",
    "ShellCommand",
    "ShellFacts",
    "Symbol",
    "WasmFacts",
    "WasmForm",
    "WasmImport",
]


class ElfType(StrEnum):
    """``e_type``, with position-independent executables told apart from libraries."""

    EXECUTABLE = "executable"
    LIBRARY = "shared-library"
    RELOCATABLE = "relocatable"
    CORE = "core"
    OTHER = "other"


@dataclass(frozen=True, slots=True, order=True)
class Symbol:
    """A dynamic symbol. ``version`` is the GNU symbol version (``GLIBC_2.34``), if any."""

    name: str
    version: str | None = None
    library: str | None = None
    """For an import: the soname that its version is needed from (``.gnu.version_r``)."""
    weak: bool = False
    function: bool = True
    """False for data (``environ``, ``stdout``)."""


@dataclass(frozen=True, slots=True)
class ElfFacts:
    """One ELF file (System V gABI; GNU extensions by name)."""

    type: ElfType
    machine: str
    """In GOARCH words where there is one (``amd64``, ``arm64``), else the ``EM_`` name."""
    bits: int
    interpreter: str | None
    needed: tuple[str, ...]
    soname: str | None
    rpath: tuple[str, ...]
    runpath: tuple[str, ...]
    imports: tuple[Symbol, ...]
    exports: tuple[Symbol, ...]
    static: bool
    """An executable that asks for no dynamic loader."""
    stripped: bool
    """No ``.symtab``."""
    build_id: str | None
    code_size: int
    """Bytes in executable segments."""
    nodeflib: bool = False
    """``DF_1_NODEFLIB``: the loader skips its default directories."""
    packed: str | None = None
    """The packer (``UPX``) that hides what the file will run, if its mark is there."""


@dataclass(frozen=True, slots=True)
class ShellCommand:
    """One simple command of a shell script, with what is known of its words.

    ``words`` are literal text where the shell would not change it; a word that depends on run
    time is ``None``, but for ``"$@"`` and ``"$0"``, which are kept as written.
    """

    words: tuple[str | None, ...]
    line: int
    """1-based."""
    text: str
    """As written, one line, shortened."""
    replaces: bool = False
    """Run by ``exec``: the shell is gone after it."""
    conditional: bool = False
    """Inside a branch, a loop body or the right side of ``&&`` or ``||``."""
    background: bool = False


@dataclass(frozen=True, slots=True)
class ShellFacts:
    """What a shell script can run."""

    commands: tuple[ShellCommand, ...]
    functions: tuple[str, ...]
    sources: tuple[ShellCommand, ...]
    """``.`` and ``source``: ``words[0]`` is the file."""
    positional: tuple[ShellCommand, ...]
    """``set -- …``: how the script changes its own arguments, in order."""
    paths: tuple[str, ...]
    """Absolute paths that stand literally in the script."""
    errors: int
    """Places where the parser gave up and went on."""


@dataclass(frozen=True, slots=True)
class ScriptFacts:
    """A file that starts with ``#!``."""

    interpreter: str
    """Path as written on the first line."""
    argument: str | None
    """The rest of that line: Linux passes it as one word."""
    size: int
    posix_shell: bool = False
    """Whether the interpreter is a POSIX-like shell; what it runs is read when reached."""


class WasmForm(StrEnum):
    """The two binary forms that share the magic."""

    MODULE = "module"
    COMPONENT = "component"


@dataclass(frozen=True, slots=True, order=True)
class WasmImport:
    """One import of a core module, or one imported interface of a component (``name`` empty)."""

    module: str
    name: str


@dataclass(frozen=True, slots=True)
class WasmFacts:
    """One WebAssembly binary (core specification 2.0; component model binary format)."""

    form: WasmForm
    size: int
    imports: tuple[WasmImport, ...]
    exports: tuple[str, ...]
    producers: tuple[str, ...]
    """``name version`` from the ``producers`` section."""
