"""Python's ``Language``: command lines, modules and names of one image."""

from __future__ import annotations

import posixpath
import sys
from dataclasses import dataclass, field, replace

from auditor.applications.language import Context, Module, Resolution, Served, Start, Words
from auditor.applications.python.command import Command, Named, parse_command
from auditor.applications.python.conventions import by_convention
from auditor.applications.python.launching import RUNSERVER, candidates
from auditor.applications.python.paths import Installation, find_installation
from auditor.errors import PathInImageError
from auditor.formats import FormatError
from auditor.formats.python_source import LARGEST, parse_python
from auditor.model.image import Entry, EntryKind
from auditor.model.inventory import Unknown
from auditor.model.source import SourceFacts, UseKind
from auditor.tables.launchers import LauncherRow

__all__ = ["Python"]

_STANDARD = frozenset(sys.stdlib_module_names) | {"builtins", "distutils", "imp", "asyncore"}
"""Modules that need no file: those compiled in, and a fall-back where the library is not there."""
_ALIASES = {"posix": "os", "nt": "os", "_socket": "socket", "posixpath": "os.path", "_io": "io"}
"""Modules that others hand on under the name that is documented."""
_MADE = {
    "asyncio.get_running_loop.": "asyncio.loop.",
    "asyncio.get_event_loop.": "asyncio.loop.",
    "asyncio.new_event_loop.": "asyncio.loop.",
    "multiprocessing.get_context.": "multiprocessing.",
    "socket.create_server.": "socket.socket.",
    "socket.create_connection.": "socket.socket.",
}
"""What some functions give: members of it go by the name of its class."""
_PACKAGE = "__init__.py"
_OF_WRAPPERS = frozenset({"__future__", "importlib", "os", "re", "runpy", "sys"})
"""What scripts that call an entry point import besides (distlib's and installer's template)."""
_SETTINGS = "DJANGO_SETTINGS_MODULE"
_STRING = "<string>"
"""What the interpreter calls the text that it is given with ``-c``."""


@dataclass(frozen=True, slots=True)
class _Found:
    """Where one module of a dotted name is."""

    key: str | None
    """Path of its source; ``None`` for a namespace or a compiled module."""
    folders: tuple[str, ...] = ()
    """Where modules below it are looked for."""
    native: str | None = None
    standard: bool = False


@dataclass(slots=True)
class Python:
    """One image's Python. Made once; what is looked up is remembered."""

    context: Context
    id: str = "python"
    _roots: dict[str, None] = field(default_factory=dict)
    """Directories that scripts and launchers put in front of ``sys.path``."""
    _installation: Installation | None = None
    _names: dict[str, str] = field(default_factory=dict)
    """Key → dotted name."""
    _mains: set[str] = field(default_factory=set)
    _texts: dict[str, bytes] = field(default_factory=dict)
    """Source that is in no file of the image."""
    _cache: dict[tuple[str, tuple[str, ...] | None], _Found | None] = field(default_factory=dict)

    def start(self, words: Words) -> Start:
        """What the interpreter runs, given its own command line."""
        self._installation = self._installation or find_installation(self.context, words[0])
        command = parse_command(words)
        if command.unclear:
            return Start(problem="what Python runs depends on run time")
        for folder in self.context.variables.get("PYTHONPATH", "").split(":"):
            if folder:
                self._root(folder)
        if command.module is not None:
            return self._module(command.module, command)
        if command.script is not None:
            return self._script(command.script, command)
        if command.text is not None:
            self._texts[_STRING] = command.text.encode(errors="replace")
            self._mains.add(_STRING)
            if not command.isolated:
                self._root(self.context.working_dir)
            return Start((_STRING,))
        return Start(problem="Python is started without a script, and would read its input")

    def _script(self, script: str, command: Command) -> Start:
        path = posixpath.join(self.context.working_dir, script)
        entry = self.context.rootfs.resolve(path)
        if entry is not None and entry.kind is EntryKind.DIRECTORY:
            entry = self.context.rootfs.resolve(f"{path}/__main__.py")
        if entry is None or entry.kind is not EntryKind.FILE:
            return Start(problem=f"the script {script} is not in the image")
        self._mains.add(entry.path)
        launcher = self._launcher_in(entry.path)
        if launcher is not None:
            return self._launched(launcher, command)
        if not command.isolated:
            self._root(posixpath.dirname(entry.path))
        return self._own_script(entry.path, command)

    def _own_script(self, path: str, command: Command) -> Start:
        """A script of the application; Django's ``manage.py`` may serve it as well."""
        module = self.read(path)
        launcher = self.context.tables.launchers.get(self.id, {}).get("django")
        if RUNSERVER in command.arguments and launcher and not isinstance(module, Unknown):
            uses = (use.name for unit in module.facts.units for use in unit.uses)
            if any(name.startswith(launcher.modules) for name in uses):
                return self._serving(launcher, path, None)
        return Start((path, *self._settings(path)))

    def _module(self, name: str, command: Command) -> Start:
        if not command.isolated:
            self._root(self.context.working_dir)
        launcher = self._launcher(name)
        if launcher is not None:
            return self._launched(launcher, command)
        found = self._find(f"{name}.__main__") or self._find(name)
        if found is None:
            return Start(problem=f"the module {name} is not in the image")
        if found.standard:
            return Start(problem=f"{name} of Python's own library is run, which is not followed")
        if found.key is None:
            return Start(problem=f"the module {name} is compiled, or has no __main__")
        self._mains.add(found.key)
        return Start((found.key,))

    def _launcher_in(self, path: str) -> LauncherRow | None:
        """The launcher whose entry point a script calls, and does nothing else."""
        module = self.read(path)
        if isinstance(module, Unknown):
            return None
        top = module.facts.units[0].uses
        if len(module.facts.units) > 1 or any(use.kind is UseKind.TEXT for use in top):
            return None
        names = [use.name for use in top if use.kind is UseKind.IMPORT]
        others = {name for name in names if name.partition(".")[0] not in _OF_WRAPPERS}
        rows = [self._launcher(name) for name in sorted(others)]
        first = rows[0] if rows else None
        return first if all(row is first for row in rows) else None

    def _launcher(self, name: str) -> LauncherRow | None:
        for row in self.context.tables.launchers.get(self.id, {}).values():
            if (row.operand or row.options) and any(
                name == known or name.startswith(f"{known}.") for known in row.modules
            ):
                return row
        return None

    def _launched(self, launcher: LauncherRow, command: Command) -> Start:
        told = candidates(self.context, launcher, command.arguments)
        if not told:
            return Start(problem=f"{launcher.title} is not told which application to run")
        for named in told:
            self._root(named.directory or self.context.working_dir)
            above, _, last = named.module.rpartition(".")
            whole = self._find(f"{named.module}.{launcher.id}") or self._find(named.module)
            if whole is not None and whole.key is not None:
                return self._serving(launcher, whole.key, named)
            # ``shop.tasks.huey``: the last part may name something inside a module.
            found = self._find(above) if above and not named.attribute else None
            if found is not None and found.key is not None:
                return self._serving(
                    launcher, found.key, replace(named, module=above, attribute=last)
                )
        gone = told[0].module
        return Start(problem=f"{launcher.title} runs {gone}, which is not in the image")

    def _serving(self, launcher: LauncherRow, key: str, named: Named | None) -> Start:
        capabilities = [*((launcher.serves,) if launcher.serves else ()), *launcher.asks]
        attribute = named is not None and named.attribute
        return Start(
            modules=(key, *self._settings(key)),
            names=(f"{named.module}.{named.attribute}",) if named and attribute else (),
            served=tuple(Served(launcher.title, name, launcher.source) for name in capabilities),
        )

    def _settings(self, entry: str) -> tuple[str, ...]:
        """The module that Django's variable names, which the project's own default yields to."""
        found = self._find(self.context.variables.get(_SETTINGS, "")) if self._django() else None
        named = found is not None and found.key is not None and found.key != entry
        return (found.key,) if found and named and found.key else ()

    def _django(self) -> bool:
        return self._find("django") is not None

    def _root(self, folder: str) -> None:
        path = posixpath.normpath(posixpath.join(self.context.working_dir, folder))
        if path not in self._roots:
            self._roots[path] = None
            self._cache.clear()

    def read(self, key: str) -> Module | Unknown:
        """Read a module by the path of its source."""
        if key in self._texts:
            facts = self._parsed(key, self._texts[key])
            if isinstance(facts, Unknown):
                return facts
            return Module(key, key, facts, own=True, size=facts.size)
        entry = self.context.rootfs.resolve(key)
        if entry is None:
            return Unknown(key, self.id, "it is not in the image")
        try:
            data = self.context.rootfs.read(entry, LARGEST + 1)
        except PathInImageError:
            return Unknown(key, self.id, "its source was not kept", None, entry.size)
        facts = self._parsed(key, data)
        if isinstance(facts, Unknown):
            return replace(facts, weight=entry.size)
        own = not self._is_package(entry.path)
        if own and self._django():
            facts = by_convention(facts)
        name = self._names.get(key, "")
        return Module(key, entry.path, facts, own, entry.size, entry.layer, name)

    def _parsed(self, key: str, data: bytes) -> SourceFacts | Unknown:
        try:
            return parse_python(
                data,
                main=key in self._mains,
                version=self._installed().version,
                known=lambda name: self._leads_somewhere(name, key),
            )
        except FormatError as error:
            return Unknown(key, self.id, str(error), None, len(data))

    def _leads_somewhere(self, name: str, importer: str) -> bool:
        absolute = self._absolute(name, importer)
        return absolute is not None and self._look(absolute.partition(".")[0], None) is not None

    def _is_package(self, path: str) -> bool:
        return any(path.startswith(f"{site}/") for site in self._installed().sites)

    def _installed(self) -> Installation:
        if self._installation is None:
            self._installation = find_installation(self.context, None)
        return self._installation

    def resolve(self, name: str, importer: Module) -> Resolution | None:
        """Where a dotted name leads from a module; relative names begin with dots."""
        absolute = self._absolute(name, importer.key)
        if absolute is None:
            return None
        parts = absolute.split(".")
        keys: list[str] = []
        folders: tuple[str, ...] | None = None
        found: _Found | None = None
        for position, part in enumerate(parts):
            below = self._look(part, folders)
            if below is None:
                rest = ".".join(parts[position:])
                break
            if below.standard:
                return Resolution(_documented(absolute), standard=True)
            found = below
            if found.key is not None:
                self._names.setdefault(found.key, ".".join(parts[: position + 1]))
                keys.append(found.key)
            folders = found.folders
            if found.native is not None or not folders:
                rest = ".".join(parts[position + 1 :])
                break
        else:
            rest = ""
        if found is None:
            return None
        return Resolution(absolute, tuple(keys), rest, found.native)

    def _absolute(self, name: str, key: str) -> str | None:
        if not name.startswith("."):
            return name or None
        rest = name.lstrip(".")
        up = len(name) - len(rest)
        package = self._names[key].split(".") if self._names.get(key) else []
        if posixpath.basename(key) != _PACKAGE:
            up += 1
        if up - 1 > len(package) or not package:
            return None
        base = package[: len(package) - (up - 1)]
        return ".".join([*base, *([rest] if rest else [])]) or None

    def _find(self, name: str) -> _Found | None:
        """A module by its whole dotted name."""
        folders: tuple[str, ...] | None = None
        found: _Found | None = None
        parts = name.split(".")
        for position, part in enumerate(parts):
            if position and not folders:
                return None
            found = self._look(part, folders)
            if found is None:
                return None
            if found.key is not None:
                self._names.setdefault(found.key, ".".join(parts[: position + 1]))
            folders = found.folders
        return found

    def _look(self, part: str, folders: tuple[str, ...] | None) -> _Found | None:
        """One part of a dotted name, in these directories or over ``sys.path``."""
        place = (part, folders)
        if place not in self._cache:
            self._cache[place] = self._top(part) if folders is None else self._among(part, folders)
        return self._cache[place]

    def _top(self, part: str) -> _Found | None:
        """As the interpreter does: compiled in, then directories in order."""
        if part in sys.builtin_module_names or part == "__main__":
            return _Found(None, standard=True)
        installed = self._installed()
        found = self._among(part, tuple(self._roots))
        if found is not None and (found.key or found.native):
            return found
        if part in _STANDARD or self._in_library(part, installed.library):
            return _Found(None, standard=True)
        return self._among(part, (*self._roots, *installed.sites))

    def _in_library(self, part: str, library: str | None) -> bool:
        if library is None:
            return False
        resolve = self.context.rootfs.resolve
        return any(resolve(f"{library}/{part}{end}") for end in (".py", f"/{_PACKAGE}"))

    def _among(self, part: str, folders: tuple[str, ...]) -> _Found | None:
        namespaces: list[str] = []
        for folder in folders:
            package = self._file(f"{folder}/{part}/{_PACKAGE}")
            if package is not None:
                return _Found(package.path, (posixpath.dirname(package.path),))
            native = self._native(folder, part)
            if native is not None:
                return _Found(None, native=native)
            module = self._file(f"{folder}/{part}.py")
            if module is not None:
                return _Found(module.path)
            entry = self.context.rootfs.resolve(f"{folder}/{part}")
            if entry is not None and entry.kind is EntryKind.DIRECTORY:
                namespaces.append(entry.path)
        return _Found(None, tuple(namespaces)) if namespaces else None

    def _native(self, folder: str, part: str) -> str | None:
        """``part.cpython-311-x86_64-linux-gnu.so``, ``part.abi3.so`` or ``part.so``."""
        for name in self.context.rootfs.listdir(folder):
            if name.startswith(f"{part}.") and name.endswith(".so"):
                entry = self._file(f"{folder}/{name}")
                if entry is not None:
                    return entry.path
        return None

    def _file(self, path: str) -> Entry | None:
        entry = self.context.rootfs.resolve(path)
        return entry if entry is not None and entry.kind is EntryKind.FILE else None


def _documented(name: str) -> str:
    """A name as the library's documentation writes it."""
    head, dot, rest = name.partition(".")
    documented = f"{_ALIASES.get(head, head)}{dot}{rest}"
    for made, owner in _MADE.items():
        if documented.startswith(made):
            return owner + documented.removeprefix(made)
    return documented
