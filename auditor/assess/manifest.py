"""The capability manifest: the least that a migrated component would import, and be granted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from auditor.model.assessment import Manifest
from auditor.model.terms import Support
from auditor.tables.rows import Tables, TargetRow

__all__ = ["manifest_of"]

SERVED = frozenset({"net.http.serve"})
LISTEN = "net.tcp.listen"
HTTP = "wasi-http"
_WORD = re.compile(r"[a-z][a-z0-9]*")


def manifest_of(
    asked: Mapping[str, Support], main: Iterable[str], target: TargetRow, tables: Tables
) -> Manifest | None:
    """What the work asks for and a target meets, as interfaces; ``None`` without components.

    ``asked``: capability → the best that the target offers for what asks for it. ``main``: paths
    of what is left running. What the target lacks wholly is not imported: the component has to do
    without, or the route says what takes its place. Who answers requests through an interface, or
    moves to the HTTP world, exports its handler; else it is a command.
    """
    interfaces = tables.interfaces
    version = interfaces.versions.get(target.id)
    if version is None:
        return None
    met = {capability for capability, level in asked.items() if not level.absent}
    served = bool(asked.keys() & SERVED) or target.id == HTTP
    imports: dict[str, set[str]] = {}
    grants: list[str] = []
    for row in interfaces.rows:
        here = row.capabilities & met
        names = interfaces.of(row, target.id) if here else ()
        for name in names:
            imports.setdefault(name, set()).update(here)
        if names and row.grant:
            grants.append(row.grant)
    handler = "handler" if version.startswith("0.3") else "incoming-handler"
    exported = f"wasi:http/{handler}@{version}" if served else f"wasi:cli/run@{version}"
    without = asked.keys() - met - (SERVED | {LISTEN} if served else frozenset())
    return Manifest(
        target=target.id,
        wasi=version,
        world=_world(main),
        imports=tuple((name, tuple(sorted(imports[name]))) for name in sorted(imports)),
        exports=(exported,),
        grants=tuple(grants),
        without=tuple(sorted(without)),
    )


def _world(main: Iterable[str]) -> str:
    """A WIT identifier of the program's name: words of letters and digits, joined by hyphens."""
    name = next((PurePosixPath(path).stem.lower() for path in main), "")
    return "-".join(_WORD.findall(name)[:4])[:60] or "program"
