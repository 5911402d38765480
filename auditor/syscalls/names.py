"""Names that a program gives to the loader while it runs: of libraries, and of functions."""

from __future__ import annotations

from collections.abc import Collection

from auditor.formats.x86_64_values import FIRST_ARGUMENT, SECOND_ARGUMENT
from auditor.syscalls.numbers import solve
from auditor.syscalls.reach import Reach

__all__ = ["functions_asked_for", "libraries_asked_for"]

_ASKS = frozenset({"dlsym", "dlvsym"})


def libraries_asked_for(found: Reach) -> tuple[set[str], bool]:
    """Names of files, and whether there are others that are not known."""
    second, second_open = _texts(found, {"dlmopen"}, SECOND_ARGUMENT)
    first, first_open = _texts(found, {"dlopen"}, FIRST_ARGUMENT)
    return first | second, first_open or second_open


def functions_asked_for(found: Reach) -> set[str]:
    """Names of functions, as far as they are known."""
    return _texts(found, _ASKS, SECOND_ARGUMENT)[0]


def _texts(
    found: Reach, names: Collection[str], argument: tuple[str, int, int]
) -> tuple[set[str], bool]:
    texts: set[str] = set()
    unknown = False
    for owner, name in sorted(found.symbols):
        if name not in names:
            continue
        library = found.libraries[owner]
        starts = {
            library.function(symbol.address)
            for symbol in library.exports.get(name, ())
            if library.image.is_code(symbol.address)
        }
        for start in sorted(starts):
            values, more = solve(found, (owner, start), argument)
            unknown = unknown or more or (owner, start) in found.taken
            for address, at in values:
                text = found.libraries[at].image.text(address)
                if text.isascii() and text.decode("ascii").isprintable() and text:
                    texts.add(text.decode("ascii"))
                elif address:
                    unknown = True
    return texts, unknown
