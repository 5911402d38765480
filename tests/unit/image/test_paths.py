"""Resolution inside the root, over the links fixture's kinds of links and some more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from auditor.image.paths import MAX_LINKS
from auditor.image.rootfs import RootFS
from auditor.model.image import EntryKind

if TYPE_CHECKING:
    from tests.unit.image.conftest import Builder


@pytest.fixture
def rootfs(build: Builder) -> RootFS:
    chain = [build.symlink(f"chain/{n}", f"{n + 1}") for n in range(MAX_LINKS + 1)]
    return build.rootfs(
        build.tar(
            build.member("usr/bin/tool", b"x"),
            build.symlink("bin", "usr/bin"),
            build.symlink("up", "usr/bin/../.."),
            build.symlink("out", "../../../../etc"),
            build.member("etc/passwd", b"x"),
            build.symlink("loop", "loop/x"),
            build.symlink("file-link", "etc/passwd"),
            *chain,
            build.member(f"chain/{MAX_LINKS + 1}", b"end"),
        )
    )


@pytest.mark.parametrize(
    ("path", "real"),
    [
        ("/bin/tool", "/usr/bin/tool"),
        ("bin/tool", "/usr/bin/tool"),
        ("//bin/./tool", "/usr/bin/tool"),
        ("/bin/../bin/tool", "/usr/bin/tool"),
        ("/up/etc/passwd", "/etc/passwd"),
        ("/../../etc/passwd", "/etc/passwd"),
        ("/out/passwd", "/etc/passwd"),
        ("/bin/", "/usr/bin"),
        ("/", "/"),
        ("", "/"),
        ("/usr/..", "/"),
        ("/bin/..", "/usr"),
        ("/chain/1", f"/chain/{MAX_LINKS + 1}"),
    ],
)
def test_a_path_leads_where_linux_would_lead_after_chroot(
    rootfs: RootFS, path: str, real: str
) -> None:
    entry = rootfs.resolve(path)
    assert entry is not None
    assert entry.path == real


@pytest.mark.parametrize(
    "path",
    [
        "/none",
        "/bin/none",
        "/loop",
        "/chain/0",
        "/etc/passwd/",
        "/etc/passwd/x",
        "/etc/passwd/..",
        "/file-link/",
    ],
)
def test_a_path_that_leads_nowhere_is_none(rootfs: RootFS, path: str) -> None:
    assert rootfs.resolve(path) is None


def test_a_lookup_leaves_the_last_link_alone(rootfs: RootFS) -> None:
    link = rootfs.lookup("/bin")
    assert link is not None
    assert (link.kind, link.link_target) == (EntryKind.SYMLINK, "usr/bin")
    inside = rootfs.lookup("/out/passwd")
    assert inside is not None
    assert inside.path == "/etc/passwd"


def test_names_in_a_directory_are_sorted(rootfs: RootFS) -> None:
    assert rootfs.listdir("/up") == ("bin", "chain", "etc", "file-link", "loop", "out", "up", "usr")
    assert rootfs.listdir("/none") == rootfs.listdir("/etc/passwd") == ()
