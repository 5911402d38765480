"""Source of a scripting language as a syntax tree of tree-sitter's, in bounded time.

tree-sitter's nodes stay in the modules of this room.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Language, Node

from auditor.formats import FormatError
from auditor.formats.syntax_tree import parse_text

__all__ = ["LARGEST", "VISITS", "Node", "Tree", "child", "errors_of", "parse_tree"]

LARGEST = 1 << 20
"""Bytes of one file."""
_SHOWN = 80
_BRIEF = 300
VISITS = 4_000_000
"""Nodes that are looked at to learn what variables stand for; beyond, they stand for nothing."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A parsed file."""

    data: bytes
    root: Node

    def text(self, node: Node) -> str:
        """A node as written; bytes that are no UTF-8 become U+FFFD."""
        return self.data[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def shown(self, node: Node) -> str:
        """A node as written, on one line, shortened."""
        end = min(node.end_byte, node.start_byte + 5 * _SHOWN)
        text = " ".join(self.data[node.start_byte : end].decode("utf-8", "replace").split())
        return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"

    def brief(self, node: Node) -> str:
        """A node as written; empty where it is longer than what a name or a test has.

        For what is asked of nodes inside of each other, so that it stays in linear time.
        """
        return self.text(node) if node.end_byte - node.start_byte <= _BRIEF else ""


def parse_tree(language: Language, data: bytes, name: str) -> Tree:
    """Parse; raises ``FormatError`` over ``LARGEST``, or over time. ``name``: for people."""
    if len(data) > LARGEST:
        raise FormatError(f"{name} source of more than {LARGEST >> 20} MiB is not read")
    return Tree(data, parse_text(language, data))


def child(node: Node | None, field: str) -> Node | None:
    """A child by its role in the grammar."""
    return None if node is None else node.child_by_field_name(field)


def errors_of(root: Node) -> int:
    """Places that the parser left out."""
    return sum(1 for node in _broken(root) if node.is_error or node.is_missing)


def _broken(root: Node) -> Iterator[Node]:
    stack = [root]
    while stack:
        node = stack.pop()
        if node.has_error or node.is_missing:
            yield node
            if not node.is_error:
                stack.extend(node.children)
