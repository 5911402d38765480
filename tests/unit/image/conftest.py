"""A builder of images: odd tars by ``tarfile``, in OCI layouts, OCI archives, Docker archives."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from auditor.image import Bounds, KeepRule, RootFS, open_image, parse_reference
from auditor.image.opening import OpenedImage

Blob = dict[str, Any]
OCI = "application/vnd.oci.image"


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
