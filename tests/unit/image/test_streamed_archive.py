from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from auditor.errors import BoundExceededError, CorruptImageError, NotAnImageError
from auditor.image import Bounds
from auditor.image.rootfs import RootFS
from auditor.model.image import Scheme

if TYPE_CHECKING:
    from tests.unit.image.conftest import Builder


def contents(rootfs: RootFS) -> dict[str, bytes]:
    return {e.path: rootfs.read(e) for e in rootfs.entries() if e.kind == "file"}


def streamed(build: Builder, archive: bytes, **more: object) -> RootFS:
    """As from ``<(docker save app)``: a pipe that somebody writes into."""
    pipe = build.root / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=_write, args=(pipe, archive))
    writer.start()
    try:
        return build.read(pipe, **more)  # type: ignore[arg-type]
    finally:
        writer.join()


def _write(pipe: Path, data: bytes) -> None:
    with pipe.open("wb") as out:
        try:
            out.write(data)
        except BrokenPipeError:
            return  # the reader has seen enough


def reordered(archive: bytes, build: Builder, key: Callable[[str], object]) -> bytes:
    path = build.root / "reordered.tar"
    path.write_bytes(archive)
    with tarfile.open(path) as source:
        members = sorted(source.getmembers(), key=lambda info: str(key(info.name)))
        found = [(info, (source.extractfile(info) or _Nothing()).read()) for info in members]
    return build.tar(*found)


class _Nothing:
    def read(self) -> bytes:
        return b""


@pytest.mark.parametrize("kind", ["docker", "oci"])
@pytest.mark.parametrize("last", ["json", "layers"])
def test_the_order_of_the_members_does_not_matter(build: Builder, kind: str, last: str) -> None:
    tars = [build.files({"a": b"1", "b": b"1"}), build.files({"b": b"2", ".wh.a": b""})]
    path = build.docker_archive(*tars) if kind == "docker" else build.archive(build.layout(*tars))
    order = reordered(path.read_bytes(), build, lambda name: ("json" in name) == (last == "json"))
    assert contents(streamed(build, order)) == {"/b": b"2"}


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_standard_input_is_read_as_it_arrives(
    build: Builder, compress: Callable[[bytes], bytes]
) -> None:
    path = build.docker_archive(build.files({"usr/bin/app": b"#!/bin/sh\nexit 0\n"}))
    done = subprocess.run(
        [sys.executable, "-m", "auditor", "scan", "-", "-o", "json"],
        input=compress(path.read_bytes()),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    image = json.loads(done.stdout)["image"]
    assert (image["reference"], image["source"]) == ("-", "docker-archive")


def test_an_empty_standard_input_says_what_may_have_happened() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "auditor", "scan", "-"],
        input=b"",
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    assert b"standard input is empty" in done.stderr
    assert b"may have failed" in done.stderr


def test_a_closed_standard_input_is_a_sentence() -> None:
    script = '"$0" -m auditor scan - <&-'
    done = subprocess.run(["sh", "-c", script, sys.executable], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"auditor: standard input is closed")


def test_a_damaged_layer_of_another_image_does_no_harm(build: Builder) -> None:
    tar = build.files({"a": b"text"})
    path = build.docker_archive(tar)
    with tarfile.open(path) as source:
        found = [(info, (source.extractfile(info) or _Nothing()).read()) for info in source]
    broken = build.member("other/layer.tar", gzip.compress(bytes(range(256)) * 4)[:-20])
    assert contents(streamed(build, build.tar(broken, *found))) == {"/a": b"text"}


def test_a_damaged_layer_of_the_image_is_corruption(build: Builder) -> None:
    layout = build.layout(build.files({"a": b"text"}))
    for blob in (layout / "blobs/sha256").iterdir():
        if blob.read_bytes()[:1] != b"{":
            blob.write_bytes(blob.read_bytes()[:-600])
    archive = build.archive(layout).read_bytes()
    with pytest.raises(CorruptImageError, match=r"blobs/sha256/.* in .*pipe"):
        streamed(build, archive)


def test_what_docker_export_writes_is_no_image(build: Builder) -> None:
    with pytest.raises(NotAnImageError, match="a tar archive without an image") as caught:
        streamed(build, build.files({"etc/passwd": b"root", "bin/true": b"\x7fELF"}))
    assert "docker save" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "data", [b"hello\n" * 1000, gzip.compress(b"hello\n" * 1000), b"x"], ids=["text", "gzip", "x"]
)
def test_other_data_is_no_archive(build: Builder, data: bytes) -> None:
    with pytest.raises(NotAnImageError, match="is no tar archive"):
        streamed(build, data)


def test_an_endless_stream_ends_at_a_bound(build: Builder) -> None:
    archive = build.files({"big": bytes(3_000_000)})
    with pytest.raises(BoundExceededError, match="the bound total-size"):
        streamed(build, archive, bounds=Bounds(total_size=1_000_000))
    (build.root / "pipe").unlink()
    with pytest.raises(NotAnImageError, match="without an image"):
        streamed(build, bytes(5_000_000))  # an empty archive, and padding without end


def test_only_what_the_rule_asks_for_is_kept_and_closing_gives_it_back(build: Builder) -> None:
    path = build.docker_archive(build.files({"a": b"1" * 1000, "b": b"2" * 1000}))
    packed = build.root / "packed.tar.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    opened = build.open(packed, keep=lambda path, *_: path == "/b")
    kept, left = opened.rootfs.lookup("/b"), opened.rootfs.lookup("/a")
    assert kept is not None
    assert left is not None
    assert opened.image.scheme is Scheme.DOCKER_ARCHIVE
    assert opened.rootfs.read(kept) == b"2" * 1000
    with pytest.raises(Exception, match="was not kept"):
        opened.rootfs.read(left)
    opened.close()
    with pytest.raises(ValueError, match="closed"):
        opened.rootfs.read(kept)
