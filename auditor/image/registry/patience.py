"""How long a server is waited for, and how often it is asked again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

__all__ = ["AGAIN", "Patience"]

AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers that may be others in a moment (RFC 9110 and RFC 6585)."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Times in seconds."""

    silence: float = 30.0
    """Without a byte, or a connection."""
    tries: int = 5
    """Of one request, or of a transfer that does not get on."""
    first_wait: float = 0.5
    """Before the second try; it doubles with each."""
    longest_wait: float = 30.0
    """Whatever the server asks for."""
    sleep: Callable[[float], None] = time.sleep

    def wait(self, tried: int, retry_after: str | None = None) -> None:
        """Wait after the ``tried``-th try, as long as the server asks for if it does."""
        seconds = _seconds(retry_after)
        if seconds is None:
            seconds = self.first_wait * 2 ** (tried - 1)
        self.sleep(max(0.0, min(seconds, self.longest_wait)))


def _seconds(retry_after: str | None) -> float | None:
    """``Retry-After``: seconds, or a date (RFC 9110, section 10.2.3)."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return (date - datetime.now(UTC)).total_seconds()
