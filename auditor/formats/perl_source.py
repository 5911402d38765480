"""Perl source → facts: what each subroutine of a file uses.

A unit is a subroutine (``Shop::Cart.add``) or a package (``Shop::Cart``, a class as the follower
sees it); names that lead out of a file are written so too, with a dot before the function.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from auditor.formats.perl_calls import condition, leaves, literal, words
from auditor.formats.perl_expressions import NATIVE, PACKAGE, Draft, Expressions, Item, State
from auditor.formats.perl_tree import LARGEST, Node, named_children, parse_tree
from auditor.formats.perl_words import PRAGMAS
from auditor.model.source import SourceFacts, Unit, Use, UseKind

__all__ = ["FILE", "LARGEST", "NATIVE", "PerlFacts", "parse_perl"]

FILE = "file:"
"""What ``require "conf.pl"`` and ``do`` load, in the name of an import."""
_LOADED = re.compile(r"\s*(?:use|require)\s+([A-Za-z_]\w*(?:::\w+)*)\b[^$@]*", re.DOTALL)
_LEAVES = frozenset({"return_expression"})
_STAY = frozenset(
    {
        "package_statement",
        "phaser_statement",
        "subroutine_declaration_statement",
        "use_statement",
    }
)
"""What holds behind a statement that leaves its block."""


@dataclass(frozen=True, slots=True)
class PerlFacts:
    """One file."""

    facts: SourceFacts
    libraries: tuple[str, ...]
    """Directories that ``use lib`` adds, as written; ``{bin}`` is that of the script."""


def parse_perl(data: bytes, *, main: bool = False) -> PerlFacts:
    """Read one file. ``main``: it is run and not loaded. Raises ``FormatError``."""
    reader = _Reader(parse_tree(data), main)
    return reader.read(len(data))


@dataclass(slots=True)
class _Reader(Expressions):
    """Reads one file's tree, in the order of its text and without recursion."""

    def read(self, size: int) -> PerlFacts:
        """The facts of the file."""
        self._walk(self.source.root)
        for pending in self.pending:
            self._settle(pending)
        top = self.drafts[""]
        top.size = max(size - sum(draft.size for draft in self.drafts.values()), 0)
        bindings = {name: f"{modules[0]}.{name}" for name, modules in sorted(self.imported.items())}
        for package, bases in self.bases.items():
            for base in bases:
                self._class(package, 1).uses[Use(UseKind.NAME, base, 0, called=True)] = None
        units = tuple(
            Unit(draft.name, draft.line, draft.size, tuple(draft.uses), draft.is_class)
            for draft in self.drafts.values()
        )
        facts = SourceFacts("perl", size, units, bindings, (), self.errors)
        return PerlFacts(facts, tuple(self.libraries))

    def _walk(self, root: Node) -> None:
        stack: list[Item] = [root]
        while stack:
            item = stack.pop()
            if isinstance(item, State):
                self.state = item
                continue
            handler: Callable[[Node], list[Item]]
            handler = getattr(self, _HANDLERS.get(item.type, "_children"))
            stack.extend(reversed(handler(item)))

    # Blocks and what decides whether they run

    def _block(self, node: Node) -> list[Item]:
        """Statements up to one that leaves; declarations hold all the same."""
        below: list[Item] = []
        left = False
        for child in named_children(node):
            if left and child.type not in _STAY:
                continue
            below.append(child)
            left = left or self._leaves(child)
        if node.type == "source_file":
            return below
        return self._enter(self.state, below)

    def _leaves(self, node: Node) -> bool:
        if node.type != "expression_statement" or node.named_child_count != 1:
            return False
        inner = node.named_children[0]
        if inner.type == "func1op_call_expression":
            function = inner.child_by_field_name("function")
            return function is not None and self.source.text(function) == "exit"
        return inner.type in _LEAVES

    def _decided(self, node: Node | None) -> bool | None:
        return condition(self.source, node, self.constants, main=self.main)

    def _conditional(self, node: Node) -> list[Item]:
        test = node.child_by_field_name("condition")
        value = self._decided(test)
        first = node.children[0].type if node.children else ""
        if value is not None and first == "unless":
            value = not value
        below: list[Item] = [] if test is None else [test]
        for child in named_children(node):
            if child == test:
                continue
            rest = child.type in {"elsif", "else"}
            if value is None or value is not rest:
                below.append(child)
        return below if value is not None else self._perhaps(below)

    def _perhaps(self, below: list[Item]) -> list[Item]:
        """What a condition decides on: modules that are loaded there are optional."""
        return self._enter(State(self.state.package, self.state.unit, guarded=True), below)

    def _postfix(self, node: Node) -> list[Item]:
        test = node.child_by_field_name("condition")
        value = self._decided(test)
        if value is not None and any(child.type == "unless" for child in node.children):
            value = not value
        if value is False:
            return [] if test is None else [test]
        below = self._children(node)
        return below if value is not None else self._perhaps(below)

    def _logical(self, node: Node) -> list[Item]:
        """``DEBUG and fork``."""
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        operator = node.child_by_field_name("operator")
        if left is not None and right is not None and operator is not None:
            value, sign = self._decided(left), self.source.text(operator)
            if (value is False and sign in {"and", "&&"}) or (value and sign in {"or", "||", "//"}):
                return [left]
        return self._children(node)

    def _ternary(self, node: Node) -> list[Item]:
        test = node.child_by_field_name("condition")
        value = self._decided(test)
        away = {True: "alternative", False: "consequent"}.get(value) if value is not None else None
        skipped = None if away is None else node.child_by_field_name(away)
        return [child for child in named_children(node) if child != skipped]

    # Declarations

    def _package(self, node: Node) -> list[Item]:
        name = node.child_by_field_name("name")
        package = self.source.text(name) if name is not None else "main"
        self._class(package, self._line(node))
        state = State(package, self.state.unit, self.state.guarded)
        blocks = [child for child in named_children(node) if child.type == "block"]
        if blocks:
            return self._enter(state, list(blocks))
        self.state = state
        return []

    def _subroutine(self, node: Node) -> list[Item]:
        name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
        if name is None or body is None:
            return []
        package, _, plain = self.source.text(name).rpartition("::")
        package = package or self.state.package
        self._class(package, self._line(node))
        unit = f"{package}.{plain}"
        draft = self.drafts.setdefault(unit, Draft(unit, self._line(node)))
        draft.size += node.end_byte - node.start_byte
        return self._enter(State(self.state.package, unit), [body])

    def _used(self, node: Node) -> list[Item]:
        module = node.child_by_field_name("module")
        if module is None:
            return []
        name = self.source.text(module)
        first = node.children[0].type if node.children else "use"
        version = node.child_by_field_name("version")
        rest = [child for child in named_children(node) if child not in (module, version)]
        given = [word for child in rest for word in words(self.source, child)]
        if name in {"parent", "base"}:
            self._derived(given, node)
        elif name == "lib" and first == "use":
            self._library(rest)
        elif name == "constant":
            self._constant(rest)
        elif name == "if":
            return self._used_if(rest, node)
        elif name not in PRAGMAS:
            self._use(UseKind.IMPORT, name, node)
            self._take(name, given, bare=bool(rest))
        return list(rest)

    def _take(self, module: str, given: list[str], *, bare: bool) -> None:
        """What an import list takes over."""
        if not bare or any(word.startswith((":", "-", "/")) for word in given):
            self.defaults[module] = None
        for word in given:
            if word.lstrip("&").isidentifier():
                self.imported.setdefault(word.lstrip("&"), []).append(module)

    def _derived(self, given: list[str], node: Node) -> None:
        for word in given:
            if PACKAGE.fullmatch(word):
                self.bases.setdefault(self.state.package, {})[word] = None
                if "-norequire" not in given:
                    self._use(UseKind.IMPORT, word, node)

    def _constant(self, rest: list[Node]) -> None:
        items = [leaf for child in rest for leaf in leaves(child)]
        for name, value in pairwise(items):
            decided = self._decided(value)
            if name.type == "autoquoted_bareword" and decided is not None:
                self.constants[self.source.text(name)] = decided

    def _used_if(self, rest: list[Node], node: Node) -> list[Item]:
        """``use if COND, MODULE => LIST``."""
        items = [leaf for child in rest for leaf in leaves(child)]
        named = [text for item in items[1:2] if (text := literal(self.source, item)) is not None]
        if items and self._decided(items[0]) is not False and named:
            self._use(UseKind.IMPORT, named[0], node)
        return list(items)

    # Loading

    def _require(self, node: Node) -> list[Item]:
        operand = next(named_children(node), None)
        if operand is None or operand.type in {"number", "version"}:
            return []
        text = literal(self.source, operand)
        if text is None:
            if operand.type == "vstring" or re.fullmatch(r"v?[\d._]+", self.source.text(operand)):
                return []
            self._use(UseKind.DYNAMIC, self.source.shown(node), node)
            return [operand]
        if operand.type == "bareword":
            self._use(UseKind.IMPORT, text, node)
        elif text.endswith(".pm"):
            self._use(UseKind.IMPORT, text[:-3].replace("/", "::"), node)
        else:
            self._use(UseKind.IMPORT, FILE + text, node)
        return []

    def _eval(self, node: Node) -> list[Item]:
        """``eval`` of a block or of text, and ``do FILE``."""
        operand = next(named_children(node), None)
        keyword = node.children[0].type if node.children else "eval"
        if operand is not None and operand.type == "block":
            state = self.state
            guarded = keyword == "eval" or state.guarded
            return self._enter(State(state.package, state.unit, guarded), [operand])
        if operand is not None and operand.type == "filename":
            operand = next(named_children(operand), None)
        text = None if operand is None else literal(self.source, operand)
        if keyword == "do" and text:
            self._use(UseKind.IMPORT, FILE + text, node)
            return []
        loaded = None if operand is None else _LOADED.match(self.source.text(operand).strip("\"'"))
        if loaded is not None and "$" not in loaded.group():
            self.state = self._guarded_use(loaded.group(1), node)
        elif text is None or self.nested:
            self._use(UseKind.DYNAMIC, self.source.shown(node), node)
            return [] if operand is None else [operand]
        else:
            self._text(operand, node)
        return []

    def _guarded_use(self, module: str, node: Node) -> State:
        before = self.state
        self.state = State(before.package, before.unit, guarded=True)
        self._use(UseKind.IMPORT, module, node)
        self.defaults.setdefault(module, None)
        return before

    def _text(self, operand: Node | None, node: Node) -> None:
        """Literal text that is evaluated is read as if it stood there."""
        content = None if operand is None else operand.child_by_field_name("content")
        text = b"" if content is None else self.source.whole(content)
        outer, state = self.source, self.state
        line = self._line(node)
        self.source, self.nested = parse_tree(b"\n" * min(line - 1, LARGEST >> 1) + text), True
        self._walk(self.source.root)
        self.source, self.state, self.nested = outer, state, False


_HANDLERS = {
    "source_file": "_block",
    "block": "_block",
    "conditional_statement": "_conditional",
    "elsif": "_conditional",
    "postfix_conditional_expression": "_postfix",
    "lowprec_logical_expression": "_logical",
    "binary_expression": "_logical",
    "conditional_expression": "_ternary",
    "package_statement": "_package",
    "class_statement": "_package",
    "subroutine_declaration_statement": "_subroutine",
    "method_declaration_statement": "_subroutine",
    "use_statement": "_used",
    "require_expression": "_require",
    "eval_expression": "_eval",
    "command_string": "_command",
    "async_block_expression": "_async",
    "function_call_expression": "_call",
    "ambiguous_function_call_expression": "_call",
    "func0op_call_expression": "_call",
    "func1op_call_expression": "_call",
    "function": "_bare",
    "refgen_expression": "_passed",
    "bareword": "_word",
    "method_call_expression": "_method",
    "assignment_expression": "_assignment",
    "comment": "_nothing",
    "pod": "_nothing",
    "data_section": "_nothing",
    "heredoc_content": "_nothing",
    "autoquoted_bareword": "_nothing",
}
"""Type of a node → the method that reads it."""
