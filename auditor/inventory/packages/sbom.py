"""A bill of materials that is there already: syft's JSON, CycloneDX JSON or SPDX JSON.

CycloneDX 1.2 to 1.7 (ECMA-424) and SPDX 2.2 and 2.3 (ISO/IEC 5962), told apart by content.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from auditor.errors import UsageError
from auditor.inventory.packages.records import (
    NotUnderstoodError,
    Packages,
    absolute,
    ordered,
    strings,
    text,
)
from auditor.inventory.packages.syft_json import looks_like_syft, read_syft
from auditor.model.inventory import Package

__all__ = ["open_sbom", "read_sbom"]

_LARGEST = 512 << 20
"""Bytes of a document."""
_HINT = "give syft, none, or a file of syft JSON, CycloneDX JSON or SPDX 2 JSON"
_NO_PACKAGES = frozenset({"file", "operating-system", "container", "data", "cryptographic-asset"})
"""CycloneDX ``component.type``s that are no package."""
_NO_PURPOSES = frozenset({"CONTAINER", "OPERATING-SYSTEM", "FILE", "DEVICE"})
"""SPDX ``primaryPackagePurpose``s that are no package."""
_PLACE = re.compile(r"syft:location:\d+:path")
_TYPES = {"pypi": "python", "golang": "go-module", "cargo": "rust-crate", "maven": "java-archive"}
"""purl type → syft's word for it, where they differ."""


def read_sbom(path: str) -> Packages:
    """The packages of a file given as an option. Raises ``UsageError`` where it is none."""
    try:
        return open_sbom(path)
    except NotUnderstoodError as error:
        raise UsageError(f"--packages {path}: {error}", hint=_HINT) from error


def open_sbom(path: str) -> Packages:
    """The packages of a file. Raises ``NotUnderstoodError`` where it is no such document."""
    file = Path(path)
    try:
        if file.stat().st_size > _LARGEST:
            raise NotUnderstoodError(f"the file is larger than {_LARGEST >> 20} MiB")
        content = file.read_bytes()
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise NotUnderstoodError(f"cannot be read: {reason}") from error
    return _read(content)


def _read(content: bytes) -> Packages:
    try:
        document = msgspec.json.decode(content)
    except (msgspec.DecodeError, RecursionError) as error:
        raise NotUnderstoodError("the file is no JSON") from error
    if isinstance(document, dict):
        if looks_like_syft(document):
            return read_syft(content)
        if document.get("bomFormat") == "CycloneDX":
            return _cyclonedx(document)
        if text(document.get("spdxVersion")).startswith("SPDX-2."):
            return _spdx(document)
    raise NotUnderstoodError("the file is no bill of materials that can be read")


def _cyclonedx(document: Mapping[str, Any]) -> Packages:
    version = text(document.get("specVersion")) or "of an unknown version"
    packages = [
        package
        for item in _nested(document.get("components"))
        if (package := _cyclonedx_package(item)) is not None
    ]
    return Packages(ordered(packages), f"CycloneDX {version}")


def _nested(components: Any) -> Iterator[Mapping[str, Any]]:
    """Components, and those inside of them."""
    pending = [components]
    while pending:
        items = pending.pop()
        for item in items if isinstance(items, list) else ():
            if isinstance(item, dict):
                yield item
                pending.append(item.get("components"))


def _cyclonedx_package(item: Mapping[str, Any]) -> Package | None:
    name, purl = text(item.get("name")), text(item.get("purl"))
    if not name or item.get("type") in _NO_PACKAGES:
        return None
    group = text(item.get("group"))
    properties = item.get("properties")
    values = {
        text(one.get("name")): text(one.get("value"))
        for one in (properties if isinstance(properties, list) else ())
        if isinstance(one, dict)
    }
    evidence = item.get("evidence")
    occurrences = evidence.get("occurrences") if isinstance(evidence, dict) else None
    places = [value for key, value in sorted(values.items()) if _PLACE.fullmatch(key)]
    places += strings(occurrences, "location")
    return Package(
        # syft writes npm scopes and Go paths into the name itself, and other tools into the group
        name=f"{group}/{name}" if group and not purl.startswith("pkg:maven/") else name,
        version=text(item.get("version")),
        type=values.get("syft:package:type") or _type(purl),
        purl=purl or None,
        licences=_cyclonedx_licences(item.get("licenses")),
        paths=tuple(dict.fromkeys(absolute(place) for place in places if place)),
    )


def _cyclonedx_licences(licences: Any) -> tuple[str, ...]:
    found: set[str] = set()
    for item in licences if isinstance(licences, list) else ():
        if isinstance(item, dict):
            inner = item.get("license")
            found.update(strings([item], "expression"))
            found.update(strings([inner] if isinstance(inner, dict) else [], "id", "name"))
    return tuple(sorted(found))


def _spdx(document: Mapping[str, Any]) -> Packages:
    files = {
        text(one.get("SPDXID")): absolute(text(one.get("fileName")))
        for one in _objects(document.get("files"))
        if text(one.get("fileName"))
    }
    contains: dict[str, set[str]] = {}
    described = set(strings(document.get("documentDescribes")))
    for one in _objects(document.get("relationships")):
        source, target = text(one.get("spdxElementId")), text(one.get("relatedSpdxElement"))
        kind = text(one.get("relationshipType"))
        if kind == "CONTAINS" and target in files:
            contains.setdefault(source, set()).add(files[target])
        elif kind == "DESCRIBES":
            described.add(target)
    packages = [
        package
        for one in _objects(document.get("packages"))
        if (package := _spdx_package(one, contains, described)) is not None
    ]
    return Packages(ordered(packages), text(document.get("spdxVersion")).replace("-", " "))


def _spdx_package(
    item: Mapping[str, Any], contains: Mapping[str, set[str]], described: set[str]
) -> Package | None:
    name, identifier = text(item.get("name")), text(item.get("SPDXID"))
    purl = next(
        (
            text(one.get("referenceLocator"))
            for one in _objects(item.get("externalRefs"))
            if one.get("referenceType") == "purl"
        ),
        "",
    )
    # The document is about an image as a whole: that one is no package in it.
    whole = identifier in described and (not purl or purl.startswith("pkg:oci/"))
    if not name or whole or item.get("primaryPackagePurpose") in _NO_PURPOSES:
        return None
    licences = {text(item.get("licenseConcluded")), text(item.get("licenseDeclared"))}
    return Package(
        name=name,
        version=text(item.get("versionInfo")),
        type=_type(purl),
        purl=purl or None,
        licences=tuple(sorted(licences - {"", "NOASSERTION", "NONE"})),
        files=tuple(sorted(contains.get(identifier, ()))),
    )


def _objects(values: Any) -> Iterator[Mapping[str, Any]]:
    for value in values if isinstance(values, list) else ():
        if isinstance(value, dict):
            yield value


def _type(purl: str) -> str:
    """The kind of package that a package URL names."""
    match = re.match(r"pkg:/*([A-Za-z0-9.+-]+)/", purl)
    kind = match[1].lower() if match else ""
    return _TYPES.get(kind, kind) or "unknown"
