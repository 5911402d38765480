"""What names stand for in Lua source, as far as reading it tells."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

__all__ = ["UNKNOWN", "Kind", "Scope", "Value"]

_GLOBALS = """
assert collectgarbage coroutine debug dofile error getmetatable io ipairs jit load loadfile
loadstring math module next os package pairs pcall print rawequal rawget rawlen rawset require
select setfenv setmetatable string table tonumber tostring type unpack utf8 warn xpcall bit bit32
"""
_LONG = 400
"""Characters of a name."""
_DEEP = 200
"""Functions inside of each other."""


class Kind(Enum):
    """What sort of thing a name stands for."""

    QUALIFIED = "qualified"
    """Something of another module or of Lua's own library."""
    MADE = "made"
    """What a call of something qualified gives."""
    LOCAL = "local"
    """A function or table of this chunk."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Value:
    """What an expression stands for."""

    kind: Kind
    name: str = ""

    def member(self, name: str) -> Value:
        """What a field of it stands for."""
        if self.kind is Kind.UNKNOWN or len(self.name) > _LONG:
            return UNKNOWN
        if self.kind is Kind.QUALIFIED and self.name == "_G":
            return Value(Kind.QUALIFIED, name)
        kind = Kind.LOCAL if self.kind is Kind.LOCAL else Kind.QUALIFIED
        return Value(kind, f"{self.name}.{name}")

    def called(self) -> Value:
        """What a call of it gives."""
        return Value(Kind.MADE, self.name) if self.kind is Kind.QUALIFIED else UNKNOWN


UNKNOWN = Value(Kind.UNKNOWN)
GLOBALS = {name: Value(Kind.QUALIFIED, name) for name in (*_GLOBALS.split(), "_G")}


@dataclass(slots=True)
class Scope:
    """Names of one function, and of those around it."""

    outer: Scope | None
    names: dict[str, Value] = field(default_factory=dict)

    def find(self, name: str) -> Value:
        """What a name stands for."""
        scope: Scope | None = self
        for _ in range(_DEEP):
            if scope is None:
                return GLOBALS.get(name, UNKNOWN)
            if name in scope.names:
                return scope.names[name]
            scope = scope.outer
        return UNKNOWN

    def bind(self, name: str, value: Value, *, local: bool) -> None:
        """Give a name a value; where it has another one already, it stands for neither."""
        scope = self
        for _ in range(_DEEP):
            if local or name in scope.names or scope.outer is None:
                break
            scope = scope.outer
        known = scope.names.get(name)
        scope.names[name] = value if local or known in {None, value} else UNKNOWN
