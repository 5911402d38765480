"""What names, variables and paths stand for in PHP source, as far as reading it tells."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from auditor.formats.scripting_tree import Node, Tree, child

__all__ = ["HERE", "UNKNOWN", "Names", "Scope", "Value", "literal"]

HERE = "__DIR__"
"""How a path begins that is taken from the folder of the source itself."""
_FILE = f"{HERE}/__file__"
_DEPTH = 40
_MANY = 100
_LONGEST = 1000
_OF_CLASS = frozenset({"self", "static", "parent"})
_TYPES = ("named_type", "optional_type")


@dataclass(frozen=True, slots=True)
class Value:
    """What a variable stands for."""

    of: str = ""
    """The class that it is an object of, by its full name."""
    texts: tuple[str, ...] = ()
    """The strings that it may be."""


UNKNOWN = Value()


@dataclass(slots=True)
class Names:
    """The namespace that source stands in, and what it imports from others."""

    space: str = ""
    classes: dict[str, str] = field(default_factory=dict)
    """Alias in lower case → full name."""
    functions: dict[str, str] = field(default_factory=dict)

    def class_name(self, written: str) -> str:
        """The full name of a class as written, without a backslash in front."""
        if written.startswith("\\"):
            return written[1:]
        head, slash, rest = written.partition("\\")
        if head.lower() == "namespace" and slash:
            return self._here(rest)
        known = self.classes.get(head.lower())
        if known is not None:
            return f"{known}\\{rest}" if slash else known
        return self._here(written)

    def function_name(self, written: str) -> str:
        """The full name of a function as written.

        Where nothing is imported by it, the one of the namespace, for which the global one
        stands in.
        """
        if written.startswith("\\"):
            return f"{written[1:]}()"
        if "\\" in written:
            return f"{self.class_name(written)}()"
        known = self.functions.get(written.lower())
        return f"{known}()" if known is not None else f"{self._here(written)}()"

    def _here(self, name: str) -> str:
        return f"{self.space}\\{name}" if self.space else name


def literal(tree: Tree, node: Node | None) -> str | None:
    """The text of a string without anything computed in it."""
    if node is None or node.type not in {"string", "encapsed_string"}:
        return None
    parts: list[str] = []
    for part in node.named_children:
        if part.type == "string_content":
            parts.append(tree.text(part))
        elif part.type == "escape_sequence":
            parts.append(tree.text(part)[1:] if tree.text(part) in {"\\\\", "\\'"} else "\0")
        else:
            return None
    return "".join(parts)


@dataclass(slots=True)
class Scope:
    """Variables of one function, or of the top level."""

    tree: Tree
    names: Names
    of_class: str = ""
    """Full name of the class around."""
    parent: str = ""
    variables: dict[str, Value] = field(default_factory=dict)
    properties: dict[str, Value] = field(default_factory=dict)
    """Of the class around."""

    def bind(self, name: str, value: Value) -> None:
        """Take an assignment over; a second, different value makes it unknown."""
        known = self.variables.get(name)
        self.variables[name] = value if known in {None, value} else UNKNOWN

    def typed(self, node: Node | None) -> Value:
        """What a declared type says of a variable."""
        while node is not None and node.type in _TYPES and node.named_children:
            node = node.named_children[0]
        if node is None or node.type not in {"name", "qualified_name"}:
            return UNKNOWN
        return Value(self.named(node))

    def named(self, node: Node) -> str:
        """The full name of a class that stands in the source."""
        written = self.tree.text(node)
        match written.lower():
            case "self" | "static":
                return self.of_class
            case "parent":
                return self.parent
        return self.names.class_name(written)

    def value(self, node: Node | None, depth: int = 0) -> Value:  # noqa: PLR0911 - one case each
        """What an expression stands for."""
        if node is None or depth > _DEPTH:
            return UNKNOWN
        match node.type:
            case "variable_name":
                if self._is_this(node):
                    return Value(self.of_class)
                return self.variables.get(self.tree.text(node), UNKNOWN)
            case "member_access_expression" | "nullsafe_member_access_expression":
                name = child(node, "name")
                if name is not None and self._is_this(child(node, "object")):
                    return self.properties.get(self.tree.text(name), UNKNOWN)
                return UNKNOWN
            case "scoped_property_access_expression":
                name = child(node, "name")
                text = self.tree.text(name).removeprefix("$") if name is not None else ""
                return self.properties.get(text, UNKNOWN)
            case "object_creation_expression":
                return Value(self.made(node))
            case "parenthesized_expression" | "clone_expression" if node.named_children:
                return self.value(node.named_children[0], depth + 1)
            case "assignment_expression":
                return self.value(child(node, "right"), depth + 1)
        texts = self.texts(node, depth + 1)
        return Value(texts=texts) if texts else UNKNOWN

    def _is_this(self, node: Node | None) -> bool:
        if node is None or node.type != "variable_name":
            return False
        return self.tree.text(node) == "$this"

    def made(self, node: Node) -> str:
        """The class that ``new`` makes an object of; empty where run time decides."""
        for part in node.named_children:
            if part.type in {"name", "qualified_name", "relative_name"}:
                return self.named(part)
            if part.type not in {"comment", "attribute_list"}:
                return ""
        return ""

    def texts(  # noqa: PLR0911 - one case each
        self, node: Node | None, depth: int = 0
    ) -> tuple[str, ...]:
        """All strings that an expression may give; empty where run time decides."""
        if node is None or depth > _DEPTH:
            return ()
        match node.type:
            case "string" | "encapsed_string":
                return self._string(node, depth)
            case "name" | "qualified_name":
                return self._constant(self.tree.text(node).lstrip("\\"))
            case "variable_name" | "member_access_expression":
                return self.value(node, depth + 1).texts
            case "parenthesized_expression" if len(node.named_children) == 1:
                return self.texts(node.named_children[0], depth + 1)
            case "binary_expression" if (sign := child(node, "operator")) and sign.type == ".":
                sides = [self.texts(child(node, side), depth + 1) for side in ("left", "right")]
                return _joined(sides)
            case "function_call_expression":
                return self._called(node, depth)
            case "class_constant_access_expression" if len(node.named_children) == 2:  # noqa: PLR2004
                owner, name = node.named_children
                if self.tree.text(name) == "class" and owner.type in {"name", "qualified_name"}:
                    return (self.named(owner),)
        return ()

    def _string(self, node: Node, depth: int) -> tuple[str, ...]:
        text = literal(self.tree, node)
        if text is not None:
            return (text,) if text else ("",)
        parts: list[tuple[str, ...]] = []
        for part in node.named_children:
            fixed = part.type in {"string_content", "escape_sequence"}
            parts.append((self.tree.text(part),) if fixed else self.texts(part, depth + 1))
        return _joined(parts)

    @staticmethod
    def _constant(name: str) -> tuple[str, ...]:
        match name:
            case "__DIR__":
                return (HERE,)
            case "__FILE__":
                return (_FILE,)
            case "DIRECTORY_SEPARATOR":
                return ("/",)
        # A constant of another file: whoever has all files can say what it is.
        return (f"{{{name}}}",) if re.fullmatch(r"[A-Z_][A-Z0-9_]*", name) else ()

    def _called(self, node: Node, depth: int) -> tuple[str, ...]:
        function, arguments = child(node, "function"), child(node, "arguments")
        name = self.tree.brief(function).lstrip("\\").lower() if function is not None else ""
        given = [
            self.texts(one.named_children[0], depth + 1) if one.named_children else ()
            for one in (arguments.named_children if arguments is not None else [])
        ]
        levels = 1
        if name == "dirname" and len(given) == 2 and arguments is not None:  # noqa: PLR2004
            count = self.tree.brief(arguments.named_children[1])
            levels = int(count) if re.fullmatch(r"[1-9]", count) else 0
        if name == "dirname" and given and levels:
            found = given[0]
            for _ in range(levels):
                found = tuple(map(_parent, found))
            return found
        if name in {"realpath", "rtrim", "strval"} and given:
            return given[0]
        return ()


def _parent(path: str) -> str:
    if path == _FILE:
        return HERE
    if path == HERE or path.endswith(("/..", "}")):
        return f"{path}/.."
    return path.rpartition("/")[0] or "/"


def _joined(parts: list[tuple[str, ...]]) -> tuple[str, ...]:
    found: tuple[str, ...] = ("",)
    for texts in parts:
        if not texts or len(found) * len(texts) > _MANY:
            return ()
        found = tuple(f"{head}{text}" for head in found for text in texts)
        if any(len(text) > _LONGEST for text in found):
            return ()
    return found
