"""What names stand for in JavaScript source, as far as reading it tells."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from auditor.formats import FormatError

__all__ = ["UNKNOWN", "Kind", "Scope", "Value", "flag", "module_name"]

_DEEPEST = 400
"""Scopes inside each other; bundles have some tens."""
_LONGEST = 300
"""Characters of a qualified name."""


class Kind(Enum):
    """What sort of thing an expression stands for."""

    QUALIFIED = "qualified"
    """Something of another module, or of the runtime, by its qualified name."""
    MODULE = "module"
    """Another module itself, by its qualified name (``"express"``, in quotes)."""
    MADE = "made"
    """What a call of something qualified gives."""
    LOCAL = "local"
    """A unit of this module."""
    MADE_HERE = "made-here"
    """What a call of a unit of this module gives, or the object that is one."""
    TEXT = "text"
    """A string."""
    PATH = "path"
    """A path from the directory of this module (``./worker.js``); empty for the module itself."""
    FLAG = "flag"
    """``true`` or ``false``."""
    REQUIRE = "require"
    """The function that loads modules."""
    EXPORTS = "exports"
    """``module.exports``."""
    THIS_MODULE = "this-module"
    """``module``."""
    META = "meta"
    """``import.meta``."""
    GLOBAL = "global"
    """``globalThis``."""
    NOTHING = "nothing"
    """``null`` and ``undefined``."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Value:
    """What an expression stands for."""

    kind: Kind
    name: str = ""

    def member(self, name: str) -> Value:
        """What a property of it stands for."""
        if len(self.name) > _LONGEST:
            return UNKNOWN
        match self.kind:
            case Kind.QUALIFIED | Kind.MADE | Kind.MODULE:
                return Value(Kind.QUALIFIED, f"{self.name}.{name}")
            case Kind.LOCAL | Kind.MADE_HERE:
                return Value(Kind.LOCAL, f"{self.name}.{name}")
        return UNKNOWN

    def called(self) -> Value:
        """What a call of it gives."""
        match self.kind:
            case Kind.QUALIFIED:
                return Value(Kind.MADE, self.name)
            case Kind.MODULE:
                return Value(Kind.MADE, f"{self.name}.default")
            case Kind.LOCAL:
                return Value(Kind.MADE_HERE, self.name)
        return UNKNOWN

    @property
    def used(self) -> str:
        """The qualified name of the thing itself: of a module, what it stands for as a value."""
        return f"{self.name}.default" if self.kind is Kind.MODULE else self.name


UNKNOWN = Value(Kind.UNKNOWN)


def flag(value: bool | None) -> Value:  # noqa: FBT001 - the value is the point
    """A truth as a value."""
    return UNKNOWN if value is None else Value(Kind.FLAG, "true" if value else "false")


def module_name(specifier: str) -> str:
    """The qualified name of a module, by what names it in an import."""
    return f'"{specifier}"'


@dataclass(slots=True)
class Scope:
    """Names of one block or function, and of those around it."""

    outer: Scope | None = None
    this: Value = UNKNOWN
    prefix: str | None = None
    """What the names of units in it begin with; ``None`` where functions are no units."""
    names: dict[str, Value] = field(default_factory=dict)
    depth: int = 0

    def __post_init__(self) -> None:
        if self.outer is not None:
            self.depth = self.outer.depth + 1
        if self.depth > _DEEPEST:
            raise FormatError("it is nested too deeply")

    def block(self) -> Scope:
        """A block inside."""
        return Scope(self, self.this, self.prefix)

    def owner(self, name: str) -> Scope | None:
        """The scope that declares a name."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope
            scope = scope.outer
        return None

    def find(self, name: str) -> Value | None:
        """What a name stands for; ``None`` where no scope declares it."""
        scope = self.owner(name)
        return None if scope is None else scope.names[name]

    def declare(self, name: str) -> None:
        """A name without a value yet."""
        self.names.setdefault(name, Value(Kind.NOTHING))

    def bind(self, name: str, value: Value) -> None:
        """Give a name a value; a second, different one makes it unknown."""
        scope = self.owner(name)
        if scope is None or value.kind is Kind.NOTHING:
            return
        known = scope.names[name]
        scope.names[name] = value if known == value or known.kind is Kind.NOTHING else UNKNOWN
