"""Reading the files of ``signatures/``: every complaint names the file, and the line or key."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import msgspec
import tomli

from auditor.errors import TableError
from auditor.tables.overlay import Overlay

__all__ = ["Files", "RowError", "complain", "split_cells"]

T = TypeVar("T")


_ABOVE = "overlay: "
"""Before the name of a file of the overlay, to tell it from the shipped one in the digest."""
_HINT = "correct the row; signatures/README.md tells what each file holds"


class RowError(TableError):
    """A wrong row of ``file``, and where in it."""

    def __init__(self, file: str, where: str, reason: str) -> None:
        super().__init__(f"signatures/{file}, {where}: {reason}", hint=_HINT)
        self.file = file
        self.where = where
        self.reason = reason


def complain(file: str, where: str, reason: str) -> RowError:
    """The error for a wrong row."""
    return RowError(file, where, reason)


def split_cells(rest: str, width: int) -> list[str]:
    """The cells behind a row's key. Raises ``ValueError`` where they are not ``width``."""
    try:
        cells = next(csv.reader([rest], strict=True), []) if '"' in rest else rest.split(",")
    except csv.Error as error:
        raise ValueError(str(error)) from None
    if len(cells) != width:
        raise ValueError(f"{len(cells) + 1} columns, not {width + 1}")
    return cells


@dataclass(frozen=True, slots=True)
class Files:
    """A ``signatures`` directory, and one over it. Each file is read once, and kept."""

    root: Path
    overlay: Overlay | None = None
    contents: dict[str, bytes] = field(default_factory=dict)
    """Name → what was read, with a mark before the names of the overlay's files."""

    def gather(self, names: Iterable[str]) -> None:
        """Read files ahead, so that ``digest`` covers them. Raises ``RowError``."""
        for name in names:
            above = self.overlay is not None and self.overlay.has(name)
            if self.overlay is not None and above:
                self._data(name, self.overlay.root)
            if not above or (self.root / name).exists():
                self._data(name, self.root)

    def read(self, name: str, key: tuple[int, ...] = (0,)) -> str:
        """A file's text. ``key`` tells which columns of a CSV file name a row of the overlay."""
        over = self.overlay
        if over is None or not over.has(name):
            return self._text(name, self.root)
        above = self._text(name, over.root)
        if not (self.root / name).exists():
            return above
        below = self._text(name, self.root)
        return over.merged_rows(name, below, above, key) if name.endswith(".csv") else below

    def _text(self, name: str, root: Path) -> str:
        try:
            return self._data(name, root).decode("utf-8")
        except UnicodeDecodeError:
            raise complain(name, "the whole file", "is not UTF-8") from None

    def _data(self, name: str, root: Path) -> bytes:
        kept = name if root == self.root else f"{_ABOVE}{name}"
        if kept not in self.contents:
            try:
                self.contents[kept] = (root / name).read_bytes()
            except OSError as error:
                reason = error.strerror or "unreadable"
                raise complain(name, "the whole file", f"cannot be read: {reason}") from None
        return self.contents[kept]

    def has_read(self, name: str) -> bool:
        """Whether a file of the overlay was read."""
        return f"{_ABOVE}{name}" in self.contents

    def names(self, directory: str, suffix: str) -> tuple[str, ...]:
        """Files of a directory, sorted."""
        roots = [self.root] if self.overlay is None else [self.root, self.overlay.root]
        found = {path.name for root in roots for path in (root / directory).glob(f"*{suffix}")}
        return tuple(f"{directory}/{name}" for name in sorted(found))

    def _document(self, name: str, *, whole: bool) -> dict[str, object]:
        """A TOML file's content; ``whole`` where it is one value, not a table for each key."""
        try:
            document: dict[str, object] = tomli.loads(self.read(name))
            if self.overlay is not None and self.overlay.has(name):
                above = tomli.loads(self._text(name, self.overlay.root))
                document = self.overlay.merged_tables(name, document, above, whole=whole)
        except tomli.TOMLDecodeError as error:
            raise complain(name, "TOML", str(error)) from None
        return document

    def toml(self, name: str, shape: type[T]) -> T:
        """A whole TOML file as one shape."""
        return _converted(name, "its top level", self._document(name, whole=True), shape)

    def toml_tables(self, name: str, shape: type[T]) -> dict[str, T]:
        """A TOML file whose every table has the same shape."""
        document = self._document(name, whole=False)
        return {key: _converted(name, f"[{key}]", value, shape) for key, value in document.items()}

    def rows(self, name: str, columns: tuple[str, ...]) -> Iterator[tuple[int, list[str]]]:
        """Rows of a CSV file with their line numbers; lines that start with ``#`` are left out.

        The first column is the key: given twice, it is refused.
        """
        reader = csv.reader(self.read(name).splitlines())
        seen: set[str] = set()
        width = len(columns)
        header = None
        try:
            for row in reader:
                if not row or row[0][:1] == "#":
                    continue
                if header is None:
                    header = tuple(row)
                    if header != columns:
                        break
                    continue
                if len(row) != width:
                    reason = f"{len(row)} columns, not {width}"
                    raise complain(name, f"line {reader.line_num}", reason)
                if row[0] in seen:
                    raise complain(name, f"line {reader.line_num}", f"{row[0]} stands there twice")
                seen.add(row[0])
                yield reader.line_num, row
        except csv.Error as error:
            raise complain(name, f"line {reader.line_num}", str(error)) from None
        if header != columns:
            reason = f"the header is not {','.join(columns)}"
            raise complain(name, f"line {reader.line_num}", reason)

    def keyed_lines(self, name: str, columns: tuple[str, ...]) -> dict[str, str]:
        """As ``rows``, for long files: key → the rest of the line as it stands.

        The reader of the rest checks it; where it repeats, once is enough. Keys are plain words.
        """
        lines = self.read(name).splitlines()
        wanted = ",".join(columns)
        head = next((n for n, line in enumerate(lines) if line and line[0] != "#"), len(lines))
        if head == len(lines) or lines[head] != wanted:
            raise complain(name, f"line {min(head + 1, len(lines))}", f"the header is not {wanted}")
        body = [line.partition(",") for line in lines[head + 1 :] if line and line[0] != "#"]
        found = {key: rest for key, _, rest in body}
        if len(found) < len(body):
            keys = [key for key, _, _ in body]
            twice = next(key for n, key in enumerate(keys) if key in keys[:n])
            where = self.line_of(name, twice, last=True)
            raise complain(name, where, f"{twice} stands there twice")
        return found

    def line_of(self, name: str, key: str, *, last: bool = False) -> str:
        """Where the row of a key stands, for a complaint."""
        lines = self.read(name).splitlines()
        found = [n for n, line in enumerate(lines, 1) if line.partition(",")[0] == key]
        return f"line {found[-1 if last else 0]}" if found else f"row {key}"

    def digest(self) -> str:
        """SHA-256 over names and contents of what was read, in order of their names."""
        hasher = hashlib.sha256()
        for name in sorted(self.contents):
            hasher.update(f"{name}\0{len(self.contents[name])}\0".encode())
            hasher.update(self.contents[name])
        return f"sha256:{hasher.hexdigest()}"


def _converted(name: str, where: str, value: object, shape: type[T]) -> T:
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        raise complain(name, where, str(error)) from None
