from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from auditor.errors import (
    CorruptImageError,
    ImageError,
    ImageNotFoundError,
    NotAnImageError,
    UsageError,
)

if TYPE_CHECKING:
    from tests.unit.image.conftest import Builder

REF_NAME = "org.opencontainers.image.ref.name"


def tagged(build: Builder, *tags: str) -> tuple[Path, dict[str, str]]:
    """A layout with an image for each tag, and their digests."""
    path = build.root / "tags"
    roots = [
        {**build.image(path, build.files({tag: b""})), "annotations": {REF_NAME: tag}}
        for tag in tags
    ]
    return build.finish(path, *roots), {
        tag: r["digest"] for tag, r in zip(tags, roots, strict=True)
    }


def names(build: Builder, reference: object) -> list[str]:
    return [entry.path for entry in build.read(str(reference)).entries()]


@pytest.mark.parametrize("scheme", ["oci-dir", "oci-archive"])
def test_a_tag_or_a_digest_chooses_one_of_several_images(build: Builder, scheme: str) -> None:
    path, digests = tagged(build, "one", "two")
    if scheme == "oci-archive":
        path = build.archive(path)
    assert names(build, f"{scheme}:{path}:two") == ["/two"]
    assert names(build, f"{scheme}:{path}@{digests['one']}") == ["/one"]


def test_several_images_and_no_tag_is_an_error_that_lists_them(build: Builder) -> None:
    path, _ = tagged(build, "one", "two")
    with pytest.raises(UsageError, match="several images: one, two"):
        build.open(path)


@pytest.mark.parametrize("selector", [":three", "@sha256:" + "0" * 64])
def test_a_tag_that_is_not_there_is_an_error_that_lists_those_that_are(
    build: Builder, selector: str
) -> None:
    path, _ = tagged(build, "one", "two")
    with pytest.raises(ImageNotFoundError, match="there are: one, two"):
        build.open(f"oci-dir:{path}{selector}")


def test_one_image_under_two_tags_is_one_image(build: Builder) -> None:
    path = build.root / "twice"
    root = build.image(path, build.files({"a": b""}))
    tags = [{**root, "annotations": {REF_NAME: tag}} for tag in ("1", "latest")]
    assert names(build, build.finish(path, *tags)) == ["/a"]


def test_a_digest_inside_an_index_can_be_chosen(build: Builder) -> None:
    path = build.root / "nested"
    roots = [build.image(path, build.files({name: b""})) for name in ("a", "b")]
    build.finish(path, build.index(path, *roots))
    assert names(build, f"oci-dir:{path}@{roots[1]['digest']}") == ["/b"]


def test_a_full_image_name_chooses_too(build: Builder) -> None:
    path, _ = tagged(build, "docker.io/library/nginx:latest", "docker.io/library/redis:7")
    assert names(build, f"oci-dir:{path}:nginx")[-1].endswith("nginx:latest")


def test_an_archive_gives_the_same_as_its_directory(build: Builder) -> None:
    layout = build.layout(build.files({"d/a": b"1"}), build.files({"d/b": b"2"}))
    archive = build.archive(layout)
    assert names(build, layout) == names(build, archive) == ["/d", "/d/a", "/d/b"]
    one, two = build.open(layout).image, build.open(archive).image
    assert (one.digest, one.layers, one.config) == (two.digest, two.layers, two.config)


def test_a_layout_without_images_is_no_image(build: Builder) -> None:
    with pytest.raises(NotAnImageError, match="names no image"):
        build.open(build.finish(build.root / "empty"))
    path = build.root / "attested"
    mark = {"annotations": {"vnd.docker.reference.type": "attestation-manifest"}}
    build.finish(path, build.index(path, {**build.image(path), **mark}))
    with pytest.raises(NotAnImageError, match="only attestations"):
        build.open(path)


def test_an_index_that_is_a_manifest_is_an_error(build: Builder) -> None:
    path = build.layout()
    (path / "index.json").write_text('{"config": {"digest": "x", "size": 1}, "layers": []}')
    with pytest.raises(ImageError, match="is no image index"):
        build.open(path)


def test_a_layout_file_that_cannot_be_opened_is_named(build: Builder) -> None:
    path = build.layout()
    (path / "index.json").unlink()
    (path / "index.json").symlink_to("index.json")
    with pytest.raises(ImageError, match=r"cannot open .*index.json: Too many levels"):
        build.open(f"oci-dir:{path}")


def test_a_fifo_in_place_of_a_file_does_not_make_the_reader_wait(build: Builder) -> None:
    layout = build.layout(build.files({"a": b""}))
    opened = build.open(layout)
    blob = layout / "blobs" / "sha256" / (opened.image.digest or "").removeprefix("sha256:")
    blob.unlink()
    os.mkfifo(blob)
    with pytest.raises(CorruptImageError, match="has the digest"):
        build.open(layout)
