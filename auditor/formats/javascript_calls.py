"""Calls and mentions in JavaScript source → uses."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.formats.javascript_draft import Draft
from auditor.formats.javascript_names import Names
from auditor.formats.javascript_scope import Kind, Scope, Value, module_name
from auditor.formats.javascript_standard import is_standard
from auditor.formats.javascript_text import plain_name
from auditor.formats.javascript_tree import Node, Source, arguments_of, property_name, text_of
from auditor.formats.javascript_values import FUNCTIONS, Values
from auditor.model.source import UseKind

__all__ = ["Calls"]

_CALLERS = frozenset({"call", "apply", "bind"})
_FILE_TAKERS = frozenset(
    {
        *("worker_threads.Worker", "Worker", "child_process.fork", "module.register"),
        *("piscina", "workerpool.pool"),
    }
)
"""Functions whose first argument is a file that runs as another program of the application."""
_EVALUATORS = frozenset(
    {
        *("eval", "vm.runInThisContext", "vm.runInNewContext", "vm.runInContext", "vm.Script"),
        *("vm.compileFunction", "vm.SourceTextModule"),
    }
)
_LISTENERS = frozenset({"process.on", "process.once", "process.addListener"})
_ADDONS = frozenset({"bindings", "node-gyp-build", "node-gyp-build-optional-packages"})
"""Packages whose function finds and loads a native addon."""
_QUALIFIED = frozenset({Kind.QUALIFIED, Kind.MODULE})


@dataclass(slots=True)
class Calls:
    """Turns calls and mentions into uses; gives what is still to be read inside them."""

    values: Values
    source: Source

    def reference(
        self, node: Node, scope: Scope, draft: Draft, *, called: bool = False
    ) -> list[Node]:
        """A name, or a chain of members: what it leads to."""
        value = self.values.value(node, scope)
        self._note(node, value, scope, draft, called=called)
        return _inside(node)

    def _note(self, node: Node, value: Value, scope: Scope, draft: Draft, *, called: bool) -> None:
        line = node.start_point.row + 1
        match value.kind:
            case Kind.QUALIFIED | Kind.MODULE if not value.name.startswith("Object"):
                if value.kind is Kind.QUALIFIED or called:
                    read = value.name.startswith("process.")
                    draft.add(UseKind.NAME, value.used, line, called=called or read)
            case Kind.LOCAL:
                draft.add(UseKind.LOCAL, value.name, line, called=called)
            case Kind.MADE_HERE:
                draft.add(UseKind.LOCAL, value.name, line)
        if called and node.type == "member_expression":
            self._member(node, value, scope, draft, line)

    def _member(self, node: Node, value: Value, scope: Scope, draft: Draft, line: int) -> None:
        """A method of something unknown, or of what a function of a package gave."""
        name = property_name(node.child_by_field_name("property"))
        if name is None:
            return
        if value.kind is Kind.UNKNOWN:
            draft.add(UseKind.MEMBER, name, line, called=True)
        elif value.kind is Kind.QUALIFIED and value.name.startswith('"'):
            base = self.values.value(node.child_by_field_name("object"), scope)
            if base.kind is Kind.MADE and not is_standard(base.name[1:].partition('"')[0]):
                draft.add(UseKind.MEMBER, name, line, called=True)

    def call(self, node: Node, scope: Scope, draft: Draft, *, guarded: bool) -> list[Node]:
        """A call: what it names, and what of it is still to be read."""
        function = node.child_by_field_name("function")
        arguments = arguments_of(node)
        if function is None:
            return list(node.named_children)
        if function.type == "import":
            return self._load(node, arguments, scope, draft, guarded=guarded)
        if function.type == "member_expression":
            rest = self._through(function, scope, draft)
            if rest is not None:
                return [*rest, *arguments]
        callee = self.values.value(function, scope)
        if callee.kind is Kind.REQUIRE:
            return self._load(node, arguments, scope, draft, guarded=guarded)
        self._note(function, callee, scope, draft, called=True)
        if callee.kind in _QUALIFIED:
            self._special(node, plain_name(callee.used), arguments, scope, draft)
        if self._resolves(function, scope):
            return []
        return [*_inside(function), *arguments]

    def made(self, node: Node, scope: Scope, draft: Draft) -> list[Node]:
        """``new``: as a call."""
        function = node.child_by_field_name("constructor")
        arguments = arguments_of(node)
        if function is None:
            return arguments
        made = self.values.value(node, scope)
        if made.kind is Kind.PATH:
            self._path(node, made, draft)
            return []
        callee = self.values.value(function, scope)
        self._note(function, callee, scope, draft, called=True)
        if callee.kind in _QUALIFIED:
            self._special(node, plain_name(callee.used), arguments, scope, draft)
        return [*_inside(function), *arguments]

    def _through(self, function: Node, scope: Scope, draft: Draft) -> list[Node] | None:
        """``f.call(…)``, ``f.apply(…)`` and ``f.bind(…)`` are about ``f``."""
        name = property_name(function.child_by_field_name("property"))
        inner = function.child_by_field_name("object")
        if name not in _CALLERS or inner is None:
            return None
        base = self.values.value(inner, scope)
        if base.kind not in {*_QUALIFIED, Kind.LOCAL}:
            return None
        self._note(inner, base, scope, draft, called=name != "bind")
        return _inside(inner)

    def _resolves(self, function: Node, scope: Scope) -> bool:
        """Whether it is ``require.resolve``, which loads nothing."""
        if function.type != "member_expression":
            return False
        return self.values.value(function.child_by_field_name("object"), scope).kind is Kind.REQUIRE

    def _load(
        self, node: Node, arguments: list[Node], scope: Scope, draft: Draft, *, guarded: bool
    ) -> list[Node]:
        """``require(…)`` and ``import(…)``."""
        if not arguments:
            return []
        module = self.values.value(node, scope)
        line = node.start_point.row + 1
        if module.kind is Kind.MODULE:
            draft.add(UseKind.IMPORT, module.name, line, guarded=guarded)
            return []
        draft.add(UseKind.DYNAMIC, self.source.shown(node), line, guarded=guarded)
        return arguments

    def _special(
        self, node: Node, name: str, arguments: list[Node], scope: Scope, draft: Draft
    ) -> None:
        """Functions whose arguments say what else is used."""
        line = node.start_point.row + 1
        first = self.values.value(arguments[0], scope) if arguments else Value(Kind.NOTHING)
        known = first.kind in {Kind.TEXT, Kind.PATH}
        if name in _LISTENERS and known and first.name.startswith("SIG"):
            draft.add(UseKind.NAME, f"process.on.{first.name[:20]}", line, called=True)
        elif name in _FILE_TAKERS and arguments:
            if known and '"' not in first.name:
                draft.add(UseKind.IMPORT, module_name(first.name), line)
            elif first.kind is not Kind.NOTHING and not _evaluates(arguments):
                draft.add(UseKind.DYNAMIC, self.source.shown(node), line)
        elif name in _EVALUATORS and arguments:
            if first.kind is not Kind.TEXT:
                draft.add(UseKind.DYNAMIC, self.source.shown(node), line)
        elif name == "Function" and arguments:
            last = self.values.value(arguments[-1], scope)
            if last.kind is not Kind.TEXT:
                draft.add(UseKind.DYNAMIC, self.source.shown(node), line)
        elif name in _ADDONS:
            text = first.name if known and '"' not in first.name else "."
            draft.add(UseKind.IMPORT, module_name(f"{name}:{text}"), line)

    def _path(self, node: Node, value: Value, draft: Draft) -> None:
        """A path of the application's own, as frameworks are given them."""
        if value.name.endswith((".js", ".mjs", ".cjs", ".ts")):
            draft.add(UseKind.TEXT, module_name(value.name), node.start_point.row + 1)

    def star(self, node: Node, scope: Scope) -> str | None:
        """The module all of whose names a call hands on.

        ``__exportStar(require("./x"), exports)`` and ``Object.keys(x).forEach(… exports[k] …)``
        are what TypeScript and Babel write for ``export * from``.
        """
        function = node.child_by_field_name("function")
        arguments = arguments_of(node)
        if function is None or not arguments or function.end_byte - function.start_byte > 200:  # noqa: PLR2004
            return None
        name = text_of(function)
        if name.endswith("__exportStar"):
            value = self.values.value(arguments[0], scope)
            return value.name if value.kind is Kind.MODULE else None
        if name == "Object.assign" and len(arguments) > 1:
            into, value = (self.values.value(item, scope) for item in arguments[:2])
            given = into.kind is Kind.EXPORTS and value.kind is Kind.MODULE
            return value.name if given else None
        if not name.startswith("Object.keys(") or not name.endswith(".forEach"):
            return None
        start = arguments[0].start_byte
        if b"exports[" not in self.source.data[start : min(arguments[0].end_byte, start + 1000)]:
            return None
        keys = function.child_by_field_name("object")
        of = arguments_of(keys) if keys is not None else []
        value = self.values.value(of[0], scope) if of else Value(Kind.UNKNOWN)
        return value.name if value.kind is Kind.MODULE else None

    def define(self, node: Node, scope: Scope, names: Names) -> None:
        """Exports that are getters.

        ``Object.defineProperty(exports, "x", { get: () => y.x })`` of TypeScript, and esbuild's
        ``__export(exports, { x: () => x })``.
        """
        arguments = arguments_of(node)
        if not 2 <= len(arguments) <= 3 or arguments[-1].type != "object":  # noqa: PLR2004
            return
        owner = self.values.value(arguments[0], scope)
        if owner.kind is Kind.EXPORTS:
            name = ""
        elif owner.kind is Kind.MADE_HERE:
            name = owner.name
        else:
            return
        pairs = arguments[-1].named_children
        if len(arguments) == 3:  # noqa: PLR2004 - defineProperty(object, name, descriptor)
            key = self.values.value(arguments[1], scope)
            for pair in pairs:
                given = _given(pair)
                if key.kind is Kind.TEXT and given is not None:
                    names.keep(name, key.name, self.values.value(given, scope))
            return
        for pair in pairs:
            key_name = property_name(pair.child_by_field_name("key"))
            given = _given(pair) if pair.type == "pair" else None
            if key_name is not None and given is not None:
                names.keep(name, key_name, self.values.value(given, scope))


def _given(pair: Node) -> Node | None:
    """What a getter returns, or the value of ``value:``."""
    node = pair if pair.type == "method_definition" else pair.child_by_field_name("value")
    if node is None:
        return None
    if node.type not in FUNCTIONS:
        key = property_name(pair.child_by_field_name("key"))
        return node if key == "value" else None
    body = node.child_by_field_name("body")
    if body is None or body.type != "statement_block":
        return body
    last = body.named_children[-1:]
    returned = last[0].named_children[:1] if last and last[0].type == "return_statement" else []
    return returned[0] if returned else None


def _inside(node: Node) -> list[Node]:
    """What of a chain of members is still to be read: the calls in it, and computed indexes."""
    rest: list[Node] = []
    while node.type in {"member_expression", "subscript_expression", "parenthesized_expression"}:
        if node.type == "subscript_expression":
            index = node.child_by_field_name("index")
            if index is not None and index.type != "string":
                rest.append(index)
        if node.type == "parenthesized_expression":
            inner = node.named_children[0] if node.named_children else None
        else:
            inner = node.child_by_field_name("object")
        if inner is None:
            return rest
        node = inner
    if node.type not in {"identifier", "this", "super", "import"}:
        rest.append(node)
    return rest


def _evaluates(arguments: list[Node]) -> bool:
    """Whether a worker is given its text (``{ eval: true }``), which is told apart."""
    return any("eval" in text_of(item) for item in arguments[1:2])
