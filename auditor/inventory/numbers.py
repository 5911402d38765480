"""Sizes and counts as configuration files write them."""

from __future__ import annotations

import re

from auditor.tables.settings import Number

__all__ = ["parse_number"]

_WRITTEN = re.compile(r"([0-9]{1,18})(?:\.[0-9]{1,18})?\s?([A-Za-z]{0,2})")
_BLOCK = 8192
"""Bytes of a PostgreSQL block as built by default (``BLCKSZ``)."""
_BINARY = {"": 1, "b": 1, **{letter: 1 << 10 * n for n, letter in enumerate("kmgt", start=1)}}
_REDIS = {
    "": 1,
    "b": 1,
    **{letter: 1000**n for n, letter in enumerate("kmg", start=1)},
    **{f"{letter}b": 1 << 10 * n for n, letter in enumerate("kmg", start=1)},
}
_POSTGRESQL = {
    "": _BLOCK,
    "B": 1,
    **{unit: 1 << 10 * n for n, unit in enumerate(("kB", "MB", "GB", "TB"), start=1)},
}


def parse_number(text: str, number: Number) -> int | None:
    """The value in bytes, or the count, or whole percent; ``None`` where it is none."""
    match = _WRITTEN.fullmatch(text.strip().strip("'\""))
    if match is None:
        return None
    value, unit = int(match[1]), match[2]
    match number:
        case Number.JVM:
            factor = _BINARY.get(unit.lower())
        case Number.REDIS:
            factor = _REDIS.get(unit.lower())
        case Number.POSTGRESQL:
            factor = _POSTGRESQL.get(unit)
        case Number.MEBIBYTES:
            factor = 1 << 20 if not unit else None
        case Number.COUNT | Number.PERCENT:
            factor = 1 if not unit else None
    return value * factor if factor is not None else None
