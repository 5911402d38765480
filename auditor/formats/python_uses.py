"""What the expressions of Python source use."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from auditor.formats.python_branches import Conditions
from auditor.formats.python_scope import IMPORTERS, UNKNOWN, Kind, Scope, Value, literal
from auditor.model.source import Unit, Use, UseKind

__all__ = ["Draft", "Expressions", "declare"]

_TEXT = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+(?::[A-Za-z_]\w*)?|[A-Za-z_]\w*:[A-Za-z_]\w*")
_LONGEST_TEXT = 200
_SHOWN = 80
_EVALUATORS = frozenset({"builtins.exec", "builtins.eval", "builtins.compile", "runpy.run_path"})
_TYPE_TESTS = frozenset({"builtins.isinstance", "builtins.issubclass"})
_TOLD_BUILTINS = frozenset({"open", "breakpoint", "input"})
_MODULE = re.compile(r"\.*\w+(?:\.\w+)*")
_NESTED_TEXTS = 2
"""Source in a string in source in a string is read no further."""


@dataclass(slots=True)
class Draft:
    """A unit while it is read."""

    name: str
    line: int
    size: int
    uses: dict[Use, None] = field(default_factory=dict)
    is_class: bool = False
    guarded: bool = False
    """Whether what is being read may be missing."""
    conditional: bool = False
    """Whether what is being read stands in a branch, a loop or a handler."""

    def add(
        self, kind: UseKind, name: str, line: int, *, called: bool = False, unsure: bool = False
    ) -> None:
        """Note a use where the reading is."""
        guarded = unsure or (self.guarded and kind is UseKind.IMPORT)
        self.uses[Use(kind, name, line, called, guarded, self.conditional)] = None

    @contextmanager
    def within(self, *, guarded: bool, conditional: bool) -> Iterator[None]:
        """While a block is read."""
        before = self.guarded, self.conditional
        self.guarded, self.conditional = guarded, conditional
        yield
        self.guarded, self.conditional = before

    def unit(self) -> Unit:
        """The unit, once all of it is read."""
        return Unit(self.name, self.line, max(self.size, 0), tuple(self.uses), self.is_class)


def declare(arguments: ast.arguments, scope: Scope, owner: str | None = None) -> None:
    """Parameters hide names from outside. ``owner``: the class of a method's first one."""
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    for argument in named:
        scope.names[argument.arg] = scope.annotated(argument.annotation)
    for many in (arguments.vararg, arguments.kwarg):
        if many is not None:
            scope.names[many.arg] = UNKNOWN
    if owner is not None and named:
        scope.names[named[0].arg] = (Value(Kind.MADE_HERE, owner),)


@dataclass(slots=True)
class Expressions:
    """Reads the expressions of one module."""

    lines: list[bytes]
    conditions: Conditions
    block: Callable[[list[ast.stmt], Scope, Draft], None]
    """Reads statements that are found in a string."""
    within: int = 0
    """How many strings that hold source are being read."""

    def of_statement(self, node: ast.stmt, scope: Scope, draft: Draft) -> None:
        """All expressions of a statement, but not those of the statements in it."""
        annotation = node.annotation if isinstance(node, ast.AnnAssign) else None
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr) and child is not annotation:
                self.read(child, scope, draft)
            elif isinstance(child, ast.withitem):
                self.read(child.context_expr, scope, draft)
            elif isinstance(child, ast.match_case) and child.guard is not None:
                self.read(child.guard, scope, draft)

    def read(self, node: ast.expr, scope: Scope, draft: Draft) -> None:
        """One expression and all in it."""
        stack: list[tuple[ast.AST, Scope]] = [(node, scope)]
        while stack:
            item, around = stack.pop()
            match item:
                case ast.Name(ctx=ast.Load()) | ast.Attribute(ctx=ast.Load()):
                    stack.extend((n, around) for n in self.reference(item, around, draft))
                case ast.Call():
                    stack.extend((n, around) for n in self._call(item, around, draft))
                case ast.IfExp(test=test, body=body, orelse=orelse):
                    taken = self.conditions.value(test)
                    both = ((body, taken is not False), (orelse, taken is not True))
                    stack.extend((n, around) for n, may in ((test, True), *both) if may)
                case ast.Lambda(args=arguments, body=body):
                    inner = Scope(around)
                    declare(arguments, inner)
                    stack.append((body, inner))
                case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                    inner = Scope(around)
                    for made in item.generators:
                        names = (n.id for n in ast.walk(made.target) if isinstance(n, ast.Name))
                        inner.names.update(dict.fromkeys(names, UNKNOWN))
                    stack.extend((child, inner) for child in ast.iter_child_nodes(item))
                case ast.Constant(value=str(text)):
                    self._text(text, item, draft)
                case _:
                    stack.extend((child, around) for child in ast.iter_child_nodes(item))

    def reference(
        self, node: ast.expr, scope: Scope, draft: Draft, *, called: bool = False
    ) -> list[ast.expr]:
        """Note what a name or an attribute stands for; gives what is still to be looked at.

        A chain of members (``a.b.c``) is taken as a whole: its parts use nothing of their own.
        """
        if not isinstance(node, ast.Name | ast.Attribute):
            return [node]
        owners = scope.values(node.value) if isinstance(node, ast.Attribute) else UNKNOWN
        values = scope.member(node, owners) if isinstance(node, ast.Attribute) else None
        settled = True
        for value in scope.values(node) if values is None else values:
            _note(draft, value, node.lineno, called=called)
            settled = settled and value.kind is not Kind.UNKNOWN
        if not isinstance(node, ast.Attribute):
            return []
        if called and any(_inherits(owner) for owner in owners):
            # Of an object: its class, or one derived from it, has the member.
            draft.add(UseKind.MEMBER, node.attr, node.lineno, called=True)
        base: ast.expr = node
        while isinstance(base, ast.Attribute):
            base = base.value
        if not isinstance(base, ast.Name):
            return [base]
        return [] if settled else [base]

    def _call(self, node: ast.Call, scope: Scope, draft: Draft) -> list[ast.expr]:
        """Note what a call uses; gives what is still to be looked at."""
        functions = {value.name for value in scope.values(node.func)}
        if functions & (IMPORTERS | _EVALUATORS):
            self._loaded(node, functions, scope, draft)
        if isinstance(node.func, ast.Call):
            # ``getattr(os, 'fork')()``: what is called has a name of its own
            for value in scope.values(node.func):
                _note(draft, value, node.lineno, called=True)
        rest = self.reference(node.func, scope, draft, called=True)
        arguments = node.args[:1] if functions & _TYPE_TESTS else node.args
        if "builtins.getattr" in functions:
            for value in scope.values(node):
                _note(draft, value, node.lineno, called=False)
        return [*rest, *arguments, *(keyword.value for keyword in node.keywords)]

    def _loaded(self, node: ast.Call, functions: set[str], scope: Scope, draft: Draft) -> None:
        """Imports by a call, source in strings, and what run time decides."""
        text = literal(node)
        importing = bool(functions & IMPORTERS)
        if importing and text is not None:
            if _MODULE.fullmatch(text):
                package = literal(node, 1) if text.startswith(".") else None
                draft.add(UseKind.IMPORT, _in_package(text, package), node.lineno)
            return
        if text is not None and "runpy.run_path" not in functions:
            self._source(text, node, scope, draft)
            return
        if importing or node.args:
            draft.add(UseKind.DYNAMIC, self._shown(node), node.lineno)

    def _source(self, text: str, node: ast.Call, scope: Scope, draft: Draft) -> None:
        """Source in a string is read where it stands, at the line of the call."""
        try:
            tree = ast.parse(text) if self.within < _NESTED_TEXTS else None
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            tree = None
        if tree is None:
            draft.add(UseKind.DYNAMIC, self._shown(node), node.lineno)
            return
        for item in ast.walk(tree):
            if isinstance(item, ast.expr | ast.stmt):
                item.lineno = item.end_lineno = node.lineno
        self.within += 1
        self.block(tree.body, scope, draft)
        self.within -= 1

    def _shown(self, node: ast.Call) -> str:
        """The beginning of a call as the source has it."""
        line = self.lines[node.lineno - 1] if node.lineno <= len(self.lines) else b""
        end = node.end_col_offset if node.end_lineno == node.lineno else None
        piece = line[node.col_offset : end][: 4 * _SHOWN].decode(errors="replace")
        text = " ".join(piece.split())
        return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"

    @staticmethod
    def _text(text: str, node: ast.Constant, draft: Draft) -> None:
        if len(text) <= _LONGEST_TEXT and _TEXT.fullmatch(text):
            draft.add(UseKind.TEXT, text.replace(":", "."), node.lineno)


def _in_package(name: str, package: str | None) -> str:
    """``import_module('.views', 'shop')``; without a package, relative to the module itself."""
    if not package or not name.startswith("."):
        return name
    rest = name.lstrip(".")
    parts = package.split(".")
    up = len(name) - len(rest) - 1
    return ".".join([*parts[: max(len(parts) - up, 0)], *([rest] if rest else [])])


def _note(draft: Draft, value: Value, line: int, *, called: bool) -> None:
    """Note what an expression stands for, if it has a name."""
    if value.kind is Kind.QUALIFIED and not _plain_builtin(value.name):
        draft.add(UseKind.NAME, value.name, line, called=called, unsure=value.unsure)
    elif value.kind is Kind.LOCAL:
        draft.add(UseKind.LOCAL, value.name, line, called=called, unsure=value.unsure)


def _inherits(value: Value) -> bool:
    """Whether its class may have members that are not known here."""
    if value.kind is Kind.MADE:
        return not value.name.startswith("builtins.")
    return value.kind in {Kind.MADE_HERE, Kind.UNKNOWN}


def _plain_builtin(name: str) -> bool:
    head, _, rest = name.partition(".")
    return head == "builtins" and rest not in _TOLD_BUILTINS
