"""The executables that measurements of system calls run over, unpacked in one tree."""

from __future__ import annotations

import hashlib
import shutil
import struct
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.debian import kept, tree, wheels
from bench.observed import TRUTH, Module, Observed
from fixtures.images.cache import digest_of
from fixtures.images.errors import FixtureError
from fixtures.images.shell import run

__all__ = ["Binaries", "Located", "read_list", "without_sections"]

LIST = Path(__file__).parent / "executables.txt"
MORE = ("haproxy", "musl", "nodejs", "postgresql-15")
"""Packages that are measured for their cost, and the loader of what is built here."""
_ELSEWHERE = ("pypi:", "docker", "every-call.c")
"""Packages of ``observed_calls.csv`` that are none of Debian's."""
_WHEELS: Mapping[str, Sequence[str]] = {
    "pypi-manylinux": ["manylinux_2_17_x86_64"],
    "pypi-musllinux": ["musllinux_1_2_x86_64"],
    "pypi": ["manylinux1_x86_64"],
}
_BUILDS = {
    "built:m-dyn-glibc": ("gcc",),
    "built:m-static-glibc": ("gcc", "-static"),
    "built:m-dyn-musl": ("musl-gcc",),
    "built:m-static-musl": ("musl-gcc", "-static"),
}
_SECTION_HEADERS = ((40, "<Q"), (60, "<HH"))
"""Where an ELF-64 header has ``e_shoff``, and ``e_shnum`` with ``e_shstrndx``."""


@dataclass(frozen=True, slots=True)
class Located:
    """An executable in the tree."""

    path: str
    """Inside the tree; empty where it could not be had."""
    note: str
    """Why it is not there, or how it differs from the one that was observed; else empty."""


class Binaries:
    """All packages in one tree; executables from elsewhere are put into its ``/opt``."""

    def __init__(
        self, observed: Sequence[Observed], modules: Sequence[Module], listed: Sequence[str]
    ) -> None:
        packages = dict.fromkeys((*listed, *MORE), "")
        versions = [(row.package, row.version) for row in observed]
        versions += [(row.package, row.version) for row in modules]
        packages |= {name: text for name, text in versions if not name.startswith(_ELSEWHERE)}
        self.tree = tree("calls", packages)
        self.root = self.tree.root

    def locate(self, wanted: Observed) -> Located:
        """Where the executable is, or another build of it."""
        try:
            source = self._source(wanted)
        except FixtureError as error:
            return Located("", str(error).splitlines()[0])
        if source is None or not source.is_file():
            return Located("", "not to be had")
        if source.is_relative_to(self.root):
            path = wanted.path
        else:
            name = f"{digest_of(str(source))}-{source.name}"
            path = self.put(f"/opt/{name}", source.read_bytes())
        if _sha256(source) == wanted.sha256:
            return Located(path, "")
        version = self.tree.versions.get(wanted.package, "another build")
        return Located(path, f"{version} instead of {wanted.version}")

    def put(self, path: str, data: bytes) -> str:
        """Add a file to the tree, and return its path there."""
        file = self.root / path.lstrip("/")
        if not file.exists() or file.read_bytes() != data:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
            file.chmod(0o755)
        return path

    def file(self, path: str) -> Path:
        """The file of the tree at a path inside it."""
        return self.root / path.lstrip("/")

    def unstripped(self, paths: Iterable[str]) -> Iterator[str]:
        """Those that have a symbol table to lose."""
        for path in paths:
            told = run(["readelf", "--section-headers", "--wide", self.file(path)])
            if " SYMTAB " in told:
                yield path

    def stripped(self, path: str) -> str:
        """A stripped copy beside the executable."""
        copy = self.file(f"{path}.stripped")
        if not copy.exists():
            run(["strip", "--strip-all", "-o", copy, self.file(path)])
        return f"{path}.stripped"

    def sectionless(self, path: str) -> str:
        """A copy without section headers, which a process does not need, beside the executable."""
        return self.put(f"{path}.sectionless", without_sections(self.file(path).read_bytes()))

    def _source(self, wanted: Observed) -> Path | None:
        if wanted.path in _BUILDS:
            return _built(wanted.path)
        kind, _, name = wanted.path.partition(":")
        if kind in _WHEELS:
            requirement = f"{wanted.package.removeprefix('pypi:')}=={wanted.version}"
            unpacked = wheels(requirement, _WHEELS[kind])
            found = [at for at in unpacked.rglob(Path(name).name) if at.is_file()]
            return max(found, key=lambda at: at.stat().st_size, default=None)
        if wanted.package == "docker":
            mine = Path(wanted.path)
            return mine if mine.is_file() and _sha256(mine) == wanted.sha256 else None
        return self.file(wanted.path)


def read_list(path: Path = LIST) -> list[tuple[str, str]]:
    """Package and path of each executable that sharpness is measured over."""
    lines = path.read_text().splitlines()
    rows = [line.split() for line in lines if line and not line.startswith("#")]
    return [(package, executable) for package, executable in rows]


def without_sections(data: bytes) -> bytes:
    """An ELF-64 file whose header tells of no section headers."""
    changed = bytearray(data)
    for offset, form in _SECTION_HEADERS:
        struct.pack_into(form, changed, offset, *(0 for _ in form[1:]))
    return bytes(changed)


def _built(name: str) -> Path:
    compiler, *options = _BUILDS[name]
    source = TRUTH / "every-call.c"

    def make(place: Path) -> None:
        if shutil.which(compiler) is None:
            raise FixtureError(f"{compiler} not found")
        run([compiler, "-w", "-pthread", *options, "-o", place / "every-call", source])

    key = digest_of(_sha256(source), compiler, options)
    return kept(name.replace(":", "-"), key, make) / "every-call"


@cache
def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
