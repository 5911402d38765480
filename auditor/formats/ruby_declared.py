"""What a Ruby file defines: found before anything that it uses is looked at."""

from __future__ import annotations

from dataclasses import dataclass, field

from auditor.formats.ruby_scope import UNKNOWN, Scope, Value, arguments_of, constant_of, literal
from auditor.formats.scripting_tree import Node, Tree, child

__all__ = ["LEAVES", "Declared", "declared_in"]

_MAKERS = {("Class", "new"), ("Module", "new"), ("Struct", "new"), ("Data", "define")}
_MIXES = frozenset({"include", "extend", "prepend"})
LEAVES = frozenset(
    {"identifier", "constant", "comment", "integer", "string_content", "simple_symbol"}
)
"""Nodes in which nothing is defined and nothing assigned: most of all."""
_VARIABLES = frozenset({"instance_variable", "class_variable"})


@dataclass(slots=True)
class Declared:
    """Definitions of one file by their full names."""

    classes: dict[str, None] = field(default_factory=dict)
    """Classes and modules."""
    constants: dict[str, None] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    """Constant → the class that it stands for, or is an object of."""
    methods: set[str] = field(default_factory=set)
    """``Shop::Cart.add``; at the top level ``add``."""
    ancestors: dict[str, list[str]] = field(default_factory=dict)
    objects: dict[str, dict[str, Value]] = field(default_factory=dict)
    """Class → variables of its objects."""


def declared_in(tree: Tree) -> Declared:
    """Gather the definitions of a file."""
    found = Declared()
    stack: list[tuple[Node, str]] = [(tree.root, "")]
    while stack:
        node, nesting = stack.pop()
        if node.type in LEAVES:
            continue
        inside = _entered(tree, node, nesting, found)
        stack.extend((part, inside) for part in reversed(node.named_children))
    return found


def _entered(tree: Tree, node: Node, nesting: str, found: Declared) -> str:
    """Note one node; gives the nesting that its children are in."""
    match node.type:
        case "class" | "module":
            written = constant_of(tree, child(node, "name"))
            if written is not None:
                name = _full(nesting, written)
                found.classes[name] = None
                superclass = child(node, "superclass")
                parts = superclass.named_children if superclass is not None else []
                _derive(name, constant_of(tree, parts[0]) if parts else None, found)
                return name
        case "method" | "singleton_method":
            method = child(node, "name")
            if method is not None:
                found.methods.add(_method(nesting, tree.text(method)))
        case "assignment" | "operator_assignment":
            return _assigned(tree, node, nesting, found)
        case "call":
            _called(tree, node, nesting, found)
    return nesting


def _assigned(tree: Tree, node: Node, nesting: str, found: Declared) -> str:
    left, right = child(node, "left"), child(node, "right")
    if left is not None and left.type in _VARIABLES:
        objects = found.objects.setdefault(nesting, {})
        Scope(tree, {}, objects).bind(tree.text(left), Scope(tree, {}, objects).value(right))
        return nesting
    written = constant_of(tree, left)
    if written is None or right is None:
        return nesting
    name = _full(nesting, written)
    method = child(right, "method")
    base = constant_of(tree, child(right, "receiver"))
    if method is not None and (base, tree.text(method)) in _MAKERS:
        found.classes[name] = None
        first = arguments_of(right)[:1]
        _derive(name, constant_of(tree, first[0]) if first and base == "Class" else None, found)
        return name
    found.constants[name] = None
    value = Scope(tree).value(right)
    if value.constant and value != UNKNOWN:
        found.aliases[name] = value.constant
    return nesting


def _called(tree: Tree, node: Node, nesting: str, found: Declared) -> None:
    method = child(node, "method")
    receiver = child(node, "receiver")
    if method is None or (receiver is not None and receiver.type != "self"):
        return
    name = tree.text(method)
    if name in _MIXES:
        for argument in arguments_of(node):
            _derive(nesting, constant_of(tree, argument), found)
    elif name in {"define_method", "define_singleton_method", "alias_method"}:
        first = arguments_of(node)[:1]
        text = literal(tree, first[0]) if first else None
        if text:
            found.methods.add(_method(nesting, text))


def _derive(name: str, base: str | None, found: Declared) -> None:
    if base is not None and base not in found.ancestors.setdefault(name, []):
        found.ancestors[name].append(base)


def _full(nesting: str, written: str) -> str:
    return f"{nesting}::{written}" if nesting else written


def _method(nesting: str, name: str) -> str:
    return f"{nesting}.{name}" if nesting else name
