"""Which branches of Ruby source CRuby on Linux never takes."""

from __future__ import annotations

import re

from auditor.formats.scripting_tree import Node, Tree, child

__all__ = ["truth"]

_KNOWN = {
    "RUBY_PLATFORM": "x86_64-linux",
    "RUBY_ENGINE": "ruby",
    "RbConfig::CONFIG['host_os']": "linux-gnu",
    'RbConfig::CONFIG["host_os"]': "linux-gnu",
}
"""What the interpreter of a Linux image gives; of the machine nothing is concluded."""
_FALSE_CALLS = frozenset({"Gem.win_platform?"})
_FOREIGN = frozenset({"JRUBY_VERSION", "JRuby", "TruffleRuby", "Rubinius", "java"})
_NAMED_SCRIPT = frozenset({"$0", "$PROGRAM_NAME"})
_PLAIN = re.compile(r"[\w|.\- ]+")
_MACHINE = re.compile(r"x86|amd64|i\d86|aarch|arm|64")
_DEPTH = 20


def truth(  # noqa: PLR0911 - one case each
    tree: Tree, node: Node | None, *, main: bool, depth: int = 0
) -> bool | None:
    """The truth of a condition; ``None`` where run time decides. ``main``: of the started file."""
    if node is None or depth > _DEPTH:
        return None
    inner = [child for child in node.named_children if child.type != "comment"]
    match node.type:
        case "true":
            return True
        case "false" | "nil":
            return False
        case "parenthesized_statements" if len(inner) == 1:
            return truth(tree, inner[0], main=main, depth=depth + 1)
        case "unary":
            return _unary(tree, node, main=main, depth=depth)
        case "binary":
            return _binary(tree, node, main=main, depth=depth)
        case "call":
            return _call(tree, node)
    return None


def _unary(tree: Tree, node: Node, *, main: bool, depth: int) -> bool | None:
    operator, operand = child(node, "operator"), child(node, "operand")
    if operator is None or operand is None:
        return None
    if operator.type == "defined?":
        return False if tree.brief(operand).strip("() ") in _FOREIGN else None
    if operator.type in {"!", "not"}:
        inner = truth(tree, operand, main=main, depth=depth + 1)
        return None if inner is None else not inner
    return None


def _binary(tree: Tree, node: Node, *, main: bool, depth: int) -> bool | None:
    left, right, sign = child(node, "left"), child(node, "right"), child(node, "operator")
    if left is None or right is None or sign is None:
        return None
    operator = sign.type
    if operator in {"&&", "and", "||", "or"}:
        decisive = operator in {"||", "or"}
        both = [truth(tree, side, main=main, depth=depth + 1) for side in (left, right)]
        if decisive in both:
            return decisive
        return None if None in both else not decisive
    sides = (tree.brief(left), tree.brief(right))
    if operator in {"==", "!="}:
        same = _same(sides, main=main)
        return None if same is None else same == (operator == "==")
    if operator in {"=~", "!~"}:
        for text, pattern in (sides, sides[::-1]):
            held = _matches(_KNOWN.get(text), pattern)
            if held is not None:
                return held == (operator == "=~")
    return None


def _same(sides: tuple[str, str], *, main: bool) -> bool | None:
    if "__FILE__" in sides and _NAMED_SCRIPT & set(sides):
        return main
    for name, literal in (sides, sides[::-1]):
        known = _KNOWN.get(name)
        quoted = re.fullmatch(r"""(['"])([\w.\-]*)\1""", literal)
        if known is not None and quoted is not None and not _MACHINE.search(quoted[2]):
            return known == quoted[2]
    return None


def _call(tree: Tree, node: Node) -> bool | None:
    receiver, method = child(node, "receiver"), child(node, "method")
    if receiver is None or method is None:
        return None
    base, name = tree.brief(receiver), tree.brief(method)
    if f"{base}.{name}" in _FALSE_CALLS:
        return False
    arguments = child(node, "arguments")
    first = arguments.named_children[0] if arguments and arguments.named_children else None
    if first is None:
        return None
    if name in {"match?", "match"}:
        return _matches(_KNOWN.get(base), tree.brief(first))
    if name in {"include?", "start_with?"} and first.type == "string":
        return _matches(_KNOWN.get(base), f"/{tree.brief(first)[1:-1]}/")
    return None


def _matches(known: str | None, pattern: str) -> bool | None:
    """A regular expression that is no more than words with bars between, over a known text."""
    parts = re.fullmatch(r"/(.*)/(i?)o?", pattern)
    if known is None or parts is None:
        return None
    plain = parts[1].replace("(?:", "(").replace("(", "").replace(")", "").replace("\\", "")
    if not _PLAIN.fullmatch(plain) or _MACHINE.search(plain):
        return None
    lower = plain.lower() if parts[2] else plain
    words = lower.split("|")
    if not all(words):
        return None
    return any(word.replace(".", "") in known for word in words)
