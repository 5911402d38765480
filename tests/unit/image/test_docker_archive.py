from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from auditor.errors import CorruptImageError, ImageNotFoundError, NotAnImageError, UsageError
from auditor.image import Bounds
from auditor.image.rootfs import RootFS
from auditor.model.image import Platform

if TYPE_CHECKING:
    from tests.unit.image.conftest import Builder


def listing(rootfs: RootFS) -> dict[str, bytes]:
    return {e.path: rootfs.read(e) for e in rootfs.entries() if e.kind == "file"}


def several(build: Builder, *tags: str) -> Path:
    """One archive with an image for each tag, whose only file has the tag's name."""
    tree: dict[str, bytes] = {}
    items = []
    for tag in tags:
        tar = build.files({tag.replace("/", "-"): b""})
        config = json.dumps(build.config([tar])).encode()
        name = f"{hashlib.sha256(config).hexdigest()}.json"
        tree |= {name: config, f"{tag}/layer.tar": tar}
        items.append({"Config": name, "RepoTags": [tag], "Layers": [f"{tag}/layer.tar"]})
    path = build.root / "several.tar"
    path.write_bytes(build.files({**tree, "manifest.json": json.dumps(items).encode()}))
    return path


def test_the_classic_form_is_read(build: Builder) -> None:
    path = build.docker_archive(build.files({"a": b"1", "b": b"2"}), build.files({".wh.a": b""}))
    opened = build.open(path)
    assert (opened.image.digest, opened.image.platform) == (None, Platform("linux", "amd64"))
    assert listing(build.read(path)) == {"/b": b"2"}


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_the_form_of_docker_25_is_read(build: Builder, compress: Callable[[bytes], bytes]) -> None:
    """An OCI layout and manifest.json in one tar; layers perhaps compressed."""
    tar = build.files({"a": b"text"})
    layout = build.layout(tar, compress=compress)
    index = json.loads((layout / "index.json").read_text())
    blobs = layout / "blobs" / "sha256"
    manifest = json.loads(
        (blobs / index["manifests"][0]["digest"].removeprefix("sha256:")).read_text()
    )
    place = "blobs/sha256/{}".format
    item = {
        "Config": place(manifest["config"]["digest"].removeprefix("sha256:")),
        "RepoTags": ["app:1"],
        "Layers": [place(manifest["layers"][0]["digest"].removeprefix("sha256:"))],
    }
    (layout / "manifest.json").write_text(json.dumps([item]))
    path = build.archive(layout, "docker25.tar")
    assert listing(build.read(path)) == {"/a": b"text"}
    layer = blobs / manifest["layers"][0]["digest"].removeprefix("sha256:")
    layer.write_bytes(layer.read_bytes() + bytes(512))
    with pytest.raises(CorruptImageError, match="has the digest"):
        build.read(build.archive(layout, "changed.tar"))


def test_a_gzipped_archive_is_read(build: Builder) -> None:
    plain = build.docker_archive(build.files({"a": b"text"}))
    path = build.root / "image.tar.gz"
    path.write_bytes(gzip.compress(plain.read_bytes()))
    assert listing(build.read(path)) == {"/a": b"text"}


def test_a_gzipped_archive_is_bounded(build: Builder) -> None:
    plain = build.docker_archive(build.files({"a": bytes(100_000)}))
    path = build.root / "image.tar.gz"
    path.write_bytes(gzip.compress(plain.read_bytes()))
    with pytest.raises(Exception, match="the bound total-size"):
        build.open(path, Bounds(total_size=50_000))


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_an_equal_layer_may_be_a_link_to_the_first(
    build: Builder, compress: Callable[[bytes], bytes]
) -> None:
    tar = build.files({"a": b"text"})
    config = json.dumps(build.config([tar, tar, tar])).encode()
    names = ["one/layer.tar", "two/layer.tar", "three/layer.tar"]
    item = {"Config": "c.json", "RepoTags": None, "Layers": names}
    path = build.root / "links.tar"
    archive = build.tar(
        build.member("c.json", config),
        build.member(names[0], tar),
        build.symlink(names[1], "../one/layer.tar"),
        build.hard_link(names[2], names[0]),
        build.member("manifest.json", json.dumps([item]).encode()),
    )
    path.write_bytes(compress(archive))
    assert listing(build.read(path)) == {"/a": b"text"}


@pytest.mark.parametrize("name", ["two:1", "docker.io/library/two:1", "docker.io/two:1"])
def test_one_of_several_images_is_chosen_by_name(build: Builder, name: str) -> None:
    path = several(build, "one:latest", "two:1")
    assert list(listing(build.read(f"docker-archive:{path}:{name}"))) == ["/two:1"]


def test_latest_goes_without_saying(build: Builder) -> None:
    path = several(build, "one:latest", "two:1", "localhost:5000/three")
    assert list(listing(build.read(f"docker-archive:{path}:one"))) == ["/one:latest"]


def test_several_images_and_no_name_is_an_error_that_lists_them(build: Builder) -> None:
    path = several(build, "one:latest", "two:1")
    with pytest.raises(UsageError, match="several images: one:latest; two:1"):
        build.open(path)
    with pytest.raises(ImageNotFoundError, match="'three'; it holds: one:latest; two:1"):
        build.open(f"docker-archive:{path}:three")


def test_a_config_that_is_not_what_its_name_says_is_corruption(build: Builder) -> None:
    tree = {
        f"{'0' * 64}.json": b"{}",
        "manifest.json": json.dumps([{"Config": f"{'0' * 64}.json", "Layers": []}]).encode(),
    }
    path = build.root / "bad.tar"
    path.write_bytes(build.files(tree))
    with pytest.raises(CorruptImageError, match="where sha256:0000"):
        build.open(path)


@pytest.mark.parametrize(
    ("manifest", "error", "message"),
    [
        (b"nonsense", CorruptImageError, "manifest manifest.json in .* is not valid JSON"),
        (b"[{}]", CorruptImageError, "not what it should be"),
        (b"[]", NotAnImageError, "holds no image"),
        (b'[{"Config": "gone.json"}]', CorruptImageError, "incomplete: .*'gone.json'"),
    ],
)
def test_a_manifest_that_makes_no_sense_is_an_error(
    build: Builder, manifest: bytes, error: type[Exception], message: str
) -> None:
    path = build.root / "bad.tar"
    path.write_bytes(build.files({"manifest.json": manifest}))
    with pytest.raises(error, match=message):
        build.open(path)


def test_an_oci_archive_is_no_docker_archive(build: Builder) -> None:
    path = build.archive(build.layout(build.files({"a": b""})))
    with pytest.raises(NotAnImageError, match=r"no manifest.json"):
        build.open(f"docker-archive:{path}")


def test_links_among_members_that_loop_or_lead_out_are_no_content(build: Builder) -> None:
    item = {"Config": "c.json", "Layers": ["a", "b"]}
    path = build.root / "loop.tar"
    path.write_bytes(
        build.tar(
            build.symlink("c.json", "../../../../etc/hostname"),
            build.symlink("a", "b"),
            build.symlink("b", "a"),
            build.member("manifest.json", json.dumps([item]).encode()),
        )
    )
    with pytest.raises(CorruptImageError, match="incomplete"):
        build.open(path)
