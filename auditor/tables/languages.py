"""``languages.toml``: how far each language comes on each target, and how.

The file is parsed at the first look-up: most reports ask for none, or for one or two languages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from auditor.tables.checks import Shape, check_source, check_targets, check_words
from auditor.tables.files import Files, complain
from auditor.tables.rows import Source, TargetRow

__all__ = ["LanguageLevel", "LanguageRow", "LanguageSupport", "Languages", "load_languages"]

FILE = "languages.toml"


class LanguageLevel(StrEnum):
    """Who keeps a language's toolchain for a target, and how far it is."""

    SUPPORTED = "supported"
    """By the language's own project."""
    EXPERIMENTAL = "experimental"
    FORK = "fork"
    """By a fork of the toolchain or of the C library."""
    COMMUNITY = "community"
    """By someone other than the language's own project."""
    UNSUPPORTED = "unsupported"
    UNKNOWN = "unknown"
    """Nobody checked."""

    @property
    def builds(self) -> bool:
        """Whether there is something to build with."""
        return self not in {LanguageLevel.UNSUPPORTED, LanguageLevel.UNKNOWN}


@dataclass(frozen=True, slots=True)
class LanguageSupport:
    """A language on one target."""

    level: LanguageLevel
    toolchain: str | None
    """What builds for the target; never ``None`` where ``level.builds``."""
    note: str
    """Starts with "derived" where the row was worked out and not read."""
    source: str
    as_of: str


@dataclass(frozen=True, slots=True)
class LanguageRow:
    """A language and its runtime."""

    id: str
    """The same as in ``runtimes.toml`` where the runtime stands there."""
    title: str
    language: str
    recognised: str
    """How it shows in an image, in words."""
    recognised_source: str
    limits: tuple[str, ...]
    unavailable: tuple[str, ...]
    """What a program loses on the way."""
    route: str
    """The recommended way, as an instruction."""
    source: str
    targets: Mapping[str, LanguageSupport]
    """Every target is there, in the order in which reports show them."""


class _SupportShape(Shape, frozen=True):
    level: LanguageLevel
    source: str
    toolchain: str | None = None
    note: str = ""


class _LanguageShape(Shape, frozen=True):
    title: str
    language: str
    recognised: str
    recognised_source: str
    limits: tuple[str, ...]
    unavailable: tuple[str, ...]
    route: str
    source: str
    targets: dict[str, _SupportShape]


class Languages(Mapping[str, LanguageRow]):
    """Id → language, in the order of the file. Raises ``TableError`` at the first look-up."""

    def __init__(
        self, files: Files, sources: Mapping[str, Source], targets: Mapping[str, TargetRow]
    ) -> None:
        self._files = files
        self._sources = sources
        self._targets = targets

    @cached_property
    def _rows(self) -> dict[str, LanguageRow]:
        shapes = self._files.toml_tables(FILE, _LanguageShape)
        return {key: self._row(key, shape) for key, shape in shapes.items()}

    def _row(self, key: str, shape: _LanguageShape) -> LanguageRow:
        where = f"[{key}]"
        check_source(FILE, where, shape.source, self._sources)
        check_source(FILE, where, shape.recognised_source, self._sources)
        words = {"title": shape.title, "recognised": shape.recognised, "route": shape.route}
        check_words(FILE, where, words)
        check_targets(FILE, f"[{key}.targets]", shape.targets, self._targets)
        support = {
            target: self._support(key, target, shape.targets[target]) for target in self._targets
        }
        return LanguageRow(
            id=key,
            title=shape.title,
            language=shape.language,
            recognised=shape.recognised,
            recognised_source=shape.recognised_source,
            limits=shape.limits,
            unavailable=shape.unavailable,
            route=shape.route,
            source=shape.source,
            targets=support,
        )

    def _support(self, key: str, target: str, shape: _SupportShape) -> LanguageSupport:
        where = f"[{key}.targets], {target}"
        check_source(FILE, where, shape.source, self._sources)
        if shape.level.builds and not shape.toolchain:
            raise complain(FILE, where, f"level {shape.level} without a toolchain")
        as_of = self._sources[shape.source].as_of
        return LanguageSupport(shape.level, shape.toolchain, shape.note, shape.source, as_of)

    def __getitem__(self, key: str) -> LanguageRow:
        return self._rows[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def validate(self) -> None:
        """Parse and check everything now. Raises ``TableError``."""
        _ = self._rows


def load_languages(
    files: Files, sources: Mapping[str, Source], targets: Mapping[str, TargetRow]
) -> Languages:
    """Take note of ``languages.toml``, for the digest too; it is parsed when it is asked for.

    Raises ``TableError`` where the file cannot be read.
    """
    files.read(FILE)
    return Languages(files, sources, targets)
