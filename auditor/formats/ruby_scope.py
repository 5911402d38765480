"""What names and paths stand for in Ruby source, as far as reading it tells."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from auditor.formats.scripting_tree import Node, Tree, child

__all__ = [
    "HERE",
    "UNKNOWN",
    "Scope",
    "Value",
    "arguments_of",
    "constant_of",
    "literal",
    "parameters_of",
    "plain_path",
    "underscored",
]

HERE = "__dir__"
"""How a path begins that is taken from the folder of the source itself."""
_FILE = f"{HERE}/__file__"
_DEPTH = 10
_MAKERS = frozenset({"new", "open", "start", "popen", "instance", "tcp", "unix", "for_gem"})
"""Methods of a class that give one of it, to a variable or to their block."""
_MANY = 200
_LONGEST = 1000
_PATHS = frozenset(
    {"dirname", "join", "expand_path", "realpath", "absolute_path", "new", "to_s", "to_path"}
)
"""Methods that make paths of paths."""
_COLLECTIONS = frozenset({"array", "string_array", "symbol_array"})
_EACH = frozenset({"each", "sort", "map", "each_entry", "to_a", "reverse", "uniq"})


@dataclass(frozen=True, slots=True)
class Value:
    """What a variable stands for."""

    constant: str = ""
    """A class or module by its name, as written; empty where it is not known."""
    made: bool = False
    """It is an object of that class."""
    texts: tuple[str, ...] = ()
    """The strings that it may be."""


UNKNOWN = Value()


def constant_of(tree: Tree, node: Node | None) -> str | None:
    """``A::B`` of a constant's name as written, without leading colons."""
    parts: list[str] = []
    while node is not None:
        if node.type == "constant":
            parts.append(tree.text(node))
            break
        if node.type != "scope_resolution" or len(parts) > _DEPTH:
            return None
        name = child(node, "name")
        if name is None or name.type != "constant":
            return None
        parts.append(tree.text(name))
        node = child(node, "scope")
    return "::".join(reversed(parts)) if parts else None


def literal(tree: Tree, node: Node | None) -> str | None:
    """The text of a string or symbol without anything computed in it."""
    if node is None:
        return None
    if node.type == "simple_symbol":
        return tree.text(node).removeprefix(":")
    if node.type not in {"string", "delimited_symbol", "bare_string"}:
        return None
    if any(part.type == "interpolation" for part in node.named_children):
        return None
    return "".join(tree.text(part) for part in node.named_children)


def arguments_of(node: Node) -> list[Node]:
    """Arguments of a call, comments left out."""
    arguments = child(node, "arguments")
    if arguments is None:
        return []
    return [argument for argument in arguments.named_children if argument.type != "comment"]


@dataclass(slots=True)
class Scope:
    """Variables of one method or of the top level; its blocks share them."""

    tree: Tree
    names: dict[str, Value] = field(default_factory=dict)
    objects: dict[str, Value] = field(default_factory=dict)
    """Variables of the objects of the class around."""

    def bind(self, name: str, value: Value) -> None:
        """Take an assignment over; a second, different value makes it unknown."""
        names = self.objects if name.startswith("@") else self.names
        names[name] = value if names.get(name) in {None, value} else UNKNOWN

    def find(self, name: str) -> Value | None:
        """What a variable stands for; ``None`` where there is none of that name."""
        return self.objects.get(name) if name.startswith("@") else self.names.get(name)

    def value(self, node: Node | None, depth: int = 0) -> Value:  # noqa: PLR0911 - one case each
        """What an expression stands for."""
        if node is None or depth > _DEPTH:
            return UNKNOWN
        constant = constant_of(self.tree, node)
        if constant is not None:
            return Value(constant)
        match node.type:
            case "identifier" | "instance_variable" | "global_variable" | "class_variable":
                known = self.find(self.tree.text(node))
                if known is not None:
                    return known
            case "assignment" | "operator_assignment":
                return self.value(child(node, "right"), depth + 1)
            case "parenthesized_statements" if len(node.named_children) == 1:
                return self.value(node.named_children[0], depth + 1)
            case "call":
                made = self.made(node, depth)
                if made is not None:
                    return made
        texts = self.texts(node, depth + 1)
        return Value(texts=texts) if texts else UNKNOWN

    def made(self, node: Node, depth: int = 0) -> Value | None:
        """What a call such as ``TCPServer.new`` gives."""
        method = child(node, "method")
        if method is None or self.tree.text(method) not in _MAKERS:
            return None
        base = self.value(child(node, "receiver"), depth + 1)
        return Value(base.constant, made=True) if base.constant and not base.made else None

    # Paths.

    def texts(  # noqa: PLR0911 - one case each
        self, node: Node | None, depth: int = 0
    ) -> tuple[str, ...]:
        """All strings that an expression may give; empty where run time decides."""
        if node is None or depth > _DEPTH:
            return ()
        match node.type:
            case "string" | "bare_string" | "simple_symbol" | "delimited_symbol":
                return self._string(node, depth)
            case "identifier" | "instance_variable" | "global_variable":
                return self._named(self.tree.text(node))
            case "parenthesized_statements" if len(node.named_children) == 1:
                return self.texts(node.named_children[0], depth + 1)
            case "binary" if (sign := child(node, "operator")) and sign.type in {"+", "/"}:
                joint = "/" if sign.type == "/" else ""
                sides = [self.texts(child(node, side), depth + 1) for side in ("left", "right")]
                return _joined(sides, joint)
            case "call":
                return self._called(node, depth)
        return ()

    def _string(self, node: Node, depth: int) -> tuple[str, ...]:
        text = literal(self.tree, node)
        if text is not None:
            return (text,)
        parts: list[tuple[str, ...]] = []
        for part in node.named_children:
            if part.type != "interpolation":
                parts.append((self.tree.text(part),))
            elif len(part.named_children) == 1:
                parts.append(self.texts(part.named_children[0], depth + 1))
            else:
                return ()
        return _joined(parts, "")

    def _named(self, name: str) -> tuple[str, ...]:
        if name in {"__dir__", "__FILE__"}:
            return (HERE if name == "__dir__" else _FILE,)
        known = self.find(name)
        return known.texts if known is not None else ()

    def _called(  # noqa: PLR0911 - one case each
        self, node: Node, depth: int
    ) -> tuple[str, ...]:
        receiver, method = child(node, "receiver"), child(node, "method")
        name = self.tree.text(method) if method is not None else ""
        if name not in _PATHS:
            return ()
        base = constant_of(self.tree, receiver)
        given = [self.texts(argument, depth + 1) for argument in arguments_of(node)]
        match base, name:
            case "File", "dirname" if len(given) == 1:
                return tuple(path.rpartition("/")[0] or "." for path in given[0])
            case "File", "join":
                return _joined(given, "/")
            case "File", "expand_path" | "realpath" | "absolute_path" if len(given) == 1:
                return given[0]
            case "File", "expand_path" | "absolute_path":
                return tuple(_under(path, top) for path in given[0] for top in given[1])
            case "Pathname", "new" if len(given) == 1:
                return given[0]
        if receiver is None or base is not None:
            return ()
        held = self.texts(receiver, depth + 1)
        if name in {"to_s", "to_path", "realpath", "expand_path"} and not given:
            return held
        return _joined([held, *given], "/") if name == "join" and held else ()

    def each(self, node: Node, depth: int = 0) -> tuple[str, ...]:
        """What a block gets, one after the other, from ``%w[a b].each`` or ``Dir["*.rb"].each``."""
        if depth > _DEPTH:
            return ()
        if node.type in _COLLECTIONS:
            found = [self.texts(item, depth + 1) for item in node.named_children[:_MANY]]
            return tuple(text for texts in found for text in texts) if all(found) else ()
        receiver, method = child(node, "receiver"), child(node, "method")
        if node.type == "element_reference":
            if constant_of(self.tree, child(node, "object")) != "Dir":
                return ()
            return tuple(t for item in node.named_children[1:] for t in self.texts(item, depth + 1))
        name = self.tree.text(method) if method is not None else ""
        if constant_of(self.tree, receiver) == "Dir" and name == "glob":
            return tuple(t for item in arguments_of(node)[:1] for t in self.texts(item, depth + 1))
        return self.each(receiver, depth + 1) if receiver is not None and name in _EACH else ()


def _joined(parts: list[tuple[str, ...]], joint: str) -> tuple[str, ...]:
    """Every way to put one of each together; empty where one is not known or they are many."""
    found: tuple[str, ...] = ("",)
    for position, texts in enumerate(parts):
        if not texts or len(found) * len(texts) > _MANY:
            return ()
        between = joint if position else ""
        found = tuple(f"{head}{between}{text}" for head in found for text in texts)
        if any(len(text) > _LONGEST for text in found):
            return ()
    return found if parts else ()


def _under(path: str, folder: str) -> str:
    return path if path.startswith(("/", HERE)) else f"{folder}/{path}"


def parameters_of(tree: Tree, node: Node | None) -> Iterator[str]:
    """Names of a method's or a block's parameters."""
    stack = [node] if node is not None else []
    while stack:
        item = stack.pop()
        if item.type == "identifier":
            yield tree.text(item)
            continue
        value = child(item, "value")
        stack.extend(part for part in item.named_children if part != value)


def underscored(name: str) -> str:
    """``ActiveRecord::Base`` → ``active_record/base``, by which Rails and Zeitwerk find files."""
    parts = []
    for part in name.split("::"):
        apart = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", part)
        parts.append(re.sub(r"([a-z\d])([A-Z])", r"\1_\2", apart).lower())
    return "/".join(parts)


def plain_path(text: str) -> bool:
    """Whether a text can be a feature or a path."""
    return re.fullmatch(r"[^\x00-\x1f]{1,400}", text) is not None
