"""Real binaries: packages of Debian 12 and wheels, unpacked side by side in the user's cache.

``AUDITOR_BENCH`` names the place, or else it is ``auditor-bench`` in the user's cache. apt itself
finds and checks the packages, from the sources of this machine and as if nothing was installed, so
that what they depend on is there too. A version that these sources no longer have gives way to the
newest of the suite.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from fixtures.images.cache import digest_of
from fixtures.images.errors import FixtureError
from fixtures.images.shell import need_tools, run

__all__ = ["Tree", "cache_root", "kept", "tree", "wheels"]

_FORMAT = 3
_MERGED = ("bin", "sbin", "lib", "lib64")
_LEFT_OUT = ("./usr/share/*", "./usr/include/*", "./var/*")
"""Holds no executables, and is most of what packages weigh."""
_TOOLS = {"apt-get": "apt", "dpkg-deb": "dpkg", "tar": "tar"}


@dataclass(frozen=True, slots=True)
class Tree:
    """An unpacked file system, and the version of each package in it."""

    root: Path
    versions: Mapping[str, str]


def cache_root() -> Path:
    """Where measurements keep what they fetched; made if need be."""
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "auditor-bench"
    root = Path(os.environ.get("AUDITOR_BENCH") or default).expanduser().absolute()
    root.mkdir(parents=True, exist_ok=True)
    return root


def kept(name: str, key: str, make: Callable[[Path], None]) -> Path:
    """The directory ``name-key``, which ``make`` fills where it is not there yet."""
    final = cache_root() / f"{name}-{key}"
    if not final.is_dir():
        part = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=cache_root()))
        try:
            part.chmod(0o755)
            make(part)
            part.rename(final)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return final


def tree(name: str, packages: Mapping[str, str]) -> Tree:
    """The packages and what they depend on; each with the version wanted, which may be empty."""
    need_tools(_TOOLS)
    made = kept(name, digest_of(_FORMAT, sorted(packages.items())), lambda at: _make(at, packages))
    return Tree(made / "root", json.loads((made / "versions.json").read_text()))


def wheels(requirement: str, platforms: Sequence[str]) -> Path:
    """The unpacked wheel of a requirement (``ruff==0.17.6``) for any of some platforms."""
    name = requirement.partition("==")[0]

    def make(place: Path) -> None:
        tags = [f"--platform={platform}" for platform in platforms]
        wanted = ["--no-deps", "--only-binary=:all:", *tags, requirement]
        pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
        run([*pip, "download", "--dest", place / "dist", *wanted])
        for wheel in (place / "dist").glob("*.whl"):
            shutil.unpack_archive(wheel, place / "root", "zip")
        shutil.rmtree(place / "dist")

    return kept(name, digest_of(_FORMAT, requirement, platforms), make) / "root"


def _make(place: Path, packages: Mapping[str, str]) -> None:
    archives = cache_root() / "archives"
    (archives / "partial").mkdir(parents=True, exist_ok=True)
    state = place / "apt"
    (state / "partial").mkdir(parents=True)
    (state / "status").touch()
    apt = ["apt-get", "--quiet=2", "--yes", "--no-install-recommends", "--download-only"]
    apt += ["-o", f"Dir::State::status={state / 'status'}", "-o", "Debug::NoLocking=1"]
    apt += ["-o", "APT::Sandbox::User=", "install"]
    # What lies in the archives already is not told; hence an empty place for the question.
    ask = [*apt, "-o", f"Dir::Cache::archives={state}", "--print-uris"]
    wanted = _consistent(ask, packages)
    names = [line.split("'")[2].split()[0] for line in _offer(ask, wanted)]
    run([*apt, "-o", f"Dir::Cache::archives={archives}", *wanted])
    root = place / "root"
    for directory in _MERGED:  # as usrmerge has them
        (root / "usr" / directory).mkdir(parents=True)
        (root / directory).symlink_to(f"usr/{directory}")
    versions = {}
    for archive in (archives / name for name in names):
        _unpack(archive, root)
        package, version = run(["dpkg-deb", "--show", archive]).split()
        versions[package] = version
    shutil.rmtree(state)
    (place / "versions.json").write_text(json.dumps(versions, indent=1, sort_keys=True))


def _unpack(archive: Path, root: Path) -> None:
    with tempfile.NamedTemporaryFile(suffix=".tar") as member:
        run(["sh", "-c", 'dpkg-deb --fsys-tarfile "$1" > "$2"', "sh", archive, member.name])
        left_out = [f"--exclude={pattern}" for pattern in _LEFT_OUT]
        tar = ["tar", "--extract", "--keep-directory-symlink", "--no-same-owner", *left_out]
        run([*tar, f"--file={member.name}", f"--directory={root}"])


def _consistent(ask: Sequence[str], packages: Mapping[str, str]) -> list[str]:
    """``name=version`` where apt has that version and can install it, else the name alone."""
    rows = run(["apt-cache", "madison", *sorted(packages)]).splitlines()
    known = {tuple(part.strip() for part in row.split("|")[:2]) for row in rows}
    exact = [f"{name}={version}" for name, version in packages.items() if (name, version) in known]
    if exact and _offer(ask, exact) == []:
        exact = [wanted for wanted in exact if _offer(ask, [wanted])]
    return sorted({*exact, *(set(packages) - {wanted.partition("=")[0] for wanted in exact})})


def _offer(ask: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """The lines of apt on what it would fetch; empty where it sees no way to install all of it."""
    try:
        return run([*ask, *wanted]).splitlines()
    except FixtureError:
        return []
