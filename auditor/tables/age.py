"""How old the tables are. The only clock of the tables; ``SOURCE_DATE_EPOCH`` takes its place.

See https://reproducible-builds.org/specs/source-date-epoch/.
"""

from __future__ import annotations

import os
from datetime import UTC, date, datetime

from auditor.errors import UsageError
from auditor.tables.rows import Tables

__all__ = ["STALE_DAYS", "age", "stale", "today"]

STALE_DAYS = 365
"""Above it, tables are called old: platforms change faster than that."""


def today() -> date:
    """The day in UTC. Raises ``UsageError`` where ``SOURCE_DATE_EPOCH`` is no time."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if not given:
        return datetime.now(UTC).date()
    try:
        return datetime.fromtimestamp(int(given), UTC).date()
    except (ValueError, OverflowError, OSError):
        raise UsageError(f"SOURCE_DATE_EPOCH {given!r} is no number of seconds") from None


def age(tables: Tables) -> int:
    """Days since the newest source was read; 0 where that lies ahead."""
    return max(0, (today() - date.fromisoformat(tables.as_of)).days)


def stale(tables: Tables) -> str | None:
    """A sentence where the newest source is over a year old. It does not tell the day."""
    if age(tables) <= STALE_DAYS:
        return None
    return (
        f"The tables are of {tables.as_of}, over a year ago: platforms may offer more by now. "
        "Update auditor, or give newer rows with --tables."
    )
