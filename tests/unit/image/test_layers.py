"""What becomes of single members: links, odd names, odd kinds; and what is kept."""

from __future__ import annotations

import gzip
import hashlib
import tarfile
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
import zstandard

from auditor.errors import BoundExceededError, CorruptImageError, PathInImageError
from auditor.image import HEAD_SIZE, Bounds, KeepRule
from auditor.image.bounds import Budget
from auditor.image.rootfs import RootFS
from auditor.model.image import EntryKind

if TYPE_CHECKING:
    from tests.unit.image.conftest import Builder


def paths(rootfs: RootFS) -> list[str]:
    return [entry.path for entry in rootfs.entries()]


def content(rootfs: RootFS, path: str) -> bytes:
    entry = rootfs.lookup(path)
    assert entry is not None
    return rootfs.read(entry)


def reasons(rootfs: RootFS) -> dict[str, str]:
    assert all(unknown.stage == "image" for unknown in rootfs.unknowns())
    return {unknown.path: unknown.reason for unknown in rootfs.unknowns()}


def only(*wanted: str) -> KeepRule:
    return lambda path, mode, size, head: path in wanted


def test_a_hard_link_has_the_content_of_its_target(build: Builder) -> None:
    layer = build.tar(build.member("a", b"text", mode=0o755), build.hard_link("b", "a"))
    rootfs = build.rootfs(layer)
    entry = rootfs.lookup("/b")
    assert entry is not None
    assert (entry.kind, entry.size, entry.mode) == (EntryKind.FILE, 4, 0o755)
    assert rootfs.read(entry) == b"text"


def test_a_hard_link_can_lead_to_a_lower_layer(build: Builder) -> None:
    upper = build.tar(build.hard_link("b", "usr/a"), build.member("usr/.wh.a"))
    rootfs = build.rootfs(build.files({"usr/a": b"text"}), upper)
    assert paths(rootfs) == ["/b", "/usr"]
    assert content(rootfs, "/b") == b"text"


def test_a_wanted_hard_link_to_content_that_was_not_kept_is_an_unknown(build: Builder) -> None:
    layer = build.tar(build.member("a", b"text"), build.hard_link("b", "a"))
    rootfs = build.rootfs(layer, keep=only("/b"))
    assert "not kept" in reasons(rootfs)["/b"]
    with pytest.raises(PathInImageError, match="not kept"):
        content(rootfs, "/b")


def test_a_hard_link_is_judged_by_the_beginning_of_its_target(build: Builder) -> None:
    heads: list[bytes] = []
    body = bytes(range(256)) * 4

    def keep(path: str, mode: int, size: int, head: bytes) -> bool:
        heads.append(head)
        return False

    build.rootfs(build.tar(build.member("a", body), build.hard_link("b", "a")), keep=keep)
    assert heads == [body[:HEAD_SIZE], body[:HEAD_SIZE]]


@pytest.mark.parametrize("target", ["nothing", "../../etc/passwd", "d", ""])
def test_a_hard_link_to_nothing_outside_or_to_a_directory_is_an_unknown(
    build: Builder, target: str
) -> None:
    rootfs = build.rootfs(build.tar(build.directory("d"), build.hard_link("l", target)))
    assert paths(rootfs) == ["/d"]
    assert "hard link" in reasons(rootfs)["/l"]


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/../evil", "../../../../etc/passwd"])
def test_a_name_that_leads_out_of_the_root_is_an_unknown_and_no_file(
    build: Builder, name: str
) -> None:
    rootfs = build.rootfs(build.tar(build.member(name, b"x"), build.member("ok")))
    assert paths(rootfs) == ["/ok"]
    assert list(reasons(rootfs).values()) == ["the archive member's name leads out of the root"]


def test_absolute_names_are_inside_the_root(build: Builder) -> None:
    assert paths(build.rootfs(build.files({"/etc/x": b""}))) == ["/etc", "/etc/x"]


def test_devices_and_fifos_are_listed_and_never_opened(build: Builder) -> None:
    layer = build.tar(
        build.member("null", kind=tarfile.CHRTYPE, devmajor=1, devminor=3),
        build.member("disk", kind=tarfile.BLKTYPE),
        build.member("pipe", kind=tarfile.FIFOTYPE),
    )
    rootfs = build.rootfs(layer)
    kinds = {entry.path: entry.kind for entry in rootfs.entries()}
    assert kinds == {
        "/disk": EntryKind.DEVICE,
        "/null": EntryKind.DEVICE,
        "/pipe": EntryKind.FIFO,
    }
    with pytest.raises(PathInImageError, match="fifo"):
        content(rootfs, "/pipe")


def test_names_with_control_characters_and_broken_utf8_are_kept_as_they_are(
    build: Builder,
) -> None:
    names = ["a\nb", "\x1b[31mred", b"caf\xe9".decode("utf-8", "surrogateescape")]
    rootfs = build.rootfs(build.files(dict.fromkeys(names, b"x")))
    assert sorted(paths(rootfs)) == sorted(f"/{name}" for name in names)


def test_a_nul_in_a_name_is_an_unknown(build: Builder) -> None:
    record = b"12 path=a\0b\n"
    layer = build.tar(
        build.member("x", record, tarfile.XHDTYPE),
        build.member("y", b"text"),
        format_=tarfile.USTAR_FORMAT,
    )
    rootfs = build.rootfs(layer)
    assert (paths(rootfs), len(rootfs.unknowns())) == ([], 1)


def test_a_member_of_an_unknown_type_is_an_unknown(build: Builder) -> None:
    rootfs = build.rootfs(build.tar(build.member("v", b"x" * 600, b"V"), build.member("f")))
    assert paths(rootfs) == ["/f"]
    assert "unknown type" in reasons(rootfs)["/v"]


def test_the_content_of_a_sparse_file_is_an_unknown(build: Builder) -> None:
    headers = {"GNU.sparse.major": "1", "GNU.sparse.name": "disk", "GNU.sparse.realsize": "5000"}
    layer = build.tar(
        build.member("s/disk", b"1\n0\n0\n", pax_headers=headers), build.hard_link("l", "disk")
    )
    rootfs = build.rootfs(layer)
    entry = rootfs.lookup("/disk")
    assert entry is not None
    assert entry.size == 5000
    assert "sparse" in reasons(rootfs)["/disk"]
    with pytest.raises(PathInImageError, match="not kept"):
        rootfs.read(entry)


@pytest.mark.parametrize("upper", [{".wh.disk": b"", ".wh.l": b""}, {"disk": b"1", "l": b"2"}])
def test_nothing_is_said_of_files_that_a_later_layer_hides(
    build: Builder, upper: dict[str, bytes]
) -> None:
    headers = {"GNU.sparse.major": "1", "GNU.sparse.name": "disk", "GNU.sparse.realsize": "5000"}
    layer = build.tar(
        build.member("s/disk", b"1\n0\n0\n", pax_headers=headers),
        build.member("a", b"text"),
        build.hard_link("l", "a"),
    )
    alone = build.rootfs(layer, keep=only("/l"), name="alone")
    assert [unknown.path for unknown in alone.unknowns()] == ["/disk", "/l"]
    assert build.rootfs(layer, build.files(upper), keep=only("/l")).unknowns() == ()


def test_the_rule_sees_path_mode_size_and_the_first_bytes(build: Builder) -> None:
    seen: list[tuple[str, int, int, bytes]] = []

    def keep(path: str, mode: int, size: int, head: bytes) -> bool:
        seen.append((path, mode, size, head))
        return False

    big = b"\x7fELF" + bytes(1000)
    layer = build.tar(build.symlink("lib", "usr/lib"), build.member("lib/x.so", big, mode=0o4755))
    build.rootfs(layer, keep=keep)
    assert seen == [("/lib/x.so", 0o4755, 1004, big[:HEAD_SIZE])]


def test_what_was_not_asked_for_cannot_be_read(build: Builder) -> None:
    rootfs = build.rootfs(build.files({"a": b"1", "b": b"2", "c": b""}), keep=only("/a"))
    assert content(rootfs, "/a") == b"1"
    assert content(rootfs, "/c") == b""
    with pytest.raises(PathInImageError, match="'/b' was not kept"):
        content(rootfs, "/b")


def test_a_large_file_comes_back_whole_and_in_part(build: Builder) -> None:
    data = hashlib.sha256(b"seed").digest() * 40_000
    rootfs = build.rootfs(build.files({"a": b"x" * 300, "big": data, "z": b"y" * 300}))
    entry = rootfs.lookup("/big")
    assert entry is not None
    assert rootfs.read(entry) == data
    assert rootfs.read(entry, 1000) == data[:1000]
    assert rootfs.read(entry, 0) == b""


def test_the_root_is_never_replaced(build: Builder) -> None:
    rootfs = build.rootfs(build.files({"a": b""}), build.tar(build.symlink("./", "/a")))
    assert paths(rootfs) == ["/a"]
    assert "replace the root" in reasons(rootfs)["/"]


@pytest.mark.parametrize("octets", [3, 50, -3, -30])
def test_a_truncated_gzip_layer_is_corruption(build: Builder, octets: int) -> None:
    with pytest.raises(CorruptImageError, match=r"truncated|damaged|blobs/sha256"):
        build.rootfs(
            build.files({"a": b"text" * 1000}), compress=lambda data: gzip.compress(data)[:octets]
        )


def test_a_damaged_gzip_layer_is_corruption(build: Builder) -> None:
    def compress(data: bytes) -> bytes:
        good = gzip.compress(data)
        return good[:20] + bytes([good[20] ^ 0xFF]) + good[21:]

    with pytest.raises(CorruptImageError, match="blobs/sha256"):
        build.rootfs(build.files({"a": hashlib.sha256(b"").digest() * 100}), compress=compress)


@pytest.mark.parametrize("octets", [10, -10])
def test_a_truncated_zstd_layer_is_corruption(build: Builder, octets: int) -> None:
    with pytest.raises(CorruptImageError):
        build.rootfs(
            build.files({"a": b"text" * 1000}),
            compress=lambda data: zstandard.compress(data)[:octets],
        )


@pytest.mark.parametrize("compress", [bytes, gzip.compress, zstandard.compress])
def test_magic_bytes_decide_how_a_layer_is_read(
    build: Builder, compress: Callable[[bytes], bytes]
) -> None:
    rootfs = build.rootfs(build.files({"a": b"text"}), compress=compress)
    assert content(rootfs, "/a") == b"text"


def test_something_that_is_no_archive_is_corruption(build: Builder) -> None:
    with pytest.raises(CorruptImageError, match=r"not a tar archive|checksum"):
        build.rootfs(b"this is not a tar archive" * 100)


def test_an_image_without_layers_and_one_with_an_empty_layer_are_empty(build: Builder) -> None:
    assert paths(build.rootfs(name="none")) == []
    assert paths(build.rootfs(build.tar(), name="empty")) == []


def test_as_many_layers_as_docker_allows_are_read(build: Builder) -> None:
    rootfs = build.rootfs(*(build.files({f"f{index:03}": b""}) for index in range(127)))
    assert len(paths(rootfs)) == 127


@pytest.mark.parametrize(
    ("bound", "limit"),
    [
        ("total_size", 20_000),
        ("files", 2),
        ("layers", 1),
        ("json_size", 100),
        ("ratio", 10),
    ],
)
def test_exceeding_a_bound_is_an_error_that_names_it(
    build: Builder, monkeypatch: pytest.MonkeyPatch, bound: str, limit: int
) -> None:
    monkeypatch.setattr(Budget, "RATIO_FROM", 100)
    tars = [build.files({"a": bytes(20_000), "b": b""}), build.files({"a-long-name": b""})]
    bounds = Bounds(**{bound: limit})
    name = bound.replace("_", "-")
    with pytest.raises(BoundExceededError, match=rf"the bound {name}:") as caught:
        build.read(build.layout(*tars), bounds=bounds)
    assert f"--limit {name}=N" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("bound", "limit", "reason"),
    [
        ("path_length", 4, "path exceeds the bound path-length"),
        ("path_depth", 2, "path exceeds the bound path-depth"),
        ("file_size", 3, "its size exceeds the bound file-size"),
    ],
)
def test_one_file_over_a_bound_is_unknown_and_the_others_are_read(
    build: Builder, bound: str, limit: int, reason: str
) -> None:
    path = build.layout(build.files({"a": b"1", "b/c/d": b"1234"}))
    rootfs = build.read(path, bounds=Bounds(**{bound: limit}))
    assert content(rootfs, "/a") == b"1"
    (unknown,) = rootfs.unknowns()
    assert unknown.path.startswith("/b/c")
    assert reason in unknown.reason


def test_a_decompression_bomb_is_stopped_early(build: Builder) -> None:
    bomb = zstandard.compress(bytes(300 << 20), 1)
    tars = build.files({"a": b""})
    path = build.root / "bomb"
    layer = build.blob(path, bomb, "application/vnd.oci.image.layer.v1.tar+zstd")
    build.finish(path, build.manifest(path, build.config([tars]), [layer]))
    with pytest.raises(BoundExceededError, match="the bound ratio"):
        build.read(path)
