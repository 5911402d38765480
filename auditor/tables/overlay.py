"""Rows of a user's own directory over the shipped tables.

The directory holds files of the same names and formats; only those that are there are read. A
row of a CSV file takes the place of the one with the same key, and so does a table of a TOML
file. In a file that is one value, as a target's is, each top-level key does, and below
``[support]`` each capability. What comes of it is checked as strictly as the shipped tables.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path

from auditor.errors import TableError

__all__ = ["Overlay"]

_SUFFIXES = (".csv", ".toml")


@dataclass(frozen=True, slots=True)
class Overlay:
    """A directory whose files add to or override the shipped tables."""

    root: Path
    files: tuple[str, ...]
    """Names of its files, sorted; the same as below ``signatures/``."""
    lines: dict[str, int] = field(default_factory=dict)
    """CSV file → number of lines of the shipped file: the overlay's follow them."""
    keys: dict[str, frozenset[str]] = field(default_factory=dict)
    """TOML file → keys of the overlay's rows."""

    @classmethod
    def at(cls, root: Path) -> Overlay:
        """Look through a directory. Raises ``TableError`` where it holds no tables."""
        if not root.is_dir():
            raise TableError(f"there is no directory {root} to take tables from")
        found = sorted(
            path.relative_to(root).as_posix()
            for suffix in _SUFFIXES
            for path in root.rglob(f"*{suffix}")
        )
        if not found:
            raise TableError(
                f"{root} holds no tables",
                hint="its files have the names of those in signatures/, as in targets/wasip1.toml",
            )
        return cls(root, tuple(found))

    def has(self, name: str) -> bool:
        """Whether it holds the file."""
        return name in self.files

    def merged_rows(self, name: str, below: str, above: str, key: tuple[int, ...]) -> str:
        """The text of two CSV files as of one: what is overridden makes room, the rest follows.

        Blank lines stand where something is left out, so that line numbers stay.
        """
        lines, own = below.splitlines(), above.splitlines()
        try:
            rows = [next(csv.reader([line]), []) for line in own]
        except csv.Error as error:
            raise TableError(f"{self.root / name}: {error}") from None
        head = next((n for n, row in enumerate(rows) if row and row[0][:1] != "#"), None)
        if head is None:
            return below
        header = next((row for row in csv.reader(lines) if row and row[0][:1] != "#"), [])
        self.lines[name] = len(lines)
        if rows[head] != header:
            raise TableError(
                f"{self.root / name}, line {head + 1}: the header is not {','.join(header)}"
            )
        keys = {_key(row, key) for row in rows[head + 1 :]}
        kept = ["" if _key(next(csv.reader([line]), []), key) in keys else line for line in lines]
        return "\n".join([*kept, *([""] * (head + 1)), *own[head + 1 :]])

    def merged_tables(
        self, name: str, below: dict[str, object], above: dict[str, object], *, whole: bool
    ) -> dict[str, object]:
        """The content of two TOML files as of one."""
        self.keys[name] = frozenset(above)
        merged = {**below, **above}
        if not whole:
            return merged
        for key, value in above.items():
            under = below.get(key)
            if isinstance(value, dict) and isinstance(under, dict):
                merged[key] = {**under, **value}
                self.keys[name] |= {f"{key}.{row}" for row in value}
        return merged

    def blamed(self, file: str, where: str, reason: str) -> TableError:
        """The error for a wrong row, with the file that it stands in."""
        line = int(where.removeprefix("line ")) if where.startswith("line ") else None
        own = self.has(file) and self._holds(file, where, line)
        if not own:
            return TableError(
                f"signatures/{file}, {where}: {reason}",
                hint=f"it is what the rows of {self.root} lead to: correct or complete them there",
            )
        if line is not None:
            where = f"line {line - self.lines.get(file, 0)}"
        return TableError(
            f"{self.root / file}, {where}: {reason}",
            hint="correct the row; signatures/README.md tells what each file holds",
        )

    def _holds(self, file: str, where: str, line: int | None) -> bool:
        if line is not None:
            return line > self.lines.get(file, 0)
        if where[:1] != "[":
            return not where.startswith("support.") or where in self.keys.get(file, ())
        named = where.strip("[]")
        return any(named == key or named.startswith(f"{key}.") for key in self.keys.get(file, ()))


def _key(row: list[str], columns: tuple[int, ...]) -> tuple[str, ...]:
    """The columns that name a row; empty for a blank line or a remark."""
    if not row or row[0][:1] == "#":
        return ()
    return tuple(row[column] for column in columns if column < len(row))
