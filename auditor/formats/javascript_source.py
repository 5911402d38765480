"""JavaScript and TypeScript source → facts: what each function of a module uses.

A qualified name begins with the module's specifier in double quotes (``"node:net".connect``,
``"./lib/app".start``); a name of the runtime stands bare (``process.kill``), and ``"".name`` is
the module's own. What a module gives as a whole is ``default``, as in ECMAScript modules; a
binding ``export=`` is CommonJS's ``module.exports``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from auditor.formats import FormatError
from auditor.formats.javascript_branches import (
    Caught,
    branches,
    caught_by,
    live_cases,
    live_statements,
    operands,
)
from auditor.formats.javascript_bundle import externals
from auditor.formats.javascript_calls import Calls
from auditor.formats.javascript_draft import Draft
from auditor.formats.javascript_exports import Exports
from auditor.formats.javascript_names import TYPES, Names
from auditor.formats.javascript_scope import UNKNOWN, Kind, Scope, Value, module_name
from auditor.formats.javascript_tree import (
    LARGEST,
    Dialect,
    Node,
    Source,
    parse_tree,
    property_name,
    string_value,
    text_of,
)
from auditor.formats.javascript_values import FUNCTIONS, Values
from auditor.model.source import SourceFacts, UseKind

__all__ = ["LARGEST", "Dialect", "parse_javascript"]

_CLASSES = frozenset({"class", "class_declaration", "abstract_class_declaration"})
_BLOCKS = frozenset({"program", "statement_block", "switch_case", "switch_default"})
_LARGE = 2000
"""Bytes from which a function without a name is a unit, so that what is unknown in it weighs no
more than it."""
_LOCAL_FILE = re.compile(r"\.{1,2}/[\w@./-]*[\w-]")
_PATH_ENDS = (".js", ".mjs", ".cjs", ".ts", ".node")


Item = tuple[Node, Scope, Draft, Caught]
"""A node to be read, with its scope and its unit."""


def parse_javascript(
    data: bytes,
    *,
    dialect: Dialect = Dialect.JAVASCRIPT,
    main: bool = False,
    constants: Mapping[str, str] | None = None,
) -> SourceFacts:
    """Read one module. Raises ``FormatError``.

    ``main``: it is the entry module. ``constants``: names whose value is known
    (``process.platform``, ``process.env.NODE_ENV``), for branches that cannot be taken.
    """
    source = parse_tree(data, dialect)
    if source.root.type == "ERROR":
        raise FormatError("it is no JavaScript that the parser knows")
    return _Reader(source, Values(constants or {}, main)).read()


@dataclass(slots=True)
class _Reader:
    """Reads one module's tree."""

    source: Source
    values: Values
    drafts: dict[str, Draft] = field(default_factory=dict)
    errors: int = 0
    _stack: list[Item] = field(default_factory=list)
    _names: Names = field(init=False)
    _calls: Calls = field(init=False)
    _exports: Exports = field(init=False)

    def __post_init__(self) -> None:
        self._names = Names(self.values)
        self._calls = Calls(self.values, self.source)
        self._exports = Exports(self._names)

    def read(self) -> SourceFacts:
        """The facts of the module."""
        root = self.source.root
        self.values.externals = externals(self.source)
        top = self._draft("", root)
        scope = Scope(prefix="", this=Value(Kind.EXPORTS))
        self._names.fill(root.named_children, scope)
        self._stack.append((root, scope, top, Caught.NOTHING))
        while self._stack:
            item = self._stack.pop()
            self._visit(*item)
        bindings = self._exports.bindings(scope, self.drafts)
        for owner in self._names.owners:
            if owner:
                self.drafts.setdefault(owner, Draft(owner, 0, 0)).is_class = True
        for name, draft in self.drafts.items():
            maker = self.drafts.get(name.removesuffix(".constructor"))
            if maker is not None and maker is not draft:
                maker.add(UseKind.LOCAL, name, draft.line, called=True)
        units = tuple(draft.unit() for draft in self.drafts.values())
        size = len(self.source.data)
        return SourceFacts(
            "javascript", size, units, bindings, tuple(self._names.stars), self.errors
        )

    def _draft(self, name: str, node: Node, parent: Draft | None = None) -> Draft:
        size = node.end_byte - node.start_byte
        draft = self.drafts.setdefault(name, Draft(name, node.start_point.row + 1, 0))
        if draft is not parent:
            draft.size += size
            if parent is not None:
                parent.size -= size
        return draft

    def _push(
        self, nodes: Iterable[Node | None], scope: Scope, draft: Draft, caught: Caught
    ) -> None:
        found = [(node, scope, draft, caught) for node in nodes if node is not None]
        self._stack.extend(reversed(found))

    def _visit(self, node: Node, scope: Scope, draft: Draft, caught: Caught) -> None:  # noqa: C901, PLR0912 - one case a kind
        kind = node.type
        if kind in TYPES:
            return
        draft.quiet = caught is Caught.PASSED_OVER
        scope = self._names.blocks.pop(node.id, scope)
        if kind in _BLOCKS:
            self._push(live_statements(node, scope, self.values), scope, draft, caught)
        elif kind in FUNCTIONS:
            self._function(node, scope, draft, caught=caught)
        elif kind in _CLASSES:
            self._class(node, scope, draft)
        elif kind in {"identifier", "member_expression", "subscript_expression"}:
            self._push(self._calls.reference(node, scope, draft), scope, draft, caught)
        elif kind == "shorthand_property_identifier":
            self._calls.reference(node, scope, draft)
        elif kind == "call_expression":
            self._call(node, scope, draft, caught=caught)
        elif kind == "new_expression":
            found = self._calls.made(node, scope, draft)
            self._push(found, scope, draft, caught)
        elif kind in {"if_statement", "ternary_expression"}:
            self._push(branches(node, scope, self.values), scope, draft, caught)
        elif kind == "binary_expression":
            self._push(operands(node, scope, self.values), scope, draft, caught)
        elif kind == "switch_statement":
            self._switch(node, scope, draft, caught)
        elif kind == "try_statement":
            self._try(node, scope, draft, caught=caught)
        elif kind == "import_statement":
            self._exports.load(node, draft)
        elif kind == "export_statement":
            self._push(self._exports.export(node, scope, draft), scope, draft, caught)
        elif kind == "assignment_expression":
            self._assignment(node, scope, draft, caught=caught)
        elif kind == "variable_declarator":
            self._push((node.child_by_field_name("value"),), scope, draft, caught)
        elif kind == "string":
            self._text(node, draft)
        else:
            self.errors += kind == "ERROR"
            self._push(node.named_children, scope, draft, caught)

    def _switch(self, node: Node, scope: Scope, draft: Draft, caught: Caught) -> None:
        given, body = node.child_by_field_name("value"), node.child_by_field_name("body")
        if body is not None:
            inner = self._names.blocks.pop(body.id, scope)
            value = self.values.value(given, scope)
            self._push(live_cases(value, body, inner, self.values), inner, draft, caught)
        self._push((given,), scope, draft, caught)

    def _try(self, node: Node, scope: Scope, draft: Draft, *, caught: Caught) -> None:
        handler = node.child_by_field_name("handler")
        inside = max(caught, caught_by(handler))
        self._push((handler, node.child_by_field_name("finalizer")), scope, draft, caught)
        self._push((node.child_by_field_name("body"),), scope, draft, inside)

    def _function(
        self,
        node: Node,
        scope: Scope,
        draft: Draft,
        *,
        caught: Caught = Caught.NOTHING,
        given: tuple[Value, ...] | None = None,
    ) -> None:
        """A function. ``given``: the values of the arguments of one that is called on the spot."""
        body = node.child_by_field_name("body")
        name = self.values.named.get(node.id)
        parameters = node.child_by_field_name("parameters")
        inner = Scope(scope, scope.this)
        if given is not None and name is None:
            inner.prefix = scope.prefix
        elif name is not None:
            draft = self._draft(name, node, draft)
            inner.this = _this(name, node, scope)
        elif scope.prefix is not None and node.end_byte - node.start_byte > _LARGE:
            line, column = node.start_point.row + 1, node.start_point.column + 1
            name = f"(function at {line}:{column})"
            draft.add(UseKind.LOCAL, name, line, called=True)
            draft = self._draft(name, node, draft)
            inner.prefix = f"{name}."
        own = node.child_by_field_name("name")
        if node.type == "function_expression" and own is not None:
            inner.names[text_of(own)] = UNKNOWN if name is None else Value(Kind.LOCAL, name)
        self._names.parameters(node, inner, given or ())
        if body is None:
            return
        self._names.fill(body.named_children if body.type == "statement_block" else (), inner)
        self._push(
            (parameters, body), inner, draft, caught if given is not None else Caught.NOTHING
        )

    def _class(self, node: Node, scope: Scope, draft: Draft) -> None:
        name = self.values.named.get(node.id)
        inner = Scope(scope, UNKNOWN)
        own = draft
        if name is not None:
            own = self._draft(name, node, draft)
            own.is_class = True
            inner.this = Value(Kind.MADE_HERE, name)
            self._names.owners[name] = None
        local = node.child_by_field_name("name")
        if local is not None and name is not None:
            inner.names[text_of(local)] = Value(Kind.LOCAL, name)
        heritage = [child for child in node.named_children if child.type == "class_heritage"]
        for base in (b for item in heritage for b in _bases(item)):
            self._push(
                self._calls.reference(base, scope, own, called=True), scope, own, Caught.NOTHING
            )
        self._push(
            (c for c in node.named_children if c.type == "decorator"), scope, draft, Caught.NOTHING
        )
        body = node.child_by_field_name("body")
        members = body.named_children if body is not None else []
        for member in members:
            self._member(member, name, inner, own)
        self._push(members, inner, own, Caught.NOTHING)

    def _member(self, node: Node, owner: str | None, scope: Scope, draft: Draft) -> None:
        """Name a method; keep what fields and the constructor give to the object."""
        if owner is None:
            return
        name_node = node.child_by_field_name("name") or node.child_by_field_name("property")
        name = property_name(name_node)
        value = node.child_by_field_name("value")
        if node.type == "method_definition":
            key = name or text_of(name_node)[:40] if name_node is not None else "?"
            unit = f"{owner}.{key}".replace("\n", " ")
            self.values.named.setdefault(node.id, unit)
            accessor = any(child.type in {"get", "set"} for child in node.children[:3])
            if accessor or name is None:
                draft.add(UseKind.LOCAL, unit, node.start_point.row + 1)
            self._kept(node, owner, scope)
        elif name is not None and value is not None:
            if value.type in FUNCTIONS:
                self.values.named.setdefault(value.id, f"{owner}.{name}")
            self._names.keep(owner, name, self.values.value(value, scope))

    def _kept(self, method: Node, owner: str, scope: Scope) -> None:
        """What the statements of a method assign to properties of ``this``."""
        body = method.child_by_field_name("body")
        inner = Scope(scope, Value(Kind.MADE_HERE, owner))
        for statement in body.named_children if body is not None else []:
            given = statement.named_children[:1] if statement.type == "expression_statement" else []
            for node in given:
                left = node.child_by_field_name("left")
                if left is None or node.type != "assignment_expression":
                    continue
                holder = left.child_by_field_name("object")
                if left.type != "member_expression" or holder is None or holder.type != "this":
                    continue
                name = property_name(left.child_by_field_name("property"))
                value = self.values.value(node.child_by_field_name("right"), inner)
                if name is not None and value.kind is not Kind.NOTHING:
                    self._names.keep(owner, name, value)

    def _call(self, node: Node, scope: Scope, draft: Draft, *, caught: Caught) -> None:
        function = node.child_by_field_name("function")
        called = function
        while called is not None and called.type == "parenthesized_expression":
            called = called.named_children[0] if called.named_children else None
        if called is not None and called.type == "member_expression":
            method = property_name(called.child_by_field_name("property"))
            inner = called.child_by_field_name("object")
            while inner is not None and inner.type == "parenthesized_expression":
                inner = inner.named_children[0] if inner.named_children else None
            if method in {"call", "apply"} and inner is not None and inner.type in FUNCTIONS:
                called = inner
        if called is not None and called.type in FUNCTIONS:
            arguments = node.child_by_field_name("arguments")
            nodes = arguments.named_children if arguments is not None else []
            given = tuple(self.values.value(item, scope) for item in nodes)
            self._function(called, scope, draft, caught=caught, given=given)
            self._push(nodes, scope, draft, caught)
            return
        star = self._calls.star(node, scope)
        if star is not None:
            self._names.stars[star] = None
        self._calls.define(node, scope, self._names)
        found = self._calls.call(node, scope, draft, guarded=bool(caught))
        self._push(found, scope, draft, caught)

    def _assignment(self, node: Node, scope: Scope, draft: Draft, *, caught: Caught) -> None:
        left = node.child_by_field_name("left")
        rest: list[Node | None] = []
        if left is not None and left.type in {"member_expression", "subscript_expression"}:
            base = self.values.value(left.child_by_field_name("object"), scope)
            if base.kind in {Kind.QUALIFIED, Kind.MADE} and base.name.startswith("process"):
                rest = list(self._calls.reference(left, scope, draft))
            elif base.kind is Kind.UNKNOWN:
                rest = [left.child_by_field_name("object"), left.child_by_field_name("index")]
        elif left is not None and left.type != "identifier":
            rest = [left]
        self._push((*rest, node.child_by_field_name("right")), scope, draft, caught)

    def _text(self, node: Node, draft: Draft) -> None:
        """A string that may name a module of the application."""
        text = string_value(node) if node.end_byte - node.start_byte < 200 else None  # noqa: PLR2004
        if text is not None and _LOCAL_FILE.fullmatch(text):
            draft.add(UseKind.TEXT, module_name(text), node.start_point.row + 1)


def _this(name: str, node: Node, scope: Scope) -> Value:
    """What ``this`` is in a unit: the object whose method it is, or that it makes."""
    if node.type == "arrow_function":
        return scope.this
    owner = name.rpartition(".")[0]
    if owner and not owner.endswith(")"):
        return Value(Kind.MADE_HERE, owner)
    return Value(Kind.MADE_HERE, name)


def _bases(heritage: Node) -> list[Node]:
    found = heritage.named_children
    clauses = [child for child in found if child.type == "extends_clause"]
    if not clauses:
        return [child for child in found if child.type not in TYPES]
    values = [clause.child_by_field_name("value") for clause in clauses]
    return [value for value in values if value is not None]
