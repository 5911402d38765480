from __future__ import annotations

import contextlib
import io
import tarfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.errors import BoundExceededError, CorruptImageError
from auditor.image import Bounds
from auditor.image.stream import ByteStream
from auditor.image.tar import Member, MemberKind, read_members

if TYPE_CHECKING:
    from tests.unit.image.conftest import Builder


def members(data: bytes, chunk: int = 1000) -> list[Member]:
    pieces = iter([data[i : i + chunk] for i in range(0, len(data), chunk)])
    return list(read_members(ByteStream(pieces), "layer", Bounds()))


def one(build: Builder, name: str, format_: int) -> Member:
    (member,) = members(build.tar(build.member(name, b"abc"), format_=format_))
    return member


def header(data: bytes, start: int, value: bytes) -> bytes:
    """The archive with a field of its first header changed and the checksum put right."""
    block = bytearray(data[:512])
    block[start : start + len(value)] = value
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + data[512:]


FORMATS = [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]

names = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=300
).filter(lambda name: name.strip("/"))


@settings(max_examples=150, deadline=None)
@given(
    entries=st.lists(
        st.tuples(names, st.binary(max_size=1200), st.integers(0, 0o7777)), max_size=5
    ),
    format_=st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
    chunk=st.integers(1, 2000),
)
def test_members_are_read_as_the_standard_library_reads_them(
    entries: list[tuple[str, bytes, int]], format_: int, chunk: int
) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format_) as archive:
        for name, content, mode in entries:
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), mode
            archive.addfile(info, io.BytesIO(content))
    data = out.getvalue()
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        expected = [(m.name, m.size, m.mode) for m in archive.getmembers()]
    found = [(m.name.rstrip("/"), m.size, m.mode) for m in members(data, chunk)]
    assert found == [(name.rstrip("/"), size, mode) for name, size, mode in expected]


@pytest.mark.parametrize("format_", FORMATS)
def test_a_path_longer_than_a_header_field_is_read_whole(build: Builder, format_: int) -> None:
    name = "/".join(["d" * 60, "e" * 60, "f" * 60])
    assert one(build, name, format_).name == name


@pytest.mark.parametrize("format_", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_a_long_link_target_is_read_whole(build: Builder, format_: int) -> None:
    (member,) = members(build.tar(build.symlink("l", "t" * 250), format_=format_))
    assert (member.kind, member.link) == (MemberKind.SYMLINK, "t" * 250)


def test_a_name_that_is_not_utf8_survives_the_round_trip(build: Builder) -> None:
    name = b"caf\xe9".decode("utf-8", "surrogateescape")
    member = one(build, name, tarfile.PAX_FORMAT)
    assert member.name.encode("utf-8", "surrogateescape") == b"caf\xe9"


def test_a_size_in_base_256_is_understood(build: Builder) -> None:
    data = build.files({"f": b"abc"})
    changed = header(data, 124, b"\x80" + (3).to_bytes(11, "big"))
    assert members(changed)[0].size == 3


def test_a_negative_size_is_corruption(build: Builder) -> None:
    data = build.files({"f": b"abc"})
    with pytest.raises(CorruptImageError, match="negative size"):
        members(header(data, 124, b"\xff" * 12))
    with pytest.raises(CorruptImageError, match="negative size"):
        members(header(data, 124, b"-0000000003\0"))


def test_a_size_that_is_no_number_is_corruption(build: Builder) -> None:
    with pytest.raises(CorruptImageError, match="size is no number"):
        members(header(build.files({"f": b"abc"}), 124, b"many bytes!\0"))


def test_a_flipped_bit_in_a_header_is_corruption(build: Builder) -> None:
    data = bytearray(build.files({"f": b"abc"}))
    data[0] ^= 1
    with pytest.raises(CorruptImageError, match="checksum"):
        members(bytes(data))


@pytest.mark.parametrize("length", [100, 512 + 10, 512 + 512 + 100])
def test_an_archive_that_stops_early_is_corruption(build: Builder, length: int) -> None:
    data = build.files({"f": b"a" * 400, "g": b"b"})
    with pytest.raises(CorruptImageError, match="truncated"):
        members(data[:length])


def test_an_archive_without_an_end_mark_is_complete(build: Builder) -> None:
    assert [m.name for m in members(build.files({"f": b"abc"})[:1024])] == ["f"]


def test_data_behind_a_single_zero_block_is_corruption(build: Builder) -> None:
    data = build.files({"f": b""})
    with pytest.raises(CorruptImageError, match="end mark"):
        members(bytes(512) + data)


def test_nothing_at_all_is_an_empty_archive() -> None:
    assert members(b"") == []
    assert members(bytes(1024)) == []


def test_a_giant_extended_header_exceeds_a_bound(build: Builder) -> None:
    data = build.tar(build.member("f", pax_headers={"comment": "x" * (2 << 20)}))
    with pytest.raises(BoundExceededError, match="the bound header-size"):
        members(data)


@pytest.mark.parametrize(
    "record",
    [b"nonsense", b"99 path=a\n", b"3 a", b"-1 path=a\n", b"10 path=ab", b"0 =\n", b"7 path\n"],
)
def test_a_malformed_extended_header_is_corruption(build: Builder, record: bytes) -> None:
    data = build.tar(build.member("x", record, tarfile.XHDTYPE), format_=tarfile.USTAR_FORMAT)
    with pytest.raises(CorruptImageError, match="extended tar header"):
        members(data)


def test_an_old_gnu_sparse_file_is_recognised_and_passed_over(build: Builder) -> None:
    sparse = build.tar(build.member("hole", b"x" * 700), format_=tarfile.GNU_FORMAT)
    sparse = header(sparse, 156, b"S")
    sparse = header(sparse, 482, b"\1" + b"00000100000\0")
    extension = bytes(504) + b"\0" * 8
    archive = sparse[:512] + extension + sparse[512 : 512 + 1024] + build.files({"next": b"n"})
    hole, after = members(archive)
    assert (hole.kind, hole.size, after.name) == (MemberKind.SPARSE, 0o100000, "next")


def test_a_pax_sparse_file_is_recognised_with_its_real_name_and_size(build: Builder) -> None:
    headers = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": "disk.img",
        "GNU.sparse.realsize": "1048576",
    }
    info, content = build.member("GNUSparseFile.0/disk.img", b"1\n0\n0\n", pax_headers=headers)
    hole, after = members(build.tar((info, content), build.member("next", b"n")))
    assert (hole.kind, hole.name, hole.size) == (MemberKind.SPARSE, "disk.img", 1048576)
    assert after.name == "next"


def test_a_global_header_does_not_become_a_member(build: Builder) -> None:
    data = build.tar(build.member("g", b"14 comment=ab\n", tarfile.XGLTYPE), build.member("f"))
    assert [m.name for m in members(data)] == ["f"]


def test_a_link_has_no_content_even_if_its_size_says_so(build: Builder) -> None:
    link = build.tar(build.symlink("l", "t"), format_=tarfile.USTAR_FORMAT)[:512]
    data = header(link, 124, b"00000000777\0") + build.files({"f": b"abc"})
    assert [(m.name, m.size) for m in members(data)] == [("l", 0), ("f", 3)]


def test_a_directory_of_a_pre_posix_archive_is_told_by_its_slash(build: Builder) -> None:
    data = header(build.tar(build.member("d"), format_=tarfile.USTAR_FORMAT), 0, b"d/")
    assert members(header(data, 156, b"\0"))[0].kind is MemberKind.DIRECTORY


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=3000), st.integers(0, 1535), st.binary(min_size=1, max_size=20))
def test_no_bytes_cause_anything_but_a_clear_error(
    garbage: bytes, position: int, patch: bytes
) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo("é" * 60)
        info.size = 3
        archive.addfile(info, io.BytesIO(b"abc"))
    broken = bytearray(out.getvalue())
    broken[position : position + len(patch)] = patch
    for data in (garbage, header(garbage.ljust(512, b"\0"), 0, b"x"), bytes(broken)):
        with contextlib.suppress(CorruptImageError, BoundExceededError):
            members(data)


def test_the_last_member_may_lack_its_padding(build: Builder) -> None:
    """As umoci writes layers, and as Go's archive/tar reads them."""
    info = tarfile.TarInfo("a")
    info.size = 4
    rootfs = build.rootfs(info.tobuf() + b"text")
    (entry,) = rootfs.entries()
    assert rootfs.read(entry) == b"text"
