"""What a configuration file in Python sets to plain strings (``gunicorn.conf.py``)."""

from __future__ import annotations

import ast
import warnings

from auditor.formats import FormatError

__all__ = ["LARGEST", "string_settings"]

LARGEST = 1 << 16


def string_settings(data: bytes) -> dict[str, str]:
    """Names of the top level that are given a string, the last one each; nothing is evaluated.

    Raises ``FormatError``.
    """
    if len(data) > LARGEST:
        raise FormatError(f"settings of more than {LARGEST >> 10} KiB are not read")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(data)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise FormatError(f"it is no Python that can be parsed: {error}") from None
    found: dict[str, str] = {}
    for node in tree.body:
        match node:
            case ast.Assign(targets=targets, value=ast.Constant(value=str(text))):
                found |= {item.id: text for item in targets if isinstance(item, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.Constant(value=str(text))):
                found[name] = text
    return found
