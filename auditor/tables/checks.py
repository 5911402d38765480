"""What the tables of languages, hosts and the catalogue check alike."""

from __future__ import annotations

import csv
from collections.abc import Container, Iterable, Iterator, Mapping

import msgspec

from auditor.tables.files import Files, complain
from auditor.tables.rows import Source

__all__ = ["Shape", "check_source", "check_targets", "check_words", "keyed_rows"]


class Shape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One table of a TOML file: unknown keys and wrong kinds are refused."""


def check_source(file: str, where: str, source: str, sources: Container[str]) -> None:
    """Raise ``TableError`` unless the source is listed."""
    if source not in sources:
        raise complain(file, where, f"source {source!r} is not in sources.toml")


def check_targets(
    file: str, where: str, given: Mapping[str, object], targets: Iterable[str]
) -> None:
    """Raise ``TableError`` unless every target, and nothing else, has a row."""
    known = tuple(targets)
    if unknown := sorted(given.keys() - set(known)):
        raise complain(file, where, f"no target {unknown[0]!r}")
    if missing := [target for target in known if target not in given]:
        raise complain(file, where, f"no row for the target {missing[0]}")


def check_words(file: str, where: str, words: Mapping[str, str]) -> None:
    """Raise ``TableError`` where a text that people read is empty."""
    for key, text in words.items():
        if not text.strip():
            raise complain(file, where, f"{key} is empty")


def keyed_rows(
    files: Files,
    name: str,
    columns: tuple[str, ...],
    key: tuple[str, ...],
    sources: Mapping[str, Source],
) -> Iterator[tuple[str, list[str]]]:
    """Rows of a CSV file whose last column is a source, with where they stand.

    Lines that start with ``#`` are left out. Two rows with the same ``key`` are refused, and so
    are a wrong header, a wrong number of columns and a source that is not listed.
    """
    picks = tuple(columns.index(column) for column in key)
    reader = csv.reader(files.read(name, picks).splitlines())
    seen: set[tuple[str, ...]] = set()
    header = None
    try:
        for row in reader:
            if not row or row[0][:1] == "#":
                continue
            where = f"line {reader.line_num}"
            if header is None:
                header = tuple(row)
                if header != columns:
                    break
                continue
            if len(row) != len(columns):
                raise complain(name, where, f"{len(row)} columns, not {len(columns)}")
            found = tuple(row[pick] for pick in picks)
            if found in seen:
                raise complain(name, where, f"{', '.join(found)} stands there twice")
            seen.add(found)
            check_source(name, where, row[-1], sources)
            yield where, row
    except csv.Error as error:
        raise complain(name, f"line {reader.line_num}", str(error)) from None
    if header != columns:
        reason = f"the header is not {','.join(columns)}"
        raise complain(name, f"line {reader.line_num}", reason)
