"""What the files beside a runtime say of it: version, vendor, and what it brings along."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import PurePosixPath

from auditor.errors import PathInImageError
from auditor.image.rootfs import RootFS
from auditor.model.facts import ElfFacts
from auditor.model.image import EntryKind
from auditor.model.inventory import Component, Runtime

__all__ = ["READERS", "extensions", "php_build"]

_LARGEST = 1 << 20
_LONGEST = 200
_DEPTH = 4
"""Directories upwards that are looked into."""
_RELEASE = re.compile(r'^(JAVA_VERSION|IMPLEMENTOR|MODULES)="([^"\n]*)"\r?$', re.MULTILINE)
_VERSION = re.compile(r"[0-9]+(?:\.[0-9]+){1,4}[0-9A-Za-z.+-]{0,40}")
_DOTNET = "shared/Microsoft.NETCore.App"
_MOST_MODULES = 1000


def _jvm(runtime: Runtime, rootfs: RootFS) -> Runtime:
    """``release`` in the home of a JDK, a JRE or an image made by ``jlink`` (JEP 220)."""
    for directory in _upwards(runtime.path):
        found = dict(_RELEASE.findall(_text(rootfs, f"{directory}/release")))
        if "JAVA_VERSION" in found:
            modules = sorted(set(found.get("MODULES", "").split()))[:_MOST_MODULES]
            return replace(
                runtime,
                version=found["JAVA_VERSION"][:_LONGEST],
                vendor=found.get("IMPLEMENTOR", "")[:_LONGEST] or runtime.vendor,
                modules=tuple(modules),
            )
    return runtime


def _dotnet(runtime: Runtime, rootfs: RootFS) -> Runtime:
    """The directory of the shared framework, which is named by its version.

    The ``dotnet`` host takes the newest (docs of .NET, "Select which .NET version to use").
    """
    parent = PurePosixPath(runtime.path).parent
    if _VERSION.fullmatch(parent.name) and parent.parent.name in {"Microsoft.NETCore.App", "fxr"}:
        return replace(runtime, version=parent.name)
    versions = [name for name in rootfs.listdir(str(parent / _DOTNET)) if _VERSION.fullmatch(name)]
    return replace(runtime, version=max(versions, key=_numbers)) if versions else runtime


def _beam(runtime: Runtime, rootfs: RootFS) -> Runtime:
    """``releases/N/OTP_VERSION`` (Erlang, "OTP Versions"): the bytes have the release alone."""
    for directory in _upwards(runtime.path):
        for release in rootfs.listdir(f"{directory}/releases")[:_MOST_MODULES]:
            text = _text(rootfs, f"{directory}/releases/{release}/OTP_VERSION").strip()
            if _VERSION.fullmatch(text) and text.startswith(runtime.version or ""):
                return replace(runtime, version=text)
    return runtime


def _r(runtime: Runtime, rootfs: RootFS) -> Runtime:
    """``DESCRIPTION`` of the package ``base``, whose version is R's own."""
    for directory in _upwards(runtime.path):
        text = _text(rootfs, f"{directory}/library/base/DESCRIPTION")
        fields = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
        version = fields.get("Version", "")
        if fields.get("Package") == "base" and _VERSION.fullmatch(version):
            return replace(runtime, version=version)
    return runtime


READERS: dict[str, Callable[[Runtime, RootFS], Runtime]] = {
    "jvm": _jvm,
    "dotnet": _dotnet,
    "beam": _beam,
    "r": _r,
}
"""Id of a runtime → what fills in what the files beside it say."""

_PHP_BUILD = re.compile(rb"\x00API4?(20[0-9]{6},(?:TS|NTS)[A-Za-z0-9,]{0,20})\x00")
"""``ZEND_MODULE_BUILD_ID`` and ``ZEND_EXTENSION_BUILD_ID`` (``zend_build.h``)."""
_PHP_MODULE = frozenset({"get_module", "zend_extension_entry"})
"""What a module of PHP, or of its engine, exports (``zend_API.h``, ``zend_extensions.h``)."""


def extensions(
    libraries: Iterable[Component], read: Callable[[Component], bytes]
) -> dict[bytes, tuple[str, ...]]:
    """Names of the shared extensions of PHP in an image, by the build that they were made for.

    Which of them the configuration loads is another question.
    """
    found: dict[bytes, set[str]] = {}
    for library in libraries:
        exports = library.facts.exports if isinstance(library.facts, ElfFacts) else ()
        if any(symbol.name in _PHP_MODULE for symbol in exports):
            build = php_build(read(library))
            if build is not None:
                name = PurePosixPath(library.path).name.removesuffix(".so")
                found.setdefault(build, set()).add(name)
    return {build: tuple(sorted(names)[:_MOST_MODULES]) for build, names in found.items()}


def php_build(content: bytes) -> bytes | None:
    """What PHP compares before it loads an extension: API number, thread safety, debugging."""
    match = _PHP_BUILD.search(content)
    return match[1] if match is not None else None


def _upwards(path: str) -> tuple[str, ...]:
    parents = PurePosixPath(path).parents
    return tuple("" if str(parent) == "/" else str(parent) for parent in parents[:_DEPTH])


def _numbers(version: str) -> tuple[tuple[int, ...], bool, str]:
    """A key that puts 10.0 after 9.0, and a release after its previews."""
    numbers, dash, rest = version.partition("-")
    return tuple(int(part) for part in re.findall(r"[0-9]{1,9}", numbers)), not dash, rest


def _text(rootfs: RootFS, path: str) -> str:
    """A file's text; empty where it is not there or was not kept."""
    entry = rootfs.resolve(path)
    if entry is None or entry.kind is not EntryKind.FILE:
        return ""
    try:
        return rootfs.read(entry, _LARGEST).decode("utf-8", "replace")
    except PathInImageError:
        return ""
