from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from auditor.errors import (
    BoundExceededError,
    ImageError,
    ImageNotFoundError,
    NotAnImageError,
    PathInImageError,
)
from auditor.image import Bounds, RootFS, open_image, parse_reference
from auditor.image.directory import DirectoryRootFS
from auditor.model.image import EntryKind, ImageConfig


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "usr/bin").mkdir(parents=True)
    (root / "usr/bin/tool").write_text("#!tool")
    (root / "usr/bin/tool").chmod(0o755)
    (root / "bin").symlink_to("usr/bin")
    (root / "etc").mkdir()
    (root / "etc/passwd").write_text("inside")
    (tmp_path / "secret").write_text("outside")
    return root


@pytest.fixture
def rootfs(root: Path) -> Iterator[RootFS]:
    with open_image(parse_reference(f"dir:{root}"), lambda *_: False) as opened:
        assert opened.image.config == ImageConfig()
        assert (opened.image.digest, opened.image.layers) == (None, ())
        yield opened.rootfs


def test_everything_in_it_is_listed_sorted(rootfs: RootFS) -> None:
    found = {entry.path: entry.kind.value for entry in rootfs.entries()}
    assert found == {
        "/bin": "symlink",
        "/etc": "directory",
        "/etc/passwd": "file",
        "/usr": "directory",
        "/usr/bin": "directory",
        "/usr/bin/tool": "file",
    }
    assert list(found) == sorted(found)


def test_links_in_directories_are_followed_to_the_real_path(rootfs: RootFS) -> None:
    entry = rootfs.lookup("/bin/tool")
    assert entry is not None
    assert (entry.path, entry.size, entry.mode) == ("/usr/bin/tool", 6, 0o755)
    assert rootfs.read(entry) == b"#!tool"
    assert rootfs.read(entry, 2) == b"#!"
    assert rootfs.listdir("/bin") == ("tool",)
    assert rootfs.listdir("/") == ("bin", "etc", "usr")
    assert rootfs.listdir("/bin/tool") == ()
    link = rootfs.lookup("/bin")
    assert link is not None
    assert (link.kind, link.link_target) == (EntryKind.SYMLINK, "usr/bin")


@pytest.mark.parametrize(
    "target", ["../secret", "../../../../../../secret", "/../secret", "{root}/../secret"]
)
def test_no_link_leads_out_of_the_root(root: Path, rootfs: RootFS, target: str) -> None:
    (root / "escape").symlink_to(target.format(root=root))
    assert rootfs.resolve("/escape") is None
    assert rootfs.resolve("/../secret") is None


def test_an_absolute_link_starts_at_the_root_of_the_directory(root: Path, rootfs: RootFS) -> None:
    (root / "usr/users").symlink_to("/etc/passwd")
    entry = rootfs.resolve("/usr/users")
    assert entry is not None
    assert rootfs.read(entry) == b"inside"


def test_a_path_that_became_a_link_is_not_followed_when_read(root: Path, rootfs: RootFS) -> None:
    entry = rootfs.lookup("/etc/passwd")
    assert entry is not None
    (root / "etc/passwd").unlink()
    (root / "etc/passwd").symlink_to(root.parent / "secret")
    with pytest.raises(PathInImageError, match="cannot read '/etc/passwd'"):
        rootfs.read(entry)


def test_a_directory_that_became_a_link_is_not_followed_when_read(
    root: Path, rootfs: RootFS
) -> None:
    (root.parent / "passwd").write_text("outside")
    entry = rootfs.lookup("/etc/passwd")
    assert entry is not None
    (root / "etc").rename(root / "old")
    (root / "etc").symlink_to(root.parent)
    with pytest.raises(PathInImageError):
        rootfs.read(entry)


def test_loops_dangling_links_and_files_as_directories_lead_nowhere(
    root: Path, rootfs: RootFS
) -> None:
    (root / "loop").symlink_to("loop")
    (root / "dangling").symlink_to("nothing")
    for path in ("/dangling", "/etc/passwd/x", "/etc/passwd/..", "/a\0b"):
        assert rootfs.resolve(path) is None
    assert rootfs.unknowns() == ()
    for path in ("/loop", "/loop/x"):
        assert rootfs.resolve(path) is None
    assert {unknown.path for unknown in rootfs.unknowns()} == {"/loop", "/loop/x"}


def test_sockets_and_fifos_are_listed_and_never_read(root: Path, rootfs: RootFS) -> None:
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(root / "sock"))
        kinds = {entry.path: entry.kind for entry in rootfs.entries()}
    assert (kinds["/pipe"], kinds["/sock"]) == (EntryKind.FIFO, EntryKind.SOCKET)
    entry = rootfs.lookup("/pipe")
    assert entry is not None
    with pytest.raises(PathInImageError, match="not a regular file"):
        rootfs.read(entry)


def test_a_file_that_cannot_be_read_is_an_error_and_an_unknown(root: Path, rootfs: RootFS) -> None:
    entry = rootfs.lookup("/etc/passwd")
    assert entry is not None
    (root / "etc/passwd").unlink()
    with pytest.raises(PathInImageError, match="No such file"):
        rootfs.read(entry)
    (unknown,) = rootfs.unknowns()
    assert (unknown.path, unknown.stage) == ("/etc/passwd", "image")


@contextmanager
def nobody() -> Iterator[None]:
    """As a user whom permissions bind: root may read everything."""
    me = os.geteuid()
    if me == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(me)


def test_what_is_closed_to_the_user_is_an_unknown(root: Path, rootfs: RootFS) -> None:
    (root / "etc").chmod(0)
    (root / "usr/bin/tool").chmod(0o200)
    entry = rootfs.lookup("/usr/bin/tool")
    assert entry is not None
    try:
        with nobody():
            assert "/usr" in {entry.path for entry in rootfs.entries()}
            assert rootfs.lookup("/etc/passwd") is None
            with pytest.raises(PathInImageError, match="Permission denied"):
                rootfs.read(entry)
    finally:
        (root / "etc").chmod(0o755)
    unknown = {unknown.path for unknown in rootfs.unknowns()}
    assert unknown == {"/etc", "/etc/passwd", "/usr/bin/tool"}


def test_looking_up_one_path_opens_no_other_directory(
    root: Path, rootfs: RootFS, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(os, "listdir", refuse)
    monkeypatch.setattr(os, "scandir", refuse)
    entry = rootfs.resolve("/bin/tool")
    assert entry is not None
    assert rootfs.read(entry) == b"#!tool"


def test_the_kernels_own_file_systems_are_no_part_of_this_machine() -> None:
    with DirectoryRootFS("/", Bounds()) as rootfs:
        for name in ("/proc", "/sys", "/dev"):
            entry = rootfs.lookup(name)
            assert entry is not None
            assert entry.kind is EntryKind.DIRECTORY
            assert rootfs.listdir(name) == ()
        assert rootfs.resolve("/proc/self/status") is None
        assert rootfs.resolve("/dev/null") is None
        assert rootfs.resolve("/etc/passwd") is not None


def test_a_directory_named_proc_is_an_ordinary_one_elsewhere(root: Path, rootfs: RootFS) -> None:
    (root / "proc").mkdir()
    (root / "proc/file").write_text("x")
    assert rootfs.listdir("/proc") == ("file",)
    assert rootfs.resolve("/proc/file") is not None


def test_more_files_than_the_bound_stop_the_walk(root: Path) -> None:
    with (
        DirectoryRootFS(str(root), Bounds(files=3)) as rootfs,
        pytest.raises(BoundExceededError, match="the bound files") as caught,
    ):
        rootfs.entries()
    assert "--limit files=N" in str(caught.value.hint)


def test_a_file_larger_than_the_bound_is_not_read_and_unknown(root: Path) -> None:
    with DirectoryRootFS(str(root), Bounds(file_size=5)) as rootfs:
        entry = rootfs.lookup("/etc/passwd")
        assert entry is not None
        for limit in (None, 3):
            with pytest.raises(PathInImageError, match="the bound file-size: 6 is more than 5"):
                rootfs.read(entry, limit)
        (unknown,) = rootfs.unknowns()
    assert (unknown.path, unknown.stage) == ("/etc/passwd", "image")
    assert unknown.reason == "its size exceeds the bound file-size: 6 is more than 5"


@pytest.mark.parametrize(
    ("bounds", "reason"),
    [
        (Bounds(path_depth=2), "the path exceeds the bound path-depth: 3 is more than 2"),
        (Bounds(path_length=12), "the path exceeds the bound path-length: 13 is more than 12"),
    ],
)
def test_a_path_over_a_bound_is_left_out_and_unknown(
    root: Path, bounds: Bounds, reason: str
) -> None:
    with DirectoryRootFS(str(root), bounds) as rootfs:
        paths = [entry.path for entry in rootfs.entries()]
        assert "/usr/bin" in paths
        assert "/usr/bin/tool" not in paths
        assert rootfs.resolve("/bin/tool") is None
        (unknown,) = rootfs.unknowns()
    assert unknown.path == "/usr/bin/tool"[: bounds.path_length]
    assert unknown.reason == reason


def test_more_links_than_the_bound_are_not_followed_and_unknown(root: Path) -> None:
    (root / "one").symlink_to("two")
    (root / "two").symlink_to("etc/passwd")
    with DirectoryRootFS(str(root), Bounds(links=1)) as rootfs:
        assert rootfs.resolve("/two") is not None
        assert rootfs.resolve("/one") is None
        (unknown,) = rootfs.unknowns()
    assert unknown.path == "/one"
    assert unknown.reason == "the path exceeds the bound links: 2 is more than 1"


def test_what_is_no_directory_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(NotAnImageError):
        DirectoryRootFS(str(tmp_path / "file"), Bounds())
    with pytest.raises(ImageNotFoundError):
        DirectoryRootFS(str(tmp_path / "missing"), Bounds())
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(ImageError):
        DirectoryRootFS(str(tmp_path / "loop"), Bounds())


def test_a_closed_directory_says_so(root: Path) -> None:
    rootfs = DirectoryRootFS(str(root), Bounds())
    rootfs.close()
    rootfs.close()
    with pytest.raises(PathInImageError, match="was closed"):
        rootfs.lookup("/etc")
