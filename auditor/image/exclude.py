r"""Paths that the user leaves out (``--exclude GLOB``): a root file system without them.

The globs are those of ``.gitignore`` (gitignore(5), "PATTERN FORMAT"), without negation:

- ``*`` and ``?`` stand for characters of one name, ``[a-z]`` and ``[!a-z]`` for one of a set, and
  ``\`` takes the next character as it is; none of them crosses a ``/``.
- ``**`` crosses ``/``.
- A glob without ``/`` means every name, at any depth. Another one starts at the root.
- A ``/`` at the end means directories only.
- A directory that matches takes all that is below it along.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from auditor.errors import PathInImageError, UsageError
from auditor.image.paths import MAX_LINKS, find
from auditor.image.rootfs import RootFS
from auditor.model.image import Entry, EntryKind
from auditor.model.inventory import Unknown

__all__ = ["Excluded", "ExcludingRootFS", "compile_globs", "excluding"]

_LONGEST = 4096
_CROSSING = 4
"""``**`` inside a name that one glob may have: each doubles what has to be looked for."""


@dataclass(frozen=True, slots=True)
class Excluded:
    """What one glob left out."""

    glob: str
    files: int
    """Everything but directories. What two globs match counts for both."""


def excluding(rootfs: RootFS, globs: Sequence[str], *, links: int = MAX_LINKS) -> ExcludingRootFS:
    """``rootfs`` without the paths that ``globs`` match; raises ``UsageError`` for a bad glob.

    At most ``links`` symbolic links are followed for one path.
    """
    return ExcludingRootFS(rootfs, globs, links)


def compile_globs(globs: Sequence[str]) -> re.Pattern[str]:
    """One expression that matches whatever a glob leaves out; directories end in ``/``.

    A part that has matched is never tried at another place (atomic groups), so that time grows
    with the path's length and not with the ways to split it: the first place where a part fits is
    as good as any later one. Raises ``UsageError`` for a glob that makes no sense.
    """
    return re.compile("|".join(_expression(glob) for glob in globs) or r"(?!)", re.DOTALL)


class ExcludingRootFS:
    """A ``RootFS`` in which nothing is at, below or behind an excluded path."""

    def __init__(self, rootfs: RootFS, globs: Sequence[str], links: int) -> None:
        self._rootfs = rootfs
        self._links = links
        self._all = compile_globs(globs)
        self._each = [(glob, compile_globs([glob])) for glob in globs]
        self._excluded: tuple[Excluded, ...] | None = None

    def entries(self) -> Iterator[Entry]:
        """Every path that is left, sorted, the root left out."""
        counts = [0] * len(self._each)
        for entry in self._rootfs.entries():
            if not self._is_out(entry):
                yield entry
            elif entry.kind is not EntryKind.DIRECTORY:
                for index, (_, pattern) in enumerate(self._each):
                    counts[index] += pattern.match(entry.path) is not None
        self._excluded = tuple(
            Excluded(glob, count) for (glob, _), count in zip(self._each, counts, strict=True)
        )

    def excluded(self) -> tuple[Excluded, ...]:
        """What each glob left out, in the order given. Walks the tree if nobody has."""
        if self._excluded is None:
            for _ in self.entries():
                pass
        return self._excluded or ()

    def lookup(self, path: str) -> Entry | None:
        """The entry at a path, following links in its directories only."""
        return find(path, self._probe, follow_last=False, links=self._links)

    def resolve(self, path: str) -> Entry | None:
        """The entry that a path leads to, all links followed."""
        return find(path, self._probe, follow_last=True, links=self._links)

    def listdir(self, path: str) -> tuple[str, ...]:
        """Names in a directory (links followed), sorted."""
        found = self.resolve(path)
        if found is None or found.kind is not EntryKind.DIRECTORY:
            return ()
        prefix = found.path.rstrip("/")
        names = self._rootfs.listdir(found.path)
        return tuple(name for name in names if self._probe(f"{prefix}/{name}") is not None)

    def read(self, entry: Entry, limit: int | None = None) -> bytes:
        """The content of a regular file, or its first ``limit`` bytes."""
        if self._is_out(entry):
            raise PathInImageError(f"{entry.path!r} was excluded")
        return self._rootfs.read(entry, limit)

    def unknowns(self) -> tuple[Unknown, ...]:
        """What of the rest could not be read."""
        return tuple(
            unknown
            for unknown in self._rootfs.unknowns()
            if self._all.match(unknown.path) is None and self._all.match(f"{unknown.path}/") is None
        )

    def close(self) -> None:
        """Close what is behind it."""
        self._rootfs.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        self.close()

    def _probe(self, path: str) -> Entry | None:
        entry = self._rootfs.lookup(path)
        return None if entry is None or self._is_out(entry) else entry

    def _is_out(self, entry: Entry) -> bool:
        path = f"{entry.path}/" if entry.kind is EntryKind.DIRECTORY else entry.path
        return self._all.match(path) is not None


def _expression(glob: str) -> str:
    """A glob as an expression that matches a path from its start."""
    if not glob.strip() or len(glob) > _LONGEST or "\0" in glob:
        raise UsageError(f"--exclude {glob[:80]!r} is no glob", hint=_HINT)
    if glob.startswith("!"):
        raise UsageError(f"--exclude {glob!r}: a glob cannot put back what another left out")
    only_directories = glob.endswith("/")
    anchored = "/" in glob.rstrip("/")
    names = [name for name in glob.split("/") if name not in ("", ".")]
    if not names or ".." in names:
        raise UsageError(f"--exclude {glob!r} names no path below the root", hint=_HINT)
    if sum("**" in name and name != "**" for name in names) > _CROSSING:
        raise UsageError(f"--exclude {glob!r} has ** inside of more than {_CROSSING} names")
    ways = [[] if anchored else ["**"]]
    for name in names:
        ways = [[*way, *more] for way in ways for more in _crossings(name)]
    end = r"(?=/)" if only_directories else r"(?=/|\Z)"
    return "|".join(_way(way, end, glob) for way in ways)


_HINT = "give a path as in --exclude '/usr/share/**', or a name as in --exclude '*.pyc'"


def _crossings(name: str) -> list[list[str]]:
    """The ways to read a name: ``a**b`` is ``a*b``, or ``a*``, any directories, and ``*b``."""
    before, separator, after = name.partition("**")
    if not separator or name == "**":
        return [[name]]
    after = after.lstrip("*").replace("**", "*")
    return [[f"{before}*{after}"], [f"{before}*", "**", f"*{after}"]]


def _way(names: list[str], end: str, glob: str) -> str:
    """Names with ``**`` between them as an expression."""
    groups: list[list[str]] = [[]]
    for name in names:
        if name == "**":
            groups.append([])
        else:
            groups[-1].append(_name(name, glob))
    first, *rest = groups
    parts = ["".join(first) + ("" if rest else end)]
    for index, group in enumerate(rest):
        last = end if index == len(rest) - 1 else ""
        if group:
            parts.append(rf"(?>(?:/[^/]+)*?{''.join(group)}{last})")
        elif last:
            parts.append(rf"(?:/[^/]+)+?{last}")
    return "".join(parts)


def _name(name: str, glob: str) -> str:
    """One name of a glob as an expression that takes a whole name of a path, and its slash."""
    chunks = [""]
    for piece in _pieces(name, glob):
        if piece == "*":
            chunks.append("")
        else:
            chunks[-1] += piece
    first, *rest = chunks
    parts = [first]
    for index, chunk in enumerate(rest):
        if index == len(rest) - 1:
            parts.append(rf"[^/]*{chunk}(?=/|\Z)")
        elif chunk:
            parts.append(rf"(?>[^/]*?{chunk})")
    end = "" if rest else r"(?=/|\Z)"
    return rf"/(?=[^/])(?>{''.join(parts)}{end})"


_PIECE = re.compile(
    r"(?P<stars>\*+)|(?P<any>\?)|\\(?P<escaped>.)|\[(?P<not>[!^]?)(?P<set>\]?(?:\\.|[^\]\\])*)\]"
    r"|(?P<plain>[^\\\[])",
    re.DOTALL,
)


def _pieces(name: str, glob: str) -> Iterator[str]:
    position = 0
    while position < len(name):
        match = _PIECE.match(name, position)
        if match is None:
            raise UsageError(
                f"--exclude {glob!r} makes no sense at {name[position]!r}",
                hint="write \\[ or \\\\ where you mean the character itself",
            )
        position = match.end()
        if match["stars"]:
            yield "*"
        elif match["any"]:
            yield "[^/]"
        elif match["set"] is not None:
            yield _set(match["set"], glob, negated=bool(match["not"]))
        else:
            yield re.escape(match["escaped"] or match["plain"])


def _set(text: str, glob: str, *, negated: bool) -> str:
    """``[...]`` as an expression: single characters and ranges of them."""
    characters = re.findall(r"\\(.)|([^\\])", text, re.DOTALL)
    plain = [escaped or other for escaped, other in characters]
    parts: list[str] = []
    index = 0
    while index < len(plain):
        if index + 2 < len(plain) and plain[index + 1] == "-" and not characters[index + 1][0]:
            low, high = plain[index], plain[index + 2]
            if low > high:
                raise UsageError(f"--exclude {glob!r}: the range {low}-{high} is empty")
            parts.append(f"{re.escape(low)}-{re.escape(high)}")
            index += 3
        else:
            parts.append(re.escape(plain[index]))
            index += 1
    if not parts:
        raise UsageError(f"--exclude {glob!r}: a set [] names no character")
    return rf"(?!/)[{'^' if negated else ''}{''.join(parts)}]"
