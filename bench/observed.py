"""What programs were seen to call, and how a found set of calls is held against it. Pure.

The data is ``fixtures/truth``; its README says how it was made.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["CLASSES", "Module", "Observed", "Recall", "fold", "read_modules", "read_observed"]

TRUTH = Path(__file__).parents[1] / "fixtures/truth"

CLASSES = ("dynamic glibc", "static glibc", "musl", "Go", "Rust")
"""What bounds are set for. A Rust program is of the class of its linkage as well."""
_CLASS = {
    "dynamic-glibc": "dynamic glibc",
    "static-glibc": "static glibc",
    "static-pie-glibc": "static glibc",
    "dynamic-musl": "musl",
    "static-musl": "musl",
    "static-pie-musl": "musl",
    "go": "Go",
}
_RUST = frozenset({"fd-find", "pypi:ruff"})
"""Packages whose executables are written in Rust."""

_EQUIVALENT = (
    "open openat openat2 creat",
    "stat lstat newfstatat fstat statx",
    "access faccessat faccessat2",
    "mkdir mkdirat",
    "mknod mknodat",
    "unlink rmdir unlinkat",
    "rename renameat renameat2",
    "link linkat",
    "symlink symlinkat",
    "readlink readlinkat",
    "chmod fchmodat fchmodat2",
    "chown lchown fchownat",
    "utime utimes futimesat utimensat",
    "getdents getdents64",
    "pipe pipe2",
    "dup2 dup3",
    "select pselect6",
    "poll ppoll",
    "epoll_create epoll_create1",
    "epoll_wait epoll_pwait epoll_pwait2",
    "eventfd eventfd2",
    "signalfd signalfd4",
    "inotify_init inotify_init1",
    "accept accept4",
    "preadv preadv2",
    "pwritev pwritev2",
    "nanosleep clock_nanosleep",
    "time gettimeofday clock_gettime",
    "fork vfork clone clone3",
    "getrlimit setrlimit prlimit64",
    "execve execveat",
    "tkill tgkill",
)
"""Calls by which the kernel does the same, told apart by their arguments alone. The first one names
them all."""
_FOLDED = {name: line.split()[0] for line in _EQUIVALENT for name in line.split()}


@dataclass(frozen=True, slots=True)
class Observed:
    """One executable, and what it called while it ran."""

    path: str
    """Inside a Debian 12; ``pypi-…:`` and ``built:…`` name executables from elsewhere."""
    package: str
    version: str
    sha256: str
    linkage: str
    calls: tuple[str, ...]
    """Those that code of the process makes; the vdso's and the kernel's own are left out."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Those of ``CLASSES`` that it belongs to."""
        return (_CLASS[self.linkage], *(("Rust",) if self.package in _RUST else ()))


@dataclass(frozen=True, slots=True)
class Module:
    """A library that an executable mapped while it ran."""

    path: str
    module: str
    package: str
    version: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Recall:
    """How many of the observed calls were found; ``exact`` counts without folding."""

    observed: int
    found: int
    exact_observed: int
    exact_found: int
    missed: tuple[str, ...]
    """Observed calls of which no equivalent was found."""

    @classmethod
    def of(cls, observed: Iterable[str], found: Iterable[str]) -> Recall:
        """Hold one executable's found calls against the observed ones."""
        seen, known = frozenset(observed), frozenset(found)
        folded, folded_known = frozenset(map(fold, seen)), frozenset(map(fold, known))
        return cls(
            observed=len(folded),
            found=len(folded & folded_known),
            exact_observed=len(seen),
            exact_found=len(seen & known),
            missed=tuple(sorted(name for name in seen if fold(name) not in folded_known)),
        )

    @classmethod
    def total(cls, parts: Sequence[Recall]) -> Recall:
        """All executables together: each call of each counts once."""
        return cls(
            observed=sum(part.observed for part in parts),
            found=sum(part.found for part in parts),
            exact_observed=sum(part.exact_observed for part in parts),
            exact_found=sum(part.exact_found for part in parts),
            missed=tuple(sorted({name for part in parts for name in part.missed})),
        )

    @property
    def share(self) -> float:
        """1 where nothing was observed."""
        return self.found / self.observed if self.observed else 1.0

    @property
    def exact_share(self) -> float:
        """The same, without folding."""
        return self.exact_found / self.exact_observed if self.exact_observed else 1.0


def fold(call: str) -> str:
    """The name that stands for a call and all that are equivalent to it."""
    return _FOLDED.get(call, call)


def read_observed(path: Path = TRUTH / "observed_calls.csv") -> list[Observed]:
    """All executables, by path."""
    return [
        Observed(
            row["path"],
            row["package"],
            row["version"],
            row["sha256"],
            row["linkage"],
            tuple(row["calls"].split()),
        )
        for row in _rows(path)
    ]


def read_modules(path: Path = TRUTH / "observed_modules.csv") -> list[Module]:
    """All modules, by executable and path."""
    return [Module(**row) for row in _rows(path)]


def _rows(path: Path) -> Iterator[Mapping[str, str]]:
    with path.open() as stream:
        yield from csv.DictReader(line for line in stream if not line.startswith("#"))
