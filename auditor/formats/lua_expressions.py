"""Expressions of Lua: what they stand for, and what they call."""

from __future__ import annotations

from dataclasses import dataclass, field

from auditor.formats import FormatError
from auditor.formats.lua_scope import UNKNOWN, Kind, Scope, Value
from auditor.formats.scripting_tree import Node, Tree
from auditor.model.source import Use, UseKind

__all__ = ["FILE", "INDEXES", "Draft", "Expressions", "Item", "State"]

FILE = "file:"
"""What ``dofile "conf.lua"`` loads, in the name of an import."""
_LONGEST = 4096
"""Bytes of a node that are looked at, since nodes stand inside of each other."""
_MANY = 200_000
INDEXES = frozenset({"dot_index_expression", "method_index_expression"})
_PASSES_ON = frozenset({"assert", "pcall", "xpcall", "setmetatable"})
_LOADERS = frozenset({"load", "loadstring", "dofile", "loadfile"})
_DEEP = 24
"""Parts of one name, and calls of what a call gives."""
_WORK = 1_000_000
"""Steps taken to tell what expressions stand for."""


@dataclass(slots=True)
class Draft:
    """A unit while it is read."""

    name: str
    line: int
    size: int = 0
    is_class: bool = False
    uses: dict[Use, None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class State:
    """Where the walk is."""

    unit: str
    scope: Scope
    table: str = ""
    """Of ``local M = { … }`` the name, inside of the braces."""


Item = Node | State


@dataclass(slots=True)
class Expressions:
    """The part of a chunk's reader that looks at expressions."""

    tree: Tree
    state: State = field(default_factory=lambda: State("", Scope(None)))
    drafts: dict[str, Draft] = field(default_factory=lambda: {"": Draft("", 1)})
    work: int = 0

    def _text(self, node: Node) -> str:
        end = min(node.end_byte, node.start_byte + _LONGEST)
        return self.tree.data[node.start_byte : end].decode("utf-8", "replace")

    def _literal(self, node: Node | None) -> str | None:
        """The text of a string."""
        if node is None or node.type != "string":
            return None
        content = node.child_by_field_name("content")
        return "" if content is None else self._text(content)

    def _children(self, node: Node) -> list[Item]:
        return list(node.named_children)

    def _nothing(self, _node: Node) -> list[Item]:
        return []

    def _use(
        self, kind: UseKind, name: str, node: Node, *, called: bool = False, guarded: bool = False
    ) -> None:
        uses = self.drafts[self.state.unit].uses
        if len(uses) < _MANY:
            uses[Use(kind, name, node.start_point.row + 1, called, guarded)] = None

    # Names

    def _parts(self, node: Node) -> list[str]:
        """``a.b:c`` as its parts; empty for what is no plain name."""
        found: list[str] = []
        at: Node | None = node
        while at is not None and at.type in INDEXES and len(found) < _DEEP:
            last = at.child_by_field_name("field") or at.child_by_field_name("method")
            found.append("" if last is None else self._text(last))
            at = at.child_by_field_name("table")
        if at is None or at.type != "identifier":
            return []
        return [self._text(at), *reversed(found)]

    def _value(self, node: Node | None) -> Value:
        """What an expression stands for."""
        members: list[tuple[str, str]] = []
        at = node
        for _ in range(_DEEP):
            self.work += 1
            if self.work > _WORK:
                raise FormatError("its expressions stand too deeply inside of each other")
            if at is None:
                return UNKNOWN
            if at.type in INDEXES:
                last = at.child_by_field_name("field") or at.child_by_field_name("method")
                members.append(("member", "" if last is None else self._text(last)))
                at = at.child_by_field_name("table")
            elif at.type == "function_call":
                loaded = self._required(at)
                function = at.child_by_field_name("name")
                if loaded is not None:
                    return self._applied(Value(Kind.QUALIFIED, loaded), members)
                if function is not None and self._text(function)[:16] in _PASSES_ON:
                    at = self._arguments(at)[0] if self._arguments(at) else None
                    continue
                members.append(("call", ""))
                at = function
            elif at.type == "parenthesized_expression" and at.named_child_count == 1:
                at = at.named_children[0]
            elif at.type == "identifier":
                return self._applied(self.state.scope.find(self._text(at)), members)
            else:
                return UNKNOWN
        return UNKNOWN

    @staticmethod
    def _applied(value: Value, members: list[tuple[str, str]]) -> Value:
        for kind, name in reversed(members):
            value = value.member(name) if kind == "member" else value.called()
        return value

    def _arguments(self, node: Node) -> list[Node]:
        arguments = node.child_by_field_name("arguments")
        if arguments is None:
            return []
        return [child for child in arguments.named_children if child.type != "comment"]

    def _required(self, node: Node) -> str | None:
        """The module of ``require "a.b"``, or of ``pcall(require, "a.b")``."""
        function = node.child_by_field_name("name")
        given = self._arguments(node)
        if function is None or function.type != "identifier" or not given:
            return None
        if self._text(function) == "pcall" and len(given) > 1 and self._text(given[0]) == "require":
            return self._literal(given[1])
        if self.state.scope.find(self._text(function)).name != "require":
            return None
        return self._literal(given[0])

    def _call(self, node: Node) -> list[Item]:
        function = node.child_by_field_name("name")
        given = self._arguments(node)
        below: list[Item] = list(given)
        if function is None:
            return below
        module = self._required(node)
        if module is not None:
            guarded = self._text(function) == "pcall"
            self._use(UseKind.IMPORT, module, node, guarded=guarded)
            return []
        value = self._value(function)
        if value.kind is Kind.QUALIFIED and (value.name in _LOADERS or value.name == "require"):
            self._load(value.name, given, node)
            return below
        if value.kind is Kind.UNKNOWN and function.type in INDEXES:
            last = function.child_by_field_name("method") or function.child_by_field_name("field")
            if last is not None:
                self._use(UseKind.MEMBER, self._text(last), node, called=True)
        else:
            self._named(value, node, given, called=True)
            self._made(function, node)
        if not self._parts(function):
            table = function.child_by_field_name("table")
            below += [function if table is None else table]
        return below

    def _made(self, function: Node, node: Node) -> None:
        """A method of what a call gave may be any of that name."""
        method = function.child_by_field_name("method")
        owner = self._value(function.child_by_field_name("table")) if method else UNKNOWN
        if method is not None and owner.kind is Kind.MADE:
            self._use(UseKind.MEMBER, self._text(method), node, called=True)

    def _load(self, name: str, given: list[Node], node: Node) -> None:
        text = self._literal(given[0]) if given else None
        if text is not None and name in {"dofile", "loadfile"}:
            self._use(UseKind.IMPORT, FILE + text, node)
            return
        self._use(UseKind.DYNAMIC, self.tree.shown(node), node)

    def _named(self, value: Value, node: Node, given: list[Node], *, called: bool) -> None:
        name = value.name[:_LONGEST]
        if value.kind is Kind.LOCAL:
            self._use(UseKind.LOCAL, name, node, called=called)
        elif value.kind in {Kind.QUALIFIED, Kind.MADE}:
            if name == "io.open" and called:
                mode = self._literal(given[1]) if len(given) > 1 else "r"
                name += ".read" if mode is not None and not set(mode) & set("wa+") else ".write"
            self._use(UseKind.NAME, name, node, called=called)

    def _reference(self, node: Node) -> list[Item]:
        """A name that is looked at or passed on."""
        value = self._value(node)
        if value.kind in {Kind.QUALIFIED, Kind.LOCAL} and value.name:
            self._named(value, node, [], called=False)
        return []
