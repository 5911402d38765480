"""From a reference to an image: manifest, config, platform, digests."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from auditor.errors import CorruptImageError, ImageError, NotAnImageError
from auditor.model.image import ImageConfig, Platform, Scheme

if TYPE_CHECKING:
    from tests.unit.image.conftest import Blob, Builder

OCI = "application/vnd.oci.image"


def blob_path(layout: Path, digest: str) -> Path:
    return layout / "blobs" / "sha256" / digest.removeprefix("sha256:")


def layer_path(layout: Path) -> Path:
    """The blob of the only layer."""
    (root,) = json.loads((layout / "index.json").read_bytes())["manifests"]
    manifest = json.loads(blob_path(layout, root["digest"]).read_bytes())
    return blob_path(layout, manifest["layers"][0]["digest"])


def test_the_config_is_read_as_the_specification_has_it(build: Builder) -> None:
    layout = build.layout(
        config={
            "Entrypoint": ["/entry.sh"],
            "Cmd": ["serve", "-p"],
            "Env": ["PATH=/bin:/usr/bin", "EMPTY=", "BARE", "EQ=a=b"],
            "WorkingDir": "/srv",
            "User": "www:www",
            "ExposedPorts": {"80/tcp": {}, "443/tcp": {}},
            "Volumes": {"/data": {}},
            "Labels": {"b": "2", "a": "1"},
            "StopSignal": "SIGQUIT",
            "Healthcheck": {"Test": ["CMD", "true"], "Interval": 5},
        }
    )
    assert build.open(layout).image.config == ImageConfig(
        entrypoint=("/entry.sh",),
        cmd=("serve", "-p"),
        env=(("PATH", "/bin:/usr/bin"), ("EMPTY", ""), ("BARE", ""), ("EQ", "a=b")),
        working_dir="/srv",
        user="www:www",
        exposed_ports=("443/tcp", "80/tcp"),
        volumes=("/data",),
        labels=(("a", "1"), ("b", "2")),
        stop_signal="SIGQUIT",
        healthcheck=("CMD", "true"),
    )


def test_null_and_absent_settings_are_empty(build: Builder) -> None:
    settings = dict.fromkeys(["Entrypoint", "Cmd", "Env", "Labels", "Volumes", "Healthcheck"])
    assert build.open(build.layout(config=settings)).image.config == ImageConfig()
    assert build.open(build.layout(config=None, name="none")).image.config == ImageConfig()


def test_layers_say_which_history_line_made_them(build: Builder) -> None:
    history = [
        {"created_by": "COPY a"},
        {"created_by": "ENV A=1", "empty_layer": True},
        {"created_by": "RUN b"},
    ]
    tars = [build.files({"a": b""}), build.files({"b": b""})]
    layers = build.open(build.layout(*tars, history=history)).image.layers
    assert [layer.created_by for layer in layers] == ["COPY a", "RUN b"]
    assert [layer.diff_id for layer in layers] == [
        f"sha256:{hashlib.sha256(data).hexdigest()}" for data in tars
    ]
    odd = build.layout(*tars, history=history[:1], name="odd")
    assert [layer.created_by for layer in build.open(odd).image.layers] == [None, None]


@pytest.mark.parametrize(
    ("lines", "base"),
    [
        (["ADD rootfs", '#CMD ["bash"]', "COPY app", '#CMD ["app"]'], 1),
        (["/bin/sh -c #(nop) ADD f", '#/bin/sh -c #(nop)  CMD ["sh"]', "/bin/sh -c make"], 1),
        (["ADD rootfs", '#CMD ["bash"]', '#CMD ["app"]', "COPY app"], 1),
        (["ADD rootfs", "COPY app", '#CMD ["app"]'], 0),
        (["ADD CMD", "RUN CMD"], 0),
        (["ADD rootfs", '#CMD ["bash"]'], 0),
    ],
)
def test_a_base_ends_where_a_command_was_set_before_the_last_layer(
    build: Builder, lines: list[str], base: int
) -> None:
    history = [
        {"created_by": line.removeprefix("#"), "empty_layer": line.startswith("#")}
        for line in lines
    ]
    count = sum(not line.startswith("#") for line in lines)
    tars = [build.files({str(number): b""}) for number in range(count)]
    assert build.open(build.layout(*tars, history=history)).image.base_layers == base


def test_the_image_knows_its_digest_and_media_types(build: Builder) -> None:
    path = build.root / "layout"
    root = build.image(path, build.files({"a": b""}))
    image = build.open(build.finish(path, root)).image
    assert (image.scheme, image.digest) == (Scheme.OCI_DIR, root["digest"])
    assert (image.reference, image.platform) == (str(path), Platform("linux", "amd64"))
    assert image.media_type == f"{OCI}.manifest.v1+json"


def docker(build: Builder, layout: Path, tar: bytes) -> Blob:
    docker_ = "application/vnd.docker"
    layer = build.blob(layout, gzip.compress(tar), f"{docker_}.image.rootfs.diff.tar.gzip")
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{docker_}.distribution.manifest.v2+json",
        "config": build.json_blob(
            layout, build.config([tar]), f"{docker_}.container.image.v1+json"
        ),
        "layers": [layer],
    }
    return build.json_blob(layout, manifest, f"{docker_}.distribution.manifest.v2+json")


def test_docker_schema_2_is_an_image_too(build: Builder) -> None:
    path = build.root / "layout"
    root = docker(build, path, build.files({"a": b"text"}))
    listed = {"schemaVersion": 2, "manifests": [root]}
    kind = "application/vnd.docker.distribution.manifest.list.v2+json"
    build.finish(path, build.json_blob(path, {**listed, "mediaType": kind}, kind))
    assert [entry.path for entry in build.read(path).entries()] == ["/a"]


def test_a_schema_1_manifest_is_refused_with_a_way_out(build: Builder) -> None:
    path = build.root / "layout"
    build.finish(path, build.json_blob(path, {"schemaVersion": 1, "fsLayers": []}, "x"))
    with pytest.raises(NotAnImageError, match="schema 1"):
        build.open(path)


# Digests and sizes


@pytest.mark.parametrize("change", [b"", b"x", None])
def test_a_changed_layer_is_corruption_named_by_path(build: Builder, change: bytes | None) -> None:
    layout = build.layout(build.files({"a": b"text"}))
    path = layer_path(layout)
    data = path.read_bytes()
    path.write_bytes(data[:-4] + b"????" if change is None else data + change if change else b"")
    with pytest.raises(CorruptImageError) as caught:
        build.open(layout)
    assert str(path) in str(caught.value)


def test_a_wrong_digest_names_what_is_expected_and_what_is_found(build: Builder) -> None:
    layout = build.layout(build.files({"a": b"text"}))
    digest = build.open(layout).image.digest or ""
    path = blob_path(layout, digest)
    path.write_bytes(path.read_bytes().replace(b"layers", b"Layers"))
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(CorruptImageError, match=f"{found}.*{digest}"):
        build.open(layout)


def test_a_digest_by_sha512_is_checked(build: Builder) -> None:
    path = build.root / "layout"
    tar = build.files({"a": b"text"})
    digest = hashlib.sha512(tar).hexdigest()
    layer = build.blob(path, tar, f"{OCI}.layer.v1.tar")
    target = path / "blobs" / "sha512" / digest
    target.parent.mkdir()
    target.write_bytes(tar)
    config = build.config([tar])
    config["rootfs"]["diff_ids"] = [f"sha512:{digest}"]
    build.finish(path, build.manifest(path, config, [{**layer, "digest": f"sha512:{digest}"}]))
    assert len(list(build.read(path).entries())) == 1
    target.write_bytes(tar.replace(b"text", b"TEXT"))
    with pytest.raises(CorruptImageError, match="sha512:"):
        build.read(path)


@pytest.mark.parametrize(
    "digest", ["sha256:../../../etc/passwd", "md5:00", "sha256:" + "A" * 64, "", "sha256"]
)
def test_a_digest_that_is_none_never_becomes_a_path(build: Builder, digest: str) -> None:
    path = build.root / "layout"
    build.finish(path, {"mediaType": f"{OCI}.manifest.v1+json", "digest": digest, "size": 1})
    with pytest.raises(CorruptImageError, match="not a digest"):
        build.open(path)


def test_a_layer_that_unpacks_to_something_else_is_corruption(build: Builder) -> None:
    layout = build.layout(build.files({"a": b"1"}), rootfs={"diff_ids": [f"sha256:{'0' * 64}"]})
    with pytest.raises(CorruptImageError, match="config expects sha256:000"):
        build.read(layout)


def test_layers_and_diff_ids_must_be_equally_many(build: Builder) -> None:
    layout = build.layout(build.files({"a": b"1"}), rootfs={"diff_ids": []})
    with pytest.raises(CorruptImageError, match="lists 0 layers where the manifest has 1"):
        build.open(layout)


def test_a_missing_blob_is_corruption_named_by_path(build: Builder) -> None:
    layout = build.layout(build.files({"a": b"1"}))
    layer_path(layout).unlink()
    with pytest.raises(CorruptImageError, match=r"not there: .*blobs/sha256"):
        build.open(layout)


def test_a_missing_layer_that_nobody_may_hand_out_is_an_unknown(build: Builder) -> None:
    path = build.root / "layout"
    tars = [build.files({"a": b""}), build.files({"b": b""})]
    layers = [build.blob(path, tar, f"{OCI}.layer.v1.tar") for tar in tars]
    layers[0]["mediaType"] = f"{OCI}.layer.nondistributable.v1.tar"
    blob_path(path, layers[0]["digest"]).unlink()
    build.finish(path, build.manifest(path, build.config(tars), layers))
    rootfs = build.read(path)
    assert [entry.path for entry in rootfs.entries()] == ["/b"]
    assert layers[0]["digest"] in rootfs.unknowns()[0].reason


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{", "manifest .* is not valid JSON"),
        (b"[" * 100_000, "manifest .* is not"),
        (b'{"schemaVersion": 2}', "neither a config nor manifests"),
        (b'{"config": 3}', "manifest .* is not what it should be"),
        (b'{"layers": [], "config": {"digest": "x", "size": -1}}', "negative size"),
        (b'"\xff"', "manifest .* is not"),
    ],
)
def test_a_manifest_that_makes_no_sense_is_corruption(
    build: Builder, data: bytes, message: str
) -> None:
    path = build.root / "layout"
    build.finish(path, build.blob(path, data, ""))
    with pytest.raises(CorruptImageError, match=message):
        build.open(path)


@pytest.mark.parametrize("data", [b"{", b"[]", b'{"config": {"Env": "A=1"}}'])
def test_a_config_that_makes_no_sense_is_corruption(build: Builder, data: bytes) -> None:
    path = build.root / "layout"
    config = build.blob(path, data, f"{OCI}.config.v1+json")
    manifest = {"schemaVersion": 2, "config": config, "layers": []}
    build.finish(path, build.json_blob(path, manifest, f"{OCI}.manifest.v1+json"))
    with pytest.raises(CorruptImageError, match=r"the config .* is not"):
        build.open(path)


def test_a_blob_that_cannot_be_opened_is_named(build: Builder) -> None:
    path = build.root / "layout"
    root = build.image(path)
    build.finish(path, root)
    blob = blob_path(path, root["digest"])
    blob.unlink()
    blob.mkdir()
    with pytest.raises(ImageError, match=f"cannot (open|read) {blob}"):
        build.open(path)


# The opened image


def test_closing_twice_is_harmless(build: Builder) -> None:
    opened = build.open(build.layout(build.files({"a": b"text"})))
    opened.close()
    opened.close()
