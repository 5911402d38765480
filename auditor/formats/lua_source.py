"""Lua source → facts: what each function of a chunk uses, aliases taken back.

Names are dotted as they stand in Lua: ``socket.http.request``. A table with functions is a class
as the follower sees it, and the functions are its methods, however they are written.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import tree_sitter_lua
from tree_sitter import Language

from auditor.formats import FormatError
from auditor.formats.lua_expressions import FILE, INDEXES, Draft, Expressions, Item, State
from auditor.formats.lua_scope import UNKNOWN, Kind, Scope, Value
from auditor.formats.scripting_tree import LARGEST, Node, errors_of, parse_tree
from auditor.model.source import SourceFacts, Unit

__all__ = ["EXPORTS", "FILE", "LARGEST", "LuaFacts", "parse_lua"]

EXPORTS = "return "
"""In front of a binding: a field of what the chunk returns; alone, the table that it returns."""

_SHOWN = 80
_LANGUAGE = Language(tree_sitter_lua.language())
_MADE = frozenset({"function_definition", "table_constructor"})
_WINDOWS = re.compile(
    r"""package\.config:sub\(1,\s*1\)\s*==\s*["']\\\\["']|jit\.os\s*==\s*["']Windows["']"""
)


@dataclass(frozen=True, slots=True)
class LuaFacts:
    """One chunk."""

    facts: SourceFacts
    paths: tuple[str, ...]
    """Templates that it adds to ``package.path`` (``/app/?.lua``)."""


def parse_lua(data: bytes) -> LuaFacts:
    """Read one chunk. Raises ``FormatError`` for byte code, and what is too large or broken."""
    if data.startswith(b"\x1b"):
        raise FormatError("it is compiled Lua, whose byte code is not read")
    return _Reader(parse_tree(_LANGUAGE, data, "Lua")).read()


@dataclass(slots=True)
class _Reader(Expressions):
    """Reads one chunk's tree in the order of its text, without recursion."""

    exports: dict[str, str] = field(default_factory=dict)
    paths: list[str] = field(default_factory=list)
    last: Node | None = None
    """The statement that returns what the chunk gives."""

    def read(self) -> LuaFacts:
        """The facts of the chunk."""
        stack: list[Item] = [self.tree.root]
        while stack:
            item = stack.pop()
            if isinstance(item, State):
                self.state = item
                continue
            handler: Callable[[Node], list[Item]]
            handler = getattr(self, _HANDLERS.get(item.type, "_children"))
            stack.extend(reversed(handler(item)))
        size = len(self.tree.data)
        self.drafts[""].size = max(size - sum(draft.size for draft in self.drafts.values()), 0)
        units = tuple(
            Unit(draft.name, draft.line, draft.size, tuple(draft.uses), draft.is_class)
            for draft in self.drafts.values()
        )
        bindings = dict(sorted(self.exports.items()))
        errors = errors_of(self.tree.root)
        facts = SourceFacts("lua", size, units, bindings, (), errors)
        return LuaFacts(facts, tuple(self.paths))

    def _enter(self, state: State, below: list[Item]) -> list[Item]:
        before, self.state = self.state, state
        return [*below, before]

    # Branches

    def _chunk(self, node: Node) -> list[Item]:
        below = self._children(node)
        last = next((c for c in reversed(node.named_children) if c.type != "comment"), None)
        self.last = last if last is not None and last.type == "return_statement" else None
        return below

    def _if(self, node: Node) -> list[Item]:
        test = node.child_by_field_name("condition")
        value = None
        if test is not None:
            text = self._text(test) if test.end_byte - test.start_byte < _SHOWN else ""
            if text in {"false", "nil"} or _WINDOWS.fullmatch(text):
                value = False
            elif text == "true":
                value = True
        below: list[Item] = [] if test is None else [test]
        for child in node.named_children:
            if child == test:
                continue
            rest = child.type in {"elseif_statement", "else_statement"}
            if value is None or value is not rest:
                below.append(child)
        return below

    # Functions

    def _function(self, node: Node) -> list[Item]:
        name = node.child_by_field_name("name")
        if name is None:
            return self._anonymous(node)
        parts = self._parts(name)
        local = node.children[0].type == "local" if node.children else False
        plain = len(parts) == 1
        if plain and (local or not self.state.unit):
            self.state.scope.names[parts[0]] = Value(Kind.LOCAL, parts[0])
        return self._unit(node, ".".join(parts))

    def _anonymous(self, node: Node) -> list[Item]:
        scope = Scope(self.state.scope)
        self._parameters(node, scope)
        return self._enter(State(self.state.unit, scope), self._body(node))

    def _unit(self, node: Node, name: str) -> list[Item]:
        """A function with a name of its own; inside of another one it is part of that."""
        if self.state.unit or not name or len(name) > _SHOWN:
            return self._anonymous(node)
        owner = name.rpartition(".")[0]
        line = node.start_point.row + 1
        if owner:
            self.drafts.setdefault(owner, Draft(owner, line, is_class=True))
        draft = self.drafts.setdefault(name, Draft(name, line))
        draft.size += node.end_byte - node.start_byte
        scope = Scope(self.state.scope)
        self._parameters(node, scope)
        if owner:
            scope.names["self"] = Value(Kind.LOCAL, owner)
        return self._enter(State(name, scope), self._body(node))

    def _body(self, node: Node) -> list[Item]:
        body = node.child_by_field_name("body")
        return [] if body is None else [body]

    def _parameters(self, node: Node, scope: Scope) -> None:
        parameters = node.child_by_field_name("parameters")
        for child in () if parameters is None else parameters.named_children:
            if child.type == "identifier":
                scope.names[self._text(child)] = UNKNOWN

    # Assignments

    def _declaration(self, node: Node) -> list[Item]:
        inner = next((c for c in node.named_children if c.type == "assignment_statement"), None)
        return self._children(node) if inner is None else self._assignment(inner, local=True)

    def _assignment(self, node: Node, *, local: bool = False) -> list[Item]:
        left = next((c for c in node.named_children if c.type == "variable_list"), None)
        right = next((c for c in node.named_children if c.type == "expression_list"), None)
        targets = [] if left is None else left.named_children
        values = [] if right is None else right.named_children
        below: list[Item] = []
        guards = len(values) == 1 and values[0].type == "function_call"
        for position, target in enumerate(targets):
            value = values[position] if position < len(values) else None
            if guards and position == 1 and self._text(values[0]).startswith("pcall"):
                value = values[0]
            self._bind(target, value, local=local)
        for position, value in enumerate(values):
            name = ".".join(self._parts(targets[position])) if position < len(targets) else ""
            below += self._assigned(value, name)
        return below

    def _bind(self, target: Node, value: Node | None, *, local: bool) -> None:
        if target.type in INDEXES:
            name = ".".join(self._parts(target))
            if name in {"package.path", "package.cpath"} and value is not None:
                self._template(value)
        elif target.type == "identifier":
            name = self._text(target)
            made = value is not None and value.type in _MADE and not self.state.unit
            found = Value(Kind.LOCAL, name) if made else self._value(value)
            self.state.scope.bind(name, found, local=local)

    def _assigned(self, value: Node, name: str) -> list[Item]:
        if value.type == "function_definition":
            return self._unit(value, name)
        if value.type == "table_constructor" and not self.state.unit:
            state = State("", self.state.scope, name)
            return self._enter(state, list(value.named_children))
        return [value]

    def _template(self, value: Node) -> None:
        stack = [value]
        while stack:
            item = stack.pop()
            text = self._literal(item)
            if text is not None:
                self.paths += [part for part in text.split(";") if "?" in part]
            elif item.type == "binary_expression":
                stack += reversed(item.named_children)

    def _field(self, node: Node) -> list[Item]:
        """``name = value`` in a table."""
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        if value is None:
            return self._children(node)
        key = "" if name is None else self._literal(name) or self._text(name)
        if value.type != "function_definition" or not self.state.table or not key.isidentifier():
            return [value] if name is None or name.type == "identifier" else [name, value]
        return self._unit(value, f"{self.state.table}.{key}")

    def _return(self, node: Node) -> list[Item]:
        """What the chunk itself returns is what ``require`` gives."""
        if node != self.last:
            return self._children(node)
        values = [c for child in node.named_children for c in child.named_children]
        if len(values) != 1:
            return self._children(node)
        if values[0].type == "table_constructor":
            return self._returned_table(values[0])
        found = self._value(values[0])
        if found.kind is Kind.LOCAL:
            self.exports[EXPORTS] = found.name
        return [values[0]] if found.kind is not Kind.LOCAL else []

    def _returned_table(self, table: Node) -> list[Item]:
        self.exports[EXPORTS] = EXPORTS.strip()
        for child in table.named_children:
            name, value = child.child_by_field_name("name"), child.child_by_field_name("value")
            found = self._value(value)
            if name is not None and name.type == "identifier" and found.kind is Kind.LOCAL:
                self.exports[EXPORTS + self._text(name)] = found.name
        return self._enter(State("", self.state.scope, EXPORTS.strip()), list(table.named_children))


_HANDLERS = {
    "chunk": "_chunk",
    "variable_declaration": "_declaration",
    "if_statement": "_if",
    "elseif_statement": "_if",
    "function_declaration": "_function",
    "function_definition": "_anonymous",
    "function_call": "_call",
    "identifier": "_reference",
    "dot_index_expression": "_reference",
    "assignment_statement": "_assignment",
    "field": "_field",
    "return_statement": "_return",
    "comment": "_nothing",
    "string": "_nothing",
    "label_statement": "_nothing",
    "goto_statement": "_nothing",
    "parameters": "_nothing",
}
"""Type of a node → the method that reads it."""
