"""JavaScript's ``Language``: command lines, modules and names of one image."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field

from auditor.applications.javascript.command import Command, parse_command
from auditor.applications.javascript.launchers import launched, launcher_of
from auditor.applications.javascript.packages import Packages, is_package
from auditor.applications.javascript.scripts import manager_of, run_manager, run_script
from auditor.applications.javascript.standard import documented
from auditor.applications.language import Context, Module, Resolution, Served, Start, Words
from auditor.errors import PathInImageError
from auditor.formats import FormatError
from auditor.formats.javascript_source import LARGEST, Dialect, parse_javascript
from auditor.formats.javascript_standard import is_standard
from auditor.model.inventory import Unknown
from auditor.model.source import UseKind

__all__ = ["JavaScript"]

_DIALECTS = {
    ".ts": Dialect.TYPESCRIPT,
    ".mts": Dialect.TYPESCRIPT,
    ".cts": Dialect.TYPESCRIPT,
    ".tsx": Dialect.TSX,
}
_DATA = (".json", ".wasm", ".css", ".txt", ".html")
_MACHINES = {62: "x64", 183: "arm64", 3: "ia32", 40: "arm", 243: "riscv64", 22: "s390x"}
"""``e_machine`` of ELF → ``process.arch``."""
_STARS = 32


@dataclass(slots=True)
class JavaScript:
    """One image's JavaScript. Made once; what is looked up is remembered."""

    context: Context
    id: str = "javascript"
    _packages: Packages = field(init=False)
    _mains: set[str] = field(default_factory=set)
    _modules: dict[str, Module | Unknown] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._packages = Packages(self.context)

    def start(self, words: Words) -> Start:
        """What the runtime runs, given its own command line."""
        if words and words[0]:
            self._packages.arch = self._arch(words[0]) or self._packages.arch
        command = parse_command(words)
        if command.unclear:
            return Start(problem="what JavaScript is run depends on run time")
        if command.task is not None:
            return self._task(command)
        if command.script is not None:
            return self._script(command.script, command)
        if command.text is not None:
            return self._text(command.text)
        return Start(problem="the runtime is started without a script, and would read its input")

    def _task(self, command: Command) -> Start:
        name = command.task or ""
        folder = self.context.working_dir
        for file in ("deno.json", "deno.jsonc"):
            tasks = self._packages.json(posixpath.join(folder, file)).get("tasks")
            task = tasks.get(name) if isinstance(tasks, dict) else None
            text = task.get("command") if isinstance(task, dict) else task
            if isinstance(text, str):
                return Start(commands=(text,))
        arguments = [word for word in command.arguments if word is not None]
        return run_script(name, arguments, folder, self._packages)

    def _script(self, script: str, command: Command) -> Start:
        path = self._packages.path(posixpath.join(self.context.working_dir, script))
        if path is None and script in {"run", "serve"} and command.arguments:
            # A renamed Deno or Bun, whose command line begins with what it is to do.
            other = parse_command(("deno", script, *command.arguments))
            if other.script is not None:
                return self._script(other.script, other)
        if path is None:
            return self._named(script, command)
        manager = manager_of(path, self._packages)
        if manager is not None:
            return run_manager(manager, command.arguments, self._packages)
        launcher = launcher_of(path, self.context, self._packages)
        if launcher is not None:
            found = launched(launcher, path, command.arguments, self.context, self._packages)
            self._mains.update(found.modules[:1])
            return found
        self._mains.add(path)
        served = (Served("Deno", "net.http.serve", "deno-docs"),) if command.served else ()
        return Start((path, *self._preloaded(command)), served=served)

    def _named(self, script: str, command: Command) -> Start:
        """What is no file: a script of ``package.json``, as Bun takes it."""
        manifest = self._packages.nearest(f"{self.context.working_dir}/x")[1]
        scripts = manifest.get("scripts")
        if isinstance(scripts, dict) and script in scripts:
            arguments = [word for word in command.arguments if word is not None]
            return run_script(script, arguments, self.context.working_dir, self._packages)
        return Start(problem=f"the script {script} is not in the image")

    def _preloaded(self, command: Command) -> tuple[str, ...]:
        """Modules that are loaded before the script; compilers of other dialects are not."""
        found: list[str] = []
        for name in command.preloads:
            path = self._packages.resolve(name, f"{self.context.working_dir}/x")
            if path is None or path.endswith(_DATA):
                continue
            if launcher_of(path, self.context, self._packages) is None:
                found.append(path)
        return tuple(found)

    def _text(self, text: str) -> Start:
        """The modules that text on the command line loads."""
        try:
            facts = parse_javascript(text.encode("utf-8", "replace"))
        except FormatError as error:
            return Start(problem=f"the text on the command line: {error}")
        modules: list[str] = []
        names: list[str] = []
        for use in facts.units[0].uses:
            if use.kind not in {UseKind.IMPORT, UseKind.NAME} or not use.name.startswith('"'):
                continue
            specifier, _, rest = use.name[1:].partition('"')
            if is_standard(specifier):
                continue
            path = self._packages.resolve(specifier, f"{self.context.working_dir}/x")
            if path is None:
                continue
            if use.kind is UseKind.IMPORT:
                modules.append(path)
            else:
                names.append(f'"{path}"{rest}')
        if not modules:
            return Start(problem="the text that the runtime is given to run is not followed")
        return Start(tuple(dict.fromkeys(modules)), tuple(names))

    def _arch(self, program: str) -> str | None:
        """``process.arch``, from the header of the runtime's own file."""
        folders = [""] if "/" in program else self.context.variables.get("PATH", "").split(":")
        for folder in folders:
            place = posixpath.join(self.context.working_dir, folder, program)
            entry = self._packages.file(place)
            if entry is None:
                continue
            try:
                head = self.context.rootfs.read(entry, 20)
            except PathInImageError:
                return None
            return _MACHINES.get(int.from_bytes(head[18:20], "little"))
        return None

    def read(self, key: str) -> Module | Unknown:
        """Read a module by the path of its file."""
        found = self._modules.get(key)
        if found is None:
            found = self._modules[key] = self._read(key)
        return found

    def _read(self, key: str) -> Module | Unknown:
        entry = self._packages.file(key)
        if entry is None:
            return Unknown(key, self.id, "it is not in the image")
        dialect = _DIALECTS.get(posixpath.splitext(key)[1], Dialect.JAVASCRIPT)
        try:
            data = self.context.rootfs.read(entry, LARGEST + 1)
            facts = parse_javascript(
                data, dialect=dialect, main=key in self._mains, constants=self._constants()
            )
        except PathInImageError:
            return Unknown(key, self.id, "its source was not kept", None, entry.size)
        except FormatError as error:
            return Unknown(key, self.id, str(error), None, entry.size)
        return Module(key, entry.path, facts, not is_package(key), entry.size, entry.layer)

    def _constants(self) -> dict[str, str]:
        known = {"process.platform": "linux", "process.arch": self._packages.arch}
        mode = self.context.variables.get("NODE_ENV")
        return known if mode is None else {**known, "process.env.NODE_ENV": mode}

    def resolve(  # noqa: PLR0911 - one case a kind
        self, name: str, importer: Module
    ) -> Resolution | None:
        """Where a qualified name leads from a module (see ``formats.javascript_source``)."""
        if not name.startswith('"'):
            return Resolution(name, standard=True)
        specifier, _, rest = name[1:].partition('"')
        rest = rest.removeprefix(".")
        if not specifier:
            return Resolution(f"./{rest}", (importer.key,), rest)
        kind, joint, text = specifier.partition(":")
        if joint and kind in {"bindings", "node-gyp-build", "node-gyp-build-optional-packages"}:
            native = self._packages.natives(kind, text, importer.key)
            return None if native is None else Resolution(text, native=native)
        if is_standard(specifier):
            return Resolution(documented(specifier, rest), standard=True)
        path = self._packages.resolve(specifier, importer.key)
        if path is None:
            return None
        named = documented(specifier, rest)
        if path.endswith(".node"):
            return Resolution(named, native=path)
        if path.endswith(_DATA):
            return Resolution(named, standard=True)
        keys, inside = self._inside(path, rest)
        return Resolution(named, keys, inside)

    def _inside(self, key: str, rest: str) -> tuple[tuple[str, ...], str]:
        """The modules that a name runs through, and what it is called in the last of them.

        A CommonJS module is its ``module.exports``, which ECMAScript modules see as ``default``.
        """
        module = self.read(key)
        if not rest or isinstance(module, Unknown):
            return (key,), rest
        bindings = module.facts.bindings
        head, _, tail = rest.partition(".")
        if head == "default" and head not in bindings:
            if not tail:
                return (key,), "export=" if "export=" in bindings else ""
            head, rest = tail.partition(".")[0], tail
        if head in bindings or head == "default":
            return (key,), rest
        if "export=" in bindings:
            return (key,), f"export=.{rest}"
        return (key, *self._starred(key, head)), rest

    def _starred(self, key: str, head: str) -> tuple[str, ...]:
        """The modules over which ``export *`` hands a name on; empty where none has it."""
        came: dict[str, str] = {key: ""}
        queue = [key]
        while queue and len(came) < _STARS:
            here = self.read(queue.pop(0))
            if isinstance(here, Unknown):
                continue
            if head in here.facts.bindings and here.key != key:
                chain = [here.key]
                while came[chain[0]] != key:
                    chain.insert(0, came[chain[0]])
                return tuple(chain)
            for star in here.facts.stars:
                path = self._packages.resolve(star[1:].partition('"')[0], here.key)
                if path is not None and path not in came and not path.endswith((".node", *_DATA)):
                    came[path] = here.key
                    queue.append(path)
        return ()
