"""What names may stand for in Python source, as far as reading it tells.

Names are read without regard to order: one that is given several things may stand for each of
them, up to ``_MOST``.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum

from auditor.formats.python_branches import Conditions

__all__ = [
    "IMPORTERS",
    "NOTHING",
    "UNKNOWN",
    "Kind",
    "Scope",
    "Value",
    "Values",
    "blocks",
    "bound_imports",
    "joined",
    "literal",
    "live",
    "statements",
]

IMPORTERS = frozenset({"importlib.import_module", "builtins.__import__", "runpy.run_module"})
"""What loads a module that a string names."""
_BUILTINS = frozenset(dir(builtins))
_MOST = 8
"""Things that one name may stand for."""
_STEPS = 16
"""Members and calls after each other that are followed, so that reading stays linear."""
_LONGEST = 200
"""Characters of a qualified name; nobody writes longer ones."""
_OPERANDS = 8
_OF_OTHERS = frozenset({"Optional", "Union", "Annotated", "Final", "ClassVar"})
"""Of ``typing``: what is in the brackets counts."""


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
    """One thing that an expression may stand for."""

    kind: Kind
    name: str = ""
    unsure: bool = False
    """Whether the program goes on where it is missing, or takes another in its place."""

    def member(self, attribute: str) -> Value:
        """What an attribute of it stands for."""
        if self.kind is Kind.UNKNOWN or len(self.name) + len(attribute) > _LONGEST:
            return Value(Kind.UNKNOWN)
        made = self.kind in {Kind.QUALIFIED, Kind.MADE}
        return Value(
            Kind.QUALIFIED if made else Kind.LOCAL, f"{self.name}.{attribute}", self.unsure
        )

    def called(self) -> Value:
        """What a call of it gives, and what is annotated with it is."""
        match self.kind:
            case Kind.QUALIFIED:
                return Value(Kind.MADE, self.name, self.unsure)
            case Kind.LOCAL:
                return Value(Kind.MADE_HERE, self.name, self.unsure)
            case _:
                return Value(Kind.UNKNOWN)


Values = tuple[Value, ...]
"""All that an expression may stand for."""
UNKNOWN: Values = (Value(Kind.UNKNOWN),)
NOTHING: Values = ()
"""``None``, which often holds a place for something else."""


def joined(*some: Values) -> Values:
    """Each value once, in order, and not more than are kept."""
    return tuple(dict.fromkeys(value for values in some for value in values))[:_MOST]


@dataclass(slots=True)
class Scope:
    """Names of one block, and of those around it."""

    outer: Scope | None = None
    names: dict[str, Values] = field(default_factory=dict)
    """What is assigned to ``self.socket`` is kept under that name, which no source can have."""
    stars: tuple[str, ...] = ()
    """Modules all of whose names are taken over; of the outermost scope."""

    def find(self, name: str) -> Values:
        """What a name stands for."""
        scope, stars = self, self.stars
        while True:
            if name in scope.names:
                return scope.names[name] or UNKNOWN
            stars = scope.stars
            if scope.outer is None:
                break
            scope = scope.outer
        if name in _BUILTINS:
            return (Value(Kind.QUALIFIED, f"builtins.{name}"),)
        taken = (Value(Kind.QUALIFIED, _below(star, name)) for star in stars[: _MOST - 1])
        return joined(tuple(taken), UNKNOWN)

    def add(self, name: str, values: Values) -> None:
        """Let a name stand for more."""
        self.names[name] = joined(self.names.get(name, NOTHING), values)

    def values(self, node: ast.expr, steps: int = _STEPS) -> Values:
        """What an expression stands for."""
        if steps == 0:
            return UNKNOWN
        match node:
            case ast.Name(id=name):
                found = self.find(name)
            case ast.Attribute(value=value):
                found = self.member(node, self.values(value, steps - 1))
            case ast.Call():
                found = self._given(node, steps)
            case ast.Await(value=value) | ast.NamedExpr(value=value):
                found = self.values(value, steps - 1)
            case ast.BoolOp(values=operands):
                found = joined(*(self.values(item, steps - 1) for item in operands[:_OPERANDS]))
            case ast.IfExp(body=body, orelse=orelse):
                found = joined(self.values(body, steps - 1), self.values(orelse, steps - 1))
            case ast.BinOp(left=left, op=ast.Div()):
                # ``pathlib.Path('/srv') / 'file'``
                paths = self.values(left, steps - 1)
                found = tuple(v for v in paths if v.name.startswith("pathlib.")) or UNKNOWN
            case _:
                found = _displayed(node)
        return found

    def member(self, node: ast.Attribute, owners: Values) -> Values:
        """What an attribute stands for, given what it is an attribute of."""
        kept = self._kept(node.value, node.attr)
        if kept is not None:
            return kept or UNKNOWN
        if owners is UNKNOWN:
            return UNKNOWN
        return joined(tuple(owner.member(node.attr) for owner in owners))

    def _given(self, node: ast.Call, steps: int) -> Values:
        """What a call gives; of ``getattr(os, 'fork')`` and ``__import__('os')`` what they name."""
        functions = self.values(node.func, steps - 1)
        if functions is UNKNOWN:
            return UNKNOWN
        name, first = functions[0].name if functions else "", literal(node)
        if name == "builtins.super":
            return UNKNOWN
        if name == "builtins.getattr" and len(node.args) > 1:
            attribute = literal(node, 1)
            if attribute is None or not attribute.isidentifier():
                return UNKNOWN
            owners = self.values(node.args[0], steps - 1)
            return joined(tuple(owner.member(attribute) for owner in owners))
        if name in IMPORTERS and first is not None:
            head = first.partition(".")[0]
            return (Value(Kind.QUALIFIED, head if name == "builtins.__import__" else first),)
        return joined(tuple(function.called() for function in functions))

    def _kept(self, base: ast.expr, attribute: str) -> Values | None:
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

    def annotated(self, node: ast.expr | None, steps: int = _STEPS) -> Values:
        """What is annotated with this."""
        if steps == 0:
            return UNKNOWN
        match node:
            case ast.Name() | ast.Attribute():
                return tuple(value.called() for value in self.values(node))
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                return joined(self.annotated(left, steps - 1), self.annotated(right, steps - 1))
            case ast.Subscript(value=ast.Name(id=name) | ast.Attribute(attr=name), slice=inner):
                if name in _OF_OTHERS:
                    items = inner.elts if isinstance(inner, ast.Tuple) else [inner]
                    kinds = (self.annotated(item, steps - 1) for item in items[:_OPERANDS])
                    return joined(*kinds)
            case ast.Constant(value=None):
                return NOTHING
        return UNKNOWN

    def assign(self, node: ast.AST) -> None:
        """Take over what a statement gives names to."""
        match node:
            case ast.Assign(targets=targets, value=value):
                found = self.values(value)
                for target in targets:
                    self._bind(target, found)
            case ast.AnnAssign(target=target, annotation=annotation, value=value):
                given = NOTHING if value is None else self.values(value)
                told = tuple(v for v in self.annotated(annotation) if v.kind is not Kind.UNKNOWN)
                self._bind(target, joined(told, given if told == () else NOTHING))
            case ast.withitem(context_expr=value, optional_vars=ast.expr() as target):
                self._bind(target, self.values(value))
            case ast.With(items=items) | ast.AsyncWith(items=items):
                for item in items:
                    self.assign(item)
            case ast.For(target=target) | ast.AsyncFor(target=target):
                self._bind(target, UNKNOWN)
            case ast.NamedExpr(target=target, value=value):
                self._bind(target, self.values(value))

    def _bind(self, target: ast.expr, values: Values) -> None:
        stack = [(target, values)]
        while stack:
            item, given = stack.pop()
            match item:
                case ast.Name(id=name):
                    self.add(name, given)
                case ast.Attribute(value=ast.Name(id=base), attr=attribute):
                    self.add(f"{base}.{attribute}", given)
                case ast.Tuple(elts=elts) | ast.List(elts=elts):
                    stack.extend((part, UNKNOWN) for part in elts)
                case ast.Starred(value=value):
                    stack.append((value, UNKNOWN))


def literal(node: ast.Call, position: int = 0) -> str | None:
    """A string that a call is given as it stands in the source."""
    if position < len(node.args):
        argument = node.args[position]
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            return argument.value
    return None


def _below(module: str, name: str) -> str:
    return f"{module}{name}" if module.endswith(".") else f"{module}.{name}"


def _displayed(node: ast.expr) -> Values:
    """What is written out is of a type that is known."""
    match node:
        case ast.Constant(value=None):
            return NOTHING
        case ast.Constant(value=value):
            name = type(value).__name__
        case ast.JoinedStr():
            name = "str"
        case ast.List() | ast.ListComp():
            name = "list"
        case ast.Dict() | ast.DictComp():
            name = "dict"
        case ast.Set() | ast.SetComp():
            name = "set"
        case ast.Tuple():
            name = "tuple"
        case _:
            return UNKNOWN
    return (Value(Kind.MADE, f"builtins.{name}"),)


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
            for alias in names:
                if alias.name != "*":
                    yield alias.asname or alias.name, _below(base, alias.name)
