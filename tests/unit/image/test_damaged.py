"""The law: whatever is changed in a valid image, there is an error with a sentence, or a report."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.errors import AuditorError
from auditor.image import Bounds, open_image, parse_reference
from auditor.image.bounds import Budget
from auditor.image.layers import read_layers
from auditor.image.source import Descriptor, Found
from auditor.model.image import Platform, Scheme
from auditor.pipeline import Options, scan

SMALL = Path(__file__).parents[3] / "fixtures" / "small"
BOUNDS = Bounds(total_size=1 << 24, files=10_000, store_size=1 << 24, time=10)

# A change: where, in thousandths; what is cut off there; what is put there.
edits = st.lists(
    st.one_of(
        st.tuples(st.integers(0, 1000), st.just(1), st.binary(min_size=1, max_size=1)),
        st.tuples(st.integers(0, 1000), st.just(0), st.binary(min_size=1, max_size=600)),
        st.tuples(st.integers(0, 1000), st.integers(1, 2000), st.just(b"")),
        st.tuples(st.integers(0, 1000), st.just(1 << 30), st.just(b"")),
    ),
    min_size=1,
    max_size=4,
)


def changed(data: bytes, made: list[tuple[int, int, bytes]]) -> bytes:
    for place, cut, put in made:
        start = len(data) * place // 1000
        data = data[:start] + put + data[start + cut :]
    return data


def layer() -> bytes:
    """A layer with everything that a layer can have."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:

        def add(
            name: str, kind: bytes = tarfile.REGTYPE, content: bytes = b"", to: str = ""
        ) -> None:
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.size = kind, to, len(content)
            info.mode = 0o755
            archive.addfile(info, io.BytesIO(content))

        add("usr/bin", tarfile.DIRTYPE)
        add("usr/bin/app", content=b"#!/bin/sh\nexit 0\n" * 60)
        add("usr/bin/hard", tarfile.LNKTYPE, to="usr/bin/app")
        add("bin", tarfile.SYMTYPE, to="usr/bin")
        add(f"bin/{'é' * 120}", content=bytes(700))
        add("etc/.wh.gone")
        add("srv/.wh..wh..opq")
        add("dev/null", tarfile.CHRTYPE)
    return out.getvalue()


LAYER = layer()


class Blobs:
    """A source of one layer in memory."""

    scheme = Scheme.OCI_DIR
    origin = "the test"

    def __init__(self, data: bytes) -> None:
        self.data = data

    def find(self, platform: Platform | None) -> Found:
        raise AssertionError

    def open_blob(self, descriptor: Descriptor) -> io.BytesIO:
        return io.BytesIO(self.data)

    def indexed(self, descriptor: Descriptor) -> None:
        return None

    def name(self, descriptor: Descriptor) -> str:
        return "the layer"

    def close(self) -> None:
        """Nothing is open."""


def read(data: bytes, unpacked: bytes) -> None:
    """Read a layer whose digests are right, so that nothing but its content is in the way."""
    diff_ids = (f"sha256:{hashlib.sha256(unpacked).hexdigest()}",)
    budget = Budget(BOUNDS)
    with contextlib.suppress(AuditorError):
        rootfs, _ = read_layers(Blobs(data), [Descriptor("", None)], diff_ids, keep, budget)
        with rootfs:
            for entry in rootfs.entries():
                rootfs.resolve(entry.path)
                with contextlib.suppress(AuditorError):
                    rootfs.read(entry)


def keep(path: str, mode: int, size: int, head: bytes) -> bool:
    return True


@pytest.mark.parametrize("compress", [bytes, gzip.compress, zstandard.compress])
@settings(max_examples=100, deadline=None)
@given(made=edits)
def test_a_damaged_layer_is_an_error_or_a_tree(
    compress: Callable[[bytes], bytes], made: list[tuple[int, int, bytes]]
) -> None:
    read(changed(compress(LAYER), made), LAYER)
    tar = changed(LAYER, made)
    read(compress(tar), tar)


def repaired(layout: Path, which: str, made: list[tuple[int, int, bytes]]) -> None:
    """Change one document of a layout, and all digests that depend on it."""
    blobs = layout / "blobs" / "sha256"

    def put(data: bytes) -> tuple[str, int]:
        name = hashlib.sha256(data).hexdigest()
        (blobs / name).write_bytes(data)
        return f"sha256:{name}", len(data)

    def edit(name: str, data: bytes) -> bytes:
        return changed(data, made) if name == which else data

    index = json.loads((layout / "index.json").read_bytes())
    (root,) = index["manifests"]
    manifest = json.loads((blobs / root["digest"][7:]).read_bytes())
    config = (blobs / manifest["config"]["digest"][7:]).read_bytes()
    about = manifest["config"]
    about["digest"], about["size"] = put(edit("config", config))
    root["digest"], root["size"] = put(edit("manifest", json.dumps(manifest).encode()))
    (layout / "index.json").write_bytes(edit("index", json.dumps(index).encode()))


PIECES = [
    *(b"{", b"}", b"[", b"]", b",", b":", b'"', b"null", b"-1", b"1e999", b"0", b'""'),
    *(b"\\u0000", b"\\ud800", b'"\\u001b[31m"', b"\xff", b'{"digest": 1}'),
    *(b"[" * 5000, b'{"a":' * 5000, b"9" * 5000),
]
"""What is put into JSON."""

documents = st.one_of(
    edits,
    st.lists(
        st.tuples(st.integers(0, 1000), st.integers(0, 12), st.sampled_from(PIECES)),
        min_size=1,
        max_size=3,
    ),
)


@pytest.mark.parametrize("which", ["index", "manifest", "config"])
@settings(max_examples=30, deadline=None)
@given(made=documents)
def test_a_damaged_document_is_an_error_or_a_report(
    tmp_path_factory: pytest.TempPathFactory, which: str, made: list[tuple[int, int, bytes]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged"
    shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(SMALL / "hello", path)
    repaired(path, which, made)
    with contextlib.suppress(AuditorError):
        scan(str(path), Options(packages="none", bounds=BOUNDS))


@settings(max_examples=100, deadline=None)
@given(made=edits, compress=st.sampled_from([bytes, gzip.compress, zstandard.compress]))
def test_a_damaged_archive_is_an_error_or_an_image(
    tmp_path_factory: pytest.TempPathFactory,
    made: list[tuple[int, int, bytes]],
    compress: Callable[[bytes], bytes],
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.tar"
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.add(SMALL / "links", ".")
    path.write_bytes(changed(compress(out.getvalue()), made))
    with contextlib.suppress(AuditorError):
        open_image(parse_reference(f"archive:{path}"), keep, bounds=BOUNDS).close()
