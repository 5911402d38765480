"""Where Ruby looks for what is required: site, vendor and standard folders, and gems.

Folders are those of CRuby's ``rbconfig`` as Debian and the official images build it; gems lie as
RubyGems lays them (https://guides.rubygems.org/command-reference/#gem-environment).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from auditor.errors import PathInImageError
from auditor.image.rootfs import RootFS
from auditor.model.image import EntryKind

__all__ = ["LoadPath", "glob_files"]

_PREFIXES = ("/usr/local/lib", "/usr/lib")
_GEM_HOMES = (
    "/usr/local/bundle",
    "/usr/local/lib/ruby/gems/{abi}",
    "/var/lib/gems/{abi}",
    "/usr/lib/ruby/gems/{abi}",
    "/usr/lib/{machine}/ruby/gems/{abi}",
    "/usr/share/rubygems-integration/{abi}",
    "/usr/share/rubygems-integration/all",
    "/usr/lib/{machine}/rubygems-integration/{abi}",
)
_ABI = re.compile(r"\d+\.\d+\.\d+")
_GEM = re.compile(r"(?P<name>.+?)-(?P<version>\d[\w.]*)(?:-[\w.-]+)?")
_REQUIRE_PATHS = re.compile(rb"require_paths = \[([^\]]{0,1000})\]")
_LARGEST_SPECIFICATION = 1 << 16
_MOST_GEMS = 5000
_MOST_FILES = 20_000
_BUILT_IN = frozenset(
    {"thread", "fiber", "rational", "complex", "enumerator", "monitor", "ruby2_keywords"}
)
_ENDINGS = (".rb", ".so")
_MACHINE = re.compile(r"[\w]+-linux(?:-\w+)?")


@dataclass(slots=True)
class LoadPath:
    """``$LOAD_PATH`` with every gem of the image active."""

    rootfs: RootFS
    variables: Mapping[str, str]
    locked: Mapping[str, str]
    """Gem → version, of ``Gemfile.lock``."""
    bundle: tuple[str, ...] = ()
    """More gem homes, as Bundler's ``vendor/bundle``."""
    first: list[str] = field(default_factory=list)
    """What the command line and the application put before all others."""
    packages: list[str] = field(default_factory=list)
    gems: dict[str, list[str]] = field(default_factory=dict)
    """Gem → its folders, the one that is taken first."""
    standard: list[str] = field(default_factory=list)
    _found: dict[str, str | None] = field(default_factory=dict)
    _names: dict[str, list[str]] = field(default_factory=dict)
    """First part of a feature → folders that hold something by it, in order."""

    def __post_init__(self) -> None:
        abis = self._abis()
        machines = [name for name in self.rootfs.listdir("/usr/lib") if _MACHINE.fullmatch(name)]
        for prefix in _PREFIXES:
            self._site(prefix, abis, machines)
        for home in self._homes(abis, machines):
            self._gems(home)

    def _abis(self) -> list[str]:
        found = {
            name
            for prefix in _PREFIXES
            for name in self.rootfs.listdir(f"{prefix}/ruby")
            if _ABI.fullmatch(name)
        }
        return sorted(found, reverse=True)

    def _site(self, prefix: str, abis: list[str], machines: list[str]) -> None:
        """The folders below ``lib`` of one prefix."""
        bases = [f"{prefix}/ruby", *(f"{prefix}/{machine}/ruby" for machine in machines)]
        for base in bases:
            for kind in ("site_ruby", "vendor_ruby"):
                for folder in (*(f"{base}/{kind}/{abi}" for abi in abis), f"{base}/{kind}"):
                    if self._is_folder(folder):
                        self.packages += [folder, *self._native(folder)]
            for abi in abis:
                if self._is_folder(f"{base}/{abi}"):
                    self.standard += [f"{base}/{abi}", *self._native(f"{base}/{abi}")]

    def _native(self, folder: str) -> list[str]:
        names = self.rootfs.listdir(folder)
        return [f"{folder}/{name}" for name in names if _MACHINE.fullmatch(name)]

    def _homes(self, abis: list[str], machines: list[str]) -> Iterator[str]:
        given = [self.variables.get("GEM_HOME", ""), *self.bundle]
        given += self.variables.get("GEM_PATH", "").split(":")
        for home in given:
            if home.startswith("/"):
                yield home
                yield from (f"{home}/ruby/{abi}" for abi in self.rootfs.listdir(f"{home}/ruby"))
        for form in _GEM_HOMES:
            for abi in abis or [""]:
                for machine in machines or [""]:
                    yield form.format(abi=abi, machine=machine)
        for abi in abis:
            yield f"/usr/local/bundle/ruby/{abi}"

    def _gems(self, home: str) -> None:
        for name in self.rootfs.listdir(f"{home}/gems")[:_MOST_GEMS]:
            parts = _GEM.fullmatch(name)
            folder = f"{home}/gems/{name}"
            if parts is None or folder in self.gems.get(parts["name"], ()):
                continue
            known = self.gems.setdefault(parts["name"], [])
            known.append(folder)
            known.sort(key=lambda item: self._rank(parts["name"], item), reverse=True)
            for extensions in self._extensions(home, name):
                known.append(extensions)

    def _extensions(self, home: str, name: str) -> list[str]:
        found = []
        for machine in self.rootfs.listdir(f"{home}/extensions"):
            for abi in self.rootfs.listdir(f"{home}/extensions/{machine}"):
                folder = f"{home}/extensions/{machine}/{abi}/{name}"
                if self._is_folder(folder):
                    found.append(folder)
        return found

    def _rank(self, gem: str, folder: str) -> tuple[bool, tuple[int, ...]]:
        parts = _GEM.fullmatch(posixpath.basename(folder))
        version = parts["version"] if parts is not None else ""
        numbers = tuple(int(part[:9]) for part in re.findall(r"\d+", version))
        return (version == self.locked.get(gem), numbers)

    def _is_folder(self, path: str) -> bool:
        entry = self.rootfs.resolve(path)
        return entry is not None and entry.kind is EntryKind.DIRECTORY

    # Where things are.

    def feature(self, name: str) -> str | None:
        """Path of what ``require name`` loads; ``builtin:`` where it is in the interpreter."""
        if name not in self._found:
            self._found[name] = self._search(name)
        return self._found[name]

    def again(self, folders: list[str]) -> None:
        """Put folders before all others, as ``$LOAD_PATH.unshift`` does."""
        fresh = [folder for folder in folders if folder not in self.first]
        if fresh:
            self.first = [*fresh, *self.first]
            self._found.clear()

    def _search(self, name: str) -> str | None:
        if name.startswith("/"):
            return self.file(name)
        if not self._names:
            self._list()
        head = name.partition("/")[0]
        stem = head.removesuffix(".rb").removesuffix(".so")
        for folder in (*self.first, *self._names.get(stem, ())):
            found = self.file(f"{folder}/{name}")
            if found is not None:
                return found
        return "builtin:" if name.removesuffix(".so") in _BUILT_IN else None

    def _list(self) -> None:
        """Look into each folder once: there may be hundreds of gems."""
        library = self.variables.get("RUBYLIB", "").split(":")
        gems = [path for of in self.gems.values() for path in self._required(of[0])]
        gems += [folder for of in self.gems.values() for folder in of if "/extensions/" in folder]
        given = [one for one in library if one.startswith("/")]
        for folder in (*given, *self.standard, *self.packages, *gems):
            for name in self.rootfs.listdir(folder):
                stem = name.removesuffix(".rb").removesuffix(".so")
                folders = self._names.setdefault(stem, [])
                if folders[-1:] != [folder]:
                    folders.append(folder)

    def _required(self, folder: str) -> list[str]:
        """The folders of a gem that are looked into: ``require_paths`` of its specification."""
        home, _, name = folder.rpartition("/gems/")
        entry = self.rootfs.resolve(f"{home}/specifications/{name}.gemspec")
        data = b""
        if entry is not None and entry.kind is EntryKind.FILE:
            with suppress(PathInImageError):
                data = self.rootfs.read(entry, _LARGEST_SPECIFICATION)
        told = _REQUIRE_PATHS.search(data)
        names = re.findall(
            r"[\"']([\w./-]+)[\"']", told[1].decode("ascii", "replace") if told else ""
        )
        return [f"{folder}/{one}" for one in names or ["lib"] if not one.startswith("/")]

    def file(self, path: str) -> str | None:
        """The file that a path without its ending stands for."""
        known = path.endswith((*_ENDINGS, ".ru"))
        for candidate in (path,) if known else tuple(f"{path}{ending}" for ending in _ENDINGS):
            entry = self.rootfs.resolve(candidate)
            if entry is not None and entry.kind is EntryKind.FILE:
                return entry.path
        return None

    def is_standard(self, path: str) -> bool:
        """Whether a file is of the library that comes with the interpreter."""
        return any(path.startswith(f"{folder}/") for folder in self.standard) or bool(
            re.search(r"/(?:vendor|site)_ruby/(?:\d[\d.]*/)?(?:rubygems|bundler)(?:/|\.rb\Z)", path)
            or re.search(r"/gems/bundler-[\d.]+/", path)
        )

    def is_package(self, path: str) -> bool:
        """Whether a file is of a package."""
        if any(path.startswith(f"{folder}/") for folder in (*self.packages, *self.standard)):
            return True
        return any(path.startswith(f"{one}/") for of in self.gems.values() for one in of)

    def program(self, gem: str, name: str) -> str | None:
        """Path of a gem's executable."""
        for folder in self.gems.get(gem, ())[:1]:
            for place in ("exe", "bin", "libexec"):
                entry = self.rootfs.resolve(f"{folder}/{place}/{name}")
                if entry is not None and entry.kind is EntryKind.FILE:
                    return entry.path
        return None


def glob_files(rootfs: RootFS, pattern: str, limit: int = _MOST_FILES) -> list[str]:
    """Files that a pattern of ``Dir.glob`` names, sorted: ``*``, ``**`` and ``?`` are known."""
    if not pattern.startswith("/"):
        return []
    fixed = re.split(r"[*?\[{]", pattern, maxsplit=1)[0].rpartition("/")[0] or "/"
    expression = re.compile(_expression(pattern))
    found: list[str] = []
    stack, seen = [fixed], 0
    while stack and seen < limit:
        folder = stack.pop()
        for name in rootfs.listdir(folder):
            seen += 1
            path = posixpath.join(folder, name)
            entry = rootfs.lookup(path)
            if entry is None:
                continue
            if entry.kind is EntryKind.DIRECTORY:
                stack.append(path)
            elif entry.kind is EntryKind.FILE and expression.fullmatch(path):
                found.append(path)
    return sorted(found)


def _expression(pattern: str) -> str:
    """A glob as a regular expression without nested repeats."""
    parts = re.split(r"(\*\*/|\*\*|\*|\?|\{[\w.,]*\})", pattern)
    found = []
    for part in parts:
        match part:
            case "**/" | "**":
                found.append(".*")
            case "*":
                found.append("[^/]*")
            case "?":
                found.append("[^/]")
            case _ if part.startswith("{"):
                found.append(f"(?:{'|'.join(map(re.escape, part[1:-1].split(',')))})")
            case _:
                found.append(re.escape(part))
    return "".join(found)
