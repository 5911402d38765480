"""Perl's ``Language``: command lines, modules and names of one image."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field

from auditor.applications.language import Context, Module, Resolution, Served, Start, Words
from auditor.applications.perl.command import Command, application_of, parse_command
from auditor.applications.perl.paths import Installation, find_installation
from auditor.errors import PathInImageError
from auditor.formats import FormatError
from auditor.formats.perl_source import FILE, LARGEST, NATIVE, parse_perl
from auditor.model.image import Entry, EntryKind
from auditor.model.inventory import Unknown
from auditor.model.source import UseKind
from auditor.tables.launchers import LauncherRow

__all__ = ["Perl"]

_BUILT_IN = frozenset({"CORE", "UNIVERSAL", "Internals", "PerlIO", "utf8", "version", "re"})
"""Packages that need no file."""
_BASES = 32
"""How many packages up a method is looked for."""


@dataclass(slots=True)
class Perl:
    """One image's Perl. Made once; what is looked up is remembered."""

    context: Context
    id: str = "perl"
    _libraries: dict[str, None] = field(default_factory=dict)
    """Directories in front of ``@INC``: ``-I``, ``PERL5LIB``, ``use lib``."""
    _installation: Installation | None = None
    _mains: set[str] = field(default_factory=set)
    _packages: dict[str, str] = field(default_factory=dict)
    """Package → key of a file that was read and has it."""
    _modules: dict[str, Module | Unknown] = field(default_factory=dict)

    def start(self, words: Words) -> Start:
        """What the interpreter runs, given its own command line."""
        command = parse_command(words)
        if command.unclear:
            return Start(problem="what Perl runs depends on run time")
        given = self.context.variables.get("PERL5LIB", "").split(":")
        for folder in (*command.libraries, *given):
            self._library(folder, self.context.working_dir)
        if command.text is not None:
            return Start(problem="the text that Perl runs with -e is not followed")
        if command.script is None:
            return Start(problem="Perl is started without a script, and would read its input")
        return self._script(command.script, command)

    def _script(self, script: str, command: Command) -> Start:
        entry = self._file(posixpath.join(self.context.working_dir, script))
        if entry is None and command.on_path:
            folders = self.context.variables.get("PATH", "").split(":")
            entry = next((e for f in folders if (e := self._file(f"{f}/{script}"))), None)
        if entry is None:
            return Start(problem=f"the script {script} is not in the image")
        self._mains.add(entry.path)
        launcher = self._launcher(entry.path)
        if launcher is not None:
            return self._launched(launcher, command)
        return Start((entry.path, *self._preloaded(command)))

    def _preloaded(self, command: Command) -> tuple[str, ...]:
        """What ``-M`` loads."""
        found = (self._find(name) for name in command.modules)
        return tuple(entry.path for entry in found if entry is not None and not self._core(entry))

    def _launcher(self, path: str) -> LauncherRow | None:
        """The launcher whose modules a script loads at its top level."""
        module = self.read(path)
        if isinstance(module, Unknown):
            return None
        loaded = {
            use.name
            for unit in module.facts.units
            for use in unit.uses
            if use.kind is UseKind.IMPORT
        }
        for row in self.context.tables.launchers.get(self.id, {}).values():
            if not loaded.isdisjoint(row.modules):
                return row
        return None

    def _launched(self, launcher: LauncherRow, command: Command) -> Start:
        name = application_of(launcher, command.arguments) or "app.psgi"
        entry = self._file(posixpath.join(self.context.working_dir, name))
        if entry is None:
            return Start(problem=f"{launcher.title} runs {name}, which is not in the image")
        self._mains.add(entry.path)
        capabilities = [*((launcher.serves,) if launcher.serves else ()), *launcher.asks]
        return Start(
            modules=(entry.path,),
            served=tuple(Served(launcher.title, name, launcher.source) for name in capabilities),
        )

    def _library(self, folder: str, base: str) -> None:
        if folder:
            self._libraries[posixpath.normpath(posixpath.join(base, folder))] = None

    def read(self, key: str) -> Module | Unknown:
        """Read a file by its path."""
        if key not in self._modules:
            self._modules[key] = self._read(key)
        return self._modules[key]

    def _read(self, key: str) -> Module | Unknown:
        entry = self.context.rootfs.resolve(key)
        if entry is None:
            return Unknown(key, self.id, "it is not in the image")
        try:
            data = self.context.rootfs.read(entry, LARGEST + 1)
            parsed = parse_perl(data, main=key in self._mains)
        except PathInImageError:
            return Unknown(key, self.id, "its source was not kept", None, entry.size)
        except FormatError as error:
            return Unknown(key, self.id, str(error), None, entry.size)
        folder = posixpath.dirname(entry.path)
        for library in parsed.libraries:
            place = library.replace("{bin}", self._bin() or folder)
            self._library(place, self.context.working_dir)
        for unit in parsed.facts.units:
            if unit.is_class and unit.name != "main":
                self._packages.setdefault(unit.name, key)
        own = not any(entry.path.startswith(f"{site}/") for site in self._installed().sites)
        return Module(key, entry.path, parsed.facts, own, entry.size, entry.layer)

    def _bin(self) -> str | None:
        """The directory of the script, as FindBin tells it."""
        return next((posixpath.dirname(path) for path in sorted(self._mains)), None)

    def _installed(self) -> Installation:
        if self._installation is None:
            self._installation = find_installation(self.context)
        return self._installation

    def resolve(self, name: str, importer: Module) -> Resolution | None:
        """Where ``Shop::Cart``, ``Shop::Cart.add``, ``file:conf.pl`` or ``native:Shop`` leads."""
        if name.startswith(NATIVE):
            return self._native(name.removeprefix(NATIVE))
        if name.startswith(FILE):
            return self._loaded(name.removeprefix(FILE))
        package, _, function = name.partition(".")
        queue, seen = [(package, function)], set[tuple[str, str]]()
        first: Resolution | None = None
        while queue and len(seen) < _BASES:
            wanted = queue.pop(0)
            place = None if wanted in seen else self._place(*wanted, importer)
            seen.add(wanted)
            if place is None:
                continue
            first = first or place
            above = None if place.standard or not place.modules else self._above(place, *wanted)
            if above is None:
                return place
            queue += above
        return first

    def _above(
        self, place: Resolution, package: str, function: str
    ) -> list[tuple[str, str]] | None:
        """Where a function is looked for next; ``None`` where it is in its place."""
        module = self.read(place.modules[-1])
        if not function or isinstance(module, Unknown):
            return None
        units = {unit.name: unit for unit in module.facts.units}
        if f"{package}.{function}" in units:
            return None
        found: list[tuple[str, str]] = []
        handed_on = module.facts.bindings.get(function)
        if handed_on is not None:
            owner, _, rest = handed_on.partition(".")
            found.append((owner, rest))
        if package in units:
            found += [(use.name, function) for use in units[package].uses]
        return found

    def _place(self, package: str, function: str, importer: Module) -> Resolution | None:
        name = f"{package}.{function}" if function else package
        if package in _BUILT_IN:
            return Resolution(name, standard=True)
        if any(unit.name == package and unit.is_class for unit in importer.facts.units):
            return Resolution(name, (importer.key,), name)
        entry = self._find(package)
        if entry is not None:
            if self._core(entry):
                return Resolution(name, standard=True)
            return Resolution(name, (entry.path,), name)
        if package in self._packages:
            return Resolution(name, (self._packages[package],), name)
        return None

    def _find(self, package: str) -> Entry | None:
        """The file of a package, over ``@INC`` in its order."""
        path = package.replace("::", "/")
        for folder in self._folders():
            entry = self._file(f"{folder}/{path}.pm")
            if entry is not None:
                return entry
        return None

    def _folders(self) -> tuple[str, ...]:
        installed = self._installed()
        return (*self._libraries, *installed.sites, *installed.core)

    def _core(self, entry: Entry) -> bool:
        return any(entry.path.startswith(f"{folder}/") for folder in self._installed().core)

    def _native(self, package: str) -> Resolution | None:
        """``auto/Shop/Cart/Cart.so`` below a directory of ``@INC``."""
        parts = package.split("::")
        for folder in self._folders():
            entry = self._file(f"{folder}/auto/{'/'.join(parts)}/{parts[-1]}.so")
            if entry is not None:
                standard = self._core(entry)
                native = None if standard else entry.path
                return Resolution(f"{package}.bootstrap", native=native, standard=standard)
        return None

    def _loaded(self, path: str) -> Resolution | None:
        """``do 'conf.pl'``: over ``@INC``, and from the working directory where it says so."""
        relative = path.startswith(("/", "./", "../"))
        folders = (self.context.working_dir,) if relative else self._folders()
        for folder in folders:
            entry = self._file(posixpath.join(folder, path))
            if entry is not None:
                return Resolution(path, (entry.path,), standard=self._core(entry))
        return None

    def _file(self, path: str) -> Entry | None:
        entry = self.context.rootfs.resolve(posixpath.normpath(path))
        return entry if entry is not None and entry.kind is EntryKind.FILE else None
