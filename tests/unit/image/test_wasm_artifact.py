"""Images that are one wasm file, and other artifacts, which are no images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from auditor.errors import BoundExceededError, NotAnImageError
from auditor.image import Bounds
from auditor.model.image import Platform

if TYPE_CHECKING:
    from tests.unit.image.conftest import Builder

OCI = "application/vnd.oci.image"


def is_wasm(path: str, mode: int, size: int, head: bytes) -> bool:
    return head.startswith(b"\0asm")


def wasm(build: Builder, title: str | None = None, **more: Any) -> Path:
    path = build.root / "wasm"
    module = b"\0asm\1\0\0\0"
    layer = build.blob(path, module, more.pop("layer_type", "application/wasm"))
    if title is not None:
        layer["annotations"] = {"org.opencontainers.image.title": title}
    config = {"architecture": "wasm", "os": "wasip1", "layerDigests": [layer["digest"]]}
    kind = more.pop("config_type", "application/vnd.wasm.config.v0+json")
    layers = [layer] * more.pop("count", 1)
    return build.finish(path, build.manifest(path, config, layers, config_type=kind))


@pytest.mark.parametrize(
    ("title", "path"),
    [
        (None, "/module.wasm"),
        ("app.wasm", "/app.wasm"),
        ("../../a.wasm", "/a.wasm"),
        ("..", "/module.wasm"),
    ],
)
def test_a_wasm_artifact_is_one_file_that_the_entrypoint_names(
    build: Builder, title: str | None, path: str
) -> None:
    opened = build.open(wasm(build, title), keep=is_wasm)
    assert opened.image.config.entrypoint == (path,)
    assert opened.image.platform == Platform("wasip1", "wasm")
    (entry,) = opened.rootfs.entries()
    assert (entry.path, entry.layer) == (path, opened.image.layers[0].diff_id)
    assert opened.rootfs.read(entry) == b"\0asm\1\0\0\0"


def test_a_wasm_layer_under_an_image_config_is_a_wasm_artifact(build: Builder) -> None:
    path = wasm(
        build,
        config_type=f"{OCI}.config.v1+json",
        layer_type="application/vnd.bytecodealliance.wasm.component.layer.v0+wasm",
    )
    assert build.open(path).image.config.entrypoint == ("/module.wasm",)


def test_a_wasm_artifact_with_two_layers_is_refused(build: Builder) -> None:
    with pytest.raises(NotAnImageError, match="has 2 layers"):
        build.open(wasm(build, count=2))


@pytest.mark.parametrize(
    "kind", ["application/vnd.cncf.helm.config.v1+json", "application/vnd.oci.empty.v1+json"]
)
def test_another_artifact_is_no_image_and_its_type_is_named(build: Builder, kind: str) -> None:
    path = wasm(build, config_type=kind, layer_type="application/spdx+json")
    with pytest.raises(NotAnImageError, match="artifact of the type application/vnd"):
        build.open(path)


def test_a_module_larger_than_a_bound_is_not_kept(build: Builder) -> None:
    with pytest.raises(BoundExceededError, match="the bound file-size"):
        build.read(wasm(build), bounds=Bounds(file_size=4))
