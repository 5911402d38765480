"""Shell text as a syntax tree.

tree-sitter is loaded here, and its nodes stay in the ``shell`` modules of this room.
"""

from __future__ import annotations

from dataclasses import dataclass

import tree_sitter_bash
from tree_sitter import Language, Node

from auditor.formats import FormatError
from auditor.formats.syntax_tree import MAX_SECONDS, parse_text

__all__ = ["MAX_SECONDS", "MAX_SIZE", "Node", "Source", "named", "parse_source"]

MAX_SIZE = 1 << 20
"""Bytes. The parser takes about a second for as many."""

_SHOWN = 160
"""Characters of a command that are quoted in reports."""

_LANGUAGE = Language(tree_sitter_bash.language())


@dataclass(frozen=True, slots=True)
class Source:
    """A parsed piece of shell text."""

    data: bytes
    root: Node
    first_line: int

    def text(self, node: Node) -> str:
        """A node as written; bytes that are no UTF-8 become U+FFFD."""
        return self.slice(node.start_byte, node.end_byte)

    def slice(self, start: int, end: int) -> str:
        """The text between two byte offsets."""
        return self.data[start:end].decode("utf-8", "replace")

    def line(self, node: Node) -> int:
        """1-based line that a node starts on."""
        return self.first_line + node.start_point.row

    def shown(self, node: Node) -> str:
        """A node as written, on one line, shortened."""
        text = " ".join(self.text(node).replace("\\\n", " ").split())
        return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def parse_source(text: bytes, first_line: int) -> Source:
    """Parse; raises ``FormatError`` over ``MAX_SIZE`` or ``MAX_SECONDS``."""
    if len(text) > MAX_SIZE:
        raise FormatError(f"The script has {len(text)} bytes, more than the {MAX_SIZE} allowed.")
    return Source(text, parse_text(_LANGUAGE, text), first_line)


def named(node: Node, field: str) -> Node | None:
    """A child by its role in the grammar."""
    return node.child_by_field_name(field)
