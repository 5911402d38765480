"""``libc/support/``: what a target offers for each function, some 24,000 rows.

All are checked at once, and the few hundred different offers are kept once each. A row becomes a
value when it is asked for: one report looks at a few hundred.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from auditor.model.terms import Support
from auditor.tables.files import Files, complain, split_cells
from auditor.tables.rows import Source, SupportRow

__all__ = ["Levels", "Offer", "levels", "symbol_levels"]

CELLS = ("level", "flags", "note", "source")
_LEVELS = {level.value: level for level in Support}


@dataclass(frozen=True, slots=True)
class Offer:
    """What stands behind the symbol. The same few stand in most rows."""

    level: Support
    flags: tuple[str, ...]
    note: str
    source: str
    as_of: str


@dataclass(frozen=True, slots=True, eq=False)
class Levels(Mapping[str, SupportRow]):
    """The rows of one file, by symbol. Equal to any mapping of the same rows."""

    file: str
    offers: tuple[Offer, ...]
    places: Mapping[str, int]
    """Symbol → index of its offer, in the order of the file that lists the symbols."""

    def __getitem__(self, symbol: str) -> SupportRow:
        offer = self.offers[self.places[symbol]]
        return SupportRow(
            offer.level, offer.note, offer.flags, offer.source, offer.as_of, self.file, symbol
        )

    def __contains__(self, symbol: object) -> bool:
        return symbol in self.places

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)


def symbol_levels(
    files: Files, target: str, symbols: Mapping[str, object], sources: Mapping[str, Source]
) -> Levels:
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
) -> Levels:
    """Key → row of one support file.

    Its first column is headed by ``kind``, and its keys are those of another file, ``known``.
    """
    lines = files.keyed_lines(file, (kind, *CELLS))
    for name in sorted(lines.keys() - known.keys()):
        raise complain(file, files.line_of(file, name), f"{kind} {name!r} is not in {listed_in}")
    first = {rest: name for name, rest in reversed(lines.items())}
    offers: list[Offer] = []
    for rest, name in first.items():
        try:
            offers.append(_offer(rest, sources))
        except ValueError as error:
            raise complain(file, files.line_of(file, name), str(error)) from None
    places = {rest: place for place, rest in enumerate(first)}
    return Levels(
        file, tuple(offers), {name: places[lines[name]] for name in known if name in lines}
    )


def _offer(rest: str, sources: Mapping[str, Source]) -> Offer:
    """Read the cells behind the symbol. Raises ``ValueError`` with what is wrong."""
    cells = split_cells(rest, len(CELLS))
    level, flags, note, source = cells
    if level not in _LEVELS:
        raise ValueError(f"level {level!r} is none of {', '.join(_LEVELS)}")
    if source not in sources:
        raise ValueError(f"source {source!r} is not in sources.toml")
    return Offer(_LEVELS[level], tuple(flags.split()), note, source, sources[source].as_of)
