"""What expressions of JavaScript source stand for: modules, paths, conditions that are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from auditor.formats.javascript_scope import UNKNOWN, Kind, Scope, Value, flag
from auditor.formats.javascript_text import concatenated, joined, module_of, plain_name
from auditor.formats.javascript_tree import Node, arguments_of, property_name, string_value, text_of

__all__ = ["FUNCTIONS", "Values"]

_LONGEST = 100
"""Bytes of the name of a function that hands its argument on."""
_DEEPEST = 48
"""Expressions inside each other; deeper ones are unknown."""
FUNCTIONS = frozenset(
    {
        *("function_expression", "arrow_function", "generator_function", "function"),
        *("function_declaration", "generator_function_declaration", "method_definition"),
    }
)
_GLOBALS = frozenset(
    {
        *("process", "fetch", "WebSocket", "EventSource", "Worker", "SharedArrayBuffer"),
        *("Atomics", "WebAssembly", "Deno", "Bun", "eval", "Function", "BroadcastChannel"),
        "Object",
    }
)
_GLOBAL_OBJECTS = frozenset({"globalThis", "global"})
_ABSENT = frozenset({"window", "document", "importScripts", "WorkerGlobalScope"})
"""Globals of browsers that no server runtime has."""
_INTEROP = frozenset(
    {
        *("__importStar", "__importDefault", "__toESM", "__toCommonJS"),
        *("_interopRequireDefault", "_interopRequireWildcard", "_interopNamespace"),
    }
)
_FLUENT = frozenset(
    {"on", "once", "addListener", "use", "listen", "ref", "unref", "setTimeout", "register"}
)
_JOINS = frozenset({"path.join", "path.resolve", "path.posix.join", "path.posix.resolve"})
_SAME = frozenset(
    {
        *("util.promisify", "util.callbackify", "util.deprecate", "Object.freeze"),
        *("url.fileURLToPath", "url.pathToFileURL", "path.normalize", "Object.assign"),
    }
)
"""Functions whose first argument says what they give."""


@dataclass(slots=True)
class Values:
    """Evaluates expressions of one module, as far as that needs no run."""

    constants: Mapping[str, str]
    """``process.platform``, ``process.arch`` and settings, where they are known."""
    main: bool
    attributes: dict[tuple[str, str], Value] = field(default_factory=dict)
    """Unit, and property that is assigned to it → value."""
    named: dict[int, str] = field(default_factory=dict)
    """Id of a function's, class's or object's node → the name of its unit."""
    externals: dict[str, Value] = field(default_factory=dict)
    """Number of a bundle's part → the module that it hands on."""
    _unknown: set[int] = field(default_factory=set)
    """Ids of calls, and of conditions made of others, that are known to be unknown: a long chain
    of them is then read once, rather than once from each of its links."""
    _kinds: dict[str, Callable[[Node, Scope, int], Value]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        inner = self._inner
        self._kinds = {
            "identifier": self._identifier,
            "shorthand_property_identifier": self._identifier,
            "member_expression": self._member,
            "subscript_expression": self._member,
            "call_expression": self._call,
            "new_expression": self._new,
            "string": self._string,
            "template_string": self._template,
            "binary_expression": self._binary,
            "unary_expression": self._truth,
            "ternary_expression": self._ternary,
            "assignment_expression": lambda n, s, d: self.value(
                n.child_by_field_name("right"), s, d
            ),
            **dict.fromkeys(
                ("parenthesized_expression", "await_expression", "as_expression"), inner
            ),
            **dict.fromkeys(("non_null_expression", "satisfies_expression"), inner),
            "type_assertion": self._last,
            "sequence_expression": self._last,
            "true": lambda _n, _s, _d: flag(True),  # noqa: FBT003 - the literal itself
            "false": lambda _n, _s, _d: flag(False),  # noqa: FBT003 - the literal itself
            "null": lambda _n, _s, _d: Value(Kind.NOTHING),
            "undefined": lambda _n, _s, _d: Value(Kind.NOTHING),
            "this": lambda _n, s, _d: s.this,
            "meta_property": self._meta,
            **dict.fromkeys((*FUNCTIONS, "class", "class_declaration"), self._named_unit),
            "object": self._object,
        }

    def value(self, node: Node | None, scope: Scope, depth: int = 0) -> Value:
        """What an expression stands for."""
        if node is None or depth > _DEEPEST:
            return UNKNOWN
        evaluate = self._kinds.get(node.type)
        return UNKNOWN if evaluate is None else evaluate(node, scope, depth + 1)

    def _inner(self, node: Node, scope: Scope, depth: int) -> Value:
        children = node.named_children
        return self.value(children[0], scope, depth) if children else UNKNOWN

    def _last(self, node: Node, scope: Scope, depth: int) -> Value:
        children = node.named_children
        return self.value(children[-1], scope, depth) if children else UNKNOWN

    def _named_unit(self, node: Node, _scope: Scope, _depth: int) -> Value:
        name = self.named.get(node.id)
        return UNKNOWN if name is None else Value(Kind.LOCAL, name)

    def _object(self, node: Node, _scope: Scope, _depth: int) -> Value:
        name = self.named.get(node.id)
        return UNKNOWN if name is None else Value(Kind.MADE_HERE, name)

    def _meta(self, node: Node, _scope: Scope, _depth: int) -> Value:
        return Value(Kind.META) if (node.text or b"")[:6] == b"import" else UNKNOWN

    def _identifier(self, node: Node, scope: Scope, _depth: int) -> Value:
        name = text_of(node)
        found = scope.find(name)
        return self.global_value(name) if found is None else found

    @staticmethod
    def global_value(name: str) -> Value:
        """What a name stands for that no scope declares."""
        known = {
            "require": Value(Kind.REQUIRE),
            "module": Value(Kind.THIS_MODULE),
            "exports": Value(Kind.EXPORTS),
            "undefined": Value(Kind.NOTHING),
            "__dirname": Value(Kind.PATH, "."),
            "__filename": Value(Kind.PATH, ""),
        }.get(name)
        if known is not None:
            return known
        if name in _GLOBAL_OBJECTS:
            return Value(Kind.GLOBAL)
        return Value(Kind.QUALIFIED, name) if name in _GLOBALS else UNKNOWN

    def property_of(self, node: Node, scope: Scope) -> str | None:
        """The name of the property that ``a.b`` or ``a["b"]`` takes."""
        if node.type == "member_expression":
            return property_name(node.child_by_field_name("property"))
        index = self.value(node.child_by_field_name("index"), scope)
        return index.name if index.kind is Kind.TEXT else None

    def _member(self, node: Node, scope: Scope, depth: int) -> Value:
        base = self.value(node.child_by_field_name("object"), scope, depth)
        if base.kind in {Kind.UNKNOWN, Kind.NOTHING}:
            return UNKNOWN
        name = self.property_of(node, scope)
        return UNKNOWN if name is None else self.member(base, name)

    def member(self, base: Value, name: str) -> Value:  # noqa: PLR0911 - one case a kind
        """What a property of a value stands for."""
        match base.kind:
            case Kind.THIS_MODULE:
                special = {"exports": Kind.EXPORTS, "require": Kind.REQUIRE}.get(name)
                return UNKNOWN if special is None else Value(special)
            case Kind.META:
                paths = {"url": "", "filename": "", "dirname": "."}
                if name == "main":
                    return flag(self.main)
                return Value(Kind.PATH, paths[name]) if name in paths else UNKNOWN
            case Kind.GLOBAL:
                return self.global_value(name)
            case Kind.EXPORTS:
                known = self.attributes.get(("", name))
                return Value(Kind.LOCAL, name) if known is None else known
        if name == "prototype" and base.kind in {Kind.LOCAL, Kind.QUALIFIED}:
            return base
        kept = self.attributes.get((base.name, name))
        if kept is not None and base.kind in {Kind.LOCAL, Kind.MADE_HERE}:
            return kept
        found = base.member(name)
        if found.kind is Kind.QUALIFIED:
            constant = self.constants.get(plain_name(found.name))
            if constant is not None:
                return Value(Kind.TEXT, constant)
        return found

    def _string(self, node: Node, _scope: Scope, _depth: int) -> Value:
        text = string_value(node)
        return UNKNOWN if text is None else Value(Kind.TEXT, text)

    def _template(self, node: Node, scope: Scope, depth: int) -> Value:
        parts: list[Value] = []
        for child in node.named_children[:16]:
            if child.type == "template_substitution":
                parts.append(self._inner(child, scope, depth))
            else:
                parts.append(Value(Kind.TEXT, text_of(child)))
        return concatenated(parts) if len(node.named_children) <= 16 else UNKNOWN  # noqa: PLR2004

    def _binary(self, node: Node, scope: Scope, depth: int) -> Value:
        operator = _operator(node)
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if operator == "+":
            return concatenated([self.value(left, scope, depth), self.value(right, scope, depth)])
        if operator in {"||", "??"}:
            first = self.value(left, scope, depth)
            nothing = first.kind in {Kind.UNKNOWN, Kind.NOTHING}
            return self.value(right, scope, depth) if nothing else first
        if operator == "&&" and self.condition(left, scope, depth) is not False:
            return self.value(right, scope, depth)
        return self._truth(node, scope, depth)

    def _truth(self, node: Node, scope: Scope, depth: int) -> Value:
        return flag(self.condition(node, scope, depth))

    def _ternary(self, node: Node, scope: Scope, depth: int) -> Value:
        taken = self.condition(node.child_by_field_name("condition"), scope, depth)
        first = node.child_by_field_name("consequence")
        second = node.child_by_field_name("alternative")
        if taken is not None:
            return self.value(first if taken else second, scope, depth)
        one, other = self.value(first, scope, depth), self.value(second, scope, depth)
        return one if one == other or other.kind is Kind.NOTHING else UNKNOWN

    def _new(self, node: Node, scope: Scope, depth: int) -> Value:
        made = node.child_by_field_name("constructor")
        arguments = arguments_of(node)
        if made is not None and made.type == "identifier" and text_of(made) == "URL":
            if len(arguments) == 2:  # noqa: PLR2004 - new URL(input, base)
                base = self.value(arguments[1], scope, depth)
                if base == Value(Kind.PATH, ""):
                    return joined([Value(Kind.PATH, "."), self.value(arguments[0], scope, depth)])
            return UNKNOWN
        return self.value(made, scope, depth).called()

    def _call(self, node: Node, scope: Scope, depth: int) -> Value:
        if node.id in self._unknown:
            return UNKNOWN
        found = self._called(node, scope, depth)
        if found.kind is Kind.UNKNOWN:
            self._unknown.add(node.id)
        return found

    def _called(self, node: Node, scope: Scope, depth: int) -> Value:  # noqa: PLR0911 - one case a kind
        function = node.child_by_field_name("function")
        arguments = arguments_of(node)
        if function is None:
            return UNKNOWN
        first = arguments[0] if arguments else None
        if function.type == "import":
            return module_of(self.value(first, scope, depth))
        if function.type == "member_expression":
            special = self._method(function, first, scope, depth)
            if special is not None:
                return special
        callee = self.value(function, scope, depth)
        if callee.kind is Kind.REQUIRE:
            return module_of(self.value(first, scope, depth))
        name = plain_name(callee.used) if callee.kind in {Kind.QUALIFIED, Kind.MODULE} else ""
        if name in _SAME:
            return self.value(first, scope, depth)
        if name in _JOINS:
            return joined([self.value(item, scope, depth) for item in arguments[:8]])
        if name in {"module.createRequire", "module.createRequireFromPath"}:
            return Value(Kind.REQUIRE)
        if name == "os.platform":
            return Value(Kind.TEXT, "linux")
        return self._handed_on(callee, function, arguments, scope, depth) or callee.called()

    def _method(self, function: Node, first: Node | None, scope: Scope, depth: int) -> Value | None:
        """Methods whose name says what they give, whatever they are called on."""
        name = property_name(function.child_by_field_name("property"))
        if name not in {"bind", "resolve", *_FLUENT}:
            return None
        base = self.value(function.child_by_field_name("object"), scope, depth)
        if name == "bind":
            return base
        if name == "resolve":
            return self.value(first, scope, depth) if base.kind is Kind.REQUIRE else None
        return base if base.kind is Kind.MADE else None

    def _handed_on(
        self, callee: Value, function: Node, arguments: list[Node], scope: Scope, depth: int
    ) -> Value | None:
        """The module that a bundler's or transpiler's helper hands on, if it is one."""
        if not 1 <= len(arguments) <= 2:  # noqa: PLR2004 - (module) or (module, isNode)
            return None
        name = (
            text_of(function).rpartition(".")[2].rstrip(")")
            if function.end_byte - function.start_byte < _LONGEST
            else ""
        )
        if self.externals and arguments[0].type in {"number", "string"}:
            key = text_of(arguments[0]).strip("'\"")
            if key in self.externals:
                return self.externals[key]
        if name not in _INTEROP and callee.kind not in {Kind.LOCAL, Kind.UNKNOWN}:
            return None
        given = self.value(arguments[0], scope, depth)
        if name in _INTEROP and given.kind is not Kind.UNKNOWN:
            return given
        return given if given.kind is Kind.MODULE else None

    def condition(  # noqa: PLR0911 - one case a kind
        self, node: Node | None, scope: Scope, depth: int = 0
    ) -> bool | None:
        """Whether a condition holds, where that is known before it runs."""
        if node is None or depth > _DEEPEST:
            return None
        depth += 1
        match node.type:
            case "parenthesized_expression":
                children = node.named_children
                return self.condition(children[0], scope, depth) if children else None
            case "unary_expression":
                return self._not(node, scope, depth)
            case "binary_expression" if node.id not in self._unknown:
                found = self._compared(node, scope, depth)
                if found is None:
                    self._unknown.add(node.id)
                return found
            case "number":
                return (node.text or b"").strip(b"0.") != b""
            case "identifier" | "true" | "false" | "member_expression":
                value = self.value(node, scope, depth)
                return value.name == "true" if value.kind is Kind.FLAG else None
        return None

    def _not(self, node: Node, scope: Scope, depth: int) -> bool | None:
        argument = node.child_by_field_name("argument")
        if _operator(node) != "!" or argument is None:
            return None
        if argument.type == "member_expression" and self._is_parent(argument, scope):
            return self.main
        value = self.condition(argument, scope, depth)
        return None if value is None else not value

    def _is_parent(self, node: Node, scope: Scope) -> bool:
        """Whether it is ``module.parent``, which the entry module has not."""
        base = self.value(node.child_by_field_name("object"), scope)
        return base.kind is Kind.THIS_MODULE and self.property_of(node, scope) == "parent"

    def _compared(self, node: Node, scope: Scope, depth: int) -> bool | None:
        operator = _operator(node)
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if left is None or right is None:
            return None
        if operator in {"&&", "||"}:
            one = self.condition(left, scope, depth)
            decides = operator == "||"
            if one is decides:
                return decides
            other = self.condition(right, scope, depth)
            return decides if other is decides else (one if one is other else None)
        if operator not in {"==", "===", "!=", "!=="}:
            return None
        same = self._same(left, right, scope, depth)
        return None if same is None else same == (operator[0] == "=")

    def _same(self, left: Node, right: Node, scope: Scope, depth: int) -> bool | None:
        for one, other in ((left, right), (right, left)):
            if one.type == "unary_expression" and _operator(one) == "typeof":
                return self._typeof(one, other, scope, depth)
            if self._is_main(one, other, scope, depth):
                return self.main
        first, second = self.value(left, scope, depth), self.value(right, scope, depth)
        if first.kind is second.kind and first.kind in {Kind.TEXT, Kind.FLAG}:
            return first.name == second.name
        return None

    def _is_main(self, one: Node, other: Node, scope: Scope, depth: int) -> bool:
        """Whether the two are ``require.main`` and ``module``."""
        if one.type != "member_expression" or other.type != "identifier":
            return False
        base = self.value(one.child_by_field_name("object"), scope, depth)
        is_main = base.kind is Kind.REQUIRE and self.property_of(one, scope) == "main"
        return is_main and self.value(other, scope, depth).kind is Kind.THIS_MODULE

    def _typeof(self, one: Node, other: Node, scope: Scope, depth: int) -> bool | None:
        argument = one.child_by_field_name("argument")
        kind = self.value(other, scope, depth)
        if argument is None or argument.type != "identifier" or kind.kind is not Kind.TEXT:
            return None
        name = text_of(argument)
        if name in _ABSENT and scope.find(name) is None:
            return kind.name == "undefined"
        return None


def _operator(node: Node) -> str:
    found = node.child_by_field_name("operator")
    return "" if found is None else found.type
