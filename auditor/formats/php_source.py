r"""PHP source → facts: what each function and method uses, names made full, aliases taken back.

Functions are written with ``()`` at their end, as PHP's manual does, since classes have names of
their own; a dot stands before the method of a class: ``Acme\Post\Letter.send``, ``exec()``. What
is loaded is named with its path: ``require __DIR__/../vendor/autoload.php``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import tree_sitter_php
from tree_sitter import Language

from auditor.formats.php_branches import guarded_by, truth
from auditor.formats.php_declared import LEAVES, Declared, declared_in
from auditor.formats.php_scope import Names, Scope, Value
from auditor.formats.php_uses import Draft, Place, Uses
from auditor.formats.scripting_tree import VISITS, Node, Tree, child, errors_of, parse_tree
from auditor.model.source import SourceFacts, UseKind

__all__ = ["LANGUAGE", "PhpSource", "parse_php"]

LANGUAGE = "php"
_GRAMMAR = Language(tree_sitter_php.language_php())
_CLASSES = frozenset(
    {"class_declaration", "interface_declaration", "trait_declaration", "enum_declaration"}
)
_SKIPPED = frozenset(
    {
        "comment",
        "name",
        "variable_name",
        "integer",
        "text",
        "php_tag",
        "text_interpolation",
        "string_content",
    }
)
_BRANCHES = frozenset({"if_statement", "else_if_clause", "conditional_expression"})
_IMPLICIT = frozenset(
    {"jsonserialize", "getiterator", "count", "current", "key", "next", "rewind", "valid"}
    | {"offsetget", "offsetset", "offsetexists", "offsetunset"}
)
"""Methods that PHP calls by itself, apart from those that begin with two underscores."""


@dataclass(frozen=True, slots=True)
class PhpSource:
    """What one file says, and what its language has to know to say where names lead."""

    facts: SourceFacts
    classes: tuple[str, ...]
    """Full names of classes, interfaces, traits and enums."""
    functions: tuple[str, ...]
    """Full names of functions, with ``()``."""
    ancestors: Mapping[str, tuple[str, ...]]
    """Class → parent, interfaces and traits, by their full names."""
    constants: Mapping[str, tuple[str, ...]]
    """What ``define`` and ``const`` name → the strings that it may be."""
    returned: tuple[tuple[str, tuple[str, ...]], ...]
    """Of a file that returns an array: key → strings of its value."""


def parse_php(data: bytes) -> PhpSource:
    """Read one file. Raises ``FormatError``."""
    tree = parse_tree(_GRAMMAR, data, "PHP")
    return _Reader(tree, declared_in(tree)).read()


@dataclass(slots=True)
class _Reader:
    tree: Tree
    declared: Declared
    drafts: dict[str, Draft] = field(default_factory=dict)
    uses: Uses = field(init=False)
    returned: dict[str, tuple[str, ...]] = field(default_factory=dict)
    visits: int = VISITS
    _stack: list[tuple[Node, Place]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.uses = Uses(self.tree, self.declared)

    def read(self) -> PhpSource:
        """The facts of the file."""
        size = len(self.tree.data)
        top = self.drafts[""] = Draft("", 1, size)
        spaces = iter(self.declared.spaces)
        place = Place(top, Scope(self.tree, next(spaces, Names())))
        self._prepare(self.tree.root, place.scope)
        pending: list[tuple[Node, Place]] = []
        for node in self.tree.root.named_children:
            if node.type == "namespace_definition":
                place = replace(place, scope=replace(place.scope, names=next(spaces, Names())))
            pending.append((node, place))
        self._stack = pending[::-1]
        while self._stack:
            self._node(*self._stack.pop())
        own = [draft for draft in self.drafts.values() if draft.name and not draft.is_class]
        top.size -= sum(draft.size for draft in own)
        units = tuple(draft.unit() for draft in self.drafts.values())
        return PhpSource(
            SourceFacts(LANGUAGE, size, units, errors=errors_of(self.tree.root)),
            tuple(self.declared.classes),
            tuple(self.declared.functions),
            {name: tuple(found) for name, found in self.declared.ancestors.items()},
            self.uses.constants,
            tuple(self.returned.items()),
        )

    def _push(self, nodes: list[Node], place: Place) -> None:
        self._stack.extend((node, place) for node in reversed(nodes))

    def _node(self, node: Node, place: Place) -> None:
        kind = node.type
        if kind in _SKIPPED or kind == "namespace_use_declaration":
            return
        if kind in _BRANCHES:
            self._branch(node, place)
        elif kind == "while_statement" and truth(self.tree, child(node, "condition")) is False:
            return
        elif kind in _CLASSES or kind == "anonymous_class":
            self._class(node, place)
        elif kind in {"function_definition", "method_declaration"}:
            self._function(node, place)
        elif kind == "return_statement":
            self._returned(node, place)
            self._push(node.named_children, place)
        elif kind == "namespace_definition":
            self._push([part for part in (child(node, "body"),) if part is not None], place)
        elif kind == "binary_expression":
            self._both(node, place)
        else:
            self._push(self.uses.read(node, place), place)

    def _branch(self, node: Node, place: Place) -> None:
        condition = child(node, "condition")
        taken = truth(self.tree, condition)
        others = {part.id for part in node.children_by_field_name("alternative")}
        asked = guarded_by(self.tree, condition)
        for part in reversed(node.named_children):
            inside = place
            if part != condition:
                if taken is not None and taken is (part.id in others):
                    continue
                inside = replace(place, asked=place.asked | asked) if asked else place
            self._stack.append((part, inside))

    def _both(self, node: Node, place: Place) -> None:
        """``function_exists('exec') && exec('…')``, and operands that are never looked at."""
        operator = _operator(node)
        if operator not in {"&&", "and", "||", "or"}:
            sides = (child(node, "left"), child(node, "right"))
            self._push([side for side in sides if side is not None], place)
            return
        operands: list[Node] = []
        left: Node | None = node
        while left is not None and left.type == "binary_expression" and _operator(left) == operator:
            right = child(left, "right")
            operands += [right] if right is not None else []
            left = child(left, "left")
        operands += [left] if left is not None else []
        live: list[tuple[Node, Place]] = []
        for operand in reversed(operands):
            live.append((operand, place))
            if truth(self.tree, operand) is (operator in {"||", "or"}):
                break
            asked = guarded_by(self.tree, operand)
            place = replace(place, asked=place.asked | asked) if asked else place
        self._stack.extend(reversed(live))

    def _class(self, node: Node, place: Place) -> None:
        full = self.declared.named.get(node.start_byte)
        body = child(node, "body")
        if full is None or body is None:
            return
        if full not in self.drafts:
            self.drafts[full] = Draft(full, node.start_point.row + 1, 0, is_class=True)
        own = self.drafts[full]
        for base in self.declared.ancestors.get(full, ()):
            own.add(UseKind.NAME, base, node, called=True)
        for method in self.declared.methods.get(full, ()):
            if method.startswith("__") or method.lower() in _IMPLICIT:
                own.add(UseKind.LOCAL, f"{full}.{method}", node, called=True)
        if node.type == "anonymous_class":
            place.draft.add(UseKind.LOCAL, f"{full}.__construct", node, called=True)
            place.draft.add(UseKind.LOCAL, full, node, called=True)
        scope = Scope(
            self.tree,
            place.scope.names,
            full,
            self.declared.parents.get(full, ""),
            properties=self._properties(body, full, place.scope.names),
        )
        self._push(list(body.named_children), Place(place.draft, scope))

    def _properties(self, body: Node, full: str, names: Names) -> dict[str, Value]:
        """What is known of the objects' variables: declared types, else what is assigned."""
        scope = Scope(self.tree, names, full, self.declared.parents.get(full, ""))
        found: dict[str, Value] = {}
        stack = list(body.named_children)
        assigned: list[tuple[str, Node]] = []
        while stack and self.visits > 0:
            self.visits -= 1
            node = stack.pop()
            if node.type in LEAVES:
                continue
            if node.type in {"property_declaration", "property_promotion_parameter"}:
                value = scope.typed(child(node, "type"))
                for name in _variables(self.tree, node):
                    found[name] = value
            elif node.type == "assignment_expression":
                left = child(node, "left")
                text = self.tree.brief(left) if left is not None else ""
                known = re.match(r"(?:\$this->|(?:self|static)::\$)(.*)", text, re.DOTALL)
                assigned += [(known[1], node)] if known is not None else []
            stack.extend(node.named_children)
        for name, node in assigned:
            if not found.get(name, Value()).of:
                found[name] = scope.value(child(node, "right"))
        return found

    def _function(self, node: Node, place: Place) -> None:
        name = child(node, "name")
        if name is None:
            return
        text = self.tree.text(name)
        scope = place.scope
        full = (
            f"{scope.of_class}.{text}"
            if node.type == "method_declaration"
            else self.declared.named.get(node.start_byte, f"{text}()")
        )
        if full not in self.drafts:
            self.drafts[full] = Draft(full, node.start_point.row + 1, 0)
        draft = self.drafts[full]
        draft.size += node.end_byte - node.start_byte
        inner = replace(scope, variables={})
        self._parameters(child(node, "parameters"), inner)
        body = child(node, "body")
        if body is not None:
            self._prepare(body, inner)
        parts = [part for part in node.named_children if part != name and "type" not in part.type]
        self._push(parts, Place(draft, inner))

    def _parameters(self, node: Node | None, scope: Scope) -> None:
        for part in node.named_children if node is not None else ():
            name = child(part, "name")
            if name is not None:
                scope.variables[self.tree.text(name)] = scope.typed(child(part, "type"))

    def _prepare(self, node: Node, scope: Scope) -> None:
        """Take over what is assigned in a function, but not in the functions and classes in it."""
        stack = list(reversed(node.named_children))
        while stack and self.visits > 0:
            self.visits -= 1
            item = stack.pop()
            if item.type in LEAVES:
                continue
            if item.type in {*_CLASSES, "function_definition", "method_declaration"}:
                continue
            if item.type == "assignment_expression":
                left = child(item, "left")
                if left is not None and left.type == "variable_name":
                    scope.bind(self.tree.text(left), scope.value(child(item, "right")))
            elif item.type in {"anonymous_function", "arrow_function"}:
                self._parameters(child(item, "parameters"), scope)
            elif item.type == "foreach_statement":
                for part in item.named_children[1:-1]:
                    for name in _variables(self.tree, part):
                        scope.bind(f"${name}", Value())
            stack.extend(reversed(item.named_children))

    def _returned(self, node: Node, place: Place) -> None:
        r"""``return array('App\\' => array($base . '/src'))`` of a file."""
        array = node.named_children[0] if node.named_children else None
        if place.draft.name or array is None or array.type != "array_creation_expression":
            return
        for position, item in enumerate(array.named_children):
            parts = item.named_children
            if item.type != "array_element_initializer" or not parts:
                continue
            key = place.scope.texts(parts[0]) if len(parts) > 1 else (str(position),)
            values = [parts[-1]]
            if parts[-1].type == "array_creation_expression":
                values = [
                    one.named_children[-1] for one in parts[-1].named_children if one.named_children
                ]
            texts = tuple(text for value in values for text in place.scope.texts(value))
            if key and texts:
                self.returned[key[0]] = texts


def _operator(node: Node) -> str:
    sign = child(node, "operator")
    return sign.type.lower() if sign is not None else ""


def _variables(tree: Tree, node: Node) -> list[str]:
    """Names of the variables that a declaration declares."""
    found = []
    stack = [node]
    while stack:
        item = stack.pop()
        if item.type == "variable_name":
            found.append(tree.text(item).removeprefix("$"))
        elif item.type in {"property_element", "list_literal", "pair", "by_ref"} or item is node:
            stack.extend(item.named_children)
    return found
