"""Follow command lines through an image: executables, wrappers, shells and scripts.

Nothing is run. Where a shell script branches, every branch counts; where a word depends on run
time, the walk says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from auditor.applications import Applications
from auditor.formats import FormatError
from auditor.formats.shell import parse_shell
from auditor.graph.launch import SHELLS, Environment, Words, base_name, shell_script, unwrap
from auditor.graph.sources import Started
from auditor.model.facts import ScriptFacts, ShellCommand, ShellFacts
from auditor.model.graph import ENTRYPOINT, Command, Edge, EdgeKind
from auditor.model.image import EntryKind
from auditor.model.inventory import Component, ComponentKind, Unknown
from auditor.tables.rows import WrapperRow

__all__ = ["Walk", "Walker"]

_DEPTH = 24
_SCRIPT_SUFFIXES = frozenset({".sh", ".envsh"})


@dataclass(slots=True)
class Walk:
    """What the walk has found so far."""

    edges: set[Edge] = field(default_factory=set)
    commands: set[Command] = field(default_factory=set)
    unknowns: set[Unknown] = field(default_factory=set)
    executables: dict[str, Component] = field(default_factory=dict)
    """Every ELF executable met, to be linked."""
    main: list[str] = field(default_factory=list)
    """Components that are left running, each once, in the order found."""
    started: list[Started] = field(default_factory=list)
    """What runtimes were told to run, in the order found."""
    problem: str | None = None
    """Where the container's own process surely goes and the walk cannot follow."""
    lost: str | None = None
    """The same, where it may go there."""
    arrivals: int = 0
    """How often the container's own process was followed to where it stays, or got lost."""


@dataclass(frozen=True, slots=True)
class _Step:
    """How the walk came to a command line."""

    origin: str
    kind: EdgeKind
    detail: str
    line: int | None
    handed: bool
    """Whether the container's own process gets there, rather than a child of it."""
    conditional: bool = False
    """Whether it gets there on a branch only."""
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Walker:
    """Walks one image. ``component_at`` gives the component at a real path."""

    environment: Environment
    component_at: Callable[[str], Component | None]
    wrappers: Mapping[str, WrapperRow]
    applications: Applications
    runtimes: tuple[Component, ...] = ()
    """The image's interpreters, for a command whose program run time decides."""
    walk: Walk = field(default_factory=Walk)
    _seen: set[tuple[str, Words, bool]] = field(default_factory=set)
    _active: set[str] = field(default_factory=set)
    """Scripts being followed now: one that starts itself again adds nothing new."""

    def start(self, argv: tuple[str, ...]) -> Walk:
        """Walk from the image's command line."""
        step = _Step(ENTRYPOINT, EdgeKind.STARTS, " ".join(argv), None, handed=True)
        if not self._run(argv, step):
            self.walk.problem = f"the image's command {self._told(argv[0])}"
        if not self.walk.main and not any(item.handed for item in self.walk.started):
            self.walk.problem = self.walk.problem or self.walk.lost
        return self.walk

    def check(self, healthcheck: tuple[str, ...]) -> None:
        """Walk from the image's HEALTHCHECK (Docker's image spec v1.2, ``Healthcheck.Test``)."""
        kind, *words = healthcheck or ("NONE",)
        if kind == "CMD-SHELL" and words:
            words = ["/bin/sh", "-c", *words]
        elif kind != "CMD" or not words:
            return
        step = _Step(ENTRYPOINT, EdgeKind.CHECKS, " ".join(words), None, handed=False)
        if not self._run(tuple(words), step):
            reason = f"the image's HEALTHCHECK: {self._told(words[0])}"
            self.walk.unknowns.add(Unknown("/", "graph", reason))

    def _run(self, words: Words, step: _Step) -> bool:
        """Follow one command line; False where its first word leads to no component."""
        name = words[0] if words else None
        if name is None or step.depth > _DEPTH:
            return False
        entry = self.environment.find(name)
        component = self.component_at(entry.path) if entry is not None else None
        if component is None:
            return False
        self.walk.edges.add(Edge(step.origin, component.id, step.kind, step.detail, step.line))
        mark = (component.id, words, step.handed)
        if mark in self._seen:
            self.walk.arrivals += step.handed
            return True
        self._seen.add(mark)
        match component.kind:
            case ComponentKind.SCRIPT:
                self._script(component, words, step)
            case ComponentKind.EXECUTABLE:
                self._executable(component, words, step)
            case ComponentKind.WASM | ComponentKind.LIBRARY:
                self._leave_running(component, step)
        return True

    def _executable(self, component: Component, words: Words, step: _Step) -> None:
        self.walk.executables[component.id] = component
        called = base_name(words[0] or "")
        if called == "busybox" and len(words) > 1 and words[1] is not None:
            words = words[1:]
            called = base_name(words[0] or "")
        wrapper = self.wrappers.get(called)
        inner = unwrap(wrapper, words) if wrapper is not None else ()
        if wrapper is not None and inner:
            kind = EdgeKind.EXECS if wrapper.replaces else EdgeKind.SPAWNS
            if self._run(inner, self._deeper(step, component.id, kind, _shown(inner))):
                return
            self._not_found(component, inner, step)
            return
        if called in SHELLS and self._shell(component, words, step):
            return
        if not self._application(component, component.runtime, words, step):
            self._leave_running(component, step)

    def _application(self, host: Component, runtime: str | None, words: Words, step: _Step) -> bool:
        """What a language's runtime is told to run; False where that is not followed."""
        start = self.applications.start(runtime, words)
        if start is None or runtime is None:
            return False
        if start.problem is not None:
            self.walk.unknowns.add(Unknown(host.path, "application", start.problem, host.id, 1))
            return False
        for text in start.commands:
            self._shell_text(host, text, (), step)
        if start.modules:
            detail = _shown(words)
            self.walk.started.append(
                Started(host.id, step.origin, runtime, start, detail, step.handed)
            )
            self.walk.arrivals += step.handed
        return bool(start.commands or start.modules)

    def _shell(self, shell: Component, words: Words, step: _Step) -> bool:
        """What a shell is told to run; False where it is left to itself."""
        call = shell_script(words)
        if call.unclear:
            self._unclear(shell, None, "the shell's script depends on run time", step)
            return True
        if call.file is not None:
            deeper = self._deeper(step, shell.id, EdgeKind.SOURCES, call.file)
            return self._run((call.file, *call.arguments), deeper)
        if call.text is None:
            return False
        self._shell_text(shell, call.text, call.arguments, step)
        return True

    def _shell_text(self, host: Component, text: str, arguments: Words, step: _Step) -> None:
        try:
            facts = parse_shell(text.encode(), env=self.environment.variables)
        except FormatError as error:
            self._unclear(host, None, str(error), step)
            return
        self._interpret(host, facts, arguments, step, name="sh")

    def _script(self, script: Component, words: Words, step: _Step) -> None:
        facts = script.facts
        if not isinstance(facts, ScriptFacts):
            self._leave_running(script, step)
            return
        interpreter = self._interpreter(script, facts)
        if not facts.posix_shell:
            self._foreign(script, facts, interpreter, words, step)
            return
        rootfs = self.environment.rootfs
        entry = rootfs.resolve(script.path)
        text = rootfs.read(entry) if entry is not None else b""
        try:
            shell = parse_shell(text, env=self.environment.variables)
        except FormatError as error:
            self._unclear(script, None, str(error), step)
            return
        self._interpret(script, shell, words[1:], step, name=script.path)

    def _foreign(
        self,
        script: Component,
        facts: ScriptFacts,
        interpreter: Component | None,
        words: Words,
        step: _Step,
    ) -> None:
        """A script in another language than a shell's, by the words that its runtime is given."""
        argument = facts.argument.split() if facts.argument else []
        if base_name(facts.interpreter) == "env":
            argument = [word for word in argument if word != "-S" and "=" not in word]
            line: Words = (*argument, script.path, *words[1:])
        else:
            line = (facts.interpreter, *argument, script.path, *words[1:])
        runtime = script.runtime
        if interpreter is not None and interpreter.runtime is not None:
            runtime = interpreter.runtime
        if not self._application(script, runtime, line, step):
            reason = f"a script for {facts.interpreter}, whose language is not followed"
            self.walk.unknowns.add(Unknown(script.path, "script", reason, script.id, script.weight))
            self._leave_running(script, step)

    def _interpreter(self, script: Component, facts: ScriptFacts) -> Component | None:
        """Edges to what the kernel runs for ``#!``, and to what ``env`` then looks up.

        Gives the last of these, which reads the script.
        """
        last: Component | None = None
        detail = f"#!{facts.interpreter}"
        words = [facts.interpreter, *(facts.argument.split() if facts.argument else ())]
        for name in dict.fromkeys((words[0], *(w for w in words[1:] if _is_command(words[0], w)))):
            entry = self.environment.find(name)
            component = self.component_at(entry.path) if entry is not None else None
            if component is None:
                reason = f"its interpreter {name} is not in the image"
                self.walk.unknowns.add(Unknown(script.path, "graph", reason, script.id))
                continue
            self.walk.edges.add(Edge(script.id, component.id, EdgeKind.INTERPRETER, detail, 1))
            last = component
            if component.kind is ComponentKind.EXECUTABLE:
                self.walk.executables[component.id] = component
        return last

    def _interpret(
        self, script: Component, shell: ShellFacts, arguments: Words, step: _Step, *, name: str
    ) -> None:
        """Follow every command that a shell script can run."""
        if script.id in self._active:
            return
        self._active.add(script.id)
        before = self.walk.arrivals
        arguments = self._arguments(shell, arguments, name)
        only = len(shell.commands) == 1 and not shell.commands[0].background
        for command in (*shell.sources, *shell.commands):
            sourced = command in shell.sources
            last = command.replaces or (only and not sourced)
            kind = _edge_kind(sourced=sourced, replaces=command.replaces)
            deeper = _Step(
                origin=script.id,
                kind=kind,
                detail=command.text,
                line=command.line,
                handed=step.handed and (last or command.background),
                conditional=step.conditional or command.conditional or command.background,
                depth=step.depth + 1,
            )
            arrivals = self.walk.arrivals
            self._command(script, shell, command, _spliced(command.words, arguments, name), deeper)
            if command.background:
                # It is left running beside the container's own process, which is yet to come.
                self.walk.arrivals = arrivals
        self._active.discard(script.id)
        if shell.errors:
            reason = f"{shell.errors} places in it are no shell syntax that the parser knows"
            self.walk.unknowns.add(Unknown(script.path, "shell", reason, script.id))
        if self.walk.arrivals == before:
            self._leave_running(script, step)

    def _command(
        self, script: Component, shell: ShellFacts, command: ShellCommand, words: Words, step: _Step
    ) -> None:
        if not words or words[0] is None:
            found = self._by_words(words, step) or (
                not command.replaces and self._plug_ins(shell, step)
            )
            if not found:
                reason = f"line {command.line}: the command depends on run time: {command.text}"
                self._unclear(script, command.line, reason, step)
            return
        if step.kind is EdgeKind.SPAWNS and not step.handed:
            self.walk.commands.add(
                Command(script.id, command.line, command.text, command.conditional)
            )
        if not self._run(words, step) and not (command.conditional and not step.handed):
            self._not_found(script, words, step)

    def _by_words(self, words: Words, step: _Step) -> bool:
        """Follow a command line whose program is not known, where its words tell.

        ``exec "$_RUNJAVA" -classpath … org.example.Main``: of the image's interpreters, just one
        finds an application by these words.
        """
        takers = []
        for runtime in self.runtimes:
            line = (runtime.path, *words[1:])
            start = self.applications.start(runtime.runtime, line) if len(words) > 1 else None
            if start is not None and start.problem is None and start.modules:
                takers.append(line)
        return len(takers) == 1 and self._run(takers[0], step)

    def _plug_ins(self, shell: ShellFacts, step: _Step) -> bool:
        """Scripts in directories that the script names: what ``"$f"`` in a loop stands for."""
        found = False
        rootfs = self.environment.rootfs
        for directory in shell.paths:
            entry = rootfs.resolve(directory)
            if entry is None or entry.kind is not EntryKind.DIRECTORY or entry.path == "/":
                continue
            for name in rootfs.listdir(directory):
                path = f"{directory.rstrip('/')}/{name}"
                if PurePosixPath(name).suffix in _SCRIPT_SUFFIXES and self._run((path,), step):
                    found = True
        return found

    def _arguments(self, shell: ShellFacts, arguments: Words, name: str) -> Words:
        """The script's own arguments, after each ``set --`` that has to be taken.

        One inside a branch is taken where the arguments as they are name no program, since
        that is what such branches are for (``redis-server`` put before ``--port``).
        """
        for change in shell.positional:
            first = arguments[0] if arguments else None
            runnable = first is not None and self.environment.find(first) is not None
            if not (change.conditional and runnable):
                arguments = _spliced(change.words, arguments, name)
        return arguments

    def _leave_running(self, component: Component, step: _Step) -> None:
        if step.handed:
            self.walk.arrivals += 1
            if component.id not in self.walk.main:
                self.walk.main.append(component.id)

    def _lose(self, step: _Step, reason: str) -> None:
        """Give up on the container's own process, for sure or on one branch."""
        if step.handed:
            self.walk.arrivals += 1
            self.walk.lost = reason
            if not step.conditional:
                self.walk.problem = reason

    def _deeper(self, step: _Step, origin: str, kind: EdgeKind, detail: str) -> _Step:
        return replace(step, origin=origin, kind=kind, detail=detail, depth=step.depth + 1)

    def _not_found(self, component: Component, words: Words, step: _Step) -> None:
        where = f"line {step.line}: " if step.line is not None else ""
        reason = f"{where}{self._told(words[0] or '')}"
        self.walk.unknowns.add(Unknown(component.path, "graph", reason, component.id))
        self._lose(step, f"{component.path} hands over, but {self._told(words[0] or '')}")

    def _told(self, name: str) -> str:
        """Why a command's name led nowhere."""
        if self.environment.find(name) is None:
            return f"{name!r} is not in the image"
        return f"{name!r} is no ELF file, script or WebAssembly module"

    def _unclear(self, component: Component, line: int | None, reason: str, step: _Step) -> None:
        self.walk.unknowns.add(Unknown(component.path, "shell", reason, component.id))
        where = f" line {line}" if line is not None else ""
        self._lose(step, f"{component.path}{where} hands over to what run time decides")


def _edge_kind(*, sourced: bool, replaces: bool) -> EdgeKind:
    if sourced:
        return EdgeKind.SOURCES
    return EdgeKind.EXECS if replaces else EdgeKind.SPAWNS


def _spliced(words: Words, arguments: Words, name: str) -> Words:
    """Put a script's arguments in the place of ``"$@"`` and its name in that of ``$0``."""
    spliced: list[str | None] = []
    for word in words:
        if word == "$@":
            spliced.extend(arguments)
        else:
            spliced.append(name if word == "$0" else word)
    return tuple(spliced)


def _is_command(interpreter: str, word: str) -> bool:
    return base_name(interpreter) == "env" and not word.startswith("-") and "=" not in word


def _shown(words: Words) -> str:
    return " ".join("…" if word is None else word for word in words)
