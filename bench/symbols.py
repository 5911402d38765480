"""How well missing functions are told: ``python bench/symbols.py [--json]``.

``auditor inspect`` looks at real binaries of Debian 12 whose sources were recompiled for
wasm32-wasip1 (``fixtures/truth/port_imports.csv``), and its ``missing[]`` for wasip1 is held
against what those ports lacked:

- ``needed``: functions that a port needed and wasi-libc lacks; how many are in ``missing[]``
- ``missing``: functions in ``missing[]`` that the port used; how many wasi-libc really lacks
- ``flags``: functions that are there with extra flags; how many are in ``flags[]``
- ``stubbed``: functions that link and always fail; how many are in ``stubbed[]``

Names are those of the C source (``sprintf`` for ``__sprintf_chk``), once for each program.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from auditor.inspecting import inspect
from auditor.tables import load

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.debian import Tree, tree

TARGET = "wasip1"
TRUTH = Path(__file__).parents[1] / "fixtures/truth/port_imports.csv"
FAILING = frozenset(
    ["chmod", "dlopen", "dlsym", "dup2", "fchmod", "fchmodat", "pipe", "pthread_create", "sem_open"]
)
"""Functions that link and do nothing but fail, as read in wasi-libc@476bd3c."""


@dataclass(frozen=True, slots=True)
class Port:
    """What recompiling a program showed; sets of names in the words of the C source."""

    program: str
    version: str
    paths: tuple[str, ...]
    needed: frozenset[str]
    flags: frozenset[str]
    defined: frozenset[str]
    unused: frozenset[str]
    absent: frozenset[str]


@dataclass(frozen=True, slots=True)
class Told:
    """What ``auditor inspect`` says of the program's files together."""

    missing: frozenset[str]
    stubbed: frozenset[str]
    flags: frozenset[str]
    imported: frozenset[str]


@dataclass(frozen=True, slots=True)
class Score:
    """One program: for each part how many there are, and which of them were told wrongly."""

    program: str
    version: str
    needed: int
    not_told: list[str]
    missing: int
    not_lacking: list[str]
    flags: int
    not_in_flags: list[str]
    stubbed: int
    not_in_stubbed: list[str]
    absent: list[str]
    """Needed by the port, but not imported by Debian's binary, so that nothing can tell."""
    not_measured: list[str]
    """In ``missing[]``, and unknown to the measurement of the port."""


def read_ports(canonical: Callable[[str], str]) -> tuple[list[Port], dict[str, str]]:
    """The ports whose binary is in a package, and the packages with their versions."""
    ports: list[Port] = []
    packages: dict[str, str] = {}
    with TRUTH.open() as stream:
        for row in csv.DictReader(line for line in stream if not line.startswith("#")):
            if not row["paths"]:
                continue
            packages |= dict.fromkeys(row["packages"].split(), row["version"])
            columns = (row[name] for name in ("lacking", "flags", "defined", "unused", "absent"))
            sets = (frozenset(map(canonical, column.split())) for column in columns)
            ports.append(Port(row["program"], row["version"], tuple(row["paths"].split()), *sets))
    return ports, packages


def ask(found: Tree, paths: Sequence[str]) -> Told:
    """Inspect a program's files."""
    missing: set[str] = set()
    stubbed: set[str] = set()
    flags: set[str] = set()
    imported: set[str] = set()
    for path in paths:
        document = inspect(f"dir:{found.root}", path)
        (target,) = (target for target in document.targets if target.id == TARGET)
        missing.update(target.missing)
        stubbed.update(target.stubbed)
        flags.update(target.flags)
        imported.update(document.imports.libc)
    return Told(frozenset(missing), frozenset(stubbed), frozenset(flags), frozenset(imported))


def score(port: Port, told: Told, version: str = "") -> Score:
    """Hold the one against the other. What the port did not use is neither right nor wrong."""
    known = port.needed | port.flags | port.defined | port.unused
    missing = (told.missing & known) - (port.unused - port.needed)
    failing = told.imported & FAILING
    return Score(
        program=port.program,
        version=version or port.version,
        needed=len(port.needed),
        not_told=sorted(port.needed - told.missing),
        missing=len(missing),
        not_lacking=sorted(missing - port.needed),
        flags=len(port.flags),
        not_in_flags=sorted(port.flags - told.flags),
        stubbed=len(failing),
        not_in_stubbed=sorted(failing - told.stubbed),
        absent=sorted(port.absent),
        not_measured=sorted(told.missing - known),
    )


def share(scores: Iterable[Score], whole: str, wrong: str) -> float:
    """The part of all programs' functions that was told rightly; 1 where there are none."""
    rows = list(scores)
    total: int = sum(getattr(row, whole) for row in rows)
    lost: int = sum(len(getattr(row, wrong)) for row in rows)
    return 1 - lost / total if total else 1.0


PARTS = {
    "needed": "not_told",
    "missing": "not_lacking",
    "flags": "not_in_flags",
    "stubbed": "not_in_stubbed",
}


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description="Measure how well missing functions are told.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()
    ports, packages = read_ports(load().canonical)
    found = tree("ports", packages)
    versions = {port.program: found.versions[_package(port.program, packages)] for port in ports}
    rows = [score(port, ask(found, port.paths), versions[port.program]) for port in ports]
    shares = {part: share(rows, part, wrong) for part, wrong in PARTS.items()}
    if given.json:
        document = {"target": TARGET, "shares": shares, "programs": [asdict(row) for row in rows]}
        print(json.dumps(document, indent=2))
        return
    _show(rows, shares)


def _package(program: str, packages: dict[str, str]) -> str:
    """The package that a program's version is that of."""
    return next(name for name in packages if name.startswith(program))


def _show(rows: Sequence[Score], shares: dict[str, float]) -> None:
    print(f"{'program':12}{'version':24}" + "".join(f"{part:>10}" for part in PARTS))
    for row in rows:
        counts = [
            f"{getattr(row, part) - len(getattr(row, wrong))}/{getattr(row, part)}"
            for part, wrong in PARTS.items()
        ]
        print(f"{row.program:12}{row.version:24}" + "".join(f"{count:>10}" for count in counts))
    print(f"{'all':36}" + "".join(f"{share:>10.1%}" for share in shares.values()))
    for row in rows:
        for wrong in (*PARTS.values(), "absent", "not_measured"):
            if names := getattr(row, wrong):
                print(f"{row.program}: {wrong.replace('_', ' ')}: {', '.join(names)}")


if __name__ == "__main__":
    main()
