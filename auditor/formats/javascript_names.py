"""Which names a JavaScript function or module declares, and what they are first given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from auditor.formats.javascript_scope import UNKNOWN, Kind, Scope, Value, module_name
from auditor.formats.javascript_tree import Node, property_name, string_value, text_of
from auditor.formats.javascript_values import FUNCTIONS, Values

__all__ = ["TYPES", "Names", "is_type_only"]

TYPES = frozenset(
    {
        *("type_annotation", "type_arguments", "type_parameters", "interface_declaration"),
        *("type_alias_declaration", "ambient_declaration", "implements_clause"),
        *("function_signature", "abstract_method_signature", "index_signature", "comment"),
        *("type_predicate_annotation", "asserts_annotation", "method_signature", "hash_bang_line"),
        *("extends_type_clause", "predefined_type", "type_identifier", "accessibility_modifier"),
        *("override_modifier", "union_type", "object_type", "array_type", "generic_type"),
    }
)
"""What is gone when the program runs."""
_CLASSES = frozenset({"class", "class_declaration", "abstract_class_declaration"})
_UNITS = FUNCTIONS | _CLASSES | {"object"}
_BLOCKS = frozenset(
    {
        *("statement_block", "for_statement", "for_in_statement", "catch_clause", "switch_body"),
        *("internal_module", "module"),
    }
)
_HOLDS_STATEMENTS = _BLOCKS | {
    *("if_statement", "else_clause", "while_statement", "do_statement", "try_statement"),
    *("finally_clause", "switch_statement", "switch_case", "switch_default"),
    *("labeled_statement", "with_statement", "expression_statement", "sequence_expression"),
    "parenthesized_expression",
}
_INLINE = "expression_statement"
_WRAPPED = frozenset({"parenthesized_expression", "as_expression", "satisfies_expression"})


def is_type_only(node: Node) -> bool:
    """Whether an import, export or specifier of TypeScript names types only."""
    return any(child.type in {"type", "typeof"} for child in node.children[:2])


@dataclass(slots=True)
class Names:
    """Fills scopes before their code is read, since functions and ``var`` are hoisted."""

    values: Values
    blocks: dict[int, Scope] = field(default_factory=dict)
    """Id of a block's node → its scope."""
    owners: dict[str, None] = field(default_factory=dict)
    """Units that others hang on: constructor functions, objects with methods."""
    exported: dict[str, Value] = field(default_factory=dict)
    """Name of an export → value; ``export=`` for ``module.exports`` itself."""
    stars: dict[str, None] = field(default_factory=dict)
    _given: list[tuple[Node, Node, Scope, bool]] = field(default_factory=list)

    def fill(self, body: Iterable[Node], scope: Scope) -> None:  # noqa: C901 - one case a kind
        """Declare the names of a function's body, or of a module, and give them values."""
        self._given = []
        stack = [(node, scope, scope) for node in reversed(list(body))]
        while stack:
            node, inside, function = stack.pop()
            kind = node.type
            if kind == "export_statement":
                found = [node.child_by_field_name("declaration"), node.child_by_field_name("value")]
                stack.extend((item, inside, function) for item in found if item is not None)
            elif kind in {"lexical_declaration", "variable_declaration"}:
                self._variables(node, inside if kind[0] == "l" else function)
            elif kind in {"function_declaration", "generator_function_declaration"} | _CLASSES:
                self._declared(node, inside)
            elif kind == "import_statement":
                self._imported(node, inside)
            elif kind == "enum_declaration":
                inside.names[text_of(node.named_children[0])] = UNKNOWN
            elif kind == "assignment_expression":
                self._assigned(node, inside)
            elif kind in _HOLDS_STATEMENTS:
                if kind in _BLOCKS and node.id not in self.blocks:
                    inside = self._block(node, inside)
                stack.extend((c, inside, function) for c in reversed(node.named_children))
        for target, value, around, constant in self._given:
            self._give(target, value, around, constant=constant)

    def _block(self, node: Node, scope: Scope) -> Scope:
        """A scope of its own for what declares names of its own."""
        children = node.named_children
        lexical = node.type != "statement_block" or any(
            child.type in {"lexical_declaration", "function_declaration"} or child.type in _CLASSES
            for child in children
        )
        if not lexical:
            return scope
        inner = self.blocks[node.id] = scope.block()
        if node.type == "catch_clause":
            self._pattern(node.child_by_field_name("parameter"), UNKNOWN, inner)
        elif node.type == "for_in_statement" and node.child_by_field_name("kind") is not None:
            self._pattern(node.child_by_field_name("left"), UNKNOWN, inner)
        return inner

    def _variables(self, node: Node, scope: Scope) -> None:
        constant = bool(node.children) and node.children[0].type == "const"
        for declarator in node.named_children:
            if declarator.type != "variable_declarator":
                continue
            target = declarator.child_by_field_name("name")
            value = declarator.child_by_field_name("value")
            if target is None:
                continue
            for name in _names_of(target):
                scope.declare(name)
            if value is not None:
                self._given.append((target, value, scope, constant))
                if value.type == "assignment_expression":
                    self._assigned(value, scope)

    def _assigned(self, node: Node, scope: Scope) -> None:
        while node.type == "assignment_expression":
            target, value = node.child_by_field_name("left"), node.child_by_field_name("right")
            if target is None or value is None:
                return
            self._given.append((target, value, scope, False))
            node = value

    def _declared(self, node: Node, scope: Scope) -> None:
        name = node.child_by_field_name("name")
        if name is None:
            self._name_unit(node, "default", scope)
            return
        text = text_of(name)
        if scope.prefix is None:
            scope.names[text] = UNKNOWN
            return
        unit = self._name_unit(node, f"{scope.prefix}{text}", scope)
        scope.names[text] = Value(Kind.LOCAL, unit)

    def _name_unit(self, node: Node, name: str, scope: Scope) -> str:
        if scope.prefix is not None:
            return self.values.named.setdefault(node.id, name)
        return name

    def _imported(self, node: Node, scope: Scope) -> None:
        if is_type_only(node):
            return
        for local, value in imported_names(node):
            scope.names[local] = value

    def _give(self, target: Node, value: Node, scope: Scope, *, constant: bool) -> None:
        """Bind what a declaration or an assignment gives; name the unit that it makes."""
        core = _core(value)
        if core.type in _UNITS and scope.prefix is not None:
            self._name(target, core, scope)
        found = self.values.value(value, scope)
        if found.kind is Kind.FLAG and not constant:
            found = UNKNOWN
        if target.type in {"member_expression", "subscript_expression"}:
            self._attribute(target, found, scope)
        else:
            self._pattern(target, found, scope)

    def _name(self, target: Node, core: Node, scope: Scope) -> None:
        """Name a function, class or object after what it is assigned to."""
        if core.id in self.values.named:
            return
        name: str | None = None
        if target.type == "identifier":
            name = f"{scope.prefix}{text_of(target)}"
        elif target.type == "member_expression":
            name = self._member_unit(target, scope)
        if name is None:
            return
        if core.type == "object":
            self.name_members(core, "" if name == "module.exports" else name, scope)
            if name == "module.exports":
                return
        self.values.named[core.id] = name

    def _member_unit(self, target: Node, scope: Scope) -> str | None:
        attribute = self.values.property_of(target, scope)
        base = self.values.value(target.child_by_field_name("object"), scope)
        if attribute is None:
            return None
        if base.kind is Kind.EXPORTS:
            return attribute
        if base.kind is Kind.THIS_MODULE and attribute == "exports":
            return "module.exports"
        if base.kind in {Kind.LOCAL, Kind.MADE_HERE}:
            if attribute == "prototype":
                return base.name
            self.owners[base.name] = None
            return f"{base.name}.{attribute}"
        return None

    def name_members(self, node: Node, owner: str, scope: Scope) -> None:
        """Name the functions of an object literal; an empty owner is the module's exports."""
        prefix = f"{owner}." if owner else ""
        for item in node.named_children:
            if item.type == "spread_element":
                self._spread(item, owner, scope)
                continue
            key_node = (
                item
                if item.type.startswith("shorthand")
                else item.child_by_field_name("name" if item.type == "method_definition" else "key")
            )
            key = property_name(key_node)
            value = item.child_by_field_name("value") if item.type == "pair" else item
            if key is None or value is None:
                continue
            if value.type in FUNCTIONS or value.type in _CLASSES:
                self.values.named.setdefault(value.id, f"{prefix}{key}")
                if owner:
                    self.owners[owner] = None
            self.keep(owner, key, self.values.value(value, scope))

    def _spread(self, item: Node, owner: str, scope: Scope) -> None:
        children = item.named_children
        value = self.values.value(children[0], scope) if children else UNKNOWN
        if not owner and value.kind in {Kind.MODULE, Kind.QUALIFIED}:
            self.stars[value.name] = None

    def keep(self, owner: str, name: str, value: Value) -> None:
        """A property of a unit, or an export where the owner is empty."""
        known = self.values.attributes.get((owner, name))
        same = known in {None, value} or known == UNKNOWN
        self.values.attributes[owner, name] = value if same else UNKNOWN
        if not owner and (value.kind is not Kind.UNKNOWN or name not in self.exported):
            self.exported[name] = value

    def _attribute(self, target: Node, value: Value, scope: Scope) -> None:
        name = self.values.property_of(target, scope)
        if name is None:
            return
        base = self.values.value(target.child_by_field_name("object"), scope)
        if base.kind is Kind.EXPORTS and value.kind is not Kind.NOTHING:
            self.keep("", name, value)
        elif base.kind is Kind.THIS_MODULE and name == "exports":
            self.exported["export="] = value
        elif base.kind in {Kind.LOCAL, Kind.MADE_HERE} and value.kind is not Kind.NOTHING:
            self.keep(base.name, name, value)

    def _pattern(  # noqa: C901 - one case a kind
        self, pattern: Node | None, value: Value, scope: Scope
    ) -> None:
        """Bind the names of a pattern."""
        stack = [(pattern, value)]
        while stack:
            node, given = stack.pop()
            if node is None:
                continue
            match node.type:
                case "identifier" | "shorthand_property_identifier_pattern":
                    name = text_of(node)
                    if node.type != "identifier":
                        given = self._taken(given, name)
                    if scope.owner(name) is None:
                        if given == UNKNOWN and self.values.global_value(name) == UNKNOWN:
                            continue
                        scope.declare(name)
                    scope.bind(name, given)
                case "pair_pattern":
                    key = property_name(node.child_by_field_name("key"))
                    taken = UNKNOWN if key is None else self._taken(given, key)
                    stack.append((node.child_by_field_name("value"), taken))
                case "assignment_pattern" | "object_assignment_pattern":
                    stack.append((node.child_by_field_name("left"), given))
                case "array_pattern" | "rest_pattern":
                    stack.extend((child, UNKNOWN) for child in node.named_children)
                case "object_pattern" | "parenthesized_expression":
                    stack.extend((child, given) for child in node.named_children)

    def _taken(self, value: Value, name: str) -> Value:
        return (
            UNKNOWN if value.kind in {Kind.UNKNOWN, Kind.TEXT} else self.values.member(value, name)
        )

    def parameters(self, function: Node, scope: Scope, given: tuple[Value, ...] = ()) -> None:
        """Parameters hide names from outside."""
        single = function.child_by_field_name("parameter")
        found = function.child_by_field_name("parameters")
        nodes = [single] if single is not None else found.named_children if found else []
        for position, node in enumerate(nodes):
            pattern = node.child_by_field_name("pattern") or node
            for name in _names_of(pattern):
                scope.names[name] = Value(Kind.NOTHING)
            value = given[position] if position < len(given) else UNKNOWN
            self._pattern(pattern, value, scope)
            for name in _names_of(pattern):
                if scope.names[name].kind is Kind.NOTHING:
                    scope.names[name] = UNKNOWN


def imported_names(node: Node) -> Iterator[tuple[str, Value]]:
    """Names that an import statement binds, with what they stand for."""
    source = node.child_by_field_name("source")
    for clause in node.named_children:
        if clause.type == "import_require_clause":
            source = clause.child_by_field_name("source")
        specifier = string_value(source) if source is not None else None
        if specifier is None or '"' in specifier:
            continue
        module = Value(Kind.MODULE, module_name(specifier))
        if clause.type == "import_require_clause":
            yield text_of(clause.named_children[0]), module
        elif clause.type == "import_clause":
            yield from _clause(clause, module)


def _clause(clause: Node, module: Value) -> Iterator[tuple[str, Value]]:
    for item in clause.named_children:
        if item.type == "identifier":
            yield text_of(item), module.member("default")
        elif item.type == "namespace_import" and item.named_children:
            yield text_of(item.named_children[0]), module
        elif item.type == "named_imports":
            for one in item.named_children:
                name = one.child_by_field_name("name")
                local = one.child_by_field_name("alias") or name
                given = property_name(name)
                if given is None or local is None or is_type_only(one):
                    continue
                yield text_of(local), module.member(given)


def _core(node: Node) -> Node:
    """What the value of an assignment comes down to."""
    for _ in range(16):
        if node.type == "assignment_expression":
            inner = node.child_by_field_name("right")
        elif node.type in _WRAPPED and node.named_children:
            inner = node.named_children[0]
        else:
            return node
        if inner is None:
            return node
        node = inner
    return node


def _names_of(pattern: Node) -> Iterator[str]:
    """Every name that a pattern binds."""
    stack = [pattern]
    while stack:
        node = stack.pop()
        if node.type in {"identifier", "shorthand_property_identifier_pattern"}:
            yield text_of(node)
        elif node.type == "pair_pattern":
            value = node.child_by_field_name("value")
            stack.extend([value] if value is not None else [])
        elif node.type in {"assignment_pattern", "object_assignment_pattern"}:
            left = node.child_by_field_name("left")
            stack.extend([left] if left is not None else [])
        elif node.type in {"object_pattern", "array_pattern", "rest_pattern"}:
            stack.extend(node.named_children)
