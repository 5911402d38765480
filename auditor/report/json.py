"""The JSON report: the wire type as it stands, one trailing newline, stable bytes."""

from __future__ import annotations

import re

import msgspec

__all__ = ["render"]

_CONTROLS = re.compile("[\x7f-\x9f]")
"""Those that JSON lets stand as they are; terminals take U+009B for ESC [."""


def render(document: msgspec.Struct) -> str:
    """Any wire value as JSON text, indented by two."""
    plain = _printable(msgspec.to_builtins(document))
    text = msgspec.json.format(msgspec.json.encode(plain), indent=2).decode() + "\n"
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _printable(value: object) -> object:
    """Replace lone surrogates, which stand for bytes that are no UTF-8 and have no JSON form."""
    match value:
        case str():
            return value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        case dict():
            return {key: _printable(item) for key, item in value.items()}
        case list():
            return [_printable(item) for item in value]
        case _:
            return value
