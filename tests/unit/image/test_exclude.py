"""Paths left out by globs: which ones match, and what the rest looks like."""

from __future__ import annotations

import fnmatch
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.errors import PathInImageError, UsageError
from auditor.image.exclude import Excluded, ExcludingRootFS, compile_globs, excluding
from auditor.model.image import Entry, EntryKind

if TYPE_CHECKING:
    from tests.unit.image.conftest import Builder

Without = Callable[..., ExcludingRootFS]


def matches(glob: str, path: str) -> bool:
    return compile_globs([glob]).match(path) is not None


@pytest.mark.parametrize(
    ("glob", "path"),
    [
        ("*.pyc", "/a/b.pyc"),
        ("tests", "/usr/lib/tests/x/y"),
        ("tests/", "/usr/lib/tests/x"),
        ("tests/", "/usr/lib/tests/"),
        ("/usr/share", "/usr/share/"),
        ("/usr/share", "/usr/share/doc/x"),
        ("usr/share", "/usr/share/doc/x"),
        ("/usr/*/doc", "/usr/share/doc/x"),
        ("/usr/share/**", "/usr/share/doc/x"),
        ("/**/doc", "/doc/"),
        ("/**/doc", "/usr/share/doc/x"),
        ("/usr/**/x", "/usr/x"),
        ("/usr/**/x", "/usr/share/doc/x"),
        ("/usr/**.gz", "/usr/share/doc/x.gz"),
        ("/usr/a**z", "/usr/a1/2/3z"),
        ("a*b*c", "/abcbc"),
        ("lib?.so", "/lib1.so"),
        ("[a-c]1", "/b1"),
        ("[!a-c]1", "/d1"),
        ("[]-]x", "/]x"),
        (r"\*", "/*"),
        (r"\[x", "/[x"),
        ("a b\nc", "/a b\nc"),
        ("**", "/a"),
    ],
)
def test_a_glob_leaves_out(glob: str, path: str) -> None:
    assert matches(glob, path)


@pytest.mark.parametrize(
    ("glob", "path"),
    [
        ("*.pyc", "/a/b.pyc2"),
        ("tests/", "/usr/lib/tests"),
        ("test", "/usr/tests/x"),
        ("/usr/share", "/usr/share2/x"),
        ("usr/share", "/x/usr/share/y"),
        ("/usr/*", "/usr/"),
        ("/usr/*/doc", "/usr/local/share/doc/x"),
        ("/usr/share/**", "/usr/share/"),
        ("/usr/**/x", "/usr/share/xy"),
        ("/usr/a**z", "/x/usr/az"),
        ("lib?.so", "/lib/.so"),
        ("[!a-c]1", "/b1"),
        ("a[!b]c", "/a/c"),
        (r"\*", "/x"),
        ("A", "/a"),
    ],
)
def test_a_glob_leaves_in(glob: str, path: str) -> None:
    assert not matches(glob, path)


@pytest.mark.parametrize(
    ("glob", "part"),
    [
        ("", "is no glob"),
        ("  ", "is no glob"),
        ("a\0b", "is no glob"),
        ("x" * 5000, "is no glob"),
        ("/", "below the root"),
        ("/..", "below the root"),
        ("a/../b", "below the root"),
        ("!a", "put back"),
        ("[a", "makes no sense"),
        ("a\\", "makes no sense"),
        ("[b-a]", "the range b-a is empty"),
        ("[]", "makes no sense|names no character"),
        ("/".join(["a**b"] * 5), "more than 4"),
    ],
)
def test_a_glob_that_makes_no_sense_is_wrong_usage(glob: str, part: str) -> None:
    with pytest.raises(UsageError, match=part):
        compile_globs([glob])


@given(st.text("ab*?", min_size=1, max_size=8), st.text("ab", min_size=1, max_size=8))
def test_one_name_matches_as_the_standard_library_has_it(glob: str, name: str) -> None:
    assert matches(glob, f"/{name}") == fnmatch.fnmatchcase(name, glob)


@pytest.mark.parametrize(
    ("glob", "path"),
    [
        ("a*" * 30 + "b", "/" + "a" * 4000),
        ("*a" * 500 + "c", "/" + "a" * 4000),
        ("/" + "**/a*/" * 20 + "b", "/" + "a/" * 2000),
        ("**a" * 4, "/" + "b/" * 2000),
    ],
)
def test_no_glob_takes_long(glob: str, path: str) -> None:
    begin = time.process_time()
    assert not matches(glob, path)
    assert time.process_time() - begin < 1


@pytest.fixture
def without(build: Builder) -> Without:
    layer = build.tar(
        build.member("usr/bin/tool", b"tool"),
        build.member("usr/share/doc/tool/readme", b"text"),
        build.member("usr/share/doc/readme.gz", b"gz"),
        build.symlink("bin", "usr/bin"),
        build.symlink("help", "usr/share/doc/tool/readme"),
        build.symlink("usr/share/back", "../bin/tool"),
        build.member("../out", b""),
    )
    rootfs = build.rootfs(layer)
    return lambda *globs: excluding(rootfs, globs)


def paths(rootfs: ExcludingRootFS) -> list[str]:
    return [entry.path for entry in rootfs.entries()]


def test_what_is_left_out_is_nowhere(without: Without) -> None:
    rootfs = without("/usr/share")
    assert paths(rootfs) == ["/bin", "/help", "/usr", "/usr/bin", "/usr/bin/tool"]
    assert rootfs.listdir("/usr") == ("bin",)
    assert rootfs.listdir("/usr/share/doc") == ()
    assert rootfs.lookup("/usr/share/doc") is None
    assert rootfs.resolve("/bin/../share/doc/readme.gz") is None


def test_a_link_that_leads_to_it_or_through_it_dangles(without: Without) -> None:
    rootfs = without("/usr/share")
    assert rootfs.lookup("/help") is not None
    assert rootfs.resolve("/help") is None
    assert rootfs.resolve("/usr/share/back") is None


def test_the_rest_is_as_before(without: Without) -> None:
    rootfs = without("/usr/share")
    entry = rootfs.resolve("/bin/tool")
    assert entry is not None
    assert entry.path == "/usr/bin/tool"
    assert rootfs.read(entry) == b"tool"
    assert rootfs.read(entry, 2) == b"to"
    assert rootfs.listdir("/") == ("bin", "help", "usr")
    root = rootfs.resolve("/")
    assert root is not None
    assert root.kind is EntryKind.DIRECTORY


def test_an_entry_from_elsewhere_cannot_be_read_past_it(without: Without) -> None:
    entry = Entry("/usr/share/doc/readme.gz", EntryKind.FILE, 2, 0o644, None)
    with pytest.raises(PathInImageError, match="was excluded"):
        without("*.gz").read(entry)


def test_a_link_of_that_name_is_left_out_and_what_it_leads_to_stays(without: Without) -> None:
    rootfs = without("/bin")
    assert rootfs.resolve("/bin/tool") is None
    assert rootfs.resolve("/usr/bin/tool") is not None


def test_files_are_counted_for_each_glob(without: Without) -> None:
    rootfs = without("/usr/share/doc", "*.gz", "nothing")
    expected = (Excluded("/usr/share/doc", 2), Excluded("*.gz", 1), Excluded("nothing", 0))
    assert rootfs.excluded() == expected
    assert "/usr/share/back" in paths(rootfs)
    assert rootfs.excluded() == expected


def test_unknowns_of_what_is_left_out_are_left_out(without: Without) -> None:
    (unknown,) = without("/usr").unknowns()
    assert unknown.path == "/../out"
    assert without("out").unknowns() == ()


def test_more_links_than_allowed_are_not_followed(build: Builder) -> None:
    layer = build.tar(
        build.symlink("a", "b"), build.symlink("b", "c"), build.member("c", b""),
        build.member("x", b""),
    )  # fmt: skip
    rootfs = build.rootfs(layer)
    assert excluding(rootfs, ["x"]).resolve("/a") is not None
    assert excluding(rootfs, ["x"], links=1).resolve("/a") is None
    with excluding(rootfs, ["x"]) as same:
        assert same.resolve("/x") is None
