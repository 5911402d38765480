"""The ``Language`` of Go: an executable is the application, and each of its packages a module.

What the linker kept of the program's own module can all be reached, as far as the linker could
tell. Functions of other modules run where something names them. Go's own library is not
followed: its names say what it is asked for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from auditor.applications.go.names import Packages, package_of, plain
from auditor.applications.language import Context, Module, Resolution, Start, Words
from auditor.errors import PathInImageError
from auditor.formats import FormatError
from auditor.formats.go_program import GoProgram, parse_go
from auditor.model.go import GoFunction, GoReference
from auditor.model.image import Entry
from auditor.model.inventory import Unknown
from auditor.model.source import SourceFacts, Unit, Use, UseKind
from auditor.tables.apis import Apis

__all__ = ["Go"]

_NUMBERED = frozenset(
    f"{package}.{name}"
    for package in ("syscall", "internal/runtime/syscall")
    for name in ("Syscall", "Syscall6", "Syscall9", "RawSyscall", "RawSyscall6")
) | {"syscall.rawVforkSyscall", "internal/runtime/syscall/linux.Syscall6"}
"""Functions that make the system call of a number. Whoever calls one hides which."""
_WRAPPERS = ("golang.org/x/sys/", "golang.org/x/net/internal/socket")
"""Packages of Go's project that wrap system calls one by one: their names tell which."""
_CGO = re.compile(r"\._C2?func_")
"""Go's side of a call into C (``src/cmd/cgo/out.go``)."""
_INITIALISES = re.compile(r"\.init(\.[0-9]+)?$")
"""``init`` functions, numbered where a package has several, and what sets its variables."""


@dataclass(frozen=True, slots=True)
class _Name:
    """What a symbol says."""

    package: str
    plain: str
    followed: bool
    """Whether it is a function of the program that is looked into."""
    asks: bool


@dataclass(frozen=True, slots=True)
class _Read:
    """One executable that was read."""

    entry: Entry
    program: GoProgram
    packages: Packages
    functions: dict[str, list[GoFunction]]
    """Package → its functions, without those of Go's library."""
    apis: Apis
    _names: dict[str, _Name] = field(default_factory=dict, repr=False)

    def named(self, symbol: str) -> _Name:
        """What a symbol says; each is taken apart once, since they come again and again."""
        name = self._names.get(symbol)
        if name is None:
            package, bare = package_of(symbol), plain(symbol)
            name = _Name(package, bare, package in self.functions, bool(self.apis.of(bare)))
            self._names[symbol] = name
        return name


@dataclass(slots=True)
class Go:
    """One image's Go programs. Made once; each program is read once."""

    context: Context
    id: str = "go"
    _programs: dict[str, _Read] = field(default_factory=dict)

    def start(self, words: Words) -> Start:
        """All packages of the program that the first word names: each is initialised."""
        path = words[0] or ""
        entry = self.context.rootfs.resolve(path)
        if entry is None:
            return Start(problem=f"{path} is not in the image")
        try:
            program = parse_go(self.context.rootfs.read(entry))
        except PathInImageError:
            return Start(problem="its content was not kept")
        except FormatError as error:
            return Start(problem=str(error))
        if program is None:
            return Start(problem="it is a Go program without a table of its functions")
        packages = Packages.of(program.build)
        functions: dict[str, list[GoFunction]] = {}
        standard: dict[str, bool] = {}
        for function in program.functions:
            package = package_of(function.name)
            if package not in standard:
                standard[package] = packages.standard(package)
            if not standard[package]:
                functions.setdefault(package, []).append(function)
        if "main" not in functions or not standard.get("runtime"):
            return Start(problem="the names of its functions were taken out or replaced")
        self._programs[entry.path] = _Read(
            entry, program, packages, functions, self.context.tables.apis[self.id]
        )
        found = (item.name for items in functions.values() for item in items)
        explains = not any(_CGO.search(name) for name in found)
        keys = tuple(_key(entry.path, package) for package in sorted(functions))
        return Start(keys, explains=explains)

    def read(self, key: str) -> Module | Unknown:
        """One package of a program that was started.

        Its initialisation runs with its top level. The linker kept the rest of it because
        something can reach it, if only by an interface: that is possible, and no more.
        """
        path, _, package = key.partition("#")
        read = self._programs[path]
        own = read.packages.own(package)
        units = [self._unit(read, function, own=own) for function in read.functions[package]]
        starts = [_INITIALISES.search(unit.name) is not None for unit in units]
        top = tuple(
            Use(UseKind.LOCAL, unit.name, 0, called=runs, guarded=not runs)
            for unit, runs in zip(units, starts, strict=True)
        )
        size = sum(unit.size for unit in units)
        facts = SourceFacts(self.id, size, (Unit("", 0, 0, top), *units))
        return Module(key, path, facts, own, size, read.entry.layer)

    def _unit(self, read: _Read, function: GoFunction, *, own: bool) -> Unit:
        uses: dict[Use, None] = {}
        for reference in read.program.references(function):
            kind = self._kind(read, function, reference)
            if kind is None:
                continue
            # Looking a line up is dear, and of no use where nothing is asked for.
            inside = kind is UseKind.NAME and not read.named(reference.name).asks
            line = 0 if inside else read.program.line(function, reference.offset)
            # Most of a function stands in some branch.
            use = Use(
                kind,
                reference.name,
                line,
                reference.called,
                conditional=not own,
                address=0 if inside else read.program.text + reference.offset,
            )
            uses[use] = None
        line = read.program.line(function, function.offset)
        return Unit(function.name, line, function.size, tuple(uses))

    def _kind(self, read: _Read, function: GoFunction, reference: GoReference) -> UseKind | None:
        """What a reference is; ``None`` for what Go's library does by itself."""
        named = read.named(reference.name)
        if named.followed:
            return UseKind.NAME
        if named.plain in _NUMBERED:
            wraps = function.name.startswith(_WRAPPERS)
            return None if wraps else UseKind.DYNAMIC
        return UseKind.NAME if named.asks else None

    def resolve(self, name: str, importer: Module) -> Resolution | None:
        """Where a symbol leads: into Go's library, or to a package of the same program."""
        named = self._programs[importer.file].named(name)
        if not named.followed:
            return Resolution(named.plain, standard=True)
        return Resolution(named.plain, (_key(importer.file, named.package),), name)


def _key(path: str, package: str) -> str:
    return f"{path}#{package}"
