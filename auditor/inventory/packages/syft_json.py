"""syft's own JSON → packages.

The shape is that of ``schema/json/schema-16.*.json`` in anchore/syft. Its major number says
whether it can be read: keys that came later are passed over, and an entry that does not fit is
counted and left out.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from auditor.inventory.packages.records import (
    STAGE,
    NotUnderstoodError,
    Packages,
    absolute,
    ordered,
    strings,
    text,
)
from auditor.model.inventory import Package, Unknown

__all__ = ["SCHEMA_MAJOR", "looks_like_syft", "read_syft"]

SCHEMA_MAJOR = "16"
"""Of the schema; tested with syft 1.18.1 (16.0.18)."""


class _Location(msgspec.Struct):
    path: str
    layer: str | None = msgspec.field(default=None, name="layerID")
    annotations: Any = None

    @property
    def rank(self) -> tuple[bool, str]:
        """The file that names a package stands before what only supports it."""
        primary = isinstance(self.annotations, dict) and (
            self.annotations.get("evidence") == "primary"
        )
        return not primary, self.path


class _Artifact(msgspec.Struct):
    id: str
    name: str
    version: str
    type: str
    purl: str = ""
    locations: list[_Location] = []
    licenses: Any = None
    metadata: Any = None


class _Relationship(msgspec.Struct):
    parent: str
    child: str
    type: str


class _Document(msgspec.Struct):
    artifacts: list[msgspec.Raw]
    schema: dict[str, Any]
    descriptor: dict[str, Any] = {}
    relationships: list[msgspec.Raw] = msgspec.field(default=[], name="artifactRelationships")


def looks_like_syft(document: Mapping[str, Any]) -> bool:
    """Whether a JSON object is syft's own."""
    return "artifacts" in document and isinstance(document.get("schema"), dict)


def read_syft(content: bytes) -> Packages:
    """The packages of a document. Raises ``NotUnderstoodError``."""
    try:
        document = msgspec.json.decode(content, type=_Document)
    except (msgspec.DecodeError, RecursionError) as error:
        raise NotUnderstoodError("what it printed is not syft's JSON") from error
    version = text(document.schema.get("version"))
    if version.partition(".")[0] != SCHEMA_MAJOR:
        raise NotUnderstoodError(
            f"its JSON has the schema {version[:20] or 'without a version'}, and only "
            f"{SCHEMA_MAJOR}.x is read"
        )
    artifacts: list[_Artifact] = []
    lost = 0
    for raw in document.artifacts:
        try:
            artifacts.append(msgspec.json.decode(raw, type=_Artifact))
        except (msgspec.DecodeError, RecursionError):
            lost += 1
    depends = _dependencies(document.relationships, {one.id: one.name for one in artifacts})
    reason = f"{lost} entries of its list of packages are not what the schema says"
    return Packages(
        packages=ordered(
            _package(one, tuple(sorted(depends.get(one.id, ())))) for one in artifacts
        ),
        by=f"syft {text(document.descriptor.get('version'))[:40] or 'of an unknown version'}",
        unknowns=(Unknown("/", STAGE, reason),) if lost else (),
    )


def _dependencies(
    relationships: list[msgspec.Raw], names: Mapping[str, str]
) -> dict[str, set[str]]:
    """Id → names of what it depends on: a ``dependency-of`` has the dependency as parent."""
    found: dict[str, set[str]] = {}
    for raw in relationships:
        try:
            one = msgspec.json.decode(raw, type=_Relationship)
        except (msgspec.DecodeError, RecursionError):
            continue
        if one.type == "dependency-of" and one.parent in names and one.child in names:
            found.setdefault(one.child, set()).add(names[one.parent])
    return found


def _package(artifact: _Artifact, depends_on: tuple[str, ...]) -> Package:
    locations = sorted(artifact.locations, key=lambda location: location.rank)
    paths = tuple(dict.fromkeys(absolute(location.path) for location in locations))
    metadata = artifact.metadata if isinstance(artifact.metadata, dict) else {}
    licences = strings(artifact.licenses, "spdxExpression", "value")
    return Package(
        name=artifact.name,
        version=artifact.version,
        type=artifact.type,
        purl=artifact.purl or None,
        licences=tuple(sorted(set(licences))),
        paths=paths,
        layer=next((location.layer for location in locations if location.layer), None),
        files=_files(artifact, metadata, paths),
        depends_on=depends_on,
        main=_is_main(artifact, metadata),
    )


def _files(
    artifact: _Artifact, metadata: Mapping[str, Any], paths: tuple[str, ...]
) -> tuple[str, ...]:
    """What the manager says is the package's: absolute for the system's, else by its own base."""
    base = text(metadata.get("sitePackagesRootPath")) or "/"
    if artifact.type == "conda" and paths:
        base = posixpath.dirname(posixpath.dirname(paths[0]))
    # A gem's list is that of its author, and a JVM's or .NET's is what happened to be there.
    if artifact.type in {"gem", "binary", "dotnet"}:
        return ()
    claimed = strings(metadata.get("files"), "path")
    return tuple(sorted({absolute(path, base) for path in claimed}))


def _is_main(artifact: _Artifact, metadata: Mapping[str, Any]) -> bool:
    """Whether it is the program itself, where many packages stand at the path of one program."""
    if artifact.type == "go-module":
        return text(metadata.get("mainModule")) == artifact.name
    if artifact.type == "rust-crate":
        # cargo-auditable does not say which crate is the root: it is the one named as the file
        name = posixpath.basename(artifact.locations[0].path) if artifact.locations else ""
        return re.sub("-", "_", name) == re.sub("-", "_", artifact.name)
    return True
