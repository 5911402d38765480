"""Which parts of JavaScript source can run: dead branches, and what follows a ``return``."""

from __future__ import annotations

from enum import IntEnum

from auditor.formats.javascript_scope import Kind, Scope, Value
from auditor.formats.javascript_tree import Node
from auditor.formats.javascript_values import Values

__all__ = ["Caught", "branches", "caught_by", "live_cases", "live_statements", "operands"]

_LEAVES = frozenset(
    {"return_statement", "throw_statement", "break_statement", "continue_statement"}
)
_HOISTED = frozenset({"function_declaration", "generator_function_declaration"})
_LITERALS = frozenset({"true", "false", "null", "undefined", "number", "string"})


class Caught(IntEnum):
    """What the ``try`` around some code does with an error."""

    NOTHING = 0
    HANDLED = 1
    """A module that is missing is no end, but what a call does may still matter."""
    PASSED_OVER = 2
    """Whatever fails there, nothing is done about it."""


def live_statements(node: Node, scope: Scope, values: Values) -> list[Node]:
    """A block's statements up to the first that leaves it; functions are hoisted."""
    found: list[Node] = []
    left = False
    for child in node.named_children:
        if not left or child.type in _HOISTED:
            found.append(child)
        left = left or _leaves(child, scope, values)
    return found


def _leaves(node: Node, scope: Scope, values: Values) -> bool:
    """Whether nothing after a statement runs."""
    if node.type in _LEAVES:
        return True
    if node.type != "if_statement":
        return False
    if values.condition(node.child_by_field_name("condition"), scope) is not True:
        return False
    taken = node.child_by_field_name("consequence")
    return taken is not None and (taken.type in _LEAVES or _ends_block(taken))


def branches(node: Node, scope: Scope, values: Values) -> list[Node | None]:
    """The condition of an ``if`` or ``?:``, and what of it can be taken."""
    test = node.child_by_field_name("condition")
    taken = values.condition(test, scope)
    first = node.child_by_field_name("consequence") if taken is not False else None
    second = node.child_by_field_name("alternative") if taken is not True else None
    return [test, first, second]


def operands(node: Node, scope: Scope, values: Values) -> list[Node | None]:
    """What of a binary expression is evaluated."""
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    operator = node.child_by_field_name("operator")
    if operator is not None and operator.type in {"&&", "||"}:
        value = values.condition(left, scope)
        if value is (operator.type == "||"):
            right = None
    return [left, right]


def live_cases(given: Value, body: Node, scope: Scope, values: Values) -> list[Node]:
    """The cases of a switch that can be taken, where its value is known."""
    cases = [child for child in body.named_children if child.type != "comment"]
    if given.kind is not Kind.TEXT:
        return cases
    labels = [values.value(case.child_by_field_name("value"), scope) for case in cases]
    pairs = list(zip(labels, cases, strict=True))
    if any(one.kind is not Kind.TEXT and case.type == "switch_case" for one, case in pairs):
        return cases
    start = next((n for n, label in enumerate(labels) if label == given), None)
    if start is None:
        start = next((n for n, case in enumerate(cases) if case.type == "switch_default"), None)
    live: list[Node] = []
    for case in cases[start:] if start is not None else []:
        live.append(case)
        statements = [child for child in case.named_children if child.type != "comment"]
        if statements and (statements[-1].type in _LEAVES or _ends_block(statements[-1])):
            break
    return live


def _ends_block(node: Node) -> bool:
    last = node.named_children[-1:] if node.type == "statement_block" else []
    return any(child.type in _LEAVES for child in last)


def caught_by(handler: Node | None) -> Caught:
    """What a catch clause does with an error."""
    if handler is None:
        return Caught.NOTHING
    body = handler.child_by_field_name("body")
    statements = [n for n in body.named_children if n.type != "comment"] if body is not None else []
    if not statements:
        return Caught.PASSED_OVER
    first = statements[0]
    if first.type == "throw_statement":
        return Caught.NOTHING
    returned = first.named_children
    plain = first.type == "return_statement" and all(n.type in _LITERALS for n in returned)
    return Caught.PASSED_OVER if plain else Caught.HANDLED
