"""Which branches of PHP source a PHP on Linux never takes."""

from __future__ import annotations

from auditor.formats.scripting_tree import Node, Tree, child

__all__ = ["guarded_by", "truth"]

_KNOWN = {
    "PHP_OS_FAMILY": "Linux",
    "PHP_OS": "Linux",
    "DIRECTORY_SEPARATOR": "/",
    "PATH_SEPARATOR": ":",
    "PHP_EOL": "\n",
}
_WINDOWS = ("WIN", "WINNT", "WINDOWS", "WIN32", "DARWIN")
_NEGATIONS = {"===": False, "==": False, "!==": True, "!=": True, "<>": True}
_DEPTH = 20
_LOOKED = 200
"""Nodes of one condition that are looked at for such questions."""
_QUESTIONS = frozenset({"function_exists", "class_exists", "extension_loaded", "is_callable"})


def truth(tree: Tree, node: Node | None, depth: int = 0) -> bool | None:  # noqa: PLR0911 - one case each
    """The truth of a condition; ``None`` where run time decides."""
    if node is None or depth > _DEPTH:
        return None
    match node.type:
        case "boolean":
            return tree.text(node).lower() == "true"
        case "integer":
            return {"0": False, "1": True}.get(tree.text(node))
        case "null":
            return False
        case "parenthesized_expression" if len(node.named_children) == 1:
            return truth(tree, node.named_children[0], depth + 1)
        case "unary_op_expression" if tree.data[node.start_byte : node.start_byte + 1] == b"!":
            inner = truth(tree, node.named_children[-1], depth + 1)
            return None if inner is None else not inner
        case "binary_expression":
            return _binary(tree, node, depth)
    return None


def _binary(tree: Tree, node: Node, depth: int) -> bool | None:
    left, right, sign = child(node, "left"), child(node, "right"), child(node, "operator")
    if left is None or right is None or sign is None:
        return None
    operator = sign.type.lower()
    if operator in {"&&", "and", "||", "or"}:
        decisive = operator in {"||", "or"}
        both = [truth(tree, side, depth + 1) for side in (left, right)]
        if decisive in both:
            return decisive
        return None if None in both else not decisive
    if operator not in _NEGATIONS:
        return None
    for one, other in ((left, right), (right, left)):
        same = _same(tree, one, other)
        if same is not None:
            return same != _NEGATIONS[operator]
    return None


def _same(tree: Tree, one: Node, other: Node) -> bool | None:
    """Whether what is known of the platform equals a string."""
    if other.type not in {"string", "encapsed_string"}:
        return None
    text = tree.brief(other)[1:-1].replace("\\\\", "\\")
    name = tree.brief(one).lstrip("\\")
    if name in _KNOWN:
        return _KNOWN[name] == text
    # strtoupper(substr(PHP_OS, 0, 3)) === 'WIN', in its many forms
    if one.type == "function_call_expression" and "PHP_OS" in name and text.upper() in _WINDOWS:
        return False
    return None


def guarded_by(tree: Tree, node: Node | None) -> frozenset[str]:
    """Functions and classes that a condition asks after before they are used."""
    found: set[str] = set()
    stack = [node] if node is not None else []
    for _ in range(_LOOKED):
        if not stack:
            break
        item = stack.pop()
        if item.type == "function_call_expression":
            function, arguments = child(item, "function"), child(item, "arguments")
            given = arguments.named_children if arguments is not None else []
            if function is not None and tree.brief(function).lstrip("\\").lower() in _QUESTIONS:
                found |= {tree.brief(one).strip("'\"").lower() for one in given[:1]}
        stack.extend(item.named_children)
    return frozenset(found)
