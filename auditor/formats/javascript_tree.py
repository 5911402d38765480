"""JavaScript and TypeScript text as a syntax tree.

tree-sitter is loaded here, and its nodes stay in the ``javascript`` modules of this room.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from enum import Enum

import tree_sitter_javascript
import tree_sitter_typescript
from tree_sitter import Language, Node

from auditor.formats import FormatError
from auditor.formats.syntax_tree import parse_text

__all__ = [
    "LARGEST",
    "Dialect",
    "Node",
    "Source",
    "arguments_of",
    "parse_tree",
    "property_name",
    "string_value",
    "text_of",
]

LARGEST = 8 << 20
"""Bytes of a module. The parser takes about a fifth of a second for each MiB of a bundle."""

MOST_NODES = 4_000_000
"""Nodes of its tree; a large bundle has two or three million."""

MAX_SECONDS = 20.0
"""A last resort, for broken text that takes the parser time without bound."""

_CHUNK = 256
"""Bytes that are handed over at once. The text of a node costs as much as one of them."""
_SHOWN = 80
_TEXT = 4096
_STRING_TYPES = frozenset({"string", "template_string"})
_SURROGATES = range(0xD800, 0xE000)
_ESCAPES = {
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "b": "\b",
    "f": "\f",
    "v": "\v",
    "0": "\0",
    "\n": "",
}


class Dialect(Enum):
    """Which grammar reads a file."""

    JAVASCRIPT = "javascript"
    """With JSX."""
    TYPESCRIPT = "typescript"
    TSX = "tsx"


_LANGUAGES = {
    Dialect.JAVASCRIPT: Language(tree_sitter_javascript.language()),
    Dialect.TYPESCRIPT: Language(tree_sitter_typescript.language_typescript()),
    Dialect.TSX: Language(tree_sitter_typescript.language_tsx()),
}


@dataclass(frozen=True, slots=True)
class Source:
    """A parsed module."""

    data: bytes
    root: Node

    def shown(self, node: Node) -> str:
        """A node as written, on one line, shortened."""
        end = min(node.end_byte, node.start_byte + 4 * _SHOWN)
        text = " ".join(self.data[node.start_byte : end].decode("utf-8", "replace").split())
        return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def parse_tree(data: bytes, dialect: Dialect) -> Source:
    """Parse; raises ``FormatError`` over ``LARGEST`` or ``MAX_SECONDS``."""
    if len(data) > LARGEST:
        raise FormatError(f"JavaScript of more than {LARGEST >> 20} MiB is not read")
    root = parse_text(_LANGUAGES[dialect], data, seconds=MAX_SECONDS, chunk=_CHUNK)
    if root.descendant_count > MOST_NODES:
        raise FormatError(f"JavaScript of more than {MOST_NODES} parts is not read")
    return Source(data, root)


def text_of(node: Node) -> str:
    """A name as written; empty where no name is so long."""
    if node.end_byte - node.start_byte > _TEXT:
        return ""
    return (node.text or b"").decode("utf-8", "replace")


def property_name(node: Node | None) -> str | None:
    """The name of a property, where the source has it: ``x``, ``'x'`` or ``["x"]``."""
    if node is None:
        return None
    if node.type == "computed_property_name":
        inner = node.named_children
        node = inner[0] if inner else node
    if node.type in _STRING_TYPES:
        return string_value(node)
    if node.type in {"property_identifier", "private_property_identifier", "number", "identifier"}:
        return text_of(node)
    if node.type == "shorthand_property_identifier":
        return text_of(node)
    return None


def string_value(node: Node) -> str | None:
    """The value of a string without substitutions; ``None`` where it is long or made of parts."""
    if node.end_byte - node.start_byte > _TEXT:
        return None
    parts: list[str] = []
    for child in node.named_children:
        if child.type == "string_fragment":
            parts.append(text_of(child))
        elif child.type == "escape_sequence":
            parts.append(unescape(text_of(child)))
        else:
            return None
    return "".join(parts)


def unescape(text: str) -> str:
    """One escape sequence (ECMA-262, 12.9.4)."""
    body = text[1:]
    if body[:1] in {"x", "u"}:
        try:
            code = int(body[1:].strip("{}"), 16)
            return chr(code) if code <= sys.maxunicode and code not in _SURROGATES else "\ufffd"
        except ValueError:
            return ""
    return _ESCAPES.get(body, body)


def arguments_of(node: Node) -> list[Node]:
    """The arguments of a call."""
    found = node.child_by_field_name("arguments")
    if found is None or found.type != "arguments":
        return []
    return [child for child in found.named_children if child.type != "comment"]
