"""The ``Language`` of .NET: command lines, assemblies and names of one image."""

from __future__ import annotations

import json
import posixpath
from dataclasses import dataclass, field

from auditor.applications.dotnet.command import parse_command
from auditor.applications.language import Context, Module, Resolution, Start, Words
from auditor.errors import PathInImageError
from auditor.formats import FormatError
from auditor.formats.dotnet import LARGEST, NATIVE, AssemblyFacts, parse_assembly
from auditor.model.image import Entry, EntryKind
from auditor.model.inventory import Unknown

__all__ = ["DotNet"]

_FRAMEWORK = ("/shared/Microsoft.", "/shared/System.", "/lib/mono/")
"""Where the class library lies: of .NET's shared frameworks, and of Mono."""
_LIBRARY = frozenset({"mscorlib", "netstandard", "System", "WindowsBase"})
_LIBRARIES = ("System.", "Microsoft.AspNetCore.", "Microsoft.Extensions.", "Microsoft.Win32.")
_SYSTEM = frozenset({"libc", "libc-so-6", "libdl", "libpthread", "kernel32", "ntdll"})
_HOSTS = frozenset({"dotnet", "mono", "mono-sgen", "cli"})
_JSON = 8 << 20


@dataclass(slots=True)
class DotNet:
    """One image's .NET. Made once; what is looked up is remembered."""

    context: Context
    id: str = "dotnet"
    _folders: dict[str, None] = field(default_factory=dict)
    """Directories of applications."""
    _own: set[str] = field(default_factory=set)
    """Names of the assemblies that are the application's own."""
    _read: dict[str, AssemblyFacts | Unknown] = field(default_factory=dict)

    def start(self, words: Words) -> Start:
        """What the host runs; a program beside a ``.dll`` of its name is a host of its own."""
        program = words[0] or ""
        if posixpath.basename(program) in _HOSTS:
            command = parse_command(words)
            if command.assembly is None:
                return Start(problem=command.problem)
            name = command.assembly
        else:
            name = f"{program}.dll"
        entry = self._file(posixpath.join(self.context.working_dir, name))
        if entry is None:
            if name.startswith(program):
                return Start(problem=f"{program} holds its assemblies itself, or lacks {name}")
            return Start(problem=f"the assembly {name} is not in the image")
        folder = posixpath.dirname(entry.path)
        self._folders[folder] = None
        base = posixpath.splitext(posixpath.basename(entry.path))[0]
        self._own |= {base, *self._projects(f"{folder}/{base}.deps.json")}
        found = self._assembly(entry.path)
        if isinstance(found, Unknown):
            return Start(problem=f"{name}: {found.reason}")
        return Start((entry.path,))

    def _projects(self, path: str) -> set[str]:
        """The assemblies that ``.deps.json`` calls projects, rather than packages."""
        entry = self._file(path)
        try:
            told = json.loads(self.context.rootfs.read(entry, _JSON)) if entry is not None else {}
        except (PathInImageError, ValueError, RecursionError):
            return set()
        libraries = told.get("libraries") if isinstance(told, dict) else None
        return {
            name.partition("/")[0]
            for name, row in (libraries if isinstance(libraries, dict) else {}).items()
            if isinstance(row, dict) and row.get("type") == "project"
        }

    def read(self, key: str) -> Module | Unknown:
        """Read an assembly by its path."""
        found = self._assembly(key)
        entry = self.context.rootfs.resolve(key)
        if isinstance(found, Unknown):
            return found
        assert entry is not None  # noqa: S101 - it has just been read
        own = found.name in self._own
        return Module(key, entry.path, found.facts, own, entry.size, entry.layer, found.name)

    def _assembly(self, key: str) -> AssemblyFacts | Unknown:
        if key not in self._read:
            self._read[key] = self._parsed(key)
        return self._read[key]

    def _parsed(self, key: str) -> AssemblyFacts | Unknown:
        entry = self.context.rootfs.resolve(key)
        if entry is None:
            return Unknown(key, self.id, "it is not in the image")
        try:
            return parse_assembly(self.context.rootfs.read(entry, LARGEST + 1))
        except PathInImageError:
            return Unknown(key, self.id, "its content was not kept", None, entry.size)
        except FormatError as error:
            return Unknown(key, self.id, str(error), None, entry.size)

    def resolve(self, name: str, importer: Module) -> Resolution | None:
        """Where ``Acme.Store!Acme.Store.Book.Add`` leads, by the assembly before the mark."""
        if name.startswith(NATIVE):
            return self._native(name.removeprefix(NATIVE))
        assembly, marked, member = name.partition("!")
        if not marked:
            return Resolution(name, (importer.key,), name)
        entry = self._find(assembly)
        if entry is not None and not any(place in entry.path for place in _FRAMEWORK):
            return Resolution(member, (entry.path,), member)
        if entry is not None or assembly in _LIBRARY or assembly.startswith(_LIBRARIES):
            return Resolution(member, standard=True)
        return None

    def _find(self, assembly: str) -> Entry | None:
        for folder in self._folders:
            for suffix in (".dll", ".exe"):
                entry = self._file(f"{folder}/{assembly}{suffix}")
                if entry is not None:
                    return entry
        return None

    def _native(self, name: str) -> Resolution:
        """A function of a library that is beside the application, or of the system's."""
        library, _, function = name.partition(".")
        if library in _SYSTEM:
            return Resolution(f"native.libc.{function}", standard=True)
        plain = library.replace("-", ".")
        for folder in self._folders:
            for file in (plain, f"{plain}.so", f"lib{plain}.so"):
                for place in (folder, f"{folder}/runtimes/linux-x64/native"):
                    entry = self._file(f"{place}/{file}")
                    if entry is not None:
                        return Resolution(f"native.{library}.{function}", native=entry.path)
        return Resolution(f"native.{library}.{function}", standard=True)

    def _file(self, path: str) -> Entry | None:
        entry = self.context.rootfs.resolve(posixpath.normpath(path))
        return entry if entry is not None and entry.kind is EntryKind.FILE else None
