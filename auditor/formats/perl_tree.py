"""Perl text as a syntax tree.

tree-sitter is loaded here, and its nodes stay in the ``perl`` modules of this room.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import tree_sitter_perl
from tree_sitter import Language, Node

from auditor.formats import FormatError
from auditor.formats.syntax_tree import parse_text

__all__ = ["LARGEST", "Node", "Source", "named_children", "parse_tree"]

LARGEST = 1 << 20
"""Bytes of a module. The parser takes about a quarter of a second for as many."""
_CHUNK = 256
"""Bytes handed over at a time. The scanner looks back and forth, and each look copies a chunk."""
_SHOWN = 80
_LONGEST = 4096
"""Bytes of a node that are looked at, since nodes stand inside of each other."""
with warnings.catch_warnings():
    # tree-sitter-perl 2.0 still hands its grammar over as a number, which tree-sitter would
    # rather have as a capsule.
    warnings.simplefilter("ignore", DeprecationWarning)
    _LANGUAGE = Language(tree_sitter_perl.language())

_SPACE, _WORD, _DELETE = 32, ord("x"), 127
_KEPT = b"\t\n\r"
_PLAIN = bytes(
    _WORD if byte > _DELETE else byte if byte in _KEPT or _SPACE <= byte < _DELETE else _SPACE
    for byte in range(256)
)
"""What the parser is given for each byte. Its scanner of quotes is not sure on bytes that are no
UTF-8, and no letter beyond ASCII decides anything here."""

_HEREDOC = re.compile(
    rb"<<(?P<indent>~?)(?:(?P<bare>[A-Za-z_]\w*)"
    rb'|[ \t]*(?:(?P<quote>["`])(?:(?P<delimiter>[^"`\'\\\n]*)(?P=quote))?'
    rb"|(?=[\r\n#]|\Z)))"
)


@dataclass(frozen=True, slots=True)
class Source:
    """Parsed text. It is what the parser was given: lines are kept, offsets are not."""

    data: bytes
    root: Node

    def text(self, node: Node) -> str:
        """The beginning of a node as written; letters beyond ASCII are gone."""
        end = min(node.end_byte, node.start_byte + _LONGEST)
        return self.data[node.start_byte : end].decode("ascii", "replace")

    def whole(self, node: Node) -> bytes:
        """All of a node."""
        return self.data[node.start_byte : node.end_byte]

    def shown(self, node: Node) -> str:
        """A node as written, on one line, shortened."""
        text = " ".join(self.text(node).split())
        return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def parse_tree(data: bytes) -> Source:
    """Parse; raises ``FormatError`` for what is too large or takes too long."""
    if len(data) > LARGEST:
        raise FormatError(f"Perl source of more than {LARGEST >> 20} MiB is not read")
    text = _HEREDOC.sub(_without_interpolation, data.translate(_PLAIN)) + b"\n"
    return Source(text, parse_text(_LANGUAGE, text, chunk=_CHUNK))


def _without_interpolation(match: re.Match[bytes]) -> bytes:
    r"""A here-document whose text is taken as it is (``<<\EOT``).

    In one that interpolates and does not end, the scanner of tree-sitter-perl 2.0 never comes
    to an end either, and asks nobody whether it should.
    """
    indent, bare, quote = match["indent"], match["bare"], match["quote"]
    if bare is not None:
        return b"<<" + indent + b"\\" + bare
    delimiter = match["delimiter"]
    if quote is None or delimiter is None:
        return b"<<0"
    command = b"qx{}." if quote == b"`" else b""
    if re.fullmatch(rb"[A-Za-z_]\w*", delimiter):
        return command + b"<<" + indent + b"\\" + delimiter
    return command + b"<<" + indent + b"'" + delimiter + b"'"


def named_children(node: Node) -> Iterator[Node]:
    """Children that the grammar gives a name, comments left out."""
    return (child for child in node.named_children if child.type not in {"comment", "pod"})
