"""Follow an application from its entry modules: which units run, and what they ask for.

A work list over units of source, to a fixed point: rapid type analysis (Bacon and Sweeney, OOPSLA
1996), with names in the place of types where a language has none. How sure it is that a unit runs
is kept with it: what the application calls by name is sure, what a package could call is not.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import IntEnum

from auditor.applications.language import Language, Module, Resolution, Start
from auditor.model.inventory import Unknown
from auditor.model.source import Unit, Use, UseKind
from auditor.tables.apis import Api, Apis, ApiUse

__all__ = ["MODULES", "Asked", "Certainty", "Followed", "Import", "follow"]

MODULES = 20_000
"""Modules of one application; what lies beyond is an Unknown."""
_MAKERS = frozenset({"__init__", "__new__", "__post_init__", "__init_subclass__", "<init>"})
"""Methods that run when an object is made, or a class is derived from."""
_ALIASES = 32
"""How often a name may be handed on from module to module."""


class Certainty(IntEnum):
    """How sure it is that a unit runs."""

    POSSIBLE = 1
    """Something names it, or a member of its name is called somewhere."""
    LIKELY = 2
    """The application passes it on, or calls a member of its name; or a package calls it by name
    in some branch."""
    SURE = 3
    """Called by name, from where it is sure; or a part of the application itself."""


@dataclass(frozen=True, slots=True, order=True)
class Import:
    """One module leads to another."""

    source: str
    """Key of the module that imports; empty for the command line."""
    target: str
    """Key of a module, or path of a shared library."""
    detail: str
    line: int
    native: bool = False


@dataclass(frozen=True, slots=True, order=True)
class Asked:
    """Something of the platform is asked for."""

    module: str
    """Key of the module that asks."""
    unit: str
    name: str
    """As resolved (``subprocess.run``)."""
    line: int
    api: Api
    certainty: Certainty
    guarded: bool = False
    address: int = 0
    """Of the instruction, in a program that was compiled; else 0."""


@dataclass(slots=True)
class Followed:
    """What following one application came to."""

    modules: dict[str, Module] = field(default_factory=dict)
    """Key → module, in the order found."""
    imports: set[Import] = field(default_factory=set)
    asked: dict[tuple[str, str, str, int, Api], Asked] = field(default_factory=dict)
    """The surest of each."""
    unknowns: set[Unknown] = field(default_factory=set)
    units: dict[tuple[str, str], Certainty] = field(default_factory=dict)
    """Every unit that may run: key of its module and its name → how sure."""


def follow(language: Language, start: Start, apis: Apis) -> Followed:
    """Follow one start of one application."""
    run = _Run(language, apis)
    for key in start.modules:
        run.load("", key, key, 0, Certainty.SURE)
    for module in [run.found.modules[key] for key in start.modules if key in run.found.modules]:
        for name in start.names:
            run.follow_name(module, "", Use(UseKind.NAME, name, 0, called=True), Certainty.SURE)
    run.work()
    return run.found


@dataclass(slots=True)
class _Run:
    """One pass to the fixed point."""

    language: Language
    apis: Apis
    found: Followed = field(default_factory=Followed)
    _refused: set[str] = field(default_factory=set)
    _units: dict[tuple[str, str], Unit] = field(default_factory=dict)
    _methods: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    """Last part of a name → units of live classes."""
    _members: dict[str, Certainty] = field(default_factory=dict)
    """Members that are called on something unknown."""
    _live: dict[tuple[str, str], Certainty] = field(default_factory=dict)
    """Classes that are made or derived from."""
    _queue: deque[tuple[str, str]] = field(default_factory=deque)
    _rows: dict[tuple[str, bool], tuple[Api, ...]] = field(default_factory=dict)
    """The same names are used again and again."""

    def work(self) -> None:
        """Until nothing new is reached."""
        while self._queue:
            key, name = self._queue.popleft()
            module, unit = self.found.modules[key], self._units[key, name]
            certainty = self.found.units[key, name]
            for use in unit.uses:
                self._use(module, unit, use, certainty)

    def load(self, source: str, key: str, detail: str, line: int, certainty: Certainty) -> bool:
        """Load a module: its top level runs, and all of it where it is the application's own."""
        module = self.found.modules.get(key) or self._read(key)
        if module is None:
            return False
        if source != key:
            self.found.imports.add(Import(source, key, detail, line))
        self._reach(key, "", certainty)
        if module.own:
            for unit in module.facts.units:
                self._reach(key, unit.name, certainty)
        return True

    def _read(self, key: str) -> Module | None:
        if key in self._refused:
            return None
        if len(self.found.modules) >= MODULES:
            reason = f"an application of more than {MODULES} modules is followed no further"
            self.found.unknowns.add(Unknown(key, "application", reason))
            return None
        module = self.language.read(key)
        if isinstance(module, Unknown):
            self._refused.add(key)
            self.found.unknowns.add(module)
            return None
        self.found.modules[key] = module
        for unit in module.facts.units:
            self._units[key, unit.name] = unit
        return module

    def _reach(self, key: str, name: str, certainty: Certainty) -> bool:
        unit = self._units.get((key, name))
        if unit is None:
            return False
        if self.found.units.get((key, name), 0) < certainty:
            self.found.units[key, name] = certainty
            self._queue.append((key, name))
            if unit.is_class:
                self._enliven(key, name, certainty)
        return True

    def _enliven(self, key: str, name: str, certainty: Certainty) -> None:
        """A class is made: what its language calls by itself runs, and members may be called."""
        self._live[key, name] = certainty
        for method, unit in self._of_class(key, name):
            if method in _MAKERS:
                self._reach(key, unit, certainty)
            elif method.startswith("__") and method.endswith("__"):
                self._reach(key, unit, Certainty.POSSIBLE)
            self._methods.setdefault(method, []).append((key, unit))
            if method in self._members:
                self._reach(key, unit, min(certainty, self._members[method]))

    def _of_class(self, key: str, name: str) -> list[tuple[str, str]]:
        """Methods of a class: last part of the name, and the unit."""
        prefix = f"{name}."
        units = self.found.modules[key].facts.units
        return [
            (unit.name.removeprefix(prefix), unit.name)
            for unit in units
            if unit.name.startswith(prefix) and "." not in unit.name.removeprefix(prefix)
        ]

    def _use(self, module: Module, unit: Unit, use: Use, certainty: Certainty) -> None:
        if use.guarded:
            # What one's own code tries and does without is still what it tries.
            tried = module.own and use.kind is not UseKind.IMPORT
            certainty = min(certainty, Certainty.LIKELY if tried else Certainty.POSSIBLE)
        elif use.conditional and use.kind is UseKind.IMPORT and not module.own:
            certainty = min(certainty, Certainty.LIKELY)
        match use.kind:
            case UseKind.IMPORT | UseKind.NAME:
                self.follow_name(module, unit.name, use, certainty)
            case UseKind.LOCAL:
                self._local(module, use, certainty)
            case UseKind.MEMBER:
                likely = Certainty.LIKELY if module.own else Certainty.POSSIBLE
                self._member(use.name, min(certainty, likely))
            case UseKind.TEXT:
                if module.own:
                    self._text(module, use, certainty)
            case UseKind.DYNAMIC:
                self._dynamic(module, unit, use, certainty)

    def follow_name(self, module: Module, unit: str, use: Use, certainty: Certainty) -> None:
        """Where a name of another module leads, over every hand on the way.

        Whoever uses the name asks, wherever it is handed on.
        """
        via, name = module, use.name
        for _ in range(_ALIASES):
            place = self.language.resolve(name, via)
            if place is None:
                self._absent(module, use, certainty)
                return
            replaced = self._ask(module, unit, use, place, certainty)
            if place.standard or replaced:
                return
            handed_on = self._enter(module, use, place, certainty, via)
            if handed_on is None:
                return
            via, name = handed_on
        # A circle of modules that hand a name on to each other: it stands for nothing.

    def _enter(
        self,
        module: Module,
        use: Use,
        place: Resolution,
        certainty: Certainty,
        via: Module | None = None,
    ) -> tuple[Module, str] | None:
        """Load what a name names; gives the module and the name that it is handed on under.

        ``via`` is the module that handed it on, where that is another than the one that uses it.
        """
        via = via or module
        line = use.line if via is module else 0
        for key in place.modules:
            if not self.load(via.key, key, use.name, line, certainty):
                return None
        if place.native is not None:
            link = Import(via.key, place.native, use.name, line, native=True)
            self.found.imports.add(link)
        if not place.modules or not place.rest or place.native is not None:
            return None
        last = self.found.modules[place.modules[-1]]
        return self._inside(module, last, place.rest, use, certainty)

    def _inside(
        self, module: Module, last: Module, rest: str, use: Use, certainty: Certainty
    ) -> tuple[Module, str] | None:
        """Reach a unit by its name inside a module, or say where the name is handed on to."""
        if use.kind is not UseKind.IMPORT:
            self._reach_named(last, rest, self._passed(module, use, certainty))
        head, _, tail = rest.partition(".")
        if (last.key, head) in self._units:
            return None
        target = last.facts.bindings.get(head)
        if target is not None:
            return last, f"{target}.{tail}" if tail else target
        for star in last.facts.stars:
            if self._has(star, head, last):
                return last, f"{star}.{rest}"
        return None

    def _has(self, star: str, name: str, importer: Module) -> bool:
        """Whether a module all of whose names were taken over has one of that name."""
        place = self.language.resolve(star, importer)
        if place is None or not place.modules:
            return place is not None and place.standard
        key = place.modules[-1]
        module = self.found.modules.get(key) or self._read(key)
        if module is None:
            return False
        return (module.key, name) in self._units or name in module.facts.bindings

    def _passed(self, module: Module, use: Use, certainty: Certainty) -> Certainty:
        """A call hands its certainty on; being named is less, and so is a package's branch."""
        if use.called:
            branch = use.conditional and not module.own
            return min(certainty, Certainty.LIKELY) if branch else certainty
        return min(certainty, Certainty.LIKELY if module.own else Certainty.POSSIBLE)

    def _reach_named(self, module: Module, name: str, certainty: Certainty) -> None:
        """The unit of that name; of ``Server.start`` the class as well."""
        parts = name.split(".")
        for end in range(1, len(parts) + 1):
            self._reach(module.key, ".".join(parts[:end]), certainty)

    def _local(self, module: Module, use: Use, certainty: Certainty) -> None:
        passed = self._passed(module, use, certainty)
        if (module.key, use.name) in self._units:
            self._reach_named(module, use.name, passed)
            return
        # Inherited, or made at run time: whoever has a member of that name.
        self._member(use.name.rpartition(".")[2], min(passed, Certainty.LIKELY))

    def _member(self, name: str, certainty: Certainty) -> None:
        if self._members.get(name, 0) >= certainty:
            return
        self._members[name] = certainty
        for key, unit in self._methods.get(name, ()):
            owner = unit.rpartition(".")[0]
            self._reach(key, unit, min(certainty, self._live[key, owner]))

    def _text(self, module: Module, use: Use, certainty: Certainty) -> None:
        place = self.language.resolve(use.name, module)
        if place is None or not place.modules or place.standard:
            return
        last = self.found.modules.get(place.modules[-1]) or self._read(place.modules[-1])
        likely = min(certainty, Certainty.LIKELY)
        self._enter(module, use, place, certainty if last is not None and last.own else likely)

    def _ask(
        self, module: Module, unit: str, use: Use, place: Resolution, certainty: Certainty
    ) -> bool:
        """Note what a name asks for; True where the host takes the place of what is behind."""
        imported = use.kind is UseKind.IMPORT
        certainty = certainty if imported else self._passed(module, use, certainty)
        rows = self._rows_of(place.name, imported=imported)
        for row in rows:
            key = (module.key, unit, place.name, use.line, row)
            known = self.found.asked.get(key)
            if known is None or known.certainty < certainty:
                self.found.asked[key] = Asked(
                    module.key,
                    unit,
                    place.name,
                    use.line,
                    row,
                    certainty,
                    use.guarded,
                    use.address,
                )
        return any(row.use is ApiUse.SERVE for row in rows)

    def _rows_of(self, name: str, *, imported: bool) -> tuple[Api, ...]:
        known = self._rows.get((name, imported))
        if known is None:
            known = self._rows[name, imported] = self.apis.of(name, imported=imported)
        return known

    def _absent(self, module: Module, use: Use, certainty: Certainty) -> None:
        """An import that leads nowhere: no matter where it is guarded, or never surely run."""
        if use.kind is UseKind.IMPORT and not use.guarded and certainty is Certainty.SURE:
            reason = f"line {use.line}: {use.name} is not in the image"
            self.found.unknowns.add(Unknown(module.file, module.facts.language, reason))

    def _dynamic(self, module: Module, unit: Unit, use: Use, certainty: Certainty) -> None:
        if certainty is not Certainty.SURE:
            return
        reason = f"line {use.line}: run time decides what this is: {use.name}"
        weight = min(unit.size, module.size)
        self.found.unknowns.add(Unknown(module.file, module.facts.language, reason, None, weight))
