"""The object that a JavaScript file gives out, where it is written down as a literal."""

from __future__ import annotations

from auditor.formats.javascript_tree import (
    Dialect,
    Node,
    parse_tree,
    property_name,
    string_value,
    text_of,
)

__all__ = ["Literal", "parse_literal"]

Literal = str | bool | list["Literal"] | dict[str, "Literal"] | None
"""``None`` stands for what is no literal."""

_DEEPEST = 8
_LARGEST = 1 << 18


def parse_literal(data: bytes) -> Literal:
    """What is assigned to ``module.exports``, or is the default export; numbers are text.

    Raises ``FormatError`` as ``parse_tree`` does.
    """
    if len(data) > _LARGEST:
        return None
    for statement in parse_tree(data, Dialect.JAVASCRIPT).root.named_children:
        value = statement.child_by_field_name("value")
        if statement.type == "export_statement" and value is not None:
            return _value(value, 0)
        inner = statement.named_children[:1] if statement.type == "expression_statement" else []
        for node in inner:
            left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
            if left is not None and right is not None and text_of(left) == "module.exports":
                return _value(right, 0)
    return None


def _value(node: Node, depth: int) -> Literal:  # noqa: PLR0911 - one case a kind
    if depth > _DEEPEST:
        return None
    match node.type:
        case "object":
            found: dict[str, Literal] = {}
            for pair in node.named_children:
                key = property_name(pair.child_by_field_name("key"))
                value = pair.child_by_field_name("value")
                if pair.type == "pair" and key is not None and value is not None:
                    found[key] = _value(value, depth + 1)
            return found
        case "array":
            return [_value(item, depth + 1) for item in node.named_children]
        case "string" | "template_string":
            return string_value(node)
        case "number":
            return text_of(node)
        case "true" | "false":
            return node.type == "true"
    return None
