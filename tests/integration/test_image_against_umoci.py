"""Our squash beside umoci's: the same small images, unpacked by it and read by us."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from auditor.image import RootFS, open_image, parse_reference

SMALL = Path(__file__).parents[2] / "fixtures" / "small"
IMAGES = ["hello", "links", "musl", "shell-cmd", "static", "whiteouts"]
"""Not ``zstd``: the umoci and skopeo that Debian ships cannot read it."""

pytestmark = pytest.mark.integration

needs_umoci = pytest.mark.skipif(shutil.which("umoci") is None, reason="umoci is not installed")
needs_skopeo = pytest.mark.skipif(shutil.which("skopeo") is None, reason="skopeo is not installed")

Listing = dict[str, tuple[str, int | str, bytes]]


def unpacked(root: Path) -> Listing:
    """Path → kind, mode or link target, content; as it stands on disk."""
    found: Listing = {}
    for directory, directories, files in os.walk(root):
        for name in (*directories, *files):
            path = Path(directory) / name
            inside = f"/{path.relative_to(root)}"
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                found[inside] = ("symlink", str(path.readlink()), b"")
            elif stat.S_ISDIR(mode):
                found[inside] = ("directory", stat.S_IMODE(mode), b"")
            else:
                found[inside] = ("file", stat.S_IMODE(mode), path.read_bytes())
    return found


def ours(rootfs: RootFS) -> Listing:
    return {
        entry.path: (
            entry.kind.value,
            entry.mode if entry.link_target is None else entry.link_target,
            rootfs.read(entry) if entry.kind == "file" else b"",
        )
        for entry in rootfs.entries()
    }


def read(reference: str) -> Listing:
    with open_image(parse_reference(reference), lambda *_: True) as opened:
        rootfs = opened.rootfs
        assert rootfs.unknowns() == ()
        return ours(rootfs)


@needs_umoci
@pytest.mark.parametrize("name", IMAGES)
def test_umoci_unpacks_what_we_read(name: str, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    image = f"{SMALL / name}:latest"
    command = ["umoci", "unpack", "--rootless", "--image", image, str(bundle)]
    subprocess.run(command, check=True, capture_output=True)
    assert read(image) == unpacked(bundle / "rootfs")


@needs_skopeo
@pytest.mark.parametrize("name", IMAGES)
@pytest.mark.parametrize("form", ["oci-archive", "docker-archive"])
def test_what_skopeo_writes_is_the_same_image(name: str, form: str, tmp_path: Path) -> None:
    target = tmp_path / "image.tar"
    tag = ":app:1" if form == "docker-archive" else ":1"
    copy = ["skopeo", "--insecure-policy", "copy", "-q", f"oci:{SMALL / name}:latest"]
    subprocess.run([*copy, f"{form}:{target}{tag}"], check=True, capture_output=True)
    expected = read(str(SMALL / name))
    assert read(str(target)) == expected
    assert read(f"{form}:{target}{tag}") == expected
