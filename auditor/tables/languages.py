"""``languages.toml``: how far each language comes on each target, and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from msgspec import field

from auditor.model.terms import Support
from auditor.tables.checks import Shape, check_source, check_targets, check_words
from auditor.tables.files import Files, complain
from auditor.tables.rows import CapabilityRow, Source, SupportRow, TargetRow

__all__ = ["LanguageLevel", "LanguageRow", "LanguageSupport", "load_languages"]

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
    instead: Mapping[str, Mapping[str, SupportRow]]
    """Target → capability → what the language's builds offer there, where that is not what the
    target does."""


class _SupportShape(Shape, frozen=True):
    level: LanguageLevel
    source: str
    toolchain: str | None = None
    note: str = ""


class _InsteadShape(Shape, frozen=True):
    targets: tuple[str, ...]
    level: Support
    note: str
    source: str


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
    instead: dict[str, _InsteadShape] = field(default_factory=dict)


def load_languages(
    files: Files,
    sources: Mapping[str, Source],
    targets: Mapping[str, TargetRow],
    capabilities: Mapping[str, CapabilityRow],
) -> dict[str, LanguageRow]:
    """Id → language, in the order of the file. Raises ``TableError`` for a wrong row."""
    shapes = files.toml_tables(FILE, _LanguageShape)
    return {
        key: _language(key, shape, sources, targets, capabilities) for key, shape in shapes.items()
    }


def _language(
    key: str,
    shape: _LanguageShape,
    sources: Mapping[str, Source],
    targets: Mapping[str, TargetRow],
    capabilities: Mapping[str, CapabilityRow],
) -> LanguageRow:
    where = f"[{key}]"
    check_source(FILE, where, shape.source, sources)
    check_source(FILE, where, shape.recognised_source, sources)
    words = {"title": shape.title, "recognised": shape.recognised, "route": shape.route}
    check_words(FILE, where, words)
    check_targets(FILE, f"[{key}.targets]", shape.targets, targets)
    return LanguageRow(
        id=key,
        language=shape.language,
        recognised_source=shape.recognised_source,
        limits=shape.limits,
        unavailable=shape.unavailable,
        source=shape.source,
        targets={
            target: _support(f"[{key}.targets], {target}", shape.targets[target], sources)
            for target in targets
        },
        instead=_instead(key, shape.instead, sources, targets, capabilities),
        **words,
    )


def _instead(
    key: str,
    shapes: Mapping[str, _InsteadShape],
    sources: Mapping[str, Source],
    targets: Mapping[str, TargetRow],
    capabilities: Mapping[str, CapabilityRow],
) -> dict[str, dict[str, SupportRow]]:
    found: dict[str, dict[str, SupportRow]] = {}
    for capability, shape in shapes.items():
        where = f"[{key}.instead], {capability}"
        check_source(FILE, where, shape.source, sources)
        check_words(FILE, where, {"note": shape.note})
        if capability not in capabilities:
            raise complain(FILE, where, "no such capability")
        for target in shape.targets:
            if target not in targets:
                raise complain(FILE, where, f"no target {target!r}")
            found.setdefault(target, {})[capability] = SupportRow(
                level=shape.level,
                note=shape.note,
                flags=(),
                source=shape.source,
                as_of=sources[shape.source].as_of,
                file=FILE,
                key=f"{key}.instead.{capability}",
            )
    return found


def _support(where: str, shape: _SupportShape, sources: Mapping[str, Source]) -> LanguageSupport:
    check_source(FILE, where, shape.source, sources)
    if shape.level.builds and not shape.toolchain:
        raise complain(FILE, where, f"level {shape.level} without a toolchain")
    as_of = sources[shape.source].as_of
    return LanguageSupport(shape.level, shape.toolchain, shape.note, shape.source, as_of)
