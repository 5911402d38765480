"""The names of Go's symbols: which package each is of, and whose that package is."""

from __future__ import annotations

import re
from dataclasses import dataclass

from auditor.model.go import GoBuildInfo

__all__ = ["Packages", "package_of", "plain"]

_STANDARD = frozenset(
    """
    archive bufio bytes cmp compress container context crypto database debug embed encoding errors
    expvar flag fmt go hash html image index internal io iter log maps math mime net os path plugin
    reflect regexp runtime slices sort strconv strings structs sync syscall testing text time
    type: unicode unique unsafe vendor weak
    """.split()  # noqa: SIM905 - a list of words
)
"""First elements of the import paths of Go's own library, up to Go 1.27, and of what the linker
makes itself."""
_ARGUMENTS = re.compile(r"\[.*\]")
_ESCAPE = re.compile(r"%([0-9a-f]{2})")


@dataclass(frozen=True, slots=True)
class Packages:
    """Whose the packages of one program are, by its build information."""

    main: str
    """Path of the module that the program is of; empty where that is not known."""
    modules: frozenset[str]

    @classmethod
    def of(cls, build: GoBuildInfo | None) -> Packages:
        """Those of a program; of one that does not tell, ``main`` alone is its own."""
        if build is None:
            return cls("", frozenset())
        return cls(build.main or build.path, frozenset(name for name, _ in build.modules))

    def own(self, package: str) -> bool:
        """Whether a package is of the program's own module."""
        if package == "main":
            return True
        return bool(self.main) and f"{package}/".startswith(f"{self.main}/")

    def standard(self, package: str) -> bool:
        """Whether it comes with Go."""
        if self.own(package):
            return False
        head = package.partition("/")[0]
        return head in _STANDARD and not any(
            f"{package}/".startswith(f"{module}/") for module in self.modules
        )


def package_of(symbol: str) -> str:
    """The import path in a symbol: ``net/http`` of ``net/http.(*Server).Serve``.

    Dots in the last element are escaped there (``gopkg.in/yaml%2ev3.Unmarshal``).
    """
    path = symbol.partition("[")[0]
    if path.startswith(("type:", "go:")):
        return "type:"
    before, slash, last = path.rpartition("/")
    package = f"{before}{slash}{last.partition('.')[0]}"
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), package)


def plain(symbol: str) -> str:
    """A symbol as the tables write it: without type arguments, nor escapes."""
    bare = _ARGUMENTS.sub("", symbol)
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), bare)
