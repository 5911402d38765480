"""Python source → facts: what each function of a module uses, aliases taken back.

``ast`` of the Python that runs the auditor parses it, so that source in a newer grammar than that
is a ``FormatError``, never a guess.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from auditor.formats import FormatError
from auditor.formats.python_branches import Conditions, is_guard
from auditor.formats.python_scope import (
    UNKNOWN,
    Kind,
    Scope,
    Value,
    blocks,
    bound_imports,
    live,
    statements,
)
from auditor.model.source import SourceFacts, Unit, Use, UseKind

__all__ = ["LARGEST", "parse_python"]

LARGEST = 1 << 20
"""Bytes of a module; what ``ast`` makes of one byte takes some hundred."""
_TEXT = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+(?::[A-Za-z_]\w*)?|[A-Za-z_]\w*:[A-Za-z_]\w*")
_LONGEST_TEXT = 200
_SHOWN = 80
_IMPORTERS = frozenset({"importlib.import_module", "builtins.__import__"})
_EVALUATORS = frozenset({"builtins.exec", "builtins.eval", "builtins.compile", "runpy.run_path"})
_TOLD_BUILTINS = frozenset({"open", "breakpoint", "input"})
_SUPPRESS = frozenset({"contextlib.suppress"})
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def parse_python(
    data: bytes, *, main: bool = False, version: tuple[int, int] | None = None
) -> SourceFacts:
    """Read one module. ``main``: it runs as ``__main__``. Raises ``FormatError``."""
    if len(data) > LARGEST:
        raise FormatError(f"Python source of more than {LARGEST >> 20} MiB is not read")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(data)
        return _Reader(data, Conditions(main, version)).read(tree)
    except SyntaxError as error:
        reason = f"line {error.lineno}: {error.msg}"
        raise FormatError(f"it is no Python that this version can parse: {reason}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        reason = str(error) or "it is nested too deeply"
        raise FormatError(f"it is no Python that can be parsed: {reason}") from None


@dataclass(slots=True)
class _Draft:
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

    def add(self, kind: UseKind, name: str, node: ast.AST, *, called: bool = False) -> None:
        """Note a use where the reading is."""
        line = getattr(node, "lineno", 0)
        guarded = self.guarded and kind is UseKind.IMPORT
        self.uses[Use(kind, name, line, called, guarded, self.conditional)] = None

    @contextmanager
    def within(self, *, guarded: bool, conditional: bool) -> Iterator[None]:
        """While a block is read."""
        before = self.guarded, self.conditional
        self.guarded, self.conditional = guarded, conditional
        yield
        self.guarded, self.conditional = before

    def unit(self) -> Unit:
        return Unit(self.name, self.line, max(self.size, 0), tuple(self.uses), self.is_class)


@dataclass(slots=True)
class _Reader:
    """Reads one module's tree."""

    data: bytes
    conditions: Conditions
    drafts: list[_Draft] = field(default_factory=list)
    stars: dict[str, None] = field(default_factory=dict)
    starts: list[int] = field(default_factory=list)
    """Offset of each line."""

    def read(self, tree: ast.Module) -> SourceFacts:
        """The facts of the module."""
        self.starts = [0]
        for line in self.data.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))
        scope = self._scope(tree.body, None, "")
        top = _Draft("", 1, len(self.data))
        self.drafts.append(top)
        self._block(tree.body, scope, top, "")
        top.size -= sum(draft.size for draft in self.drafts[1:] if not draft.is_class)
        bindings = {
            name: value.name
            for name, value in sorted(scope.names.items())
            if value.kind in {Kind.QUALIFIED, Kind.MADE}
        }
        units = tuple(draft.unit() for draft in self.drafts)
        return SourceFacts("python", len(self.data), units, bindings, tuple(self.stars))

    def _scope(self, body: Iterable[ast.stmt], outer: Scope | None, prefix: str | None) -> Scope:
        """The names of a block. ``prefix`` is ``None`` where its functions are no units."""
        scope = Scope(outer)
        nodes = list(statements(body, self.conditions))
        for node in nodes:
            for name, qualified in bound_imports(node):
                scope.names.setdefault(name, Value(Kind.QUALIFIED, qualified))
            if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
                local = Value(Kind.LOCAL, f"{prefix}{node.name}")
                scope.names[node.name] = UNKNOWN if prefix is None else local
        for node in nodes:
            scope.assign(node)
            if isinstance(node, ast.With | ast.AsyncWith):
                for item in node.items:
                    scope.assign(item)
        return scope

    def _block(
        self, body: Iterable[ast.stmt], scope: Scope, draft: _Draft, prefix: str | None
    ) -> None:
        for node in live(body):
            self._statement(node, scope, draft, prefix)

    def _statement(self, node: ast.stmt, scope: Scope, draft: _Draft, prefix: str | None) -> None:
        match node:
            case ast.Import() | ast.ImportFrom():
                self._import(node, draft)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._function(node, scope, draft, prefix)
            case ast.ClassDef():
                self._class(node, scope, draft, prefix)
            case ast.Try() | ast.TryStar():
                guarded = draft.guarded or any(is_guard(item.type) for item in node.handlers)
                with draft.within(guarded=guarded, conditional=draft.conditional):
                    self._block(node.body, scope, draft, prefix)
                handlers = [handler.body for handler in node.handlers]
                with draft.within(guarded=draft.guarded, conditional=True):
                    for block in (*handlers, node.orelse):
                        self._block(block, scope, draft, prefix)
                self._block(node.finalbody, scope, draft, prefix)
            case ast.With() | ast.AsyncWith():
                self._expressions(node, scope, draft)
                guarded = draft.guarded or self._suppresses(node, scope)
                with draft.within(guarded=guarded, conditional=draft.conditional):
                    self._block(node.body, scope, draft, prefix)
            case _:
                self._expressions(node, scope, draft)
                certain = isinstance(node, ast.If) and self.conditions.value(node.test) is not None
                conditional = draft.conditional or not certain
                with draft.within(guarded=draft.guarded, conditional=conditional):
                    for block in blocks(node, self.conditions):
                        self._block(block, scope, draft, prefix)

    def _suppresses(self, node: ast.With | ast.AsyncWith, scope: Scope) -> bool:
        """Whether it is ``with contextlib.suppress(ImportError)``."""
        for item in node.items:
            call = item.context_expr
            if isinstance(call, ast.Call) and scope.value(call.func).name in _SUPPRESS:
                return any(is_guard(kind) for kind in call.args)
        return False

    def _import(self, node: ast.Import | ast.ImportFrom, draft: _Draft) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                draft.add(UseKind.IMPORT, alias.name, node)
            return
        base = "." * node.level + (node.module or "")
        draft.add(UseKind.IMPORT, base, node)
        for _, qualified in bound_imports(node):
            draft.add(UseKind.IMPORT, qualified, node)
        if any(alias.name == "*" for alias in node.names):
            self.stars[base] = None

    def _function(
        self,
        node: ast.FunctionDef | ast.AsyncFunctionDef,
        scope: Scope,
        draft: _Draft,
        prefix: str | None,
        owner: str | None = None,
    ) -> None:
        outside = [*node.decorator_list, *node.args.defaults, *node.args.kw_defaults]
        for expression in outside:
            if expression is not None:
                self._expression(expression, scope, draft)
        inner = self._scope(node.body, scope, None)
        self._parameters(node.args, inner, owner)
        if prefix is None:
            with draft.within(guarded=False, conditional=draft.conditional):
                self._block(node.body, inner, draft, None)
            return
        name = f"{prefix}{node.name}"
        if node.decorator_list:
            draft.add(UseKind.LOCAL, name, node)
        own = _Draft(name, node.lineno, self._size(node))
        self.drafts.append(own)
        self._block(node.body, inner, own, None)

    @staticmethod
    def _parameters(arguments: ast.arguments, scope: Scope, owner: str | None) -> None:
        """Parameters hide names from outside; a method's first one is its object."""
        named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        named += [item for item in (arguments.vararg, arguments.kwarg) if item is not None]
        for argument in named:
            scope.names.setdefault(argument.arg, UNKNOWN)
        if owner is not None and named:
            scope.names[named[0].arg] = Value(Kind.MADE_HERE, owner)

    def _class(self, node: ast.ClassDef, scope: Scope, draft: _Draft, prefix: str | None) -> None:
        inner = self._scope(node.body, scope, None if prefix is None else f"{prefix}{node.name}.")
        bases = [*node.bases, *(keyword.value for keyword in node.keywords)]
        if prefix is None:
            for expression in (*node.decorator_list, *bases):
                self._expression(expression, scope, draft)
            self._block(node.body, inner, draft, None)
            return
        name = f"{prefix}{node.name}"
        own = _Draft(name, node.lineno, self._size(node), is_class=True)
        self.drafts.append(own)
        for expression in node.decorator_list:
            self._expression(expression, scope, draft)
        for expression in bases:
            self._reference(expression, scope, own, called=True)
        self._attributes(node, inner, name)
        for item in live(node.body):
            if isinstance(item, _FUNCTIONS):
                self._method(item, inner, own, draft, name)
            else:
                self._statement(item, inner, draft, f"{name}.")

    def _method(
        self,
        node: ast.FunctionDef | ast.AsyncFunctionDef,
        scope: Scope,
        of_class: _Draft,
        draft: _Draft,
        name: str,
    ) -> None:
        """A method. What a decorator makes of it (a property) may run once the class is used."""
        decorators = {scope.value(item).name for item in node.decorator_list}
        # A class's own names are not seen from its methods, but those of ``self`` are kept there.
        visible = Scope(scope.outer, {k: v for k, v in scope.names.items() if "." in k})
        before = set(draft.uses)
        owner = None if "builtins.staticmethod" in decorators else name
        self._function(node, visible, draft, f"{name}.", owner)
        # Being decorated in a class is no use yet: a property runs where the class is used.
        method = f"{name}.{node.name}"
        for use in [use for use in draft.uses if use.name == method and use not in before]:
            del draft.uses[use]
        if node.decorator_list:
            of_class.add(UseKind.LOCAL, method, node)

    def _attributes(self, node: ast.ClassDef, scope: Scope, owner: str) -> None:
        """What the methods assign to attributes of their object."""
        for item in node.body:
            if not isinstance(item, _FUNCTIONS) or not item.args.args:
                continue
            first = item.args.args[0].arg
            inner = self._scope(item.body, scope, None)
            inner.names[first] = Value(Kind.MADE_HERE, owner)
            for name, value in inner.names.items():
                if name.startswith(f"{first}."):
                    known = scope.names.get(name)
                    scope.names[name] = value if known in {None, value} else UNKNOWN

    def _expressions(self, node: ast.stmt, scope: Scope, draft: _Draft) -> None:
        """All expressions of a statement, but not those of the statements in it."""
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self._expression(child, scope, draft)
            elif isinstance(child, ast.withitem):
                self._expression(child.context_expr, scope, draft)
            elif isinstance(child, ast.match_case) and child.guard is not None:
                self._expression(child.guard, scope, draft)

    def _expression(self, node: ast.expr, scope: Scope, draft: _Draft) -> None:
        stack: list[tuple[ast.AST, Scope]] = [(node, scope)]
        while stack:
            item, around = stack.pop()
            match item:
                case ast.Name(ctx=ast.Load()) | ast.Attribute(ctx=ast.Load()):
                    stack.extend((n, around) for n in self._reference(item, around, draft))
                case ast.Call(func=func):
                    self._call(item, around, draft)
                    rest = self._reference(func, around, draft, called=True)
                    keywords = [keyword.value for keyword in item.keywords]
                    stack.extend((n, around) for n in (*rest, *item.args, *keywords))
                case ast.IfExp(test=test, body=body, orelse=orelse):
                    taken = self.conditions.value(test)
                    both = ((body, taken is not False), (orelse, taken is not True))
                    stack.extend((n, around) for n, may in ((test, True), *both) if may)
                case ast.Lambda(args=arguments, body=body):
                    inner = Scope(around)
                    self._parameters(arguments, inner, None)
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

    def _reference(
        self, node: ast.expr, scope: Scope, draft: _Draft, *, called: bool = False
    ) -> Iterator[ast.expr]:
        """Note what a name or an attribute stands for; gives what is still to be looked at."""
        if not isinstance(node, ast.Name | ast.Attribute):
            return iter((node,))
        value = scope.value(node)
        match value.kind:
            case Kind.QUALIFIED if not _plain_builtin(value.name):
                draft.add(UseKind.NAME, value.name, node, called=called)
            case Kind.LOCAL:
                draft.add(UseKind.LOCAL, value.name, node, called=called)
        if not isinstance(node, ast.Attribute):
            return iter(())
        base = scope.value(node.value)
        if called and base.kind not in {Kind.QUALIFIED, Kind.LOCAL}:
            # Of an object: its class, or one derived from it, has the member.
            draft.add(UseKind.MEMBER, node.attr, node, called=True)
        settled = base.kind in {Kind.QUALIFIED, Kind.LOCAL}
        return iter(() if settled else (node.value,))

    def _call(self, node: ast.Call, scope: Scope, draft: _Draft) -> None:
        """Imports by a call, and what run time decides."""
        name = scope.value(node.func).name
        if name not in _IMPORTERS and name not in _EVALUATORS:
            return
        first = node.args[0] if node.args else None
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            if name in _IMPORTERS and re.fullmatch(r"\.*[\w.]+", first.value):
                draft.add(UseKind.IMPORT, first.value, node)
            return
        if name in _IMPORTERS or first is not None:
            text = " ".join(ast.unparse(node).split())
            shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
            draft.add(UseKind.DYNAMIC, shown, node)

    @staticmethod
    def _text(text: str, node: ast.AST, draft: _Draft) -> None:
        if len(text) <= _LONGEST_TEXT and _TEXT.fullmatch(text):
            draft.add(UseKind.TEXT, text.replace(":", "."), node)

    def _size(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> int:
        """Bytes from the first line of a definition to its end."""
        last = min(node.end_lineno or node.lineno, len(self.starts) - 1)
        return self.starts[last] - self.starts[min(node.lineno, last) - 1]


def _plain_builtin(name: str) -> bool:
    head, _, rest = name.partition(".")
    return head == "builtins" and rest not in _TOLD_BUILTINS
