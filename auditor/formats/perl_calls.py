"""What single expressions of Perl say: which function is meant, what a condition comes to."""

from __future__ import annotations

import re
from collections.abc import Mapping

from auditor.formats.perl_tree import Node, Source, named_children

__all__ = [
    "arguments_of",
    "condition",
    "leaves",
    "literal",
    "role_of_builtin",
    "role_of_method",
    "words",
]

_OTHERS = frozenset({"MSWin32", "VMS", "darwin", "MacOS", "os2", "cygwin", "dos", "solaris"})
_STRINGS = frozenset({"string_literal", "interpolated_string_literal"})
_VARIABLES = frozenset({"scalar", "array", "hash_element_expression", "array_element_expression"})
_SOCKETS = frozenset({"IO::Socket::INET", "IO::Socket::INET6", "IO::Socket::IP", "IO::Socket::SSL"})
_LISTS = frozenset({"list_expression", "parenthesized_expression", "anonymous_array_expression"})
_FEW = 64
"""Arguments that are looked at."""
_DEEP = 8
_BOTH = 2
_SELECT = 4


def literal(source: Source, node: Node) -> str | None:
    """The text of a string without variables in it, of a bareword, or ``None``."""
    if node.type in {"bareword", "autoquoted_bareword", "package"}:
        return source.text(node).removesuffix("::")
    if node.type not in _STRINGS:
        return None
    content = node.child_by_field_name("content")
    if content is None:
        return ""
    if any(child.type in _VARIABLES for child in content.named_children):
        return None
    return source.text(content)


def words(source: Source, node: Node) -> list[str]:
    """All literal words below a list: ``'a', qw(b c)``."""
    found: list[str] = []
    for item in leaves(node):
        if item.type == "quoted_word_list":
            content = item.child_by_field_name("content")
            found += source.text(content).split() if content is not None else []
        else:
            text = literal(source, item)
            if text is not None:
                found.append(text)
    return found


def leaves(node: Node | None) -> list[Node]:
    """The items of a list, brackets taken away."""
    found: list[Node] = []
    stack = [] if node is None else [node]
    while stack and len(found) < _FEW * _FEW:
        item = stack.pop()
        if item.type in {
            "list_expression",
            "parenthesized_expression",
            "anonymous_array_expression",
        }:
            stack.extend(reversed(list(named_children(item))))
        else:
            found.append(item)
    return found


def arguments_of(node: Node) -> list[Node]:
    """The arguments of a call, the first of them."""
    given = node.child_by_field_name("arguments")
    if given is not None:
        return leaves(given)[:_FEW]
    if node.type == "func1op_call_expression":
        return list(named_children(node))[:1]
    return []


def condition(
    source: Source, node: Node | None, constants: Mapping[str, bool], *, main: bool
) -> bool | None:
    """What a condition comes to on Linux; ``None`` where run time decides."""
    turned = False
    for _ in range(_DEEP):
        if node is None:
            return None
        if node.type == "parenthesized_expression" and node.named_child_count == 1:
            node = node.named_children[0]
        elif node.type == "unary_expression" and source.text(node).startswith(("!", "not ")):
            turned = not turned
            node = node.child_by_field_name("operand")
        else:
            break
    value = None if node is None else _value(source, node, constants, main=main)
    return value if value is None else value is not turned


def _value(source: Source, node: Node, constants: Mapping[str, bool], *, main: bool) -> bool | None:
    if node.type == "number":
        return source.text(node).strip("0._") != ""
    if node.type in _STRINGS:
        text = literal(source, node)
        return None if text is None else text not in {"", "0"}
    if node.type in {"bareword", "function"}:
        return constants.get(source.text(node))
    if node.type == "func1op_call_expression" and source.text(node) in {"caller", "caller()"}:
        return not main
    return _platform(source, node)


def _platform(source: Source, node: Node) -> bool | None:
    """``$^O eq 'MSWin32'``, ``$^O =~ /Win/``."""
    if node.type not in {"equality_expression", "binary_expression"}:
        return None
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    operator = node.child_by_field_name("operator")
    if left is None or right is None or operator is None or source.text(left) != "$^O":
        return None
    sign = source.text(operator)
    if sign in {"eq", "ne"}:
        text = literal(source, right)
        return None if text is None else (text == "linux") is (sign == "eq")
    if sign in {"=~", "!~"} and right.type == "match_regexp":
        found = set(re.findall(r"[A-Za-z]\w*", source.text(right).strip("/")))
        if found and found <= {*_OTHERS, "Win", "mswin", "win32", "i", "MSWin", "vms"}:
            return sign == "!~"
    return None


def role_of_builtin(source: Source, name: str, arguments: list[Node]) -> str:
    """A built-in function by what it is used for: ``open.pipe``, ``socket.udp``."""
    given = [source.text(item) for item in arguments[:_FEW]]
    role = ""
    match name:
        case "open":
            role = _opened(source, arguments)
        case "sysopen":
            writes = re.search(r"\bO_(WRONLY|RDWR|CREAT|APPEND|TRUNC)\b", " ".join(given))
            role = "write" if writes else ""
        case "socket" | "socketpair":
            role = _socket(" ".join(given))
        case "select" if len(given) >= _SELECT:
            role = "wait"
        case "kill" if given[:1] in (["0"], ["'ZERO'"]):
            role = "0"
    return f"{name}.{role}" if role else name


def _socket(text: str) -> str:
    if re.search(r"\b[AP]F_(UNIX|LOCAL)\b", text):
        return "unix"
    if re.search(r"\bSOCK_RAW\b|\b[AP]F_PACKET\b", text):
        return "raw"
    return "udp" if re.search(r"\bSOCK_DGRAM\b", text) else ""


def _opened(source: Source, arguments: list[Node]) -> str:
    if len(arguments) < _BOTH:
        return ""
    mode = literal(source, arguments[1])
    if mode is None:
        # ``"<$file"``: the mode stands before the variable
        mode = source.text(arguments[1]).strip("\"' ")
        if mode.startswith("$"):
            return "pipe" if mode.endswith("|") else ""
    mode = mode.strip()
    if mode.startswith(("|", "-|")) or mode.endswith("|"):
        return "pipe"
    return "write" if mode.startswith((">", "+")) else "read"


def role_of_method(source: Source, owner: str, method: str, arguments: list[Node]) -> str:
    """A class's method by what it is used for: ``new.listen`` of ``IO::Socket::INET``."""
    if owner not in {*_SOCKETS, "IO::Socket::UNIX"} or method != "new":
        return method
    keys = {source.text(item).strip("\"'") for item in arguments}
    listens = "Listen" in keys or ("ReuseAddr" in keys and "PeerAddr" not in keys)
    if owner == "IO::Socket::UNIX":
        return method
    if "udp" in keys:
        return f"{method}.udp"
    return f"{method}.listen" if listens else f"{method}.connect"
