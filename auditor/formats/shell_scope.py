"""One look over a whole script: its functions, its literal paths, and where variables change."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from auditor.formats.shell_tree import Node, Source, named

__all__ = ["Assignment", "Survey", "survey"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\+?=")
_BRANCHES = frozenset(
    {"if_statement", "elif_clause", "else_clause", "case_item", "do_group", "list"}
)
_READERS = frozenset(
    {"read", "getopts", "mapfile", "readarray", "let", "printf", "wait", "unset", "eval", "trap"}
)
"""Builtins that set variables named in their arguments."""
_MATHS = frozenset({"binary_expression", "unary_expression", "postfix_expression"})
_DEFAULTS = frozenset({":-", "-", ":=", "=", ":+", "+"})
_ASSIGNING_DEFAULTS = frozenset({":=", "="})
_GLOB = re.compile(r"[*?\[$`\\]")
_LONGEST_PATH = 4095
"""``PATH_MAX``, without the final zero."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """One place that gives a variable a value; ``value`` is ``None`` for a value of run time."""

    value: Node | None
    empty: bool = False
    """``NAME=``, which has no node for its value."""
    conditional: bool = False


@dataclass(slots=True)
class Survey:
    """What was seen."""

    assignments: dict[str, list[Assignment]] = field(default_factory=dict)
    functions: dict[str, None] = field(default_factory=dict)
    """In order, each once."""
    paths: set[str] = field(default_factory=set)
    errors: int = 0

    def assign(self, name: str, assignment: Assignment) -> None:
        """Note one assignment."""
        self.assignments.setdefault(name, []).append(assignment)


def survey(source: Source) -> Survey:
    """Look over a whole script once."""
    seen = Survey()
    stack: list[tuple[Node, bool, bool]] = [(source.root, False, False)]
    while stack:
        node, conditional, pathless = stack.pop()
        seen.errors += node.is_error or node.is_missing
        _variables(source, node, seen, conditional=conditional)
        if node.type == "function_definition" and (name := named(node, "name")) is not None:
            seen.functions[source.text(name)] = None
        if not pathless:
            _path(source, node, seen)
        inside = conditional or node.type in _BRANCHES
        children = node.children
        whole = node.type in {"string", "concatenation"}
        for child in reversed(children):
            skip = _pathless(node, child) or (whole and not child.type.endswith("substitution"))
            stack.append((child, inside, skip))
    return seen


def _pathless(node: Node, child: Node) -> bool:
    """Text that looks like a path and is none: patterns of ``${x#/…}``, and what is inside."""
    if node.type != "expansion":
        return child.type in {"regex", "heredoc_body"}
    operator = named(node, "operator")
    return operator is None or operator.type not in _DEFAULTS


def _variables(source: Source, node: Node, seen: Survey, *, conditional: bool) -> None:
    match node.type:
        case "variable_assignment":
            _assignment(source, node, seen, conditional=conditional)
        case "for_statement":
            _changed(source, named(node, "variable"), seen)
        case "unset_command":
            for child in node.named_children:
                _changed(source, child, seen)
        case "command":
            _command(source, node, seen)
        case "expansion":
            _assigning_default(source, node, seen, conditional=conditional)
        case kind if kind in _MATHS:
            _arithmetic(source, node, seen)


def _assigning_default(source: Source, node: Node, seen: Survey, *, conditional: bool) -> None:
    """``${NAME:=default}``."""
    operator = named(node, "operator")
    if operator is not None and operator.type in _ASSIGNING_DEFAULTS:
        variable = next((c for c in node.children if c.type == "variable_name"), None)
        if variable is not None:
            seen.assign(source.text(variable), Assignment(node, conditional=conditional))


def _arithmetic(source: Source, node: Node, seen: Survey) -> None:
    operator = named(node, "operator")
    if operator is not None and _changes(operator.type) and node.named_children:
        _changed(source, node.named_children[0], seen)


def _changes(operator: str) -> bool:
    """Whether an operator of ``$((…))`` assigns."""
    return operator in {"++", "--"} or (
        operator.endswith("=") and operator not in {"==", "!=", "<=", ">=", "=~"}
    )


def _assignment(source: Source, node: Node, seen: Survey, *, conditional: bool) -> None:
    name, value = named(node, "name"), named(node, "value")
    if name is None:
        return
    plain = name.type == "variable_name" and any(child.type == "=" for child in node.children)
    if not plain or (value is not None and value.type == "array"):
        _changed(source, name, seen)
        return
    assignment = Assignment(value, empty=value is None, conditional=conditional)
    seen.assign(source.text(name), assignment)


def _command(source: Source, node: Node, seen: Survey) -> None:
    """Builtins that set variables, and ``NAME=value command``, whose reach depends on it."""
    for child in node.children:
        if child.type == "variable_assignment":
            _changed(source, named(child, "name"), seen)
    name = named(node, "name")
    if name is None or source.text(name) not in _READERS:
        return
    for argument in node.children_by_field_name("argument"):
        text = source.text(argument)
        if _NAME.fullmatch(text):
            seen.assign(text, Assignment(None))
        for match in _ASSIGNMENT.finditer(text):
            seen.assign(match[1], Assignment(None))


def _changed(source: Source, node: Node | None, seen: Survey) -> None:
    """Note that a variable gets a value that is not known."""
    match = _NAME.match(source.text(node)) if node is not None else None
    if match is not None:
        seen.assign(match[0], Assignment(None))


def _path(source: Source, node: Node, seen: Survey) -> None:
    """Keep a word that starts with a slash: up to the last slash before anything variable."""
    if node.type not in {"word", "string", "raw_string", "concatenation"}:
        return
    text = source.text(node)
    raw = text.startswith("'")
    text = text.lstrip("\"'")
    if not text.startswith("/"):
        return
    if not raw:
        change = _GLOB.search(text)
        text = text[: text.rfind("/", 0, change.start()) + 1] if change is not None else text
    text = text.replace('"', "").replace("'", "")
    if text.strip("/") and "\n" not in text and len(text) <= _LONGEST_PATH:
        seen.paths.add(text)
