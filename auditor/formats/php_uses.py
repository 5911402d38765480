"""What expressions of PHP source use: calls, classes, files that are loaded."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from auditor.formats.php_declared import Declared
from auditor.formats.php_scope import Scope, literal
from auditor.formats.scripting_tree import Node, Tree, child
from auditor.model.source import Unit, Use, UseKind

__all__ = ["Draft", "Place", "Uses"]

_LOADS = frozenset(
    {"require_expression", "require_once_expression", "include_expression"}
    | {"include_once_expression"}
)
_INVOKERS = frozenset(
    {
        *("call_user_func", "call_user_func_array", "array_map", "array_walk"),
        *("array_filter", "array_reduce", "usort", "uasort"),
        *("uksort", "register_shutdown_function", "spl_autoload_register", "forward_static_call"),
        *("set_error_handler", "ob_start", "preg_replace_callback", "iterator_apply"),
    }
)
"""Functions that call what they are handed."""
_NAMES = frozenset({"name", "qualified_name", "relative_name"})
_FUNCTION = re.compile(r"\\?[A-Za-z_]\w*(?:\\[A-Za-z_]\w*)*")
_CLASS = re.compile(r"\\?[A-Za-z_]\w*(?:\\[A-Za-z_]\w*)+")
_METHOD = re.compile(r"(\\?[A-Za-z_][\w\\]*)::([A-Za-z_]\w*)")
_PATH = re.compile(r"[^\x00-\x1f]{1,400}")
_SCHEME = re.compile(r"([a-z][a-z0-9]*):")
_RELATIVE = frozenset({"self", "static", "parent"})


@dataclass(slots=True)
class Draft:
    """A unit while it is read."""

    name: str
    line: int
    size: int
    uses: dict[Use, None] = field(default_factory=dict)
    is_class: bool = False

    def add(
        self, kind: UseKind, name: str, node: Node, *, called: bool = False, guarded: bool = False
    ) -> None:
        """Note a use."""
        line = node.start_point.row + 1
        self.uses[Use(kind, name, line, called=called, guarded=guarded)] = None

    def unit(self) -> Unit:
        """The unit."""
        return Unit(self.name, self.line, max(self.size, 0), tuple(self.uses), self.is_class)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a piece of source stands."""

    draft: Draft
    scope: Scope
    asked: frozenset[str] = frozenset()
    """Functions and classes whose being there was asked after."""


@dataclass(slots=True)
class Uses:
    """Reads the expressions of one file."""

    tree: Tree
    declared: Declared
    constants: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def read(  # noqa: C901, PLR0911 - one case each
        self, node: Node, place: Place
    ) -> list[Node]:
        """Note what a node uses; gives the nodes that are still to be read."""
        match node.type:
            case "function_call_expression":
                return self._function(node, place)
            case "member_call_expression" | "nullsafe_member_call_expression":
                return self._member(node, place)
            case "scoped_call_expression":
                return self._static(node, place)
            case "object_creation_expression":
                return self._new(node, place)
            case "shell_command_expression":
                place.draft.add(UseKind.NAME, "shell_exec()", node, called=True)
            case "class_constant_access_expression" | "scoped_property_access_expression":
                self._class(node.named_children[:1], node, place)
                return [part for part in node.named_children if part.type not in _NAMES]
            case "binary_expression" | "named_type" | "use_declaration":
                return []
            case "const_element" if len(node.named_children) > 1:
                self._define(node.named_children[0], node.named_children[1], place)
            case "array_creation_expression":
                self._callable(node, place)
            case "string" | "encapsed_string":
                self._text(node, place)
            case "error_suppression_expression" if node.named_children[0].type in _LOADS:
                (node, *_) = node.named_children
                self._load(node, place, optional=True)
            case _ if node.type in _LOADS:
                self._load(node, place)
        return node.named_children

    def _class(self, nodes: list[Node], node: Node, place: Place) -> None:
        for part in nodes:
            if part.type in _NAMES and self.tree.text(part).lower() not in _RELATIVE:
                place.draft.add(UseKind.NAME, place.scope.named(part), node)

    def _named(self, name: str, node: Node, place: Place, *, called: bool) -> None:
        short = name.rpartition("\\")[2].partition(".")[0].removesuffix("()").lower()
        guarded = bool(place.asked) and short in {one.rpartition("\\")[2] for one in place.asked}
        place.draft.add(UseKind.NAME, name, node, called=called, guarded=guarded)

    def _function(self, node: Node, place: Place) -> list[Node]:
        function, arguments = child(node, "function"), child(node, "arguments")
        given = _given(arguments)
        rest = [arguments] if arguments is not None else []
        if function is None:
            return rest
        if function.type not in _NAMES:
            for text in place.scope.value(function).texts:
                self._by_text(text, node, place)
            return [*rest, function]
        written = self.tree.text(function)
        short = written.lstrip("\\").lower()
        if short == "eval":
            place.draft.add(UseKind.DYNAMIC, self.tree.shown(node), node)
            return rest
        if short == "define" and len(given) > 1:
            self._define(given[0], given[1], place)
        if short in _INVOKERS:
            for one in given:
                for text in place.scope.texts(one):
                    self._by_text(text, node, place)
        self._named(place.scope.names.function_name(written), node, place, called=True)
        return rest

    def _by_text(self, text: str, node: Node, place: Place) -> None:
        """A function or a method by its name in a string: always a full name."""
        method = _METHOD.fullmatch(text)
        if method is not None:
            name = f"{method[1].lstrip(chr(92))}.{method[2]}"
            place.draft.add(UseKind.NAME, name, node, called=True)
        elif _FUNCTION.fullmatch(text):
            self._named(f"{text.lstrip(chr(92))}()", node, place, called=True)

    def _define(self, name: Node, value: Node, place: Place) -> None:
        text = literal(self.tree, name) if name.type != "name" else self.tree.text(name)
        texts = place.scope.texts(value)
        if text and texts:
            self.constants[text] = tuple(dict.fromkeys((*self.constants.get(text, ()), *texts)))

    def _member(self, node: Node, place: Place) -> list[Node]:
        object_, name = child(node, "object"), child(node, "name")
        rest = [part for part in (object_, child(node, "arguments")) if part is not None]
        if name is None or name.type != "name":
            return [*rest, *((name,) if name is not None else ())]
        base = place.scope.value(object_)
        text = self.tree.text(name)
        if base.of:
            self._method(base.of, text, node, place)
        else:
            place.draft.add(UseKind.MEMBER, text, node, called=True)
        return rest

    def _method(self, owner: str, method: str, node: Node, place: Place) -> None:
        if owner in self.declared.classes and method in self.declared.methods.get(owner, ()):
            place.draft.add(UseKind.LOCAL, f"{owner}.{method}", node, called=True)
        else:
            place.draft.add(UseKind.NAME, f"{owner}.{method}", node, called=True)

    def _static(self, node: Node, place: Place) -> list[Node]:
        scope, name = child(node, "scope"), child(node, "name")
        rest = [part for part in (child(node, "arguments"),) if part is not None]
        if name is None or name.type != "name" or scope is None:
            return [*rest, *(part for part in (scope, name) if part is not None)]
        owner = ""
        if scope.type in {*_NAMES, "relative_scope"}:
            owner = place.scope.named(scope)
        else:
            rest.append(scope)
            owner = place.scope.value(scope).of
        if owner:
            self._method(owner, self.tree.text(name), node, place)
        else:
            place.draft.add(UseKind.MEMBER, self.tree.text(name), node, called=True)
        return rest

    def _new(self, node: Node, place: Place) -> list[Node]:
        owner = place.scope.made(node)
        if owner:
            arguments = next((p for p in node.named_children if p.type == "arguments"), None)
            given = _given(arguments)
            kind = _scheme(place.scope.texts(given[0])) if given else ""
            if not kind and given and given[0].type == "binary_expression":
                kind = _scheme(place.scope.texts(child(given[0], "left")))
            if not kind and given and given[0].type == "encapsed_string":
                kind = _scheme((self.tree.brief(given[0])[1:],))
            known = f"({kind})" if kind and owner.lower() == "pdo" else ""
            self._named(f"{owner}.__construct{known}", node, place, called=True)
        return [part for part in node.named_children if part.type not in _NAMES]

    def _callable(self, node: Node, place: Place) -> None:
        """``[$this, 'run']``, ``[Job::class, 'run']``: handed on, to be called."""
        items = [item for item in node.named_children if len(item.named_children) == 1]
        if len(items) != 2 or len(node.named_children) != 2:  # noqa: PLR2004 - an object, a method
            return
        method = literal(self.tree, items[1].named_children[0])
        inner = items[0].named_children[0]
        first = place.scope.value(inner)
        named = inner.type == "class_constant_access_expression" and len(first.texts) == 1
        owner = first.texts[0] if named else first.of
        if method and re.fullmatch(r"\w+", method) and _FUNCTION.fullmatch(owner):
            place.draft.add(UseKind.NAME, f"{owner}.{method}", node)

    def _text(self, node: Node, place: Place) -> None:
        text = literal(self.tree, node)
        if text is not None and _CLASS.fullmatch(text):
            place.draft.add(UseKind.TEXT, text.lstrip("\\"), node)

    def _load(self, node: Node, place: Place, *, optional: bool = False) -> None:
        what = node.named_children[0] if node.named_children else None
        found = [text for text in place.scope.texts(what) if _PATH.fullmatch(text)]
        for text in found:
            place.draft.add(UseKind.IMPORT, f"require {text}", node, guarded=optional)
        if not found:
            place.draft.add(UseKind.DYNAMIC, self.tree.shown(node), node)


def _given(arguments: Node | None) -> list[Node]:
    """Values of the arguments of a call."""
    found = arguments.named_children if arguments is not None else []
    return [one.named_children[-1] for one in found if one.named_children]


def _scheme(texts: tuple[str, ...]) -> str:
    """``sqlite`` of a data source name."""
    found = {match[1] for text in texts if (match := _SCHEME.match(text))}
    return found.pop() if len(found) == 1 else ""
