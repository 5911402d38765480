"""A builder of images: odd tars by ``tarfile``, in OCI layouts, OCI archives, Docker archives.

And a world in which the command line meets hostile ones.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import stat
import tarfile
import tempfile
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from auditor.cli import main
from auditor.image import Bounds, KeepRule, RootFS, open_image, parse_reference
from auditor.image.opening import OpenedImage

Blob = dict[str, Any]
OCI = "application/vnd.oci.image"
SMALL = Path(__file__).parents[3] / "fixtures" / "small"
PROGRAM = "/usr/bin/hello"


def keep_all(path: str, mode: int, size: int, head: bytes) -> bool:
    return True


class Builder:
    """Everything is written below ``root`` and closed when the test ends."""

    def __init__(self, root: Path, stack: ExitStack) -> None:
        self.root = root
        self._stack = stack

    # Members of a layer

    def member(
        self, name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE, **more: Any
    ) -> tuple[tarfile.TarInfo, bytes]:
        info = tarfile.TarInfo(name)
        info.type = kind
        info.size = len(content)
        for key, value in more.items():
            setattr(info, key, value)
        return info, content

    def directory(self, name: str, mode: int = 0o755) -> tuple[tarfile.TarInfo, bytes]:
        return self.member(name, kind=tarfile.DIRTYPE, mode=mode)

    def symlink(self, name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
        return self.member(name, kind=tarfile.SYMTYPE, linkname=target, mode=0o777)

    def hard_link(self, name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
        return self.member(name, kind=tarfile.LNKTYPE, linkname=target)

    def tar(
        self, *members: tuple[tarfile.TarInfo, bytes], format_: int = tarfile.PAX_FORMAT
    ) -> bytes:
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=format_) as archive:
            for info, content in members:
                archive.addfile(info, io.BytesIO(content))
        return out.getvalue()

    def files(self, tree: Mapping[str, bytes]) -> bytes:
        """A layer of regular files."""
        return self.tar(*(self.member(name, content) for name, content in tree.items()))

    # Layouts

    def blob(self, layout: Path, data: bytes, media_type: str, **more: Any) -> Blob:
        digest = hashlib.sha256(data).hexdigest()
        path = layout / "blobs" / "sha256" / digest
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data), **more}

    def json_blob(self, layout: Path, value: object, media_type: str, **more: Any) -> Blob:
        return self.blob(layout, json.dumps(value).encode(), media_type, **more)

    def config(self, tars: Sequence[bytes], **more: Any) -> dict[str, Any]:
        diff_ids = [f"sha256:{hashlib.sha256(data).hexdigest()}" for data in tars]
        rootfs = {"type": "layers", "diff_ids": diff_ids}
        return {"os": "linux", "architecture": "amd64", "rootfs": rootfs, **more}

    def image(
        self,
        layout: Path,
        *tars: bytes,
        compress: Callable[[bytes], bytes] = gzip.compress,
        layer_type: str = f"{OCI}.layer.v1.tar+gzip",
        **config: Any,
    ) -> Blob:
        """An image in a layout; the descriptor of its manifest."""
        layers = [self.blob(layout, compress(data), layer_type) for data in tars]
        settings = self.config(tars, **config)
        return self.manifest(layout, settings, layers)

    def manifest(self, layout: Path, config: object, layers: list[Blob], **more: Any) -> Blob:
        media_type = more.pop("config_type", f"{OCI}.config.v1+json")
        manifest = {
            "schemaVersion": 2,
            "mediaType": f"{OCI}.manifest.v1+json",
            "config": self.json_blob(layout, config, media_type),
            "layers": layers,
            **more,
        }
        return self.json_blob(layout, manifest, f"{OCI}.manifest.v1+json")

    def index(self, layout: Path, *manifests: Blob, **more: Any) -> Blob:
        value = {"schemaVersion": 2, "manifests": list(manifests), **more}
        return self.json_blob(layout, value, f"{OCI}.index.v1+json")

    def finish(self, layout: Path, *manifests: Blob) -> Path:
        layout.mkdir(parents=True, exist_ok=True)
        (layout / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
        index = {"schemaVersion": 2, "manifests": list(manifests)}
        (layout / "index.json").write_text(json.dumps(index))
        return layout

    def layout(self, *tars: bytes, name: str = "layout", **more: Any) -> Path:
        """A layout with one image of these layers."""
        path = self.root / name
        return self.finish(path, self.image(path, *tars, **more))

    def archive(self, directory: Path, name: str = "image.tar") -> Path:
        """A directory as a tar file."""
        path = self.root / name
        with tarfile.open(path, "w") as archive:
            for file in sorted(directory.rglob("*")):
                archive.add(file, file.relative_to(directory), recursive=False)
        return path

    def docker_archive(
        self, *tars: bytes, tags: Sequence[str] = ("app:1",), name: str = "docker.tar"
    ) -> Path:
        """As ``docker save`` wrote it before version 25."""
        config = json.dumps(self.config(tars)).encode()
        config_name = f"{hashlib.sha256(config).hexdigest()}.json"
        layers = [f"{index}/layer.tar" for index in range(len(tars))]
        item = {"Config": config_name, "RepoTags": list(tags), "Layers": layers}
        tree = {config_name: config, **dict(zip(layers, tars, strict=True))}
        path = self.root / name
        path.write_bytes(self.files({**tree, "manifest.json": json.dumps([item]).encode()}))
        return path

    # Opening

    def open(
        self,
        path: Path | str,
        bounds: Bounds | None = None,
        keep: KeepRule = keep_all,
        **more: Any,
    ) -> OpenedImage:
        opened = open_image(parse_reference(str(path)), keep, bounds=bounds, **more)
        return self._stack.enter_context(opened)

    def read(
        self, path: Path | str, keep: KeepRule = keep_all, bounds: Bounds | None = None
    ) -> RootFS:
        return self.open(path, bounds, keep).rootfs

    def rootfs(self, *tars: bytes, keep: KeepRule = keep_all, **more: Any) -> RootFS:
        """The squashed files of an image of these layers."""
        return self.read(self.layout(*tars, **more), keep)


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Builder]:
    with ExitStack() as stack:
        yield Builder(tmp_path, stack)


# A world that a scan leaves as it was


@dataclass(frozen=True)
class Told:
    """What a run of the command line gave."""

    code: int
    out: str
    err: str

    @property
    def words(self) -> str:
        """What it printed, without the line breaks that a table's width makes."""
        return " ".join(self.out.split())

    def assert_harmless(self) -> None:
        """It ended as it should, with one sentence at most, and steers no terminal."""
        assert self.code in (0, 1, 64), self.err
        assert_printable(self.out)
        assert_printable(self.err)
        assert "Traceback" not in self.out + self.err
        beside = ("  hint: ", "auditor: warning: ")
        sentences = [line for line in self.err.splitlines() if not line.startswith(beside)]
        assert len(sentences) == bool(self.code), self.err
        assert all(line.startswith("auditor: ") for line in sentences)
        assert bool(self.out) != bool(self.code)


def assert_printable(text: str) -> None:
    controls = {c for c in text if unicodedata.category(c) in ("Cc", "Cs") and c != "\n"}
    assert not controls, f"{controls!r} in {text[:2000]!r}"


def snapshot(root: Path) -> dict[str, tuple[int, bytes]]:
    """Everything below a directory: kind, rights and content."""
    found = {}
    for path in sorted(root.rglob("*")):
        mode = path.lstat().st_mode
        content = path.read_bytes() if stat.S_ISREG(mode) else b""
        if stat.S_ISLNK(mode):
            content = os.fsencode(path.readlink())
        found[os.fsdecode(path.relative_to(root))] = (mode, content)
    return found


@dataclass
class World:
    """A home, a temporary directory and a working directory, which a scan leaves as they were."""

    root: Path
    build: Builder
    capsys: pytest.CaptureFixture[str]
    reports: Path

    def image(self, *upper: bytes, **more: Any) -> Path:
        """The smallest image with a program, and what the test puts on top of it."""
        more.setdefault("config", {"Entrypoint": [PROGRAM]})
        return self.build.layout(self.program, *upper, **more)

    @property
    def program(self) -> bytes:
        """A layer with ``/usr/bin/hello``, an ELF file."""
        blobs = (SMALL / "hello" / "blobs" / "sha256").iterdir()
        (layer,) = (data for blob in blobs if (data := blob.read_bytes()).startswith(b"\x1f\x8b"))
        return gzip.decompress(layer)

    def snapshot(self) -> dict[str, tuple[int, bytes]]:
        """Every file: kind, rights and content."""
        return snapshot(self.root)

    def run(self, *arguments: str) -> Told:
        """One run of the command line, in this process; it changes no file."""
        before = self.snapshot()
        code = main(list(arguments))
        assert self.snapshot() == before
        said = self.capsys.readouterr()
        told = Told(code, said.out, said.err)
        told.assert_harmless()
        return told

    def all(self, image: Path, path: str = PROGRAM, packages: str = "none") -> dict[str, Any] | str:
        """Scanned and inspected; the report as JSON, or the sentence of both."""
        file = self.reports / "report.json"
        outputs = ("-o", "table", "-o", f"json={file}")
        told = self.run("scan", str(image), "--packages", packages, "-v", *outputs)
        inspected = self.run("inspect", str(image), path)
        if told.code:
            assert inspected.err == told.err
            return told.err
        text = file.read_text()
        assert_printable(text)
        report: dict[str, Any] = json.loads(text)
        return report


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the tables' compiled form is kept between runs, so that each is quick."""
    path: Path = tmp_path_factory.mktemp("cache")
    return path


@pytest.fixture
def world(
    build: Builder,
    tmp_path: Path,
    compiled: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> World:
    for name in ("home", "tmp", "here"):
        (tmp_path / name).mkdir()
    (tmp_path / "home" / "canary").write_text("alive")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(compiled))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.chdir(tmp_path / "here")
    return World(tmp_path, build, capsys, compiled)
