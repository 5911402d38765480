"""What a word of a shell script stands for, as far as the text alone tells (POSIX.1-2024, 2.6)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from auditor.formats.shell_scope import Assignment
from auditor.formats.shell_tree import Node, Source

__all__ = ["ARGUMENTS", "NAME", "Scope", "Words"]

ARGUMENTS = "$@"
"""How ``"$@"``, ``$@``, ``"$*"`` and ``${1+"$@"}`` stand in a command's words."""
NAME = "$0"
"""How ``"$0"`` and ``"$BASH_SOURCE"`` stand in a command's words."""

_MARKERS = {
    spelling: marker
    for marker, spellings in {
        ARGUMENTS: ("$@", "$*", "${@}", "${*}", '${1+"$@"}', '${1:+"$@"}'),
        NAME: ("$0", "${0}", "$BASH_SOURCE", "${BASH_SOURCE}", "${BASH_SOURCE[0]}"),
    }.items()
    for plain in spellings
    for spelling in (plain, f'"{plain}"')
}
_DEPTH = 40
"""Nested expansions that are followed."""
_FILENAMES = re.compile(r"[*?]|\[[^\]]*\]")
_BRACES = re.compile(r"\{[^{}]*(?:,|\.\.)[^{}]*\}")
_WORD_ESCAPE = re.compile(r"\\(\n|.)", re.DOTALL)
_STRING_ESCAPE = re.compile(r'\\([$`"\\\n])')
_ANSI_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{1,2}|[0-7]{1,3}|u[0-9A-Fa-f]{1,4}|.)", re.DOTALL)
_ANSI = {"a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f"} | {
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
}
_DEFAULTS = frozenset({":-", "-", ":=", "="})
_OF_THE_SHELL = re.compile(
    r"HOME|HOSTNAME|PWD|OLDPWD|IFS|PPID|RANDOM|SECONDS|LINENO|REPLY|OPT(ARG|IND|ERR)|E?UID|SHLVL|"
    r"TERM|_|(BASH|FUNC|DIR|PIPE|GROUPS|HOST|MACH|OS)[A-Z_]*"
)
"""Variables that a shell or a container runtime sets by itself, so absence from ENV says little."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Variables: those that the text assigns, and the environment for the others.

    A variable has a known value where the text assigns it exactly once, and never by ``read``,
    ``for`` or arithmetic. An assignment inside a branch counts only where the environment is
    given and does not have the variable. Without ``env`` nothing is known of it.
    """

    source: Source
    assignments: Mapping[str, list[Assignment]]
    env: Mapping[str, str] | None
    outer: Scope | None = None
    being_read: set[str] = field(default_factory=set)

    def lookup(self, name: str, depth: int) -> str | None:
        """The value, or ``None`` where only run time knows it."""
        places = self.assignments.get(name)
        if places is None and self.outer is not None:
            return self.outer.lookup(name, depth)
        if places is None or name in self.being_read:
            return self.env.get(name) if self.env is not None else None
        place = places[0]
        if len(places) > 1 or (place.conditional and (self.env is None or name in self.env)):
            return None
        if place.empty:
            return ""
        self.being_read.add(name)
        try:
            return self._value(place.value, depth)
        finally:
            self.being_read.discard(name)

    def _value(self, node: Node | None, depth: int) -> str | None:
        if node is None:
            return None
        # An assigned value is neither split nor matched against file names.
        return Words(self.source, self).literal(node, quoted=True, depth=depth + 1)

    def unset(self, name: str) -> bool:
        """Whether nothing gives the variable a value, as far as the environment is known."""
        if self.env is None or name in self.env or _OF_THE_SHELL.fullmatch(name):
            return False
        scope: Scope | None = self
        while scope is not None:
            if name in scope.assignments and name not in scope.being_read:
                return False
            scope = scope.outer
        return True


@dataclass(frozen=True, slots=True)
class Words:
    """Turns nodes into words."""

    source: Source
    scope: Scope

    def of(self, node: Node) -> tuple[str | None, ...]:
        """The words that one word as written becomes: several where an expansion is split.

        A single ``None`` may stand for any number of words.
        """
        marker = _MARKERS.get(self.source.text(node))
        if marker is not None:
            return (marker,)
        value = self.literal(node, quoted=False, depth=0)
        if value is None or value in {ARGUMENTS, NAME}:
            return (None,)  # a word that is spelled like a mark of ours would be taken for it
        if node.type in {"simple_expansion", "expansion"}:
            if len(value.split()) != 1 and any("string" in child.type for child in node.children):
                return (None,)  # a default in quotes is not split, a value is
            return tuple(None if _FILENAMES.search(part) else part for part in value.split())
        return (value,)

    def literal(self, node: Node, *, quoted: bool, depth: int) -> str | None:
        """The text that a node stands for, or ``None`` where only run time knows it."""
        if depth > _DEPTH:
            return None
        match node.type:
            case "string":
                return self._string(node, depth)
            case "translated_string" | "command_name" if node.named_children:
                return self.literal(node.named_children[0], quoted=quoted, depth=depth + 1)
            case "concatenation":
                return self._concatenation(node, depth, quoted=quoted)
            case "simple_expansion" | "expansion":
                return self._expansion(node, depth)
            case _:
                return None if node.child_count else self._leaf(node, quoted=quoted)

    def _leaf(self, node: Node, *, quoted: bool) -> str | None:
        text = self.source.text(node)
        match node.type:
            case "word" | "number" | "variable_name":
                return _word(text, quoted=quoted)
            case "raw_string":
                return text[1:-1]
            case "ansi_c_string":
                return _ANSI_ESCAPE.sub(_ansi, text[2:-1])
            case _:
                return None if node.is_named else text

    def _string(self, node: Node, depth: int) -> str | None:
        """A double-quoted string.

        The grammar leaves blanks between expansions out of the tree, so what no child covers is
        read from the text.
        """
        parts: list[str] = []
        position, end = node.start_byte + 1, max(node.end_byte - 1, node.start_byte + 1)
        for child in node.children[1:]:
            if child.type in {"string_content", '"'}:
                continue
            parts.append(_unescape(self.source.slice(position, child.start_byte)))
            value = self.literal(child, quoted=True, depth=depth + 1)
            if value is None:
                return None
            parts.append(value)
            position = child.end_byte
        parts.append(_unescape(self.source.slice(position, end)))
        return "".join(parts)

    def _concatenation(self, node: Node, depth: int, *, quoted: bool) -> str | None:
        if not quoted and self._has_pattern(node):
            return None
        parts: list[str] = []
        for child in node.children:
            value = self.literal(child, quoted=quoted, depth=depth + 1)
            if value is None:
                return None
            bare = child.type in {"simple_expansion", "expansion"} and not quoted
            if bare and (len(value.split()) > 1 or value != value.strip() or _is_pattern(value)):
                return None
            parts.append(value)
        return "".join(parts)

    def _has_pattern(self, node: Node) -> bool:
        """Whether a word's unquoted parts, which may be cut anywhere, make up a pattern."""
        bare = (child for child in node.children if child.type == "word" or not child.is_named)
        text = "".join(self.source.text(child) for child in bare)
        return _is_pattern(text) or _BRACES.search(self.source.text(node)) is not None

    def _expansion(self, node: Node, depth: int) -> str | None:
        """``$NAME``, ``${NAME}`` and ``${NAME:-default}`` with its three sisters."""
        parts = [child for child in node.children if child.type not in {"$", "${", "}"}]
        name = self.source.text(parts[0]) if parts else ""
        if not name.isidentifier() or parts[0].type != "variable_name":
            return None
        value = self.scope.lookup(name, depth + 1)
        if len(parts) == 1:
            return value
        if parts[1].type not in _DEFAULTS:
            return None
        empty_counts = not parts[1].type.startswith(":")
        if value or (value is not None and empty_counts):
            return value
        known = value is not None or self.scope.unset(name)
        return self._default(parts[2:], depth) if known else None

    def _default(self, parts: list[Node], depth: int) -> str | None:
        """The word after ``:-``; blanks in it make several nodes, and then it is not followed."""
        if len(parts) > 1:
            return None
        return self.literal(parts[0], quoted=True, depth=depth + 1) if parts else ""


def _word(text: str, *, quoted: bool) -> str | None:
    """An unquoted word, unless the shell would match it against file names or expand it."""
    if not quoted and (_is_pattern(text) or text.startswith("~") or _BRACES.search(text)):
        return None
    return _WORD_ESCAPE.sub(lambda match: match[1].replace("\n", ""), text)


def _is_pattern(text: str) -> bool:
    return _FILENAMES.search(_WORD_ESCAPE.sub("", text)) is not None


def _unescape(text: str) -> str:
    """Backslashes inside double quotes (POSIX.1-2024, 2.2.3)."""
    return _STRING_ESCAPE.sub(lambda match: match[1].replace("\n", ""), text)


def _ansi(match: re.Match[str]) -> str:
    """Backslashes inside ``$'…'`` (POSIX.1-2024, 2.2.4)."""
    code = match[1]
    if code[0] in "xu" and len(code) > 1:
        return chr(int(code[1:], 16))
    if code.isdigit():
        return chr(int(code, 8) & 0xFF)
    return _ANSI.get(code, code)
