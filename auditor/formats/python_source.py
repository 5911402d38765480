"""Python source → facts: what each function of a module uses, aliases taken back.

``ast`` of the Python that runs the auditor parses it, so that source in a newer grammar than that
is a ``FormatError``, never a guess.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from auditor.formats import FormatError
from auditor.formats.python_branches import Conditions, is_guard
from auditor.formats.python_scope import (
    NOTHING,
    UNKNOWN,
    Kind,
    Scope,
    Value,
    Values,
    blocks,
    bound_imports,
    live,
    statements,
)
from auditor.formats.python_uses import Draft, Expressions, declare
from auditor.model.source import SourceFacts, UseKind

__all__ = ["LARGEST", "parse_python"]

LARGEST = 1 << 20
"""Bytes of a module; what ``ast`` makes of one byte takes some hundred."""
_SUPPRESS = frozenset({"contextlib.suppress"})
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def _always(_: str) -> bool:
    return True


def parse_python(
    data: bytes,
    *,
    main: bool = False,
    version: tuple[int, int] | None = None,
    known: Callable[[str], bool] = _always,
) -> SourceFacts:
    """Read one module. Raises ``FormatError``.

    ``main``: it runs as ``__main__``. ``known``: whether a name leads somewhere; of several
    imports of one name, those that do count (``except ImportError: import b as a``).
    """
    if len(data) > LARGEST:
        raise FormatError(f"Python source of more than {LARGEST >> 20} MiB is not read")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(data)
            return _Reader(data, Conditions(main, version), known).read(tree)
    except SyntaxError as error:
        reason = f"line {error.lineno}: {error.msg}"
        raise FormatError(f"it is no Python that this version can parse: {reason}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        reason = str(error) or "it is nested too deeply"
        raise FormatError(f"it is no Python that can be parsed: {reason}") from None


@dataclass(slots=True)
class _Reader:
    """Reads one module's tree."""

    data: bytes
    conditions: Conditions
    known: Callable[[str], bool]
    drafts: dict[str, Draft] = field(default_factory=dict)
    stars: dict[str, None] = field(default_factory=dict)
    attributes: dict[str, dict[str, Values]] = field(default_factory=dict)
    """Class → what is assigned to attributes of its objects."""
    starts: list[int] = field(default_factory=list)
    """Offset of each line."""
    naming: bool = False
    """Whether there may be named expressions (``:=``), which few modules have."""
    expressions: Expressions = field(init=False)

    def read(self, tree: ast.Module) -> SourceFacts:
        """The facts of the module."""
        lines = self.data.splitlines(keepends=True)
        self.expressions = Expressions(lines, self.conditions, self._text)
        self.naming = b":=" in self.data
        self.starts = [0]
        for line in lines:
            self.starts.append(self.starts[-1] + len(line))
        scope = self._scope(tree.body, Scope(), "")
        self._globals(tree, scope)
        top = self._draft("", 1, len(self.data))
        self._block(tree.body, scope, top, "")
        units = [draft for draft in self.drafts.values() if draft is not top]
        top.size -= sum(draft.size for draft in units if not draft.is_class)
        return SourceFacts(
            language="python",
            size=len(self.data),
            units=tuple(draft.unit() for draft in self.drafts.values()),
            bindings=dict(sorted(_handed_on(scope).items())),
            stars=tuple(self.stars),
        )

    def _draft(self, name: str, line: int, size: int, *, is_class: bool = False) -> Draft:
        """The unit of a name; what is defined twice under one name (a setter) is one unit."""
        known = self.drafts.get(name)
        if known is None or known.is_class != is_class:
            known = self.drafts[name] = Draft(name, line, 0, is_class=is_class)
        known.size += size
        return known

    def _scope(self, body: Iterable[ast.stmt], scope: Scope, prefix: str | None) -> Scope:
        """Put the names of a block in a scope; ``prefix`` is ``None`` where it makes no units."""
        nodes = list(statements(body, self.conditions))
        self._imports(nodes, scope)
        for node in nodes:
            if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
                local = (Value(Kind.LOCAL, f"{prefix}{node.name}"),)
                scope.add(node.name, UNKNOWN if prefix is None else local)
        for node in nodes:
            scope.assign(node)
            for inner in _named_expressions(node) if self.naming else ():
                scope.assign(inner)
        return scope

    def _imports(self, nodes: list[ast.stmt], scope: Scope) -> None:
        """Names that imports bind. Of several for one name, a later guarded one steps in."""
        tried = {
            id(inner)
            for node in nodes
            if isinstance(node, ast.Try | ast.TryStar)
            if any(is_guard(handler.type) for handler in node.handlers)
            for block in (node.body, *(handler.body for handler in node.handlers))
            for inner in block
        }
        found: dict[str, list[tuple[str, bool]]] = {}
        stars: dict[str, None] = {}
        for node in nodes:
            for name, qualified in bound_imports(node):
                found.setdefault(name, []).append((qualified, id(node) in tried))
            if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
                stars["." * node.level + (node.module or "")] = None
        scope.stars = tuple(stars)
        for name, several in found.items():
            scope.add(name, NOTHING)
            for qualified, guarded in several:
                if self.known(qualified):
                    others = len(several) == 1 or bool(scope.names[name])
                    scope.add(name, (Value(Kind.QUALIFIED, qualified, guarded and others),))

    def _globals(self, tree: ast.Module, scope: Scope) -> None:
        """What functions assign to names that they declare global."""
        if b"global" not in self.data:
            return
        functions = [node for node in ast.walk(tree) if isinstance(node, _FUNCTIONS)]
        for function in functions:
            nodes = list(statements(function.body, self.conditions))
            declared = {
                name for node in nodes if isinstance(node, ast.Global) for name in node.names
            }
            if not declared:
                continue
            inner = Scope(scope)
            for node in nodes:
                inner.assign(node)
            for name in sorted(declared & inner.names.keys()):
                scope.add(name, inner.names[name])

    def _text(self, body: list[ast.stmt], scope: Scope, draft: Draft) -> None:
        """Statements in a string that is given to ``exec``."""
        self._block(body, self._scope(body, Scope(scope), None), draft, None)

    def _block(
        self, body: Iterable[ast.stmt], scope: Scope, draft: Draft, prefix: str | None
    ) -> None:
        for node in live(body):
            self._statement(node, scope, draft, prefix)

    def _statement(self, node: ast.stmt, scope: Scope, draft: Draft, prefix: str | None) -> None:
        match node:
            case ast.Import() | ast.ImportFrom():
                self._import(node, draft)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                passed = draft if node.decorator_list else None
                self._function(node, scope, draft, prefix, passed=passed)
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
                self.expressions.of_statement(node, scope, draft)
                guarded = draft.guarded or self._suppresses(node, scope)
                with draft.within(guarded=guarded, conditional=draft.conditional):
                    self._block(node.body, scope, draft, prefix)
            case _ if type(node).__name__ == "TypeAlias":
                pass  # of Python 3.12: its value is only evaluated when somebody asks for it
            case _:
                self.expressions.of_statement(node, scope, draft)
                certain = isinstance(node, ast.If) and self.conditions.value(node.test) is not None
                conditional = draft.conditional or not certain
                with draft.within(guarded=draft.guarded, conditional=conditional):
                    for block in blocks(node, self.conditions):
                        self._block(block, scope, draft, prefix)

    def _suppresses(self, node: ast.With | ast.AsyncWith, scope: Scope) -> bool:
        """Whether it is ``with contextlib.suppress(ImportError)``."""
        for item in node.items:
            call = item.context_expr
            if isinstance(call, ast.Call) and _names(call.func, scope) & _SUPPRESS:
                return any(is_guard(kind) for kind in call.args)
        return False

    def _import(self, node: ast.Import | ast.ImportFrom, draft: Draft) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                draft.add(UseKind.IMPORT, alias.name, node.lineno)
            return
        base = "." * node.level + (node.module or "")
        draft.add(UseKind.IMPORT, base, node.lineno)
        for _, qualified in bound_imports(node):
            draft.add(UseKind.IMPORT, qualified, node.lineno)
        if any(alias.name == "*" for alias in node.names):
            self.stars[base] = None

    def _function(
        self,
        node: _Function,
        scope: Scope,
        draft: Draft,
        prefix: str | None,
        *,
        passed: Draft | None,
        owner: str | None = None,
    ) -> None:
        """A function. ``passed`` is the unit that hands it to its decorators."""
        outside = [*node.decorator_list, *node.args.defaults, *node.args.kw_defaults]
        for expression in outside:
            if expression is not None:
                self.expressions.read(expression, scope, draft)
        inner = self._inside(node, scope, owner)
        if prefix is None:
            self._block(node.body, inner, draft, None)
            return
        name = f"{prefix}{node.name}"
        if passed is not None:
            passed.add(UseKind.LOCAL, name, node.lineno)
        own = self._draft(name, node.lineno, self._size(node))
        self._block(node.body, inner, own, None)

    def _inside(self, node: _Function, scope: Scope, owner: str | None) -> Scope:
        inner = Scope(scope)
        declare(node.args, inner, owner)
        return self._scope(node.body, inner, None)

    def _class(self, node: ast.ClassDef, scope: Scope, draft: Draft, prefix: str | None) -> None:
        below = None if prefix is None else f"{prefix}{node.name}."
        inner = self._scope(node.body, Scope(scope), below)
        bases = [*node.bases, *(keyword.value for keyword in node.keywords)]
        for expression in node.decorator_list:
            self.expressions.read(expression, scope, draft)
        if prefix is None:
            for expression in bases:
                self.expressions.read(expression, scope, draft)
            self._block(node.body, inner, draft, None)
            return
        name = f"{prefix}{node.name}"
        own = self._draft(name, node.lineno, self._size(node), is_class=True)
        for expression in bases:
            for rest in self.expressions.reference(expression, scope, own, called=True):
                self.expressions.read(rest, scope, own)
        # A class's own names are not seen from its methods, but those of ``self`` are.
        visible = Scope(scope, self._attributes(node, inner, name, scope))
        for item in live(node.body):
            if isinstance(item, _FUNCTIONS):
                static = any(
                    "builtins.staticmethod" in _names(d, scope) for d in item.decorator_list
                )
                owner = None if static else name
                # Being decorated in a class is no use yet: a property runs where the class is used.
                passed = own if item.decorator_list else None
                self._function(item, visible, draft, f"{name}.", passed=passed, owner=owner)
            else:
                self._statement(item, inner, draft, f"{name}.")

    def _attributes(
        self, node: ast.ClassDef, inner: Scope, name: str, scope: Scope
    ) -> dict[str, Values]:
        """What the class, its methods and its bases in this module assign to attributes."""
        kept = Scope(scope)
        for base in node.bases:
            for value in scope.values(base):
                for key, values in self.attributes.get(value.name, {}).items():
                    kept.add(key, values)
        for key, values in inner.names.items():
            told = tuple(v for v in values if v.kind in {Kind.MADE, Kind.MADE_HERE})
            if told and "." not in key:
                kept.add(f"self.{key}", told)
        for item in node.body:
            if isinstance(item, _FUNCTIONS) and item.args.args:
                first = item.args.args[0].arg
                for key, values in self._inside(item, scope, name).names.items():
                    if key.startswith(f"{first}."):
                        kept.add(key, values)
        self.attributes[name] = kept.names
        return kept.names

    def _size(self, node: _Function | ast.ClassDef) -> int:
        """Bytes from the first line of a definition to its end."""
        last = min(node.end_lineno or node.lineno, len(self.starts) - 1)
        return self.starts[last] - self.starts[min(node.lineno, last) - 1]


def _named_expressions(node: ast.stmt) -> Iterator[ast.NamedExpr]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            yield from (item for item in ast.walk(child) if isinstance(item, ast.NamedExpr))


def _names(node: ast.expr, scope: Scope) -> set[str]:
    return {value.name for value in scope.values(node)}


def _handed_on(scope: Scope) -> dict[str, str]:
    """Names of the top level that stand for something of another module."""
    found: dict[str, str] = {}
    for name, values in scope.names.items():
        for value in values:
            qualified = value.kind in {Kind.QUALIFIED, Kind.MADE}
            if qualified and not value.name.startswith("builtins."):
                found.setdefault(name, value.name)
    return found
