"""Expressions of Perl: what they call, on what, and what they give a name to."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from auditor.formats.perl_calls import (
    arguments_of,
    leaves,
    literal,
    role_of_builtin,
    role_of_method,
    words,
)
from auditor.formats.perl_tree import Node, Source, named_children
from auditor.formats.perl_words import BUILTINS
from auditor.model.source import Use, UseKind

__all__ = ["NATIVE", "PACKAGE", "Draft", "Expressions", "Item", "State"]

NATIVE = "native:"
"""A module whose compiled part is loaded (``XSLoader::load``), in the name of an import."""

PACKAGE = re.compile(r"[A-Za-z_]\w*(?:::\w+)*")
_SELF = frozenset({"$self", "$class", "$this", "$proto", "$pkg", "$app"})
_UIDS = frozenset({"$>", "$<", "$(", "$)", "$EUID", "$UID"})
_MADE = frozenset({"new", "create", "instance", "new_from_fd", "new_tmpfile", "accept", "connect"})
_MANY = 200_000
"""Uses of one file."""
_LONGEST = 80
"""Of a variable with its keys, whose class is remembered."""


@dataclass(slots=True)
class Draft:
    """A unit while it is read."""

    name: str
    line: int
    size: int = 0
    is_class: bool = False
    uses: dict[Use, None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class State:
    """Where the walk is."""

    package: str = "main"
    unit: str = ""
    guarded: bool = False


@dataclass(frozen=True, slots=True)
class Pending:
    """A function or method whose place is known once the whole file is."""

    state: State
    owner: str | None
    """Class of a method; ``None`` for a function."""
    name: str
    line: int
    called: bool
    role: str = ""
    """The name under which the table has it, where that is not the name itself."""


Item = Node | State


@dataclass(slots=True)
class Expressions:
    """The part of a file's reader that looks at expressions."""

    source: Source
    main: bool
    state: State = field(default_factory=State)
    drafts: dict[str, Draft] = field(default_factory=lambda: {"": Draft("", 1)})
    bases: dict[str, dict[str, None]] = field(default_factory=dict)
    imported: dict[str, list[str]] = field(default_factory=dict)
    """Function → modules that it was asked of by name."""
    defaults: dict[str, None] = field(default_factory=dict)
    """Modules that give what they like."""
    constants: dict[str, bool] = field(default_factory=dict)
    types: dict[tuple[str, str], str | None] = field(default_factory=dict)
    """Unit and variable → class of what is in it; ``None`` where that is not one."""
    pending: list[Pending] = field(default_factory=list)
    libraries: list[str] = field(default_factory=list)
    errors: int = 0
    nested: bool = False

    def _children(self, node: Node) -> list[Item]:
        if node.type == "ERROR":
            self.errors += 1
        return list(named_children(node))

    def _nothing(self, _node: Node) -> list[Item]:
        return []

    def _enter(self, state: State, below: list[Item]) -> list[Item]:
        """Go on below in another state, and come back to this one."""
        before, self.state = self.state, state
        return [*below, before]

    def _use(self, kind: UseKind, name: str, node: Node, *, called: bool = False) -> None:
        guarded = self.state.guarded and kind is UseKind.IMPORT
        use = Use(kind, name, node.start_point.row + 1, called=called, guarded=guarded)
        uses = self.drafts[self.state.unit].uses
        if len(uses) < _MANY:
            uses[use] = None

    def _core(self, name: str, node: Node) -> None:
        self._use(UseKind.NAME, f"CORE.{name}", node, called=True)

    def _class(self, package: str, line: int) -> Draft:
        return self.drafts.setdefault(package, Draft(package, line, is_class=True))

    def _line(self, node: Node) -> int:
        return node.start_point.row + 1

    def _library(self, rest: list[Node]) -> None:
        for item in (leaf for child in rest for leaf in leaves(child)):
            if item.type == "quoted_word_list":
                self.libraries += words(self.source, item)
                continue
            text = self.source.text(item).strip("\"'")
            plain = re.sub(r"\$\{?(?:FindBin::)?(?:Real)?Bin\}?", "{bin}", text)
            if "$" not in plain and "(" not in plain:
                self.libraries.append(plain)

    # Calls

    def _command(self, node: Node) -> list[Item]:
        self._core("readpipe", node)
        return self._children(node)

    def _async(self, node: Node) -> list[Item]:
        """``async { … }`` of threads or of Future::AsyncAwait, after what was loaded."""
        self._later(None, "async", node, called=True)
        return self._children(node)

    def _call(self, node: Node) -> list[Item]:
        function = node.child_by_field_name("function")
        if function is None:
            return self._children(node)
        name = self.source.text(function)
        below: list[Item] = [child for child in named_children(node) if child != function]
        self._named_call(name.removeprefix("&"), node)
        return below

    def _bare(self, node: Node) -> list[Item]:
        """A function without arguments."""
        self._named_call(self.source.text(node).removeprefix("&"), node)
        return []

    def _passed(self, node: Node) -> list[Item]:
        r"""A reference to a function (``\&handler``): it is passed on."""
        function = next(named_children(node), None)
        name = "" if function is None else self.source.text(function)
        if function is None or function.type != "function" or not name.startswith("&"):
            return self._children(node)
        owner, _, plain = name[1:].rpartition("::")
        self._later(owner or None, plain, node, called=False, function=True)
        return []

    def _word(self, node: Node) -> list[Item]:
        """A bareword may be a function of this file, a constant, a handle or a class."""
        name = self.source.text(node)
        if name.isidentifier() and name not in BUILTINS:
            self._later(None, name, node, called=True, role="bareword")
        return []

    def _named_call(self, name: str, node: Node) -> None:
        if name.startswith(("$", "__")):
            return
        owner, _, plain = name.rpartition("::")
        if owner in {"CORE", "CORE::GLOBAL"} or (not owner and plain in BUILTINS):
            self._core(role_of_builtin(self.source, plain, arguments_of(node)), node)
            if plain in {"push", "unshift"}:
                self._pushed(arguments_of(node))
        elif name in {"XSLoader::load", "bootstrap", "DynaLoader::bootstrap"}:
            self._native(arguments_of(node), node)
        elif PACKAGE.fullmatch(name):
            self._later(owner or None, plain, node, called=True, function=True)

    def _native(self, arguments: list[Node], node: Node) -> None:
        """``XSLoader::load('Foo')``: without a name it is the package's own."""
        name = self.state.package
        if arguments:
            text = literal(self.source, arguments[0])
            if text is None and arguments[0].type.endswith("call_expression"):
                function = arguments[0].child_by_field_name("function")
                text = None if function is None else self.source.text(function)
            name = text if text and text != "__PACKAGE__" else name
        self._use(UseKind.IMPORT, NATIVE + name, node)

    def _pushed(self, arguments: list[Node]) -> None:
        """``push @ISA, 'Base'`` and ``unshift @INC, 'lib'``."""
        target = self.source.text(arguments[0]) if arguments else ""
        if target == "@INC":
            self._library(arguments[1:])
        elif target == "@ISA":
            self._isa(self.state.package, arguments[1:])

    def _isa(self, package: str, values: list[Node]) -> None:
        for value in values:
            for word in words(self.source, value):
                if PACKAGE.fullmatch(word):
                    self.bases.setdefault(package, {})[word] = None

    def _later(
        self,
        owner: str | None,
        name: str,
        node: Node,
        *,
        called: bool,
        role: str = "",
        function: bool = False,
    ) -> None:
        if len(self.pending) < _MANY:
            owner = "main" if owner == "" and function else owner
            line = self._line(node)
            self.pending.append(Pending(self.state, owner, name, line, called, role))

    def _method(self, node: Node) -> list[Item]:
        method = node.child_by_field_name("method")
        invocant = node.child_by_field_name("invocant")
        below: list[Item] = [c for c in named_children(node) if c not in (method, invocant)]
        if invocant is not None and invocant.type not in {"bareword", "scalar"}:
            below.insert(0, invocant)
        name = self.source.text(method) if method is not None else ""
        if name.startswith("SUPER::"):
            self._later("SUPER", name.removeprefix("SUPER::"), node, called=True)
        elif "::" in name and PACKAGE.fullmatch(name):
            owner, _, plain = name.rpartition("::")
            self._later(owner, plain, node, called=True)
        elif name.isidentifier():
            owner = "" if invocant is None else self._type(invocant)
            role = role_of_method(self.source, owner, name, arguments_of(node))
            self._later(owner, name, node, called=True, role=role)
        return below

    def _type(self, node: Node) -> str:
        """The class of an object or a class's name; empty where it is not known."""
        for _ in range(8):
            if node.type == "method_call_expression":
                method = node.child_by_field_name("method")
                invocant = node.child_by_field_name("invocant")
                if method is None or invocant is None or self.source.text(method) not in _MADE:
                    return ""
                node = invocant
                continue
            text = literal(self.source, node)
            if text is not None:
                return text if PACKAGE.fullmatch(text) else ""
            break
        name = self.source.text(node)
        if name == "__PACKAGE__":
            return self.state.package
        places = ((self.state.unit, name), ("", name), (self.state.package + "::", name))
        for place in places:
            if place in self.types:
                return self.types[place] or ""
        return self.state.package if name in _SELF and self.state.unit else ""

    # Assignments

    def _assignment(self, node: Node) -> list[Item]:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if left is None or right is None:
            return self._children(node)
        text = re.sub(r"^(?:my|our|local|state)\s+", "", self.source.text(left)[:200])
        if text.startswith(("$SIG{", "@SIG{")) or text == "%SIG":
            self._signal(text, right, node)
        elif not _UIDS.isdisjoint(re.split(r"[\s,()]+(?=\$|$)", text)) or text in _UIDS:
            self._core("setuid", node)
        elif match := re.fullmatch(r"@(?:([\w:]+)::)?ISA", text):
            self._isa(match.group(1) or self.state.package, [right])
        elif text.startswith("$") and len(text) < _LONGEST:
            self._remember(text, right)
        return [left, right]

    def _remember(self, text: str, right: Node) -> None:
        kept = "->" in text or "{" in text
        place = (self.state.package + "::" if kept else self.state.unit, text)
        made = self._type(right) if right.type == "method_call_expression" else ""
        if not made and text in _SELF:
            return
        known = self.types.get(place, made)
        self.types[place] = made if made and known == made else None

    def _signal(self, text: str, right: Node, node: Node) -> None:
        if "__DIE__" in text or "__WARN__" in text:
            return
        given = literal(self.source, right)
        self._core("SIG.ignore" if given in {"IGNORE", "DEFAULT"} else "SIG", node)

    # Once the whole file is known

    def _settle(self, pending: Pending) -> None:
        package, draft = pending.state.package, self.drafts[pending.state.unit]

        def add(kind: UseKind, name: str) -> None:
            draft.uses[Use(kind, name, pending.line, called=pending.called)] = None

        if pending.owner == "SUPER":
            for base in self.bases.get(package, {}):
                add(UseKind.NAME, f"{base}.{pending.name}")
        elif pending.owner is None:
            self._settle_function(pending, package, add)
        elif pending.owner == "":
            add(UseKind.MEMBER, pending.name)
        elif f"{pending.owner}.{pending.name}" in self.drafts:
            add(UseKind.LOCAL, f"{pending.owner}.{pending.name}")
        else:
            self._settle_method(pending, pending.owner, add)

    def _settle_method(
        self, pending: Pending, owner: str, add: Callable[[UseKind, str], None]
    ) -> None:
        if owner in self.imported:
            for module in self.imported[owner]:
                add(UseKind.NAME, f"{module}.{owner}.{pending.name}")
            return
        add(UseKind.NAME, f"{owner}.{pending.role or pending.name}")
        if owner == pending.state.package:
            add(UseKind.MEMBER, pending.name)
        if owner.isidentifier() and owner[:1].islower():
            # ``app->start``: a function that a module brought along
            for module in self.defaults:
                add(UseKind.NAME, f"{module}.{owner}.{pending.name}")

    def _settle_function(
        self, pending: Pending, package: str, add: Callable[[UseKind, str], None]
    ) -> None:
        if f"{package}.{pending.name}" in self.drafts:
            add(UseKind.LOCAL, f"{package}.{pending.name}")
        elif pending.name in self.imported:
            for module in self.imported[pending.name]:
                add(UseKind.NAME, f"{module}.{pending.name}")
        elif pending.role != "bareword" or not pending.name.isupper():
            for module in self.defaults:
                add(UseKind.NAME, f"{module}.{pending.name}")
