"""Text → a syntax tree of tree-sitter's, in bounded time."""

from __future__ import annotations

import time

from tree_sitter import Language, Node, Parser

from auditor.formats import FormatError

__all__ = ["MAX_SECONDS", "parse_text"]

MAX_SECONDS = 5.0
"""A last resort: on some broken text the parser's time grows with the square of the length, and
it counts no work that shows so."""
_CHUNK = 1 << 16


def parse_text(
    language: Language, text: bytes, *, seconds: float = MAX_SECONDS, chunk: int = _CHUNK
) -> Node:
    """The root of the tree; raises ``FormatError`` where parsing takes longer than ``seconds``.

    ``chunk``: bytes handed over at a time. A scanner that looks back and forth copies one for
    each look, and so wants them small.
    """
    deadline = time.monotonic() + seconds
    try:
        tree = Parser(language).parse(
            lambda offset, _: text[offset : offset + chunk],
            progress_callback=lambda _offset, _has_error: time.monotonic() > deadline,
        )
    except ValueError:
        raise FormatError(
            f"it is so broken that reading it takes over {seconds:.0f} seconds"
        ) from None
    return tree.root_node
