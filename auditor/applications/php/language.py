"""PHP: the language of the applications that php, php-fpm and mod_php run."""

from __future__ import annotations

import posixpath
import re
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
from auditor.applications.php.command import Command, read_command
from auditor.applications.php.roots import front_controllers, scripts_of
from auditor.applications.php.settings import CLI, FPM, Settings, read_settings
from auditor.applications.php.world import World
from auditor.formats.php_source import LANGUAGE, PhpSource
from auditor.model.inventory import Unknown
from auditor.model.source import SourceFacts, Unit, Use, UseKind
from auditor.tables.apis import Apis

__all__ = ["Php"]

_BUILT_IN = "cli-server"
_PACKAGES = re.compile(r"/vendor/|\A/usr/share/(?:php|pear)/|\A/usr/local/lib/php/|\A/usr/bin/")
_EXTENSION = "extension "
_LOAD = "require "
_JIT = "opcache.jit()"


@dataclass(slots=True)
class Php(Language):
    """One image's PHP."""

    context: Context
    id: str = LANGUAGE
    apis: Apis = field(init=False)
    world: World = field(init=False)
    settings: Settings = field(default_factory=Settings)
    entries: set[str] = field(default_factory=set)
    _spelt: dict[str, str] = field(default_factory=dict)
    """Names of the tables in lower case → as they are written there."""

    def __post_init__(self) -> None:
        self.apis = self.context.tables.apis.get(LANGUAGE, Apis({}))
        self.world = World(self.context.rootfs, posixpath.join("/", self.context.working_dir))
        self._spelt = {name.lower(): name for name in self.apis.rows}

    # What is started.

    def start(self, words: Words) -> Start:
        """The script of ``php``, or the front controllers that a web server hands to it."""
        program = self._program(words[0] if words and words[0] is not None else "")
        command = read_command(words, self.world.working_dir, fpm=False)
        self.settings = read_settings(self.context.rootfs, program, command.options)
        if self.settings.interface == FPM:
            command = read_command(words, self.world.working_dir, fpm=True)
            self.settings = read_settings(self.context.rootfs, program, command.options)
        self.settings.values |= command.settings
        if self.settings.interface != CLI:
            return self._by_request(self.settings.interface)
        if "-S" in command.options:
            return self._built_in(command)
        return self._script(command)

    def _program(self, name: str) -> str:
        """Absolute path of the executable, looked up as ``execvp`` does."""
        if "/" in name:
            return posixpath.join(self.world.working_dir, name)
        folders = self.context.variables.get("PATH", "").split(":")
        paths = [posixpath.join(folder, name) for folder in folders if folder.startswith("/")]
        return next((path for path in paths if self.world.is_file(path)), name)

    def _by_request(self, interface: str) -> Start:
        found = front_controllers(self.context.rootfs, self.settings, self.world.working_dir)
        served = self._served(interface)
        if not found:
            reason = "no document root with PHP files was found for what the web server runs"
            return Start(problem=reason, served=served)
        return self._started(found, served)

    def _built_in(self, command: Command) -> Start:
        """``php -S address [-t folder] [router.php]``."""
        served = self._served(_BUILT_IN)
        router = next((one for one in command.operands if one), None)
        root = command.options.get("-t", self.world.working_dir)
        found = scripts_of(self.context.rootfs, root)
        if router is not None:
            path = posixpath.normpath(posixpath.join(self.world.working_dir, router))
            found = [path, *found] if self.world.is_file(path) else found
        if not found:
            return Start(problem=f"PHP's web server finds no PHP files in {root}", served=served)
        return self._started(found, served)

    def _script(self, command: Command) -> Start:
        if "-r" in command.options:
            return Start(problem="the program stands on the command line of php (-r)")
        named = command.options.get("-f") or next(iter(command.operands), None)
        if not named or named == "-":
            return Start(problem="php is not told which script to run")
        path = posixpath.normpath(posixpath.join(self.world.working_dir, named))
        entry = self.context.rootfs.resolve(path)
        if entry is None:
            return Start(problem=f"php is told to run {path}, which is not in the image")
        return self._started([entry.path], ())

    def _served(self, interface: str) -> tuple[Served, ...]:
        rows = self.context.tables.launchers.get(LANGUAGE, {})
        return tuple(
            Served(row.title, row.serves, row.source)
            for row in rows.values()
            if interface in row.modules and row.serves
        )

    def _started(self, entries: list[str], served: tuple[Served, ...]) -> Start:
        self.entries |= set(entries)
        for path in entries:
            folder = posixpath.dirname(path)
            above = posixpath.dirname(folder)
            is_public = posixpath.basename(folder) in {"public", "web", "webroot"}
            self.world.roots.append(above if is_public else folder)
        for path in entries:
            self.world.close(path)
        return Start(modules=tuple(dict.fromkeys(entries)), served=served)

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
        facts = self._settled(source, key)
        own = _PACKAGES.search(key) is None
        return Module(key, key, facts, own, source.facts.size, layer)

    def _settled(self, source: PhpSource, path: str) -> SourceFacts:
        """Facts with what the configuration adds; Composer's loader is what it loads."""
        facts = source.facts
        if path in self.world.loaders:
            loads = [Use(UseKind.IMPORT, f"{_LOAD}{one}", 0) for one in self.world.loaders[path]]
            return replace(facts, units=(Unit("", 1, facts.size, tuple(loads)),))
        if path not in self.entries:
            return facts
        more = [Use(UseKind.IMPORT, f"{_EXTENSION}{one}", 0) for one in self.settings.extensions]
        if self.settings.compiles:
            more.append(Use(UseKind.NAME, _JIT, 0, called=True))
        top, *rest = facts.units
        return replace(facts, units=(replace(top, uses=(*top.uses, *more)), *rest))

    # Where names lead.

    def resolve(self, name: str, importer: Module) -> Resolution | None:
        """A file, a function, a class or a method of one."""
        if name.startswith(_EXTENSION):
            path = name.removeprefix(_EXTENSION)
            return Resolution(posixpath.basename(path).removesuffix(".so"), native=path)
        if name.startswith(_LOAD):
            paths = self.world.paths(name, importer.key)
            return Resolution(name.removeprefix(_LOAD), tuple(paths)) if paths else None
        if name.endswith("()"):
            return self._function(name)
        owner, dot, method = name.partition(".")
        return self._method(owner, method) if dot else self._class(owner)

    def _function(self, name: str) -> Resolution:
        lower = name.lower()
        for known in (lower, lower.rpartition("\\")[2]):
            path = self.world.functions.get(known)
            if path is not None:
                unit = self.world.spelt[known]
                return Resolution(unit.removesuffix("()"), (path,), unit)
        plain = lower.rpartition("\\")[2].removesuffix("()")
        if plain in self.settings.disabled:
            return Resolution(f"{plain} (disabled)", standard=True)
        return Resolution(self._spelt.get(plain, plain), standard=True)

    def _class(self, name: str) -> Resolution:
        path = self.world.find_class(name)
        if path is None:
            return Resolution(self._spelt.get(name.lower(), name), standard=True)
        return Resolution(name, (path,), self.world.spelt[name.lower()])

    def _method(self, owner: str, method: str) -> Resolution:
        plain = method.partition("(")[0]
        told = self._told(owner, method) or self._told(owner, plain) or f"{owner}.{method}"
        path = self.world.find_class(owner)
        if path is None:
            return Resolution(told, standard=True)
        own = self.world.spelt[owner.lower()]
        if plain.lower() == "__construct":
            # Of the class itself, which then lives; what it is derived from lives with it.
            return Resolution(told, (path,), f"{own}.__construct")
        found = self.world.method(owner, plain)
        if found is None:
            return Resolution(told, (path,), f"{own}.{plain}")
        unit, place = found
        return Resolution(told, (place,), unit)

    def _told(self, owner: str, method: str) -> str | None:
        """The name under which the tables know a method: its class's, or an ancestor's."""
        for base in self.world.lineage(owner):
            known = self._spelt.get(f"{base}.{method}".lower()) or self._below(base, method)
            if known is not None:
                return known
        return None

    def _below(self, base: str, method: str) -> str | None:
        whole = self._spelt.get(f"{base}.*".lower())
        return f"{whole.removesuffix('*')}{method}" if whole is not None else None
