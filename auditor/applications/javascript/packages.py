"""Where a specifier leads: Node.js's module resolution, over the files of an image.

As the manual has it ("Modules: CommonJS modules", "Modules: Packages", "Modules: ECMAScript
modules"), with what TypeScript's loaders, Deno and Bun add: a ``.js`` that is written ``.ts``,
and import maps.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from auditor.applications.language import Context
from auditor.errors import PathInImageError
from auditor.model.image import Entry, EntryKind

__all__ = ["EXTENSIONS", "Packages", "is_package"]

EXTENSIONS = (".js", ".json", ".node", ".mjs", ".cjs", ".ts", ".tsx", ".jsx", ".mts", ".cts")
_TYPESCRIPT = {".js": (".ts", ".tsx"), ".jsx": (".tsx",), ".mjs": (".mts",), ".cjs": (".cts",)}
_GLOBAL = ("/usr/share/nodejs", "/usr/lib/nodejs", "/usr/lib/{triplet}/nodejs")
"""Where Debian's Node.js looks besides (its patch to ``Module._initPaths``)."""
_TRIPLETS = {"x64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}
_PACKAGE = re.compile(r"/node_modules/|^/usr/(?:share|lib|lib/[^/]+)/nodejs/|/\.yarn/cache/")
_LARGEST = 1 << 20
_DEEPEST = 16
_NAME = re.compile(r"((?:@[^/]+/)?[^/]+)(?:/(.*))?", re.DOTALL)
_VERSION = re.compile(r"(?<=.)@[^/]*")
_COMMENTS = re.compile(r'("(?:[^"\\]|\\.)*")|//[^\n]*|/\*.*?\*/', re.DOTALL)


def is_package(path: str) -> bool:
    """Whether a file came with a package, rather than with the application."""
    return _PACKAGE.search(path) is not None


@dataclass(slots=True)
class Packages:
    """Looks files up, and remembers what it found."""

    context: Context
    arch: str = "x64"
    """As ``process.arch`` has it."""
    _manifests: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    _found: dict[tuple[str, str, bool], str | None] = field(default_factory=dict)

    def file(self, path: str) -> Entry | None:
        """A regular file, links followed."""
        entry = self.context.rootfs.resolve(posixpath.normpath(path))
        return entry if entry is not None and entry.kind is EntryKind.FILE else None

    def is_directory(self, path: str) -> bool:
        """Whether a path leads to a directory."""
        entry = self.context.rootfs.resolve(posixpath.normpath(path))
        return entry is not None and entry.kind is EntryKind.DIRECTORY

    def manifest(self, folder: str) -> Mapping[str, Any]:
        """The ``package.json`` of a directory; empty where there is none that can be read."""
        return self.json(posixpath.join(folder, "package.json"))

    def json(self, path: str) -> Mapping[str, Any]:
        """An object from a file of JSON, with comments or without; empty where there is none."""
        if path not in self._manifests:
            self._manifests[path] = self._json(path)
        return self._manifests[path]

    def _json(self, path: str) -> Mapping[str, Any]:
        entry = self.file(path)
        if entry is None:
            return {}
        try:
            text = self.context.rootfs.read(entry, _LARGEST).decode("utf-8-sig")
            if path.endswith((".jsonc", "deno.json", "tsconfig.json")):
                text = _COMMENTS.sub(lambda match: match.group(1) or "", text)
            found = json.loads(text)
        except (PathInImageError, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def nearest(self, path: str) -> tuple[str, Mapping[str, Any]]:
        """The nearest directory above a path that has a ``package.json``, and what it says."""
        for folder in _upward(posixpath.dirname(path)):
            if found := self.manifest(folder):
                return folder, found
        return "/", {}

    def is_esm(self, path: str) -> bool:
        """Whether a file's imports are those of an ECMAScript module."""
        extension = posixpath.splitext(path)[1]
        if extension in {".mjs", ".mts", ".ts", ".tsx"}:
            return True
        return extension != ".cjs" and self.nearest(path)[1].get("type") == "module"

    def resolve(self, specifier: str, importer: str) -> str | None:
        """Path of the file that a specifier leads to from a module, all links followed."""
        esm = self.is_esm(importer)
        key = (specifier, posixpath.dirname(importer), esm)
        if key not in self._found:
            found = self._resolve(specifier, importer, esm=esm)
            self._found[key] = found
        return self._found[key]

    def _resolve(self, specifier: str, importer: str, *, esm: bool) -> str | None:
        if "\0" in specifier or len(specifier) > 4096:  # noqa: PLR2004 - PATH_MAX of Linux
            return None
        folder = posixpath.dirname(importer)
        mapped = self._mapped(specifier, folder)
        if mapped is not None:
            specifier, folder = mapped
        specifier = specifier.removeprefix("file://").partition("?")[0] or specifier
        if specifier.startswith(("npm:", "jsr:")):
            specifier = _VERSION.sub("", specifier[4:].lstrip("/"))
        if specifier.startswith(("./", "../", "/")) or specifier in {".", ".."}:
            return self.path(posixpath.join(folder, specifier))
        conditions = ("node", "import" if esm else "require", "default")
        other = ("node", "require" if esm else "import", "default")
        for names in (conditions, other):
            found = self._bare(specifier, folder, names)
            if found is not None:
                return found
        return self._aliased(specifier, folder)

    def path(self, path: str) -> str | None:
        """A file by its path, with or without extension, or a directory's main file."""
        path = posixpath.normpath(path)
        found = self._as_file(path)
        if found is None and self.is_directory(path):
            main = self.manifest(path).get("main")
            if isinstance(main, str) and main and "\0" not in main:
                target = posixpath.join(path, main)
                found = self._as_file(target) or self._as_file(f"{target}/index")
            found = found or self._as_file(f"{path}/index")
        return found

    def _as_file(self, path: str) -> str | None:
        stem, extension = posixpath.splitext(path)
        written = (stem + other for other in _TYPESCRIPT.get(extension, ()))
        for candidate in (path, *(path + end for end in EXTENSIONS), *written):
            entry = self.file(candidate)
            if entry is not None:
                return entry.path
        return None

    def _bare(self, specifier: str, folder: str, conditions: tuple[str, ...]) -> str | None:
        if specifier.startswith("#"):
            home, manifest = self.nearest(f"{folder}/x")
            return self._exported(home, manifest.get("imports"), specifier, conditions)
        match = _NAME.fullmatch(specifier)
        if match is None:
            return None
        name, below = match.group(1), match.group(2) or ""
        home, manifest = self.nearest(f"{folder}/x")
        if manifest.get("name") == name and manifest.get("exports") is not None:
            key = f"./{below}" if below else "."
            return self._exported(home, manifest["exports"], key, conditions)
        for place in self._places(folder):
            found = f"{place}/{name}"
            if self.is_directory(found):
                return self._inside(found, below, conditions)
            plain = self._as_file(found) if not below else None
            if plain is not None:
                return plain
        return None

    def _inside(self, package: str, below: str, conditions: tuple[str, ...]) -> str | None:
        exports = self.manifest(package).get("exports")
        if exports is not None:
            key = f"./{below}" if below else "."
            return self._exported(package, exports, key, conditions)
        return self.path(f"{package}/{below}" if below else package)

    def _places(self, folder: str) -> Iterator[str]:
        """Directories of packages, nearest first."""
        for above in _upward(folder):
            if posixpath.basename(above) != "node_modules":
                yield posixpath.join(above, "node_modules")
        for path in self.context.variables.get("NODE_PATH", "").split(":"):
            if path:
                yield path
        triplet = _TRIPLETS.get(self.arch, "")
        for path in _GLOBAL:
            yield path.format(triplet=triplet)

    def _exported(
        self, package: str, exports: object, key: str, conditions: tuple[str, ...]
    ) -> str | None:
        """PACKAGE_EXPORTS_RESOLVE and PACKAGE_IMPORTS_RESOLVE."""
        table = exports if isinstance(exports, dict) else {}
        if not any(isinstance(name, str) and name.startswith((".", "#")) for name in table):
            table = {".": exports}
        star, target = "", table.get(key)
        if target is None:
            best = ""
            for name in table:
                head, joint, tail = name.partition("*")
                fits = joint and key.startswith(head) and key.endswith(tail)
                if fits and len(key) >= len(name) - 1 and len(head) >= len(best):
                    best, target = head, table[name]
                    star = key[len(head) : len(key) - len(tail)]
        path = _target(target, conditions)
        if path is None:
            return None
        path = path.replace("*", star)
        if not path.startswith("./"):
            if key[0] != "#" or path.startswith("#"):
                return None
            return self._resolve(path, f"{package}/x", esm="import" in conditions)
        return self._as_file(posixpath.normpath(posixpath.join(package, path)))

    def _mapped(self, specifier: str, folder: str) -> tuple[str, str] | None:
        """What the ``imports`` of a ``deno.json`` above put in the place of a specifier."""
        for above in _upward(folder):
            for name in ("deno.json", "deno.jsonc"):
                imports = self.json(posixpath.join(above, name)).get("imports")
                if not isinstance(imports, dict):
                    continue
                if isinstance(imports.get(specifier), str):
                    return imports[specifier], above
                for key, target in imports.items():
                    if key.endswith("/") and specifier.startswith(key) and isinstance(target, str):
                        return target + specifier[len(key) :], above
        return None

    def _aliased(self, specifier: str, folder: str) -> str | None:
        """What ``paths`` and ``baseUrl`` of a ``tsconfig.json`` above put in its place."""
        for above in _upward(folder):
            options = self.json(posixpath.join(above, "tsconfig.json")).get("compilerOptions")
            if not isinstance(options, dict):
                continue
            base = options.get("baseUrl")
            root = posixpath.join(above, base if isinstance(base, str) else ".")
            paths = options.get("paths")
            for key, targets in (paths if isinstance(paths, dict) else {}).items():
                head, joint, tail = key.partition("*")
                fits = (
                    specifier.startswith(head) and specifier.endswith(tail)
                    if joint
                    else key == specifier
                )
                middle = specifier[len(head) : len(specifier) - len(tail)]
                for target in targets if fits and isinstance(targets, list) else ():
                    found = self.path(posixpath.join(root, str(target).replace("*", middle)))
                    if found is not None:
                        return found
            return self.path(posixpath.join(root, specifier)) if isinstance(base, str) else None
        return None

    def natives(self, kind: str, text: str, importer: str) -> str | None:
        """The native addon that ``bindings`` or ``node-gyp-build`` would find.

        The places are those that the two packages try first: a build of the package's own, then
        binaries that it brings for each platform.
        """
        home = self.nearest(importer)[0]
        folders = [f"{home}/build/Release", f"{home}/prebuilds/linux-{self.arch}"]
        wanted = f"{posixpath.basename(text).removesuffix('.node')}.node"
        for folder in folders:
            names = [name for name in self.context.rootfs.listdir(folder) if name.endswith(".node")]
            names.sort(key=lambda name: ("musl" in name, name))
            if kind == "bindings":
                names = [name for name in names if name == wanted]
            for name in names:
                entry = self.file(f"{folder}/{name}")
                if entry is not None:
                    return entry.path
        return None


def _target(target: object, conditions: tuple[str, ...]) -> str | None:
    """PACKAGE_TARGET_RESOLVE: the path under the first condition that holds."""
    for _ in range(_DEEPEST):
        if isinstance(target, str):
            return target if "\0" not in target else None
        if isinstance(target, list):
            target = next((item for item in target if isinstance(item, str | dict)), None)
        elif isinstance(target, dict):
            holds = (value for name, value in target.items() if name in conditions)
            target = next((value for value in holds if _target_exists(value, conditions)), None)
        else:
            return None
    return None


def _target_exists(target: object, conditions: tuple[str, ...]) -> bool:
    """Whether a nested target has a condition that holds."""
    for _ in range(_DEEPEST):
        if not isinstance(target, dict):
            return target is not None
        target = next((value for name, value in target.items() if name in conditions), None)
    return False


def _upward(folder: str) -> Iterator[str]:
    for _ in range(64):
        yield folder
        if folder in {"/", ""}:
            return
        folder = posixpath.dirname(folder)
