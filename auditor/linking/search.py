"""Where a dynamic loader looks for a library.

glibc: ``ld.so(8)`` – DT_RPATH of the object and of those that loaded it (unless the object has
DT_RUNPATH), LD_LIBRARY_PATH, DT_RUNPATH of the object, the cache that ``ldconfig`` builds from
``/etc/ld.so.conf``, the default directories. The cache itself is not read: what counts is what
the configuration and the files say.

musl: ``ldso/dynlink.c`` – LD_LIBRARY_PATH, then the run path of the object and of those that
loaded it (both tags alike), then ``/etc/ld-musl-ARCH.path`` or its default.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from auditor.errors import PathInImageError
from auditor.image.rootfs import RootFS
from auditor.model.facts import ElfFacts
from auditor.model.image import EntryKind

__all__ = ["MUSL_OWN_NAMES", "Loader", "Seeker", "loader_for", "search_directories"]

MUSL_OWN_NAMES = frozenset({"c", "pthread", "rt", "m", "dl", "util", "xnet"})
"""``libNAME.so``, with or without more behind it, is musl itself (``reserved`` in dynlink.c)."""

_MUSL_INTERPRETER = re.compile(r"ld-musl-(?P<arch>.+)\.so\.1$")
_INCLUDE_DEPTH = 8
_TRIPLETS = {
    "amd64": ("x86_64-linux-gnu", "lib64"),
    "arm64": ("aarch64-linux-gnu", "lib64"),
    "386": ("i386-linux-gnu", "lib"),
    "arm": ("arm-linux-gnueabihf", "lib"),
    "riscv64": ("riscv64-linux-gnu", "lib64/lp64d"),
    "ppc64le": ("powerpc64le-linux-gnu", "lib64"),
    "s390x": ("s390x-linux-gnu", "lib64"),
}
_PLATFORMS = {"amd64": "x86_64", "arm64": "aarch64", "386": "i686"}


@dataclass(frozen=True, slots=True)
class Loader:
    """A loader's settings, the same for every object of one process."""

    musl: bool
    machine: str
    library_path: tuple[str, ...]
    """LD_LIBRARY_PATH."""
    configured: tuple[str, ...]
    """glibc: directories of ``ld.so.conf``; musl: its path file."""
    defaults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Seeker:
    """An object that needs a library, with the objects that loaded it, nearest first."""

    facts: ElfFacts
    path: str
    ancestors: tuple[tuple[ElfFacts, str], ...] = ()


def loader_for(rootfs: RootFS, facts: ElfFacts, library_path: str = "") -> Loader:
    """The loader that an executable asks for, as this image configures it."""
    paths = tuple(part for part in re.split("[:;]", library_path) if part)
    musl = _MUSL_INTERPRETER.search(facts.interpreter or "")
    if musl:
        text = _text(rootfs, f"/etc/ld-musl-{musl['arch']}.path")
        configured = tuple(part for part in re.split(r"[:\n]", text or "") if part)
        default = ("/lib", "/usr/local/lib", "/usr/lib")
        return Loader(True, facts.machine, paths, configured or default, ())  # noqa: FBT003
    triplet, lib = _TRIPLETS.get(facts.machine, ("", "lib64" if facts.bits == 64 else "lib"))  # noqa: PLR2004
    defaults = (
        *((f"/lib/{triplet}", f"/usr/lib/{triplet}") if triplet else ()),
        f"/{lib}",
        f"/usr/{lib}",
        "/lib",
        "/usr/lib",
    )
    return Loader(
        musl=False,
        machine=facts.machine,
        library_path=paths,
        configured=tuple(_configured(rootfs, "/etc/ld.so.conf", _INCLUDE_DEPTH)),
        defaults=tuple(dict.fromkeys(defaults)),
    )


def search_directories(loader: Loader, seeker: Seeker) -> Iterator[str]:
    """The directories a library is looked for in, in order, tokens replaced."""
    chain = ((seeker.facts, seeker.path), *seeker.ancestors)
    if loader.musl:
        yield from loader.library_path
        for facts, path in chain:
            yield from _expanded((*facts.rpath, *facts.runpath), path, loader)
        yield from loader.configured
        return
    if not seeker.facts.runpath:
        for facts, path in chain:
            if not facts.runpath:
                yield from _expanded(facts.rpath, path, loader)
    yield from loader.library_path
    yield from _expanded(seeker.facts.runpath, seeker.path, loader)
    yield from loader.configured
    if not seeker.facts.nodeflib:
        yield from loader.defaults


def _expanded(directories: tuple[str, ...], path: str, loader: Loader) -> Iterator[str]:
    """Replace ``$ORIGIN``, ``$LIB`` and ``$PLATFORM`` (ld.so(8), "Rpath token expansion")."""
    values = {
        "ORIGIN": str(PurePosixPath(path).parent),
        "LIB": _TRIPLETS.get(loader.machine, ("", "lib64"))[1],
        "PLATFORM": _PLATFORMS.get(loader.machine, loader.machine),
    }
    for directory in directories:
        if directory:
            yield re.sub(
                r"\$(?:\{(\w+)\}|(ORIGIN|LIB|PLATFORM))",
                lambda match: values.get(match[1] or match[2], match[0]),
                directory,
            )


def _configured(rootfs: RootFS, path: str, depth: int) -> Iterator[str]:
    """Directories of an ``ld.so.conf``, its includes followed in glob order."""
    text = _text(rootfs, path) if depth else None
    for raw in (text or "").splitlines():
        line = raw.partition("#")[0].strip()
        if line.startswith("include") and line[7:8].isspace():
            for pattern in line.split()[1:]:
                full = pattern if pattern.startswith("/") else f"/etc/{pattern}"
                for included in _glob(rootfs, full):
                    yield from _configured(rootfs, included, depth - 1)
        elif line.startswith("/"):
            yield line.partition("=")[0].rstrip("/") or "/"


def _glob(rootfs: RootFS, pattern: str) -> tuple[str, ...]:
    """Files of one directory whose names match; ``ldconfig`` configurations need no more."""
    parent, _, name = pattern.rpartition("/")
    return tuple(
        f"{parent}/{found}" for found in rootfs.listdir(parent or "/") if fnmatchcase(found, name)
    )


def _text(rootfs: RootFS, path: str) -> str | None:
    entry = rootfs.resolve(path)
    if entry is None or entry.kind is not EntryKind.FILE:
        return None
    try:
        return rootfs.read(entry, 1 << 16).decode("utf-8", "replace")
    except PathInImageError:
        return None
