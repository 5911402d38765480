"""Import and export statements of ECMAScript modules, and what a module exports."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field

from auditor.formats.javascript_draft import Draft
from auditor.formats.javascript_names import Names, is_type_only
from auditor.formats.javascript_scope import UNKNOWN, Kind, Scope, Value, module_name
from auditor.formats.javascript_tree import Node, property_name, string_value, text_of
from auditor.formats.javascript_values import FUNCTIONS
from auditor.model.source import UseKind

__all__ = ["Exports"]


@dataclass(slots=True)
class Exports:
    """Collects them while a module is read."""

    names: Names
    _handed: list[tuple[str, str]] = field(default_factory=list)
    """Name of an export, and the local name that it is."""

    def load(self, node: Node, draft: Draft) -> None:
        """An import statement."""
        if is_type_only(node):
            return
        source = node.child_by_field_name("source")
        for clause in node.named_children:
            if clause.type == "import_require_clause":
                source = clause.child_by_field_name("source")
        self._load(source, draft)

    def _load(self, source: Node | None, draft: Draft) -> str | None:
        specifier = string_value(source) if source is not None else None
        if source is None or specifier is None or '"' in specifier:
            return None
        draft.add(UseKind.IMPORT, module_name(specifier), source.start_point.row + 1)
        return module_name(specifier)

    def export(self, node: Node, scope: Scope, draft: Draft) -> list[Node]:
        """An export statement; gives what of it is still to be read."""
        if is_type_only(node):
            return []
        source = node.child_by_field_name("source")
        if source is not None:
            self._from(node, self._load(source, draft))
            return []
        declaration = node.child_by_field_name("declaration")
        default = any(child.type == "default" for child in node.children[:3])
        if declaration is not None:
            for name in _declared(declaration):
                self._handed.append(("default" if default else name, name))
        assigned = any(child.type == "=" for child in node.children[:3])
        for child in node.named_children:
            if child.type == "export_clause":
                self._handed += _specifiers(child)
            elif assigned and child.type != "comment":
                self.names.exported["export="] = self.names.values.value(child, scope)
        self._default(node.child_by_field_name("value"), scope)
        return [child for child in node.named_children if child.type != "export_clause"]

    def _default(self, value: Node | None, scope: Scope) -> None:
        """``export default`` of an expression."""
        if value is None:
            return
        values = self.names.values
        if value.type in FUNCTIONS or value.type == "class":
            values.named.setdefault(value.id, "default")
        self.names.exported["default"] = values.value(value, scope)
        if value.type == "object":
            self.names.name_members(value, "default", scope)
            self.names.exported["default"] = Value(Kind.MADE_HERE, "default")

    def _from(self, node: Node, module: str | None) -> None:
        """``export … from``."""
        if module is None:
            return
        clauses = [
            child for child in node.named_children if child.type.endswith(("clause", "_export"))
        ]
        if not clauses:
            self.names.stars[module] = None
        for clause in clauses:
            if clause.type == "namespace_export" and clause.named_children:
                name = property_name(clause.named_children[0])
                self.names.exported[name or ""] = Value(Kind.MODULE, module)
            elif clause.type == "export_clause":
                for outer, inner in _specifiers(clause):
                    self.names.exported[outer] = Value(Kind.QUALIFIED, f"{module}.{inner}")

    def bindings(self, scope: Scope, units: Container[str]) -> dict[str, str]:
        """Exports: name → what it stands for."""
        exported = self.names.exported
        for name, local in self._handed:
            value = scope.find(local)
            exported[name] = UNKNOWN if value is None else value
        whole = exported.get("export=")
        if whole is not None and whole.kind in {Kind.LOCAL, Kind.MADE_HERE}:
            for (owner, name), value in self.names.values.attributes.items():
                if owner == whole.name:
                    exported.setdefault(name, value)
        found: dict[str, str] = {}
        for name, value in sorted(exported.items()):
            if value.kind in {Kind.QUALIFIED, Kind.MADE, Kind.MODULE}:
                found[name] = value.used
            elif value.kind in {Kind.LOCAL, Kind.MADE_HERE} and value.name in units:
                found[name] = f'"".{value.name}'
        return found


def _declared(node: Node) -> list[str]:
    """Names that an exported declaration declares at its top."""
    if node.type in {"lexical_declaration", "variable_declaration"}:
        names = [child.child_by_field_name("name") for child in node.named_children]
    else:
        names = [node.child_by_field_name("name")]
    return [text_of(name) for name in names if name is not None and len(name.named_children) == 0]


def _specifiers(clause: Node) -> list[tuple[str, str]]:
    """Outer and inner names of ``export { inner as outer }``."""
    found: list[tuple[str, str]] = []
    for item in clause.named_children:
        inner = property_name(item.child_by_field_name("name"))
        outer = property_name(item.child_by_field_name("alias")) or inner
        if inner is not None and outer is not None and not is_type_only(item):
            found.append((outer, inner))
    return found
