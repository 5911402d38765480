"""Images whose layers are packed in chunks, as real tools write them, through the command line."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
import struct
import subprocess
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from auditor.cli import main

SMALL = Path(__file__).parents[2] / "fixtures" / "small"
OCI = "application/vnd.oci.image"

Json = dict[str, Any]


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def to_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def document(path: Path, name: str) -> Any:
    return json.loads((path / "blobs" / name.replace(":", "/")).read_bytes())


@dataclass(frozen=True)
class Layout:
    """An OCI layout that a test writes."""

    path: Path

    def blob(self, data: bytes, media_type: str, **more: Any) -> Json:
        target = self.path / "blobs" / digest(data).replace(":", "/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        return {"mediaType": media_type, "digest": digest(data), "size": len(data), **more}

    def image(self, layers: list[Json], diff_ids: list[str], settings: Json) -> Json:
        """An image's manifest; ``settings`` are those that a program is started with."""
        platform = {"os": "linux", "architecture": "amd64"}
        rootfs = {"type": "layers", "diff_ids": diff_ids}
        config = to_json({**platform, "config": settings, "rootfs": rootfs})
        media_type = f"{OCI}.manifest.v1+json"
        manifest = {
            "schemaVersion": 2,
            "mediaType": media_type,
            "config": self.blob(config, f"{OCI}.config.v1+json"),
            "layers": layers,
        }
        return self.blob(to_json(manifest), media_type, platform=platform)

    def finish(self, root: Json) -> Path:
        (self.path / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
        index = {"schemaVersion": 2, "manifests": [root]}
        (self.path / "index.json").write_bytes(to_json(index))
        return self.path


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "layout")


@pytest.fixture
def scan(capsys: pytest.CaptureFixture[str]) -> Callable[[Path], Json]:
    """A function that gives a scan's report, by the command line."""

    def scanned(path: Path) -> Json:
        code = main(["scan", f"oci-dir:{path}", "--packages", "none", "-o", "json"])
        said = capsys.readouterr()
        assert (code, said.err) == (0, "")
        report: Json = json.loads(said.out)
        return report

    return scanned


def run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr}"


def needs(*tools: str) -> None:
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} is not installed")


def judgement(report: Json) -> Json:
    """A report without what tells one copy of an image from another: names and packed sizes."""
    image = {k: v for k, v in report["image"].items() if k not in {"reference", "digest"}}
    layers = [{**layer, "size": None} for layer in image["layers"]]
    return {**report, "image": {**image, "layers": layers}}


def repacked(small: Path, into: Layout, pack: Callable[[bytes], tuple[bytes, bytes]]) -> Path:
    """A copy of an image whose layers are packed anew: blob, and what it unpacks to.

    The tars are given without the padding beyond their end mark, which Go does not write either:
    the zstd:chunked of containers/storage 1.43 drops it, and the diff id is wrong then.
    """
    (root,) = json.loads((small / "index.json").read_bytes())["manifests"]
    manifest = document(small, root["digest"])
    config = document(small, manifest["config"]["digest"])
    layers, diff_ids = [], []
    for layer in manifest["layers"]:
        tar = gzip.decompress((small / "blobs" / layer["digest"].replace(":", "/")).read_bytes())
        with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
            archive.getmembers()
            blob, plain = pack(tar[: archive.offset] + bytes(1024))
        layers.append(into.blob(blob, layer["mediaType"]))
        diff_ids.append(digest(plain))
    tag = {"org.opencontainers.image.ref.name": "latest"}
    return into.finish({**into.image(layers, diff_ids, config["config"]), "annotations": tag})


# zstd:chunked, as the tools of containers/storage write it


def by_skopeo(layout: Path, folder: Path) -> Path:
    needs("skopeo")
    target = f"oci:{folder}/chunked:latest"
    options = ("-q", "--dest-compress", "--dest-compress-format", "zstd:chunked")
    run("skopeo", "--insecure-policy", "copy", *options, f"oci:{layout}:latest", target)
    return folder / "chunked"


def by_podman(layout: Path, folder: Path) -> Path:
    needs("skopeo", "podman")
    if os.geteuid() != 0:
        pytest.skip("only root can have a store for podman here")
    archive = f"docker-archive:{folder}/image.tar:example.test/image:1"
    run("skopeo", "--insecure-policy", "copy", "-q", f"oci:{layout}:latest", archive)
    push = ("push", "-q", "--compression-format", "zstd:chunked", "example.test/image:1")
    with TemporaryDirectory(prefix="engine-", dir="/tmp") as short:  # Podman's bound: 50 characters
        stores = (f"--root={short}/root", f"--runroot={short}/run", "--storage-driver=vfs")
        run("podman", *stores, "load", "-q", "-i", folder / "image.tar")
        run("podman", *stores, *push, f"oci:{folder}/chunked:latest")
    return folder / "chunked"


@pytest.mark.parametrize("make", [by_skopeo, by_podman])
@pytest.mark.parametrize("name", ["shell-cmd", "links", "whiteouts"])
def test_layers_in_zstd_chunked_give_the_report_of_the_plain_image(
    scan: Callable[[Path], Json],
    layout: Layout,
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    make: Callable[[Path, Path], Path],
) -> None:
    plain = repacked(SMALL / name, layout, lambda tar: (gzip.compress(tar), tar))
    chunked = make(plain, tmp_path_factory.mktemp("c"))
    (root,) = json.loads((chunked / "index.json").read_bytes())["manifests"]
    layers = document(chunked, root["digest"])["layers"]
    assert all(layer["mediaType"].endswith("+zstd") for layer in layers)
    assert all("io.containers.zstd-chunked.manifest-position" in x["annotations"] for x in layers)
    assert judgement(scan(chunked)) == judgement(scan(plain))


# eStargz: containerd/stargz-snapshotter, docs/estargz.md


def estargz(layer: bytes, chunk: int) -> tuple[bytes, bytes]:
    """A tar as eStargz and the tar that it holds, table of contents and landmark included.

    One gzip member for what stands before a payload, one for each chunk of it, then the table's
    own member, and the footer that says where that begins.
    """
    blob, plain = bytearray(), bytearray()
    entries: list[Json] = []

    def member(data: bytes) -> int:
        """Append a gzip member; where it begins."""
        start = len(blob)
        plain.extend(data)
        blob.extend(gzip.compress(data, mtime=0))
        return start

    with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
        items = [(info, (archive.extractfile(info) if info.isreg() else None)) for info in archive]
        files = [(info, stream.read() if stream else b"") for info, stream in items]
    landmark = tarfile.TarInfo(".no.prefetch.landmark")
    landmark.size = 1
    for info, content in [(landmark, b"\x0f"), *files]:
        member(info.tobuf(tarfile.PAX_FORMAT))
        kind = {"5": "dir", "2": "symlink", "1": "hardlink"}.get(info.type.decode(), "reg")
        entry: Json = {"name": info.name, "type": kind, "mode": info.mode}
        if kind == "reg":
            entry |= {"size": len(content), "digest": digest(content)}
        elif info.linkname:
            entry["linkName"] = info.linkname
        for offset in range(0, len(content), chunk):
            part = content[offset : offset + chunk]
            where = {"offset": member(part), "chunkOffset": offset, "chunkSize": len(part)}
            entries.append({**entry, **where, "chunkDigest": digest(part)})
            entry = {"name": info.name, "type": "chunk"}
        if not content:
            entries.append(entry)
        member(bytes(-len(content) % 512))
    table = json.dumps({"version": 1, "entries": entries}).encode()
    info = tarfile.TarInfo("stargz.index.json")
    info.size = len(table)
    start = member(info.tobuf(tarfile.PAX_FORMAT) + table + bytes(-len(table) % 512) + bytes(1024))
    field = b"SG" + struct.pack("<H", 22) + b"%016xSTARGZ" % start
    header = b"\x1f\x8b\x08\x04" + bytes(4) + b"\0\xff" + struct.pack("<H", len(field)) + field
    return bytes(blob) + header + b"\x01\0\0\xff\xff" + bytes(8), bytes(plain)


@pytest.mark.parametrize("chunk", [100, 4096, 4 << 20])
@pytest.mark.parametrize("name", ["shell-cmd", "links", "static"])
def test_layers_in_estargz_give_the_report_of_the_plain_image(
    scan: Callable[[Path], Json], layout: Layout, tmp_path: Path, name: str, chunk: int
) -> None:
    def packed(tar: bytes) -> tuple[bytes, bytes]:
        blob, whole = estargz(tar, chunk)
        assert gzip.decompress(blob) == whole
        assert blob[-51:-8].endswith(b"STARGZ\x01\0\0\xff\xff")
        return blob, whole

    plain = repacked(SMALL / name, Layout(tmp_path / "plain"), lambda tar: (tar, tar))
    report, expected = scan(repacked(SMALL / name, layout, packed)), scan(plain)
    text = json.dumps(expected)
    pairs = zip(expected["image"]["layers"], report["image"]["layers"], strict=True)
    for old, new in pairs:
        text = text.replace(old["diff_id"], new["diff_id"])
    assert judgement(report) == judgement(json.loads(text))
