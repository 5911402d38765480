"""``WWW-Authenticate``: which proof a server asks for (RFC 9110, section 11.6.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

__all__ = ["Challenge", "parse_challenges"]

_TOKEN = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"  # noqa: S105 - RFC 9110's word for a word
_PARAMETER = re.compile(rf'({_TOKEN})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|({_TOKEN}))')
_SCHEME = re.compile(rf"({_TOKEN})(?=\s|,|$)")
_GAP = re.compile(r"[\s,]*")
_LONGEST = 8192


@dataclass(frozen=True, slots=True)
class Challenge:
    """One scheme, in lower case, and its parameters, with keys in lower case."""

    scheme: str
    parameters: Mapping[str, str]

    def get(self, key: str) -> str:
        """A parameter; empty where it is not there."""
        return self.parameters.get(key, "")


def parse_challenges(headers: Iterable[str]) -> tuple[Challenge, ...]:
    """Every challenge of every header; what cannot be understood is passed over."""
    found: list[Challenge] = []
    for header in headers:
        text = header[:_LONGEST]
        position = 0
        parameters: dict[str, str] = {}
        while position < len(text):
            gap = _GAP.match(text, position)
            position = gap.end() if gap else position
            if (pair := _PARAMETER.match(text, position)) is not None:
                key, quoted, plain = pair.groups()
                value = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else plain
                parameters.setdefault(key.lower(), value)
                position = pair.end()
            elif (scheme := _SCHEME.match(text, position)) is not None:
                parameters = {}
                found.append(Challenge(scheme[1].lower(), parameters))
                position = scheme.end()
            else:
                position += 1
    return tuple(found)
