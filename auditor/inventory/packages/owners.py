"""Which package a component belongs to.

By the lists of the system's package manager first, then by those of language packages, then by
the file that a package *is* (a program that names its own module), and last by the directory that
a package is installed in. A path that a list writes through a linked directory (``/lib`` where
``/usr/lib`` is meant) is followed to the file.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from auditor.errors import PathInImageError
from auditor.image.rootfs import RootFS
from auditor.inventory.packages.records import Packages, absolute
from auditor.model.image import EntryKind
from auditor.model.inventory import Component, Inventory, Package

__all__ = ["with_packages"]

_SYSTEM = frozenset({"deb", "apk", "rpm", "alpm", "portage", "nix"})
_DPKG = "/var/lib/dpkg"
_LARGEST_LIST = 64 << 20


def with_packages(inventory: Inventory, packages: Packages, rootfs: RootFS) -> Inventory:
    """The inventory with its packages, and with each component's owner."""
    lists = dict(_dpkg_lists(rootfs, packages.packages))
    known = tuple(
        replace(
            package,
            files=lists.get(package, package.files),
            layer=_layer(package, rootfs, shared) or package.layer,
        )
        for shared in [_shared(packages.packages)]
        for package in packages.packages
    )
    owners = _Owners(rootfs, {component.path for component in inventory.components})
    owners.take(known)
    return replace(
        inventory,
        components=tuple(
            replace(component, package=owner)
            if (owner := owners.of(component)) is not None
            else component
            for component in inventory.components
        ),
        unknowns=tuple(
            sorted(
                {*inventory.unknowns, *packages.unknowns},
                key=lambda unknown: (unknown.path, unknown.stage, unknown.reason),
            )
        ),
        packages=known,
        packages_by=packages.by,
    )


class _Owners:
    """Path → name of the package, for the paths of components."""

    def __init__(self, rootfs: RootFS, paths: set[str]) -> None:
        self._rootfs = rootfs
        self._paths = paths
        self._directories: dict[str, str] = {}
        self._files: dict[str, str] = {}
        self._places: dict[str, str] = {}
        self._diverted = _diversions(rootfs)

    def take(self, packages: Iterable[Package]) -> None:
        """Learn from all packages; where two claim a file, the first in this order has it."""
        ranked = sorted(packages, key=lambda package: package.type not in _SYSTEM)
        for package in ranked:
            for path in package.files:
                self._claim(self._diversion(path, package), package.name)
        for package in ranked:
            if package.main and package.type not in _SYSTEM and package.paths:
                self._claim(package.paths[0], package.name)
            for place in _places(package, self._rootfs):
                self._places.setdefault(self._real_directory(place), package.name)

    def of(self, component: Component) -> str | None:
        """The owner of a component's file."""
        owner = self._files.get(component.path)
        directory = component.path
        while owner is None and self._places and directory != "/":
            directory = posixpath.dirname(directory)
            owner = self._places.get(directory)
        return owner

    def _claim(self, path: str, name: str) -> None:
        directory, base = posixpath.split(path)
        real = posixpath.join(self._real_directory(directory), base)
        if real in self._paths:
            self._files.setdefault(real, name)

    def _real_directory(self, path: str) -> str:
        if path not in self._directories:
            found = self._rootfs.resolve(path) if path != "/" else None
            self._directories[path] = found.path if found is not None else path
        return self._directories[path]

    def _diversion(self, path: str, package: Package) -> str:
        """Where dpkg put the file (dpkg-divert(1)): the diverting package keeps the name."""
        target, by = self._diverted.get(path, (path, package.name))
        return path if package.type != "deb" or by == package.name else target


def _places(package: Package, rootfs: RootFS) -> Iterator[str]:
    """Directories that are the package's as a whole."""
    if not package.paths:
        return
    path = package.paths[0]
    directory, name = posixpath.split(path)
    match package.type:
        case "npm" if name == "package.json":
            yield directory
        case "R-package" if name == "DESCRIPTION":
            yield directory
        case "wordpress-plugin":
            yield directory
        case "binary" if name == "release":  # a JVM, named by the file that its build leaves
            yield directory
        case "gem" if posixpath.basename(directory) == "specifications":
            # Gem::BasicSpecification#gem_dir and #extension_dir of RubyGems
            base = posixpath.dirname(directory)
            stem = name.removesuffix(".gemspec")
            yield f"{base}/gems/{stem}"
            for platform in rootfs.listdir(f"{base}/extensions"):
                for version in rootfs.listdir(f"{base}/extensions/{platform}"):
                    yield f"{base}/extensions/{platform}/{version}/{stem}"


def _dpkg_lists(
    rootfs: RootFS, packages: tuple[Package, ...]
) -> Iterator[tuple[Package, tuple[str, ...]]]:
    """Package → its files by dpkg's own list, which names links too, and dpkg's files about it."""
    records: dict[str, list[str]] = {}
    for name in rootfs.listdir(f"{_DPKG}/info"):
        records.setdefault(name.rpartition(".")[0], []).append(name)
    for package in packages:
        if package.type != "deb":
            continue
        architecture = ""
        if package.purl is not None and "arch=" in package.purl:
            architecture = package.purl.partition("arch=")[2].partition("&")[0]
        for stem in (f"{package.name}:{architecture}", package.name):
            if stem in records:
                listed = _lines(rootfs, f"{_DPKG}/info/{stem}.list")
                paths = {absolute(line) for line in listed if line not in ("/.", "")}
                paths.update(f"{_DPKG}/info/{name}" for name in records[stem])
                yield package, tuple(sorted({*package.files, *paths}))
                break


def _diversions(rootfs: RootFS) -> Mapping[str, tuple[str, str]]:
    """Path → where it was diverted to, and by which package (``:`` where by the administrator)."""
    lines = list(_lines(rootfs, f"{_DPKG}/diversions"))
    triples = zip(lines[0::3], lines[1::3], lines[2::3], strict=False)
    return {absolute(path): (absolute(target), by) for path, target, by in triples}


def _lines(rootfs: RootFS, path: str) -> list[str]:
    entry = rootfs.resolve(path)
    if entry is None or entry.kind is not EntryKind.FILE or entry.size > _LARGEST_LIST:
        return []
    try:
        return rootfs.read(entry).decode("utf-8", "surrogateescape").splitlines()
    except PathInImageError:
        return []


def _shared(packages: tuple[Package, ...]) -> frozenset[str]:
    """Paths at which more than one package is named: databases of many."""
    seen: set[str] = set()
    twice: set[str] = set()
    for package in packages:
        for path in package.paths:
            (twice if path in seen else seen).add(path)
    return frozenset(twice)


def _layer(package: Package, rootfs: RootFS, shared: frozenset[str]) -> str | None:
    """The layer of the file that names the package alone, or else of the first that names it."""
    own = [path for path in package.paths if path not in shared]
    # a licence may have been there before the version that is installed now
    own.sort(key=lambda path: path.endswith("/copyright"))
    for path in (*own, *package.paths):
        entry = rootfs.resolve(path)
        if entry is not None and entry.layer is not None:
            return entry.layer
    return None
