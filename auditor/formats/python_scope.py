"""What names stand for in Python source, as far as reading it tells."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum

from auditor.formats.python_branches import Conditions

__all__ = ["UNKNOWN", "Kind", "Scope", "Value", "blocks", "bound_imports", "live", "statements"]

_BUILTINS = frozenset(dir(builtins))


class Kind(Enum):
    """What sort of thing a name stands for."""

    QUALIFIED = "qualified"
    """Something of another module, by its qualified name."""
    LOCAL = "local"
    """A unit of this module."""
    MADE = "made"
    """What a call of something qualified gives."""
    MADE_HERE = "made-here"
    """What a call of a unit of this module gives."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Value:
    """What an expression stands for."""

    kind: Kind
    name: str = ""

    def member(self, attribute: str) -> Value:
        """What an attribute of it stands for."""
        match self.kind:
            case Kind.QUALIFIED | Kind.MADE:
                return Value(Kind.QUALIFIED, f"{self.name}.{attribute}")
            case Kind.LOCAL | Kind.MADE_HERE:
                return Value(Kind.LOCAL, f"{self.name}.{attribute}")
            case Kind.UNKNOWN:
                return self

    def called(self) -> Value:
        """What a call of it gives."""
        match self.kind:
            case Kind.QUALIFIED:
                return Value(Kind.MADE, self.name)
            case Kind.LOCAL:
                return Value(Kind.MADE_HERE, self.name)
            case _:
                return UNKNOWN


UNKNOWN = Value(Kind.UNKNOWN)


@dataclass(slots=True)
class Scope:
    """Names of one block, and of those around it."""

    outer: Scope | None = None
    names: dict[str, Value] = field(default_factory=dict)

    def find(self, name: str) -> Value:
        """What a name stands for."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.outer
        return Value(Kind.QUALIFIED, f"builtins.{name}") if name in _BUILTINS else UNKNOWN

    def value(self, node: ast.expr) -> Value:
        """What an expression stands for."""
        match node:
            case ast.Name(id=name):
                return self.find(name)
            case ast.Attribute(value=value, attr=attribute):
                kept = self._kept(value, attribute)
                return self.value(value).member(attribute) if kept is None else kept
            case ast.Call(func=ast.Name(id="super"), args=[]):
                return UNKNOWN
            case ast.Call(func=func):
                return self.value(func).called()
            case ast.Await(value=value) | ast.NamedExpr(value=value):
                return self.value(value)
        return UNKNOWN

    def _kept(self, base: ast.expr, attribute: str) -> Value | None:
        """What was assigned to an attribute of a plain name (``self.socket``), if anything."""
        if not isinstance(base, ast.Name):
            return None
        key = f"{base.id}.{attribute}"
        scope: Scope | None = self
        while scope is not None:
            if key in scope.names:
                return scope.names[key]
            scope = scope.outer
        return None

    def assign(self, node: ast.stmt | ast.withitem) -> None:
        """Take over what a statement gives names to; a second, different value makes it unknown."""
        match node:
            case ast.Assign(targets=targets, value=value):
                found = self.value(value)
                for target in targets:
                    self._bind(target, found)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self._bind(target, self.value(value))
            case ast.withitem(context_expr=value, optional_vars=ast.expr() as target):
                self._bind(target, self.value(value))
            case ast.For(target=target) | ast.AsyncFor(target=target):
                self._bind(target, UNKNOWN)

    def _bind(self, target: ast.expr, value: Value) -> None:
        match target:
            case ast.Name(id=name):
                known = self.names.get(name)
                self.names[name] = value if known in {None, value} else UNKNOWN
            case ast.Attribute(value=ast.Name(id=base), attr=attribute):
                # ``self.socket = …``: kept under a name that no source can have
                key = f"{base}.{attribute}"
                known = self.names.get(key)
                self.names[key] = value if known in {None, value} else UNKNOWN
            case ast.Tuple(elts=elts) | ast.List(elts=elts):
                for item in elts:
                    self._bind(item, UNKNOWN)


def statements(body: Iterable[ast.stmt], conditions: Conditions) -> Iterator[ast.stmt]:
    """Live statements of a block and of the blocks in it, but not of functions and classes."""
    stack = list(live(body))[::-1]
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        for block in reversed(blocks(node, conditions)):
            stack.extend(reversed(list(live(block))))


def live(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """A block's statements up to the first that leaves it."""
    for node in body:
        yield node
        if isinstance(node, ast.Return | ast.Raise | ast.Continue | ast.Break):
            return


def blocks(node: ast.stmt, conditions: Conditions) -> list[list[ast.stmt]]:
    """The blocks of a compound statement that can be taken."""
    match node:
        case ast.If(test=test, body=body, orelse=orelse):
            taken = conditions.value(test)
            both = ((body, taken is not False), (orelse, taken is not True))
            found = [block for block, may in both if may]
        case ast.While(test=test, body=body, orelse=orelse):
            found = [orelse] if conditions.value(test) is False else [body, orelse]
        case ast.Try() | ast.TryStar():
            handlers = [handler.body for handler in node.handlers]
            found = [node.body, *handlers, node.orelse, node.finalbody]
        case ast.For() | ast.AsyncFor():
            found = [node.body, node.orelse]
        case ast.With() | ast.AsyncWith():
            found = [node.body]
        case ast.Match(cases=cases):
            found = [case.body for case in cases]
        case _:
            found = []
    return found


def bound_imports(node: ast.stmt) -> Iterator[tuple[str, str]]:
    """Names that an import statement binds, and the qualified names that they stand for.

    A relative import keeps its dots in front (``..shop.models``). Stars bind nothing here.
    """
    match node:
        case ast.Import(names=names):
            for alias in names:
                if alias.asname:
                    yield alias.asname, alias.name
                else:
                    head = alias.name.partition(".")[0]
                    yield head, head
        case ast.ImportFrom(module=module, names=names, level=level):
            base = "." * level + (module or "")
            joint = "" if base.endswith(".") or not base else "."
            for alias in names:
                if alias.name != "*":
                    yield alias.asname or alias.name, f"{base}{joint}{alias.name}"
