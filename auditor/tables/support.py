"""``libc/support/``: what a target offers for each function, some 24,000 rows.

All are checked at once. A row becomes a value when it is asked for: one report looks at a few
hundred, and making all of them takes longer than reading them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from auditor.model.terms import Support
from auditor.tables.files import Files, complain, split_cells
from auditor.tables.rows import Source, SupportRow

__all__ = ["levels", "symbol_levels"]

CELLS = ("level", "flags", "note", "source")
_LEVELS = {level.value: level for level in Support}


@dataclass(frozen=True, slots=True)
class _Offer:
    """What stands behind the symbol. The same few stand in most rows."""

    level: Support
    flags: tuple[str, ...]
    note: str
    source: str
    as_of: str


class _Rows(Mapping[str, SupportRow]):
    """The rows of one file, by symbol."""

    __slots__ = ("_file", "_offers")

    def __init__(self, file: str, offers: Mapping[str, _Offer]) -> None:
        self._file = file
        self._offers = offers

    def __getitem__(self, symbol: str) -> SupportRow:
        offer = self._offers[symbol]
        return SupportRow(
            offer.level, offer.note, offer.flags, offer.source, offer.as_of, self._file, symbol
        )

    def __contains__(self, symbol: object) -> bool:
        return symbol in self._offers

    def __iter__(self) -> Iterator[str]:
        return iter(self._offers)

    def __len__(self) -> int:
        return len(self._offers)


def symbol_levels(
    files: Files, target: str, symbols: Mapping[str, object], sources: Mapping[str, Source]
) -> Mapping[str, SupportRow]:
    """Canonical symbol → row, for one target. Raises ``TableError`` for a wrong row."""
    file = f"libc/support/{target}.csv"
    return levels(files, file, "symbol", "libc/symbols.csv", symbols, sources)


def levels(  # noqa: PLR0917 - what, where and against what
    files: Files,
    file: str,
    kind: str,
    listed_in: str,
    known: Mapping[str, object],
    sources: Mapping[str, Source],
) -> Mapping[str, SupportRow]:
    """Key → row of one support file.

    Its first column is headed by ``kind``, and its keys are those of another file, ``known``.
    """
    lines = files.keyed_lines(file, (kind, *CELLS))
    for name in sorted(lines.keys() - known.keys()):
        raise complain(file, files.line_of(file, name), f"{kind} {name!r} is not in {listed_in}")
    first = {rest: name for name, rest in reversed(lines.items())}
    offers: dict[str, _Offer] = {}
    for rest, name in first.items():
        try:
            offers[rest] = _offer(rest, sources)
        except ValueError as error:
            raise complain(file, files.line_of(file, name), str(error)) from None
    return _Rows(file, {name: offers[rest] for name, rest in lines.items()})


def _offer(rest: str, sources: Mapping[str, Source]) -> _Offer:
    """Read the cells behind the symbol. Raises ``ValueError`` with what is wrong."""
    cells = split_cells(rest, len(CELLS))
    level, flags, note, source = cells
    if level not in _LEVELS:
        raise ValueError(f"level {level!r} is none of {', '.join(_LEVELS)}")
    if source not in sources:
        raise ValueError(f"source {source!r} is not in sources.toml")
    return _Offer(_LEVELS[level], tuple(flags.split()), note, source, sources[source].as_of)
