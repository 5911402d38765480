"""Names, strings and paths in JavaScript source."""

from __future__ import annotations

import posixpath

from auditor.formats.javascript_scope import UNKNOWN, Kind, Value, module_name

__all__ = ["concatenated", "joined", "module_of", "plain_name"]


def plain_name(name: str) -> str:
    """A qualified name as documentation writes it: without quotes, ``node:`` and ``default``."""
    if not name.startswith('"'):
        return name
    module, _, rest = name[1:].partition('"')
    rest = "." + rest.removeprefix(".")
    rest = (
        rest.removeprefix(".default")
        if rest.startswith(".default.") or rest == ".default"
        else rest
    )
    return module.removeprefix("node:") + rest.rstrip(".")


def module_of(value: Value) -> Value:
    """The module that a string names."""
    if value.kind in {Kind.TEXT, Kind.PATH} and '"' not in value.name:
        return Value(Kind.MODULE, module_name(value.name))
    return UNKNOWN


def concatenated(parts: list[Value]) -> Value:
    """Strings in a row, the first of which may be a path."""
    if not parts or any(part.kind not in {Kind.TEXT, Kind.PATH} for part in parts):
        return UNKNOWN
    text = "".join(part.name for part in parts)
    if len(text) > 4096:  # noqa: PLR2004 - PATH_MAX of Linux
        return UNKNOWN
    if parts[0].kind is Kind.PATH:
        return joined([Value(Kind.PATH, text)]) if parts[0].name else UNKNOWN
    return Value(Kind.TEXT, text) if all(p.kind is Kind.TEXT for p in parts) else UNKNOWN


def joined(parts: list[Value]) -> Value:
    """``path.join`` from the module's directory on."""
    texts = [part.name for part in parts if part.kind in {Kind.TEXT, Kind.PATH}]
    if len(texts) != len(parts) or not parts or parts[0].kind is not Kind.PATH:
        return UNKNOWN
    path = posixpath.normpath("/".join(texts))
    return Value(Kind.PATH, path if path.startswith("..") else f"./{path}")
