"""What a PHP file defines and imports: found before anything that it uses is looked at."""

from __future__ import annotations

from dataclasses import dataclass, field

from auditor.formats.php_scope import Names
from auditor.formats.scripting_tree import Node, Tree, child

__all__ = ["LEAVES", "Declared", "declared_in"]

_CLASSES = frozenset(
    {"class_declaration", "interface_declaration", "trait_declaration", "enum_declaration"}
)
_DEFINING = frozenset(
    {*_CLASSES, "anonymous_class", "function_definition", "method_declaration"}
    | {"use_declaration"}
)
LEAVES = frozenset(
    {"name", "variable_name", "qualified_name", "string", "integer", "comment", "text"}
)
"""Nodes in which nothing is defined and nothing assigned: most of all."""
_NAMES = frozenset({"name", "qualified_name", "relative_name"})
_BASES = frozenset({"base_clause", "class_interface_clause"})


@dataclass(slots=True)
class Declared:
    """Definitions of one file by their full names."""

    spaces: list[Names] = field(default_factory=list)
    """What holds before the first namespace, then each namespace in order."""
    classes: dict[str, None] = field(default_factory=dict)
    functions: dict[str, None] = field(default_factory=dict)
    methods: dict[str, list[str]] = field(default_factory=dict)
    ancestors: dict[str, list[str]] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)
    named: dict[int, str] = field(default_factory=dict)
    """Offset of a definition → its full name."""


def declared_in(tree: Tree) -> Declared:
    """Gather the definitions of a file."""
    found = Declared()
    names = Names()
    found.spaces.append(names)
    pending: list[tuple[Node, Names]] = []
    for node in tree.root.named_children:
        if node.type == "namespace_definition":
            name = child(node, "name")
            names = Names(tree.text(name) if name is not None else "")
            found.spaces.append(names)
            body = child(node, "body")
            imports = body.named_children if body is not None else []
        else:
            imports = [node]
        for part in imports:
            if part.type == "namespace_use_declaration":
                _import(tree, part, names)
        pending.append((node, names))
    stack = [(node, around, "") for node, around in reversed(pending)]
    while stack:
        node, around, owner = stack.pop()
        if node.type in LEAVES:
            continue
        inside = owner
        if node.type in _DEFINING:
            inside = _define(tree, node, around, owner, found)
        stack.extend((part, around, inside) for part in reversed(node.named_children))
    return found


def _import(tree: Tree, node: Node, names: Names) -> None:
    r"""``use A\B as C;``, ``use function A\f;``, ``use A\{B, C as D};``."""
    words = {part.type for part in node.children}
    prefix = next((part for part in node.named_children if part.type == "namespace_name"), None)
    start = f"{tree.text(prefix)}\\" if prefix is not None else ""
    group = child(node, "body")
    for clause in group.named_children if group is not None else node.named_children:
        if clause.type != "namespace_use_clause":
            continue
        inner = {part.type for part in clause.children}
        target = next((part for part in clause.named_children if part.type in _NAMES), None)
        alias = child(clause, "alias")
        if target is None or "const" in words | inner:
            continue
        full = f"{start}{tree.text(target)}".lstrip("\\")
        known = tree.text(alias) if alias is not None else full.rpartition("\\")[2]
        table = names.functions if "function" in words | inner else names.classes
        table[known.lower()] = full


def _define(tree: Tree, node: Node, names: Names, owner: str, found: Declared) -> str:
    """Note one node; gives the class that its children are in."""
    name = child(node, "name")
    text = tree.text(name) if name is not None else ""
    start = f"{names.space}\\" if names.space else ""
    if node.type in _CLASSES or node.type == "anonymous_class":
        full = f"{start}{text}" if text else f"{start}class@{node.start_point.row + 1}"
        found.classes[full] = None
        found.named[node.start_byte] = full
        for part in node.named_children:
            if part.type in _BASES:
                _derive(tree, part, full, names, found)
        return full
    if node.type == "function_definition":
        full = f"{start}{text}()"
        found.functions[full] = None
        found.named[node.start_byte] = full
    elif node.type == "method_declaration" and owner:
        found.methods.setdefault(owner, []).append(text)
    elif node.type == "use_declaration" and owner:
        _derive(tree, node, owner, names, found)
    return owner


def _derive(tree: Tree, node: Node, full: str, names: Names, found: Declared) -> None:
    for part in node.named_children:
        if part.type in _NAMES:
            base = names.class_name(tree.text(part))
            found.ancestors.setdefault(full, []).append(base)
            if node.type == "base_clause":
                found.parents.setdefault(full, base)
