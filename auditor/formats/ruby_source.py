"""Ruby source → facts: what each method of a file uses, constants and variables taken back.

Names are written as Ruby's documentation does, but for the dot before every method:
``Net::HTTP.get``, ``Kernel.fork``. What is loaded is named with the way it is loaded: ``require
json``, ``require_relative lib/shop``, ``gem-bin puma puma``, ``bundler``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import tree_sitter_ruby
from tree_sitter import Language

from auditor.formats.ruby_branches import truth
from auditor.formats.ruby_calls import Call, Calls, Draft, Place
from auditor.formats.ruby_declared import LEAVES, Declared, declared_in
from auditor.formats.ruby_scope import Scope, Value, constant_of, parameters_of
from auditor.formats.scripting_tree import VISITS, Node, Tree, child, errors_of, parse_tree
from auditor.model.source import SourceFacts, UseKind

__all__ = ["LANGUAGE", "RubySource", "parse_ruby"]

LANGUAGE = "ruby"
_GRAMMAR = Language(tree_sitter_ruby.language())
_IMPLICIT = (
    "initialize",
    "method_missing",
    "inherited",
    "included",
    "extended",
    "prepended",
    "to_s",
    "each",
    "call",
)
"""Methods that Ruby itself, or whatever is handed an object, calls without their being named."""
_SKIPPED = frozenset(
    {"comment", "uninterpreted", "exceptions", "heredoc_beginning", "escape_sequence"}
)
_BRANCHES = frozenset({"if", "unless", "elsif", "conditional", "if_modifier", "unless_modifier"})
_LOOPS = frozenset({"while", "while_modifier"})
_RESCUED = frozenset({"LoadError", "ScriptError", "Exception"})
_PARAMETERS = frozenset({"method_parameters", "block_parameters", "lambda_parameters"})
_METHODS = frozenset({"method", "singleton_method"})


@dataclass(frozen=True, slots=True)
class RubySource:
    """What one file says, and what its language has to know to say where names lead."""

    facts: SourceFacts
    constants: tuple[str, ...]
    """Classes, modules and constants that it defines, by their full names."""
    ancestors: Mapping[str, tuple[str, ...]]
    """Class → superclass and mixins, as written."""
    load_path: tuple[str, ...]
    """Folders that it adds to ``$LOAD_PATH``."""
    autoloads: tuple[str, ...] = ()
    """What is loaded once a constant of it is used, named as imports are."""


def parse_ruby(data: bytes, *, main: bool = False) -> RubySource:
    """Read one file. ``main``: it is the started one. Raises ``FormatError``."""
    tree = parse_tree(_GRAMMAR, data, "Ruby")
    return _Reader(tree, declared_in(tree), main=main).read()


@dataclass(slots=True)
class _Reader:
    tree: Tree
    declared: Declared
    main: bool
    drafts: dict[str, Draft] = field(default_factory=dict)
    calls: Calls = field(init=False)
    visits: int = VISITS
    _stack: list[tuple[Node, Place]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.calls = Calls(self.tree, self.declared)

    def read(self) -> RubySource:
        """The facts of the file."""
        size = len(self.tree.data)
        top = self.drafts[""] = Draft("", 1, size)
        objects = self.declared.objects.get("", {})
        self._stack.append((self.tree.root, Place(top, "", Scope(self.tree, {}, objects))))
        self._prepare(self.tree.root, self._stack[0][1].scope)
        while self._stack:
            node, place = self._stack.pop()
            self._node(node, place)
        methods = [draft for draft in self.drafts.values() if draft.name and not draft.is_class]
        top.size -= sum(draft.size for draft in methods)
        facts = SourceFacts(
            LANGUAGE,
            size,
            tuple(draft.unit() for draft in self.drafts.values()),
            dict(sorted(self.declared.aliases.items())),
            errors=errors_of(self.tree.root),
        )
        constants = dict.fromkeys((*self.declared.classes, *self.declared.constants))
        ancestors = {name: tuple(found) for name, found in self.declared.ancestors.items()}
        return RubySource(
            facts,
            tuple(constants),
            ancestors,
            tuple(self.calls.load_path),
            tuple(self.calls.autoloads),
        )

    def _push(self, nodes: list[Node], place: Place) -> None:
        self._stack.extend((node, place) for node in reversed(nodes))

    def _node(self, node: Node, place: Place) -> None:
        kind = node.type
        if kind in _SKIPPED:
            return
        if kind in _BRANCHES:
            self._branch(node, place)
        elif kind in _LOOPS:
            if truth(self.tree, child(node, "condition"), main=self.main) is not False:
                self._push(node.named_children, place)
        elif kind in {"class", "module"}:
            self._class(node, place)
        elif kind in _METHODS:
            self._method(node, place)
        elif kind in _PARAMETERS:
            values = [child(item, "value") for item in node.named_children]
            self._push([value for value in values if value is not None], place)
        elif kind in {"assignment", "operator_assignment"}:
            self._assignment(node, place)
        elif kind == "unary" and (sign := child(node, "operator")) and sign.type == "defined?":
            return
        else:
            self._expression(node, place)

    def _expression(self, node: Node, place: Place) -> None:
        match node.type:
            case "constant" | "scope_resolution":
                name = constant_of(self.tree, node)
                if name is not None:
                    place.draft.add(UseKind.NAME, name, node)
                else:
                    self._push(node.named_children, place)
            case "identifier":
                self.calls.bare(node, place)
            case "subshell":
                place.draft.add(UseKind.NAME, "Kernel.`", node, called=True)
                self._push(node.named_children, place)
            case "alias":
                self.calls.alias(node, place)
            case "super":
                self.calls.parent(node, place)
            case "call":
                self._call(node, place)
            case _:
                # Of a block that rescues LoadError, what comes before is guarded.
                self._push(node.named_children, self._guarded(node, place))

    def _guarded(self, node: Node, place: Place) -> Place:
        if place.guarded or node.type not in {"begin", "body_statement", "block_body"}:
            return place
        for part in node.named_children:
            if part.type != "rescue":
                continue
            caught = child(part, "exceptions")
            names = [self.tree.text(item) for item in caught.named_children] if caught else []
            if _RESCUED & {name.removeprefix("::") for name in names}:
                return replace(place, guarded=True)
        return place

    def _branch(self, node: Node, place: Place) -> None:
        condition = child(node, "condition")
        taken = truth(self.tree, condition, main=self.main)
        if node.type.startswith("unless") and taken is not None:
            taken = not taken
        alternative = child(node, "alternative")
        for part in reversed(node.named_children):
            if part.type == "comment":
                continue
            otherwise = part == alternative
            if part != condition and taken is otherwise:
                continue
            self._stack.append((part, place))

    def _class(self, node: Node, place: Place) -> None:
        written = constant_of(self.tree, child(node, "name"))
        if written is None:
            return
        name = self._open(written, node, place)
        superclass = child(node, "superclass")
        body = child(node, "body")
        parent = superclass.named_children[0] if superclass and superclass.named_children else None
        self._superclass(name, parent, place)
        if body is not None:
            self._body(body, name, place)

    def _superclass(self, name: str, parent: Node | None, place: Place) -> None:
        if parent is None:
            return
        base = constant_of(self.tree, parent)
        if base is not None:
            self.drafts[name].add(UseKind.NAME, base, parent, called=True)
        else:
            self._push([parent], place)

    def _open(self, written: str, node: Node, place: Place) -> str:
        """The unit of a class or module; it may be opened many times."""
        name = f"{place.nesting}::{written}" if place.nesting else written
        if name not in self.drafts:
            own = Draft(name, node.start_point.row + 1, 0, is_class=True)
            for method in _IMPLICIT:
                if f"{name}.{method}" in self.declared.methods:
                    own.add(UseKind.LOCAL, f"{name}.{method}", node, called=True)
            self.drafts[name] = own
        return name

    def _body(self, body: Node, name: str, place: Place) -> None:
        """A class's body runs when its file is loaded."""
        scope = Scope(self.tree, {}, self.declared.objects.get(name, {}))
        self._prepare(body, scope)
        self._push(
            [body], Place(place.draft, name, scope, of_class=self.drafts[name], class_body=True)
        )

    def _method(self, node: Node, place: Place) -> None:
        name = child(node, "name")
        if name is None:
            return
        owner = place.nesting
        of = constant_of(self.tree, child(node, "object"))
        if of is not None and of != owner.rpartition("::")[2]:
            owner = f"{owner}::{of}" if f"{owner}::{of}" in self.declared.classes else of
        inner = self._unit(owner, self.tree.text(name), node, place)
        scope = Scope(self.tree, {}, self.declared.objects.get(place.nesting, {}))
        for parameter in parameters_of(self.tree, child(node, "parameters")):
            scope.bind(parameter, Value())
        self._prepare(node, scope)
        parts = [part for part in node.named_children if part != name]
        self._push([part for part in parts if part.type != "self"], inner.within(scope))

    def _unit(self, owner: str, name: str, node: Node, place: Place) -> Place:
        full = f"{owner}.{name}" if owner else name
        if full not in self.drafts:
            self.drafts[full] = Draft(full, node.start_point.row + 1, 0)
        draft = self.drafts[full]
        draft.size += node.end_byte - node.start_byte
        return Place(draft, place.nesting, place.scope, method=name)

    def _prepare(self, node: Node, scope: Scope) -> None:
        """Take over what is assigned in a method, but not in the methods and classes in it."""
        stack = list(reversed(node.named_children))
        while stack and self.visits > 0:
            self.visits -= 1
            item = stack.pop()
            if item.type in LEAVES:
                continue
            if item.type in {*_METHODS, "class", "module"}:
                continue
            if item.type in {"assignment", "operator_assignment"}:
                self._assigned(item, scope)
            elif item.type in {"call", "lambda"}:
                self._block_parameters(item, scope)
            elif item.type in {"for", "exception_variable", "in_clause"}:
                part = item if item.type == "exception_variable" else child(item, "pattern")
                for name in parameters_of(self.tree, part):
                    scope.bind(name, Value())
            stack.extend(reversed(item.named_children))

    def _assigned(self, node: Node, scope: Scope) -> None:
        """A variable hides methods of its name, whatever it stands for."""
        left = child(node, "left")
        if left is not None and left.type == "identifier":
            scope.bind(self.tree.text(left), scope.value(child(node, "right")))
        elif left is not None and left.type == "left_assignment_list":
            for name in parameters_of(self.tree, left):
                scope.bind(name, Value())

    def _block_parameters(self, node: Node, scope: Scope) -> None:
        block = child(node, "block") if node.type == "call" else node
        parameters = child(block, "parameters")
        names = list(parameters_of(self.tree, parameters))
        given = Value()
        if node.type == "call" and len(names) == 1:
            made = scope.made(node)
            receiver = child(node, "receiver")
            texts = scope.each(receiver) if receiver is not None and made is None else ()
            given = made or Value(texts=texts)
        for name in names:
            scope.bind(name, given)

    def _assignment(self, node: Node, place: Place) -> None:
        left, right = child(node, "left"), child(node, "right")
        written = constant_of(self.tree, left)
        if written is not None and right is not None:
            made = self._made_class(written, right, place)
            if not made:
                self._push([right], place)
            return
        parts = [part for part in (left, right) if part is not None]
        plain = {"identifier", "instance_variable", "global_variable", "left_assignment_list"}
        self._push([part for part in parts if part != left or part.type not in plain], place)

    def _made_class(self, written: str, right: Node, place: Place) -> bool:
        """``Shop = Class.new(Base) do … end``, and the same of Struct, Module and Data."""
        name = f"{place.nesting}::{written}" if place.nesting else written
        if name not in self.declared.classes:
            return False
        self._open(written, right, place)
        call = Call.of(self.tree, right)
        first = call.arguments[0] if call.arguments else None
        if call.constant == "Class":
            self._superclass(name, first, place)
        block = child(right, "block")
        if block is not None:
            self._body(block, name, place)
        return True

    def _call(self, node: Node, place: Place) -> None:
        call = Call.of(self.tree, node)
        made = self.calls.defines(call)
        if made is not None and call.block is not None:
            inner = self._unit(place.nesting, made, node, place)
            self._push([call.block], inner)
            return
        self._push(self.calls.read(call, place), place)
