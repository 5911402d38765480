"""How large an image may be, and how long it may take: it is hostile until shown otherwise."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterable
from dataclasses import Field, dataclass, field, fields
from enum import Enum
from itertools import count

from auditor.errors import BoundExceededError, UsageError

__all__ = ["Bounds", "Budget", "describe", "parse_limits"]

_MIB = 1 << 20
_GIB = 1 << 30


class _Unit(Enum):
    """What a bound counts: the suffixes that its value may have, largest first."""

    COUNT = ()
    BYTES = (("GiB", _GIB), ("MiB", _MIB), ("KiB", 1 << 10))
    SECONDS = (("h", 3600), ("m", 60), ("s", 1))

    def factor(self, suffix: str) -> int | None:
        """What a number with that suffix is multiplied by; ``None`` for an unknown suffix.

        ``G`` and ``GB`` are read as ``GiB``, as docker run reads them.
        """
        if not suffix:
            return 1
        if self is _Unit.BYTES:
            if suffix.lower() == "b":
                return 1
            suffix = f"{suffix[0]}ib" if suffix[1:].lower() in ("", "b") else suffix
        names = {name.lower(): factor for name, factor in self.value}
        return names.get(suffix.lower())

    def text(self, value: int) -> str:
        """A value as one would write it."""
        for suffix, factor in self.value:
            if value and value % factor == 0:
                return f"{value // factor}{suffix}"
        return str(value)


def _bound(default: int, unit: _Unit, about: str) -> int:
    return field(default=default, metadata={"unit": unit, "about": about})


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits on what is read; every field is a bound by its name, and ``--limit`` sets it.

    What one file or path exceeds costs that file an Unknown. What the image as a whole exceeds
    is a ``BoundExceededError``. Sizes are bytes.
    """

    total_size: int = _bound(64 * _GIB, _Unit.BYTES, "all layers together, uncompressed")
    files: int = _bound(1_000_000, _Unit.COUNT, "members of all layers, or files of a directory")
    file_size: int = _bound(4 * _GIB, _Unit.BYTES, "one file whose content is looked at")
    store_size: int = _bound(16 * _GIB, _Unit.BYTES, "all contents kept in the temporary store")
    # PATH_MAX of Linux, include/uapi/linux/limits.h
    path_length: int = _bound(4096, _Unit.COUNT, "bytes of one path, or of a link's target")
    path_depth: int = _bound(1024, _Unit.COUNT, "names in one path")
    # with 16 for each name in them; those of Debian with nginx are not 1 MiB
    paths_size: int = _bound(256 * _MIB, _Unit.BYTES, "all paths together")
    # MAXSYMLINKS of Linux, include/linux/namei.h
    links: int = _bound(40, _Unit.COUNT, "symbolic links followed for one path")
    header_size: int = _bound(_MIB, _Unit.BYTES, "a tar member's extended header")
    # OCI registries accept manifests of 4 MiB
    json_size: int = _bound(16 * _MIB, _Unit.BYTES, "one manifest, index or config")
    # Docker makes at most 127
    layers: int = _bound(512, _Unit.COUNT, "layers of the image")
    manifests: int = _bound(4096, _Unit.COUNT, "manifests of an index, nested ones included")
    ratio: int = _bound(1000, _Unit.COUNT, "times that a layer may grow, past its first 64 MiB")
    time: int = _bound(3600, _Unit.SECONDS, "fetching and reading the image")

    def excess(self, name: str, value: int) -> str | None:
        """Why ``value`` is too much for the bound of that name; ``None`` where it is not."""
        limit: int = getattr(self, name)
        if value <= limit:
            return None
        return f"exceeds the bound {_option(name)}: {value} is more than {limit}"

    def check(self, name: str, value: int, subject: str) -> None:
        """Raise ``BoundExceededError`` where ``subject`` has more of ``name`` than the bound."""
        if (reason := self.excess(name, value)) is not None:
            raise BoundExceededError(
                f"{subject} {reason}",
                hint=f"the image is unusually large or hostile; if you trust it, raise the bound "
                f"with --limit {_option(name)}=N",
            )


class Budget:
    """What reading an image has used up so far, over all its layers and threads."""

    RATIO_FROM = 64 * _MIB
    """Uncompressed bytes of a layer that the ratio leaves alone."""

    __slots__ = ("_deadline", "_files", "_lock", "_paths", "_size", "_stored", "bounds")

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self._files = count(1)
        self._size = 0
        self._stored = 0
        self._paths = 0
        self._lock = threading.Lock()
        self._deadline = time.monotonic() + bounds.time

    def spend_bytes(self, size: int, subject: str) -> None:
        """Count uncompressed bytes, and look at the clock."""
        with self._lock:
            self._size += size
            total = self._size
        self.bounds.check("total_size", total, subject)
        self.check_time(subject)

    def spend_store(self, size: int, subject: str) -> None:
        """Count bytes that are about to be kept."""
        with self._lock:
            self._stored += size
            total = self._stored
        self.bounds.check("store_size", total, subject)

    def spend_paths(self, size: int, subject: str) -> None:
        """Count the bytes of members' names."""
        with self._lock:
            self._paths += size
            total = self._paths
        self.bounds.check("paths_size", total, subject)

    def spend_file(self, subject: str) -> None:
        """Count one member of a layer, or one file of a directory."""
        files = next(self._files)  # in one step, so that no thread is in another's way
        if files > self.bounds.files:
            self.bounds.check("files", files, subject)

    @property
    def time_left(self) -> float:
        """Seconds; never less than none."""
        return max(0.0, self._deadline - time.monotonic())

    def check_time(self, subject: str) -> None:
        """Raise ``BoundExceededError`` where the image has taken longer than it may."""
        late = time.monotonic() - self._deadline
        if late >= 0:
            self.bounds.check("time", self.bounds.time + 1 + int(late), subject)

    def stop(self) -> None:
        """Make every thread that still reads end at its next chunk."""
        self._deadline = 0.0

    def check_ratio(self, uncompressed: int, compressed: int, subject: str) -> None:
        """Hold the bytes that came out of a layer so far against those that went in."""
        if uncompressed > self.RATIO_FROM and uncompressed > self.bounds.ratio * compressed:
            self.bounds.check("ratio", -(-uncompressed // max(1, compressed)), subject)


_VALUE = re.compile(r"([0-9]{1,18})\s*([A-Za-z]*)")


def parse_limits(texts: Iterable[str]) -> Bounds:
    """The bounds that ``NAME=VALUE`` texts ask for; where a name is repeated, the last counts.

    Sizes take KiB, MiB, GiB or K, M, G; times s, m, h; without a suffix they are bytes and
    seconds. Raises ``UsageError``.
    """
    known = {_option(one.name): one for one in fields(Bounds)}
    values: dict[str, int] = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator:
            raise UsageError(f"--limit {text!r} is not NAME=VALUE", hint=_listed())
        if name not in known:
            raise UsageError(f"there is no limit {name!r}", hint=_listed())
        values[known[name].name] = _value(known[name], text, value)
    return Bounds(**values)


def describe() -> tuple[tuple[str, str, str], ...]:
    """Each bound's name as ``--limit`` takes it, its default, and what it bounds."""
    defaults = Bounds()
    return tuple(
        (_option(one.name), _unit(one).text(getattr(defaults, one.name)), one.metadata["about"])
        for one in fields(defaults)
    )


def _value(bound: Field[int], text: str, value: str) -> int:
    unit = _unit(bound)
    match = _VALUE.fullmatch(value.strip())
    factor = unit.factor(match[2]) if match else None
    if match is None or factor is None:
        suffixes = ", ".join(suffix for suffix, _ in reversed(unit.value))
        more = f", which may end in {suffixes}" if suffixes else ""
        raise UsageError(f"--limit {text!r} has no value that makes sense: a whole number{more}")
    number = int(match[1]) * factor
    if number < 1 and bound.name != "links":
        raise UsageError(f"--limit {text!r} would let nothing through: it has to be 1 or more")
    return number


def _listed() -> str:
    return "limits: " + ", ".join(f"{name}={default}" for name, default, _ in describe())


def _unit(bound: Field[int]) -> _Unit:
    unit = bound.metadata["unit"]
    assert isinstance(unit, _Unit)  # noqa: S101 - every field is made by _bound
    return unit


def _option(name: str) -> str:
    return name.replace("_", "-")
