"""JSON, as every format writes it: one trailing newline, stable bytes, nothing that steers."""

from __future__ import annotations

import re
from typing import Any

import msgspec

__all__ = ["plain", "render", "text"]

_CONTROLS = re.compile("[\x7f-\x9f]")
"""Those that JSON lets stand as they are; terminals take U+009B for ESC [."""


def render(document: msgspec.Struct) -> str:
    """Any wire value as JSON text, indented by two."""
    return text(msgspec.to_builtins(document))


def text(value: Any) -> str:
    """Plain values (dictionaries, lists, strings, numbers) as JSON text, indented by two."""
    written = msgspec.json.encode(_printable(value))
    whole = msgspec.json.format(written, indent=2).decode() + "\n"
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", whole)


def plain(text: str) -> str:
    """Text without lone surrogates, which stand for bytes that are no UTF-8."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _printable(value: object) -> object:
    match value:
        case str():
            return plain(value)
        case dict():
            return {key: _printable(item) for key, item in value.items()}
        case list():
            return [_printable(item) for item in value]
        case _:
            return value
