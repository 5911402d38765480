"""Where an image's interpreter looks for modules: ``sys.path``, read from files."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

from auditor.applications.language import Context
from auditor.errors import PathInImageError
from auditor.image.rootfs import RootFS
from auditor.model.image import Entry, EntryKind

__all__ = ["Installation", "find_installation", "text_of"]

_LIBRARY = re.compile(r"python(\d+)\.(\d+)t?")
_PREFIXES = ("/usr", "/usr/local")
_SITES = ("site-packages", "dist-packages")
_LARGEST = 1 << 20


@dataclass(frozen=True, slots=True)
class Installation:
    """One interpreter's library and packages."""

    library: str | None
    """``/usr/lib/python3.11``; ``None`` where the image has none."""
    version: tuple[int, int] | None
    sites: tuple[str, ...]
    """Directories of packages, and those that their ``.pth`` files add."""


def find_installation(context: Context, program: str | None) -> Installation:
    """The library and packages of the interpreter that a command line names.

    As CPython's ``getpath`` does: by ``pyvenv.cfg`` beside or above the program, then by the
    landmark ``os.py`` below the prefix of the program that the links lead to.
    """
    rootfs = context.rootfs
    named = _named(context, program)
    prefixes: list[str] = []
    venv: str | None = None
    if named is not None:
        for folder in (posixpath.dirname(named), posixpath.dirname(posixpath.dirname(named))):
            if rootfs.resolve(f"{folder}/pyvenv.cfg") is not None:
                venv = folder
                prefixes += _home(rootfs, f"{folder}/pyvenv.cfg")
                break
        real = rootfs.resolve(named)
        if real is not None:
            prefixes.append(posixpath.dirname(posixpath.dirname(real.path)))
    hint = _LIBRARY.search(posixpath.basename(_real(rootfs, named)))
    library, version = _library(rootfs, (*prefixes, *_PREFIXES), hint.group() if hint else None)
    sites = [] if venv is None else _sites_below(rootfs, venv)
    sites += [site for site in _base_sites(rootfs, library) if venv is None or _open(rootfs, venv)]
    every = [path for site in dict.fromkeys(sites) for path in (site, *_added(rootfs, site))]
    return Installation(library, version, tuple(dict.fromkeys(every)))


def text_of(rootfs: RootFS, path: str) -> str:
    """A small file's text; empty where there is none."""
    entry = rootfs.resolve(path)
    if entry is None or entry.kind is not EntryKind.FILE or entry.size > _LARGEST:
        return ""
    try:
        return rootfs.read(entry).decode(errors="replace")
    except PathInImageError:
        return ""


def _named(context: Context, program: str | None) -> str | None:
    """The path that a program's name leads to, its last link not followed."""
    if program is None:
        return None
    if "/" in program:
        return posixpath.normpath(posixpath.join(context.working_dir, program))
    for folder in context.variables.get("PATH", "").split(":"):
        path = posixpath.join("/", context.working_dir, folder or ".", program)
        found = context.rootfs.resolve(path)
        if found is not None and found.executable:
            return posixpath.normpath(path)
    return None


def _real(rootfs: RootFS, path: str | None) -> str:
    found: Entry | None = rootfs.resolve(path) if path is not None else None
    return found.path if found is not None else path or ""


def _home(rootfs: RootFS, path: str) -> list[str]:
    """The prefix that a virtual environment was made from (``home = /usr/bin``)."""
    for line in text_of(rootfs, path).splitlines():
        key, _, value = line.partition("=")
        if key.strip() == "home" and value.strip().startswith("/"):
            return [posixpath.dirname(value.strip())]
    return []


def _open(rootfs: RootFS, venv: str) -> bool:
    """Whether a virtual environment sees the packages outside of it."""
    text = text_of(rootfs, f"{venv}/pyvenv.cfg").lower().replace(" ", "")
    return "include-system-site-packages=true" in text


def _library(
    rootfs: RootFS, prefixes: tuple[str, ...], hint: str | None
) -> tuple[str | None, tuple[int, int] | None]:
    """The newest library of the first prefix that has one; of the hinted version if it is there."""
    for prefix in dict.fromkeys(prefixes):
        found: list[tuple[tuple[int, int], str]] = []
        for name in ("lib", "lib64"):
            for child in rootfs.listdir(f"{prefix}/{name}"):
                match = _LIBRARY.fullmatch(child)
                path = f"{prefix}/{name}/{child}"
                if match is not None and rootfs.resolve(f"{path}/os.py") is not None:
                    found.append(((int(match.group(1)), int(match.group(2))), path))
        if found:
            hinted = [item for item in found if posixpath.basename(item[1]) == hint]
            version, path = max(hinted or found)
            return _real(rootfs, path), version
    return None, None


def _sites_below(rootfs: RootFS, prefix: str) -> list[str]:
    return [
        f"{prefix}/{folder}/{child}/{site}"
        for folder in ("lib", "lib64")
        for child in rootfs.listdir(f"{prefix}/{folder}")
        if child.startswith(("python", "pypy"))
        for site in _SITES
        if rootfs.listdir(f"{prefix}/{folder}/{child}/{site}")
    ]


def _base_sites(rootfs: RootFS, library: str | None) -> list[str]:
    """Of the library itself, and Debian's, which several versions share."""
    if library is None:
        return []
    name = posixpath.basename(library)
    folders = [library, f"/usr/local/lib/{name}", "/usr/lib/python3", f"/usr/lib/{name}"]
    return [
        f"{folder}/{site}"
        for folder in dict.fromkeys(folders)
        for site in _SITES
        if rootfs.listdir(f"{folder}/{site}")
    ]


def _added(rootfs: RootFS, site: str) -> list[str]:
    """Directories that ``.pth`` files add (Python's ``site`` module); their code is not run."""
    found: list[str] = []
    for name in rootfs.listdir(site):
        if not name.endswith(".pth"):
            continue
        for line in text_of(rootfs, f"{site}/{name}").splitlines():
            text = line.strip()
            if text and not text.startswith(("#", "import ", "import\t")):
                found.append(posixpath.normpath(posixpath.join(site, text)))
    return found
