"""``apis/``: what the names of each language's library, and of well-known packages, ask for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from auditor.model.terms import Need
from auditor.tables.checks import keyed_rows
from auditor.tables.files import Files, complain
from auditor.tables.rows import CapabilityRow, Source

__all__ = ["Api", "ApiUse", "Apis", "load_apis"]

DIRECTORY = "apis"
_COLUMNS = ("name", "use", "capability", "need", "note", "source")
_NEEDS = {need.value: need for need in Need}


class ApiUse(StrEnum):
    """Which use of a name it is that asks."""

    CALL = "call"
    """It is called, passed on, or a class is made or derived from."""
    IMPORT = "import"
    """The module is loaded: enough where a target's build of the runtime lacks it."""
    SERVE = "serve"
    """It is called, and the host takes its place: what lies behind it is not followed."""


@dataclass(frozen=True, slots=True, order=True)
class Api:
    """One name and one capability that its use asks for."""

    name: str
    """``subprocess.Popen``; with ``.*`` at its end for all names below."""
    use: ApiUse
    capability: str
    need: Need
    """The capability's own, unless the row overrides it."""
    note: str
    source: str
    file: str
    """File below ``signatures/``."""


@dataclass(frozen=True, slots=True)
class Apis:
    """The rows of one language."""

    rows: Mapping[str, tuple[Api, ...]]
    """Name as the file writes it → its rows."""

    def of(self, name: str, *, imported: bool = False) -> tuple[Api, ...]:
        """What a use of a name asks for: its own rows, else those of the nearest ``.*`` above.

        ``imported``: the module is loaded, rather than something of it used.
        """
        for candidate in _candidates(name):
            found = tuple(
                row
                for row in self.rows.get(candidate, ())
                if (row.use is ApiUse.IMPORT) == imported
            )
            if found:
                return found
        return ()


def _candidates(name: str) -> Iterator[str]:
    yield name
    head = name
    while head:
        yield f"{head}.*"
        head = head.rpartition(".")[0]


def load_apis(
    files: Files, sources: Mapping[str, Source], capabilities: Mapping[str, CapabilityRow]
) -> dict[str, Apis]:
    """Language → its rows. Raises ``TableError`` for a wrong row."""
    names = files.names(DIRECTORY, ".csv")
    return {
        name.removeprefix(f"{DIRECTORY}/").removesuffix(".csv"): _apis(
            files, name, sources, capabilities
        )
        for name in names
    }


def _apis(
    files: Files,
    file: str,
    sources: Mapping[str, Source],
    capabilities: Mapping[str, CapabilityRow],
) -> Apis:
    rows: dict[str, tuple[Api, ...]] = {}
    for where, row in keyed_rows(files, file, _COLUMNS, _COLUMNS[:3], sources):
        name, use, capability, need, note, source = row
        if use not in set(ApiUse):
            raise complain(file, where, f"use {use!r} is none of {', '.join(ApiUse)}")
        if capability not in capabilities:
            raise complain(file, where, f"capability {capability!r} is not in capabilities.toml")
        if need and need not in _NEEDS:
            raise complain(file, where, f"need {need!r} is none of {', '.join(_NEEDS)}")
        own = _NEEDS[need] if need else capabilities[capability].need
        api = Api(name, ApiUse(use), capability, own, note, source, file)
        rows[name] = (*rows.get(name, ()), api)
    return Apis(rows)
