"""Bundles in one file, as webpack and its kin write them."""

from __future__ import annotations

import re
from bisect import bisect_left
from itertools import islice

from auditor.formats.javascript_scope import Kind, Value, module_name
from auditor.formats.javascript_tree import Node, Source, property_name, string_value, text_of

__all__ = ["externals"]

_MARKS = re.compile(rb"exports\s?=\s?require\(")
_MOST = 10_000
_DEEPEST = 40


def externals(source: Source) -> dict[str, Value]:
    """Parts of a bundle that only hand on a module from outside: their number → the module.

    webpack writes them as ``896: module => { module.exports = require("fs") }``, and everything
    else in the bundle knows them by number (``n(896)``).
    """
    marks = [match.start() for match in islice(_MARKS.finditer(source.data), _MOST)]
    found: dict[str, Value] = {}
    stack: list[tuple[Node, int, str | None]] = [(source.root, 0, None)] if marks else []
    while stack:
        node, depth, key = stack.pop()
        at = bisect_left(marks, node.start_byte)
        if depth > _DEEPEST or at == len(marks) or marks[at] >= node.end_byte:
            continue
        if node.type == "pair":
            key = property_name(node.child_by_field_name("key"))
        elif node.type == "assignment_expression" and key is not None:
            module = _required(node.child_by_field_name("right"))
            if module is not None:
                found[key] = module
        stack.extend((child, depth + 1, key) for child in node.named_children)
    return found


def _required(node: Node | None) -> Value | None:
    function = node.child_by_field_name("function") if node is not None else None
    arguments = node.child_by_field_name("arguments") if node is not None else None
    if function is None or arguments is None or text_of(function) != "require":
        return None
    first = arguments.named_children[:1]
    name = string_value(first[0]) if first and first[0].type == "string" else None
    return None if not name or '"' in name else Value(Kind.MODULE, module_name(name))
