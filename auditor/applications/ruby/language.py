"""Ruby: the language of the applications that CRuby runs."""

from __future__ import annotations

import posixpath
import re
import shlex
from dataclasses import dataclass, field, replace

from auditor.applications.language import (
    Context,
    Language,
    Module,
    Resolution,
    Served,
    Start,
    Words,
)
from auditor.applications.ruby.bundler import Bundle
from auditor.applications.ruby.command import Command, named_applications, read_command
from auditor.applications.ruby.load_path import LoadPath, glob_files
from auditor.applications.ruby.world import World
from auditor.formats.ruby_scope import underscored
from auditor.formats.ruby_source import LANGUAGE, RubySource
from auditor.model.image import EntryKind
from auditor.model.inventory import Unknown
from auditor.model.source import SourceFacts, Unit, Use, UseKind
from auditor.tables.apis import Apis
from auditor.tables.launchers import LauncherRow

__all__ = ["Ruby"]

_BUNDLER = "bundler"
_RAILS = "rails"
_RACKUP = "config.ru"
_BUILDER = frozenset({"run", "use", "map", "warmup", "freeze_app"})
"""Words of a rackup file: methods of Rack::Builder."""
_CORE = frozenset(
    {
        *("Object", "Kernel", "BasicObject", "Module", "Class", "Comparable", "Enumerable"),
        *("String", "Symbol", "Array", "Hash", "Integer", "Float", "Numeric", "Range", "Proc"),
        *("NilClass", "TrueClass", "FalseClass", "Time", "Exception", "IO", "File", "Dir"),
        *("Method", "UnboundMethod", "Regexp", "Struct", "Thread", "Process", "Range", "Set"),
    }
)
"""Classes that live from the beginning, whoever opens them again."""
_REOPENED = 20
_NATIVE = ".so"
_VENDORED = re.compile(r"/vendor/")
_SYSTEM = ("/usr/bin/", "/usr/sbin/", "/usr/lib/", "/usr/share/")
"""Where a distribution's packages lie. Applications are found in /usr/src/app, among others."""


@dataclass(slots=True)
class Ruby(Language):
    """One image's Ruby."""

    context: Context
    id: str = LANGUAGE
    apis: Apis = field(init=False)
    load_path: LoadPath = field(init=False)
    bundle: Bundle = field(init=False)
    world: World = field(init=False)
    folder: str = "/"
    """Where the program runs."""
    _sought: set[tuple[str, str]] = field(default_factory=set)
    """Constants that no file is named after, and the files that use them."""

    def __post_init__(self) -> None:
        self.apis = self.context.tables.apis.get(LANGUAGE, Apis({}))
        self.bundle = Bundle.of(self.context)
        self.load_path = LoadPath(
            self.context.rootfs, self.context.variables, self.bundle.locked, self.bundle.homes
        )
        self.world = World(self.context.rootfs, self._loaded)
        self.folder = posixpath.join("/", self.context.working_dir)

    # What is started.

    def start(self, words: Words) -> Start:
        """The script, or the application that a launcher is told to run."""
        command = read_command(words, self.context)
        self.folder = command.folder
        if command.script is None or command.problem is not None:
            return Start(problem=command.problem)
        script = self._file(command.script)
        if script is None:
            return Start(problem=f"ruby is told to run {command.script}, which is not in the image")
        self.load_path.again(command.folders)
        self.world.mains.add(script)
        row = self._launcher(script)
        if row is not None:
            return self._launched(row, command, script)
        entries = [script, *self._required(command)]
        return self._started(entries, ())

    def _required(self, command: Command) -> list[str]:
        found = [self.load_path.feature(name) for name in command.features]
        return [path for path in found if path is not None and self._is_source(path)]

    def _started(self, entries: list[str], served: tuple[Served, ...]) -> Start:
        for path in entries:
            self.world.close(path)
        entries += self._conventions(entries)
        return Start(modules=tuple(dict.fromkeys(entries)), served=served)

    def _launcher(self, script: str) -> LauncherRow | None:
        """The launcher that a script is, by what it loads; binstubs lead to the gem's own."""
        rows = self.context.tables.launchers.get(LANGUAGE, {})
        loaded: set[str] = set()
        for _ in range(4):
            source = self._peek(script)
            if source is None:
                return None
            names = [
                use.name
                for unit in source.facts.units
                for use in unit.uses
                if use.kind is UseKind.IMPORT
            ]
            loaded |= {name.partition(" ")[2] for name in names}
            programs = [name.split(" ")[1:] for name in names if name.startswith("gem-bin ")]
            following = self.load_path.program(*programs[0]) if programs else None
            for row in rows.values():
                if loaded & set(row.modules):
                    return row
            if following is None:
                return None
            script = following
        return None

    def _peek(self, path: str) -> RubySource | None:
        self.world.close(path)
        source = self.world.sources.get(path)
        return source if isinstance(source, RubySource) else None

    def _launched(self, row: LauncherRow, command: Command, script: str) -> Start:
        operands, values = named_applications(row, command.arguments)
        if row.id == _BUNDLER:
            return self._bundled(command.arguments)
        for option in ("--dir", "-D", "--chdir"):
            if option in values and option in row.value_options:
                self.folder = posixpath.normpath(posixpath.join(self.folder, values[option]))
        named = [values[option] for option in row.options if option in values]
        if row.id == _RAILS:
            return self._rails(row, operands, script)
        if row.operand and operands:
            named += operands[:1]
        named = named or [_RACKUP, "config/environment.rb"]
        for name in named:
            path = posixpath.normpath(posixpath.join(self.folder, name))
            if self._is_folder(path):
                path = f"{path}/config/environment.rb"
            found = self._file(path)
            if found is not None:
                self.world.mains.add(found)
                return self._started([found], self._served(row))
        reason = f"{row.title} finds no {' and no '.join(named)} in {self.folder}"
        return Start(problem=reason)

    def _bundled(self, arguments: Words) -> Start:
        """``bundle exec puma``: what Bundler runs in its place."""
        words = list(arguments)
        if words[:1] != ["exec"] or not words[1:] or None in words:
            return Start(problem="Bundler is told something else than what to run")
        return Start(commands=(shlex.join(str(word) for word in words[1:]),))

    def _rails(self, row: LauncherRow, operands: list[str], script: str) -> Start:
        entries = [script]
        for name in ("config/environment.rb", _RACKUP):
            found = self._file(posixpath.join(self.folder, name))
            entries += [found] if found is not None else []
        serves = bool(operands) and operands[0] in {"server", "s"}
        return self._started(entries, self._served(row) if serves else ())

    @staticmethod
    def _served(row: LauncherRow) -> tuple[Served, ...]:
        names = (*((row.serves,) if row.serves else ()), *row.asks)
        return tuple(Served(row.title, name, row.source) for name in names)

    def _conventions(self, entries: list[str]) -> list[str]:
        """What Rails loads by itself: all below ``app``, and the initializers."""
        if not any(name.startswith("Rails") for name in self.world.constants):
            return []
        found: list[str] = []
        for root in dict.fromkeys((self.folder, *(posixpath.dirname(path) for path in entries))):
            if self._file(f"{root}/config/application.rb") is None:
                continue
            for place in ("app", "config/initializers"):
                found += glob_files(self.context.rootfs, f"{root}/{place}/**/*.rb")
            found += [path for path in (self._file(f"{root}/config/routes.rb"),) if path]
        for path in found:
            self.world.close(path)
        return found

    # What a module says.

    def read(self, key: str) -> Module | Unknown:
        """One file."""
        self.world.close(key)
        source = self.world.sources.get(key)
        if source is None:
            return Unknown(key, LANGUAGE, "there are more files than are read")
        if isinstance(source, Unknown):
            return source
        entry = self.context.rootfs.resolve(key)
        layer = entry.layer if entry is not None else None
        facts = self._settled(source.facts, key)
        return Module(key, key, facts, self._is_own(key), facts.size, layer)

    def _is_own(self, path: str) -> bool:
        if self.load_path.is_package(path):
            return False
        return _VENDORED.search(path) is None and not path.startswith(_SYSTEM)

    def _settled(self, facts: SourceFacts, path: str) -> SourceFacts:
        """Facts with what other files tell: whose method a call on ``self`` is."""
        units = []
        known = frozenset(unit.name for unit in facts.units)
        for unit in facts.units:
            owner = unit.name if unit.is_class else unit.name.rpartition(".")[0]
            uses = dict.fromkeys(self._use(use, owner, known, path) for use in unit.uses)
            if unit.is_class:
                uses |= dict.fromkeys(self._elsewhere(unit, path))
            if not unit.name:
                uses |= dict.fromkeys(self._opened(facts))
            units.append(replace(unit, uses=tuple(uses)))
        return replace(facts, units=tuple(units))

    def _use(self, use: Use, owner: str, known: frozenset[str], path: str) -> Use:
        own, _, method = use.name.rpartition(".")
        if use.kind is UseKind.NAME and own == "Kernel" and owner:
            found = self.world.method(owner, method)
            if found is not None and found[0] != "Kernel":
                return replace(use, name=f"{found[0]}.{method}")
        if use.kind is not UseKind.LOCAL:
            return use
        if not own and path.endswith(".ru") and method in _BUILDER:
            return replace(use, kind=UseKind.NAME, name=f"Rack::Builder.{method}")
        if own and use.name not in known:
            found = self.world.method(own, method)
            if found is not None:
                return replace(use, kind=UseKind.NAME, name=f"{found[0]}.{method}")
        return use

    def _elsewhere(self, unit: Unit, path: str) -> list[Use]:
        """The other files that open a class again: they live with it."""
        files = self.world.constants.get(unit.name, [])
        if len(files) > _REOPENED or unit.name in _CORE:
            return []
        return [
            Use(UseKind.NAME, f"{unit.name} in {other}", unit.line, called=True)
            for other in dict.fromkeys(files)
            if other != path
        ]

    @staticmethod
    def _opened(facts: SourceFacts) -> list[Use]:
        return [
            Use(UseKind.LOCAL, unit.name, unit.line, called=True)
            for unit in facts.units
            if unit.is_class and unit.name in _CORE
        ]

    # Where names lead.

    def resolve(self, name: str, importer: Module) -> Resolution | None:
        """A loading expression, a constant, or a method of one."""
        how, space, what = name.partition(" ")
        if space and how != _BUNDLER and " in /" not in name:
            return self._resolve_loaded(name, what, importer.key)
        if name == _BUNDLER:
            return Resolution(name, self._loaded(name, importer.key))
        constant, opened, path = name.partition(" in ")
        if opened:
            return Resolution(name, (path,), constant)
        return self._resolve_constant(name, importer.key)

    def _resolve_loaded(self, name: str, what: str, importer: str) -> Resolution | None:
        paths = self._loaded(name, importer)
        sources = tuple(path for path in paths if self._is_source(path))
        native = next((path for path in paths if path.endswith(_NATIVE)), None)
        if sources:
            return Resolution(what, sources)
        if native is not None and not self.load_path.is_standard(native):
            return Resolution(what, native=native)
        if native is not None or self._is_standard(name, what):
            return Resolution(what, standard=True)
        # A pattern may well name nothing.
        return Resolution(what) if "*" in what else None

    def _is_standard(self, name: str, what: str) -> bool:
        if not name.startswith(("require ", "load ")):
            return False
        found = self.load_path.feature(what)
        return found is not None and (found == "builtin:" or self.load_path.is_standard(found))

    def _loaded(self, name: str, importer: str) -> tuple[str, ...]:
        """Files that a loading expression leads to, without the language's own library."""
        how, _, what = name.partition(" ")
        here = posixpath.dirname(importer)
        self._note_load_path(importer)
        match how:
            case "bundler":
                features = [self.load_path.feature(one) for one in self.bundle.features]
                found = [path for path in features if path is not None]
            case "gem-bin":
                gem, _, program = what.partition(" ")
                path = self.load_path.program(gem, program)
                found = [path] if path is not None else []
            case _ if "*" in what:
                top = here if how == "require_relative" else self.folder
                found = glob_files(self.context.rootfs, posixpath.normpath(f"{top}/{what}"))
            case "require_relative":
                what = what.replace("__file__", posixpath.basename(importer))
                found = self._at(posixpath.join(here, what))
            case _ if what.startswith((".", "/")) or how == "load":
                found = self._at(posixpath.join(self.folder, what)) or self._feature(what)
            case _:
                found = self._feature(what)
        return tuple(path for path in found if not self.load_path.is_standard(path))

    def _note_load_path(self, importer: str) -> None:
        source = self.world.sources.get(importer)
        if isinstance(source, RubySource) and source.load_path:
            folders = []
            for text in source.load_path:
                path = text.replace("__dir__", posixpath.dirname(importer), 1)
                path = path.replace("__file__", posixpath.basename(importer), 1)
                folders.append(posixpath.normpath(posixpath.join(self.folder, path)))
            self.load_path.again(folders)

    def _at(self, path: str) -> list[str]:
        found = self.load_path.file(posixpath.normpath(path)) or self._file(path)
        return [found] if found is not None else []

    def _feature(self, name: str) -> list[str]:
        found = self.load_path.feature(name)
        return [found] if found is not None and found != "builtin:" else []

    def _resolve_constant(self, name: str, importer: str) -> Resolution | None:
        written, _, method = name.partition(".")
        full = self.world.constant(written, importer) or self._by_convention(written, importer)
        if full is None:
            return Resolution(name, standard=True)
        told = self._told(full, method)
        known = told if told is not None else f"{full}.{method}" if method else full
        found = self.world.method(full, method) if method else None
        if found is None:
            target = self.world.home(full)
            rest = f"{full}.{method}" if method else full
        else:
            target, rest = found[1], f"{found[0]}.{method}"
        return Resolution(known, (target,), rest)

    def _by_convention(self, written: str, importer: str) -> str | None:
        """A constant of a file that is named after it, where Zeitwerk is at work."""
        if "Zeitwerk::Loader" not in self.world.constants or (written, importer) in self._sought:
            return None
        self._sought.add((written, importer))
        for space in self.world.spaces(importer):
            path = self.load_path.feature(underscored(f"{space}::{written}" if space else written))
            if path is not None and self._is_source(path) and path not in self.world.sources:
                self.world.close(path)
                found = self.world.constant(written, importer)
                if found is not None:
                    return found
        return None

    def _told(self, full: str, method: str) -> str | None:
        """The name under which the tables know a method: its class's, or an ancestor's."""
        for base in self.world.lineage(full):
            name = f"{base}.{method}" if method else base
            if self.apis.of(name):
                return name
        return None

    # Files.

    def _file(self, path: str) -> str | None:
        entry = self.context.rootfs.resolve(path)
        found = entry is not None and entry.kind is EntryKind.FILE
        return entry.path if entry is not None and found else None

    def _is_folder(self, path: str) -> bool:
        entry = self.context.rootfs.resolve(path)
        return entry is not None and entry.kind is EntryKind.DIRECTORY

    def _is_source(self, path: str) -> bool:
        return path != "builtin:" and not path.endswith(_NATIVE)
