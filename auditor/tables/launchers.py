"""``launchers/``: programs in a language that start somebody else's application."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from auditor.tables.checks import Shape, check_source
from auditor.tables.files import Files, complain
from auditor.tables.rows import CapabilityRow, Source

__all__ = ["LauncherRow", "load_launchers"]

DIRECTORY = "launchers"


@dataclass(frozen=True, slots=True)
class LauncherRow:
    """A launcher: how it is known, and where its command line names the application."""

    id: str
    title: str
    modules: tuple[str, ...]
    """Names whose loading by the started script shows that it is this launcher."""
    operand: bool
    """Whether its first operand names the application (``gunicorn shop.wsgi:app``)."""
    options: tuple[str, ...]
    """Options whose value names it (``celery -A shop``)."""
    value_options: tuple[str, ...]
    """Other options that take the next word as their value."""
    serves: str | None
    """Capability that the host takes over from it, so that the launcher itself falls away."""
    asks: tuple[str, ...]
    """Capabilities that it needs by its design all the same."""
    note: str
    source: str


class _LauncherShape(Shape, frozen=True):
    title: str
    source: str
    modules: tuple[str, ...] = ()
    operand: bool = False
    options: tuple[str, ...] = ()
    value_options: tuple[str, ...] = ()
    serves: str | None = None
    asks: tuple[str, ...] = ()
    note: str = ""


def load_launchers(
    files: Files, sources: Mapping[str, Source], capabilities: Mapping[str, CapabilityRow]
) -> dict[str, dict[str, LauncherRow]]:
    """Language → id → launcher. Raises ``TableError`` for a wrong row."""
    found: dict[str, dict[str, LauncherRow]] = {}
    for file in files.names(DIRECTORY, ".toml"):
        language = file.removeprefix(f"{DIRECTORY}/").removesuffix(".toml")
        shapes = files.toml_tables(file, _LauncherShape)
        found[language] = {
            key: _launcher(file, key, shape, sources, capabilities) for key, shape in shapes.items()
        }
    return found


def _launcher(
    file: str,
    key: str,
    shape: _LauncherShape,
    sources: Mapping[str, Source],
    capabilities: Mapping[str, CapabilityRow],
) -> LauncherRow:
    where = f"[{key}]"
    check_source(file, where, shape.source, sources)
    for name in (*shape.asks, *((shape.serves,) if shape.serves else ())):
        if name not in capabilities:
            raise complain(file, where, f"capability {name!r} is not in capabilities.toml")
    if not shape.title.strip():
        raise complain(file, where, "title is empty")
    return LauncherRow(
        id=key,
        title=shape.title,
        modules=shape.modules,
        operand=shape.operand,
        options=shape.options,
        value_options=shape.value_options,
        serves=shape.serves,
        asks=shape.asks,
        note=shape.note,
        source=shape.source,
    )
