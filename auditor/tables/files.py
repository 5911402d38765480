"""Reading the files of ``signatures/``: every complaint names the file, and the line or key."""

from __future__ import annotations

import csv
import hashlib
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import msgspec

from auditor.errors import TableError

__all__ = ["Files", "complain"]

T = TypeVar("T")


def complain(file: str, where: str, reason: str) -> TableError:
    """The error for a wrong row."""
    return TableError(
        f"signatures/{file}, {where}: {reason}",
        hint="correct the row; signatures/README.md tells what each file holds",
    )


@dataclass(frozen=True, slots=True)
class Files:
    """A ``signatures`` directory. Keeps a digest of all that was read."""

    root: Path
    contents: dict[str, bytes] = field(default_factory=dict)

    def read(self, name: str) -> str:
        """A file's text."""
        try:
            data = (self.root / name).read_bytes()
            text = data.decode("utf-8")
        except OSError as error:
            reason = error.strerror or "unreadable"
            raise complain(name, "the whole file", f"cannot be read: {reason}") from None
        except UnicodeDecodeError:
            raise complain(name, "the whole file", "is not UTF-8") from None
        self.contents[name] = data
        return text

    def names(self, directory: str, suffix: str) -> tuple[str, ...]:
        """Files of a directory, sorted."""
        return tuple(
            f"{directory}/{path.name}"
            for path in sorted((self.root / directory).glob(f"*{suffix}"))
        )

    def toml(self, name: str, shape: type[T]) -> T:
        """A whole TOML file as one shape."""
        try:
            document = tomllib.loads(self.read(name))
        except tomllib.TOMLDecodeError as error:
            raise complain(name, "TOML", str(error)) from None
        return _converted(name, "its top level", document, shape)

    def toml_tables(self, name: str, shape: type[T]) -> dict[str, T]:
        """A TOML file whose every table has the same shape."""
        try:
            document = tomllib.loads(self.read(name))
        except tomllib.TOMLDecodeError as error:
            raise complain(name, "TOML", str(error)) from None
        return {key: _converted(name, f"[{key}]", value, shape) for key, value in document.items()}

    def rows(self, name: str, columns: tuple[str, ...]) -> Iterator[tuple[int, list[str]]]:
        """Rows of a CSV file with their line numbers; lines that start with ``#`` are left out.

        The first column is the key: given twice, it is refused.
        """
        reader = csv.reader(self.read(name).splitlines())
        header: list[str] | None = None
        seen: set[str] = set()
        width = len(columns)
        for row in reader:
            if not row or row[0].startswith("#"):
                continue
            if header is None:
                header = row
                if tuple(row) != columns:
                    wanted = ",".join(columns)
                    raise complain(name, f"line {reader.line_num}", f"the header is not {wanted}")
                continue
            if len(row) != width:
                raise complain(name, f"line {reader.line_num}", f"{len(row)} columns, not {width}")
            if row[0] in seen:
                raise complain(name, f"line {reader.line_num}", f"{row[0]} stands there twice")
            seen.add(row[0])
            yield reader.line_num, row

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
