"""Layers on top of each other (OCI Image Format Specification, ``layer.md``)."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.image.bounds import Bounds, Budget
from auditor.image.layer_index import normal_parts
from auditor.image.layers import read_layers
from auditor.image.rootfs import RootFS
from auditor.image.source import Descriptor, Found
from auditor.model.image import EntryKind, Platform, Scheme

if TYPE_CHECKING:
    from tests.unit.image.conftest import Builder


def paths(rootfs: RootFS) -> list[str]:
    return [entry.path for entry in rootfs.entries()]


def content(rootfs: RootFS, path: str) -> bytes:
    entry = rootfs.lookup(path)
    assert entry is not None
    return rootfs.read(entry)


def test_a_whiteout_hides_a_file_of_a_lower_layer(build: Builder) -> None:
    rootfs = build.rootfs(build.files({"d/a": b"1", "d/b": b"2"}), build.files({"d/.wh.a": b""}))
    assert paths(rootfs) == ["/d", "/d/b"]


def test_a_whiteout_hides_a_directory_with_all_that_is_in_it(build: Builder) -> None:
    rootfs = build.rootfs(build.files({"d/e/f": b"", "x": b""}), build.files({".wh.d": b""}))
    assert paths(rootfs) == ["/x"]


def test_a_file_can_be_removed_and_come_back_later(build: Builder) -> None:
    rootfs = build.rootfs(
        build.files({"a": b"old"}), build.files({".wh.a": b""}), build.files({"a": b"new"})
    )
    assert content(rootfs, "/a") == b"new"


@pytest.mark.parametrize("order", [["d/new", "d/.wh.new"], ["d/.wh.new", "d/new"]])
def test_a_whiteout_leaves_files_of_its_own_layer_alone(build: Builder, order: list[str]) -> None:
    rootfs = build.rootfs(
        build.files({"d/new": b"old"}), build.files(dict.fromkeys(order, b"")), name=order[0][2:]
    )
    assert paths(rootfs) == ["/d", "/d/new"]
    assert content(rootfs, "/d/new") == b""


@pytest.mark.parametrize("first", [True, False])
def test_an_opaque_directory_hides_lower_layers_only_wherever_its_mark_stands(
    build: Builder, *, first: bool
) -> None:
    lower = build.files({"d/old": b"", "d/sub/old": b"", "d/same": b"old"})
    names = ["d/new", "d/sub/new", "d/same"]
    names.insert(0 if first else 3, "d/.wh..wh..opq")
    rootfs = build.rootfs(lower, build.files(dict.fromkeys(names, b"")))
    assert paths(rootfs) == ["/d", "/d/new", "/d/same", "/d/sub", "/d/sub/new"]
    assert content(rootfs, "/d/same") == b""


@pytest.mark.parametrize("marks", [["d/.wh..wh..opq", ".wh.d"], [".wh.d", "d/.wh..wh..opq"]])
def test_a_directory_that_is_emptied_and_hidden_is_gone(build: Builder, marks: list[str]) -> None:
    upper = build.files({**dict.fromkeys(marks, b""), "x": b""})
    rootfs = build.rootfs(build.files({"d/a": b"", "d/e/b": b""}), upper)
    assert paths(rootfs) == ["/x"]


def test_what_a_hidden_directory_gets_in_the_next_layer_can_be_hidden_in_a_third(
    build: Builder,
) -> None:
    marks = build.files({"d/.wh..wh..opq": b"", "d/e/new": b""})
    rootfs = build.rootfs(build.files({"d/a": b""}), marks, build.files({"d/a": b""}), marks)
    assert paths(rootfs) == ["/d", "/d/e", "/d/e/new"]


def test_a_directory_replaced_by_a_file_loses_its_children(build: Builder) -> None:
    rootfs = build.rootfs(build.files({"d/a": b"", "d/e/b": b""}), build.files({"d": b"file"}))
    assert paths(rootfs) == ["/d"]
    assert content(rootfs, "/d") == b"file"


def test_a_directory_replaced_by_a_link_shows_what_the_link_leads_to(build: Builder) -> None:
    upper = build.tar(build.symlink("d", "other"), build.member("d/new", b"n"))
    rootfs = build.rootfs(build.files({"d/a": b"", "other/b": b""}), upper)
    assert paths(rootfs) == ["/d", "/other", "/other/b", "/other/new"]


def test_a_directory_on_a_directory_keeps_what_is_in_it(build: Builder) -> None:
    upper = build.tar(build.directory("d", 0o700))
    rootfs = build.rootfs(build.files({"d/a": b""}), upper)
    assert paths(rootfs) == ["/d", "/d/a"]
    entry = rootfs.lookup("/d")
    assert entry is not None
    assert entry.mode == 0o700


def test_a_directory_on_a_link_replaces_the_link(build: Builder) -> None:
    lower = build.tar(build.member("usr/lib/a"), build.symlink("lib", "usr/lib"))
    rootfs = build.rootfs(lower, build.tar(build.directory("lib"), build.member("lib/b")))
    assert paths(rootfs) == ["/lib", "/lib/b", "/usr", "/usr/lib", "/usr/lib/a"]


@pytest.mark.parametrize("target", ["usr/lib", "/usr/lib", "../../usr/lib", "usr/./lib/"])
def test_a_file_below_a_linked_directory_goes_where_the_link_leads(
    build: Builder, target: str
) -> None:
    lower = build.tar(build.member("usr/lib/a"), build.symlink("lib", target))
    rootfs = build.rootfs(lower, build.files({"lib/b": b"", "lib/.wh.a": b""}))
    assert paths(rootfs) == ["/lib", "/usr", "/usr/lib", "/usr/lib/b"]


def test_a_file_below_a_dangling_link_makes_the_directory_that_it_names(build: Builder) -> None:
    rootfs = build.rootfs(build.tar(build.symlink("l", "to/here"), build.member("l/f")))
    assert paths(rootfs) == ["/l", "/to", "/to/here", "/to/here/f"]


def test_a_file_below_a_file_or_a_loop_is_an_unknown(build: Builder) -> None:
    lower = build.tar(build.member("f"), build.symlink("a", "b"), build.symlink("b", "a"))
    rootfs = build.rootfs(lower, build.files({"f/x": b"", "a/y": b""}))
    assert paths(rootfs) == ["/a", "/b", "/f"]
    assert [unknown.path for unknown in rootfs.unknowns()] == ["/a/y", "/f/x"]


def test_parents_that_no_member_names_are_there(build: Builder) -> None:
    rootfs = build.rootfs(build.files({"a/b/c": b""}))
    assert [entry.kind for entry in rootfs.entries()] == ["directory", "directory", "file"]


def test_the_last_of_two_members_with_one_name_wins(build: Builder) -> None:
    rootfs = build.rootfs(build.tar(build.member("a", b"first"), build.member("./a", b"second")))
    assert content(rootfs, "/a") == b"second"


def test_every_entry_names_the_layer_that_brought_it(build: Builder) -> None:
    tars = [build.files({"a": b"", "b": b""}), build.files({"b": b"", "c/d": b""})]
    opened = build.open(build.layout(*tars))
    first, second = (layer.diff_id for layer in opened.image.layers)
    layers = {entry.path: entry.layer for entry in opened.rootfs.entries()}
    assert layers == {"/a": first, "/b": second, "/c": second, "/c/d": second}


@pytest.mark.parametrize("name", [".wh.", ".wh..", ".wh...", "d/.wh..", "d/.wh..."])
def test_a_whiteout_of_the_root_or_of_nothing_is_ignored_and_said(
    build: Builder, name: str
) -> None:
    rootfs = build.rootfs(build.files({"d/a": b""}), build.files({name: b""}))
    assert paths(rootfs) == ["/d", "/d/a"]
    assert len(rootfs.unknowns()) == 1


def test_metadata_of_aufs_is_no_file(build: Builder) -> None:
    layer = build.files({".wh..wh.plnk/1.2": b"", ".wh..wh.aufs": b"", "a": b""})
    rootfs = build.rootfs(layer)
    assert (paths(rootfs), rootfs.unknowns()) == (["/a"], ())


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("a/b", ["a", "b"]),
        ("/a//b/", ["a", "b"]),
        ("./a/./b", ["a", "b"]),
        ("a/../b", ["b"]),
        ("../a", None),
        ("a/../../b", None),
        ("./", []),
    ],
)
def test_names_are_made_normal_inside_the_root(name: str, parts: list[str] | None) -> None:
    assert normal_parts(name) == parts


# The law: squashing equals applying the layers one after another to a model.

Layer = list[tuple[str, str]]
"""Name and action: a file with that content, ``/`` for a directory, ``-`` for a whiteout, ``*``
for an opaque mark in that directory."""

words = st.sampled_from("abc")
names = st.lists(words, min_size=1, max_size=3).map("/".join)
actions = st.sampled_from(["x", "y", "/", "-", "*"])
stacks = st.lists(st.lists(st.tuples(names, actions), max_size=6), max_size=4)


def model(layers: list[Layer]) -> dict[str, str]:
    """Path → content, or ``/``: each layer is laid out alone, then put over those below it."""
    below: dict[str, str] = {}
    for layer in layers:
        own: dict[str, str] = {}
        files = {name for name, action in layer if action in "xy"}
        for name, action in layer:
            if action in "-*":
                continue
            for path in [p for p in own if p.startswith(f"{name}/") and action != "/"]:
                del own[path]
            own[name] = action
            own.update(dict.fromkeys(parents(name), "/"))
        for name, action in layer:
            hidden = {"-": [name], "*": [f"{name}/"]}.get(action, [])
            below = {
                path: kind
                for path, kind in below.items()
                if not any(path == h or path.startswith(h.rstrip("/") + "/") for h in hidden)
            }
        for path, kind in own.items():
            if path in files:  # even if a directory came after it: members apply in order
                below = {p: k for p, k in below.items() if not p.startswith(f"{path}/")}
            below[path] = kind
    return below


def parents(name: str) -> Iterator[str]:
    parts = name.split("/")
    return ("/".join(parts[:end]) for end in range(1, len(parts)))


def is_sound(layers: list[Layer]) -> bool:
    """No runtime can apply a member below a plain file; those stacks say nothing."""
    for index, layer in enumerate(layers):
        for position in range(len(layer)):
            before = model([*layers[:index], layer[:position]])
            lower = model(layers[:index])
            for parent in parents(layer[position][0] + "/x"):
                if before.get(parent, "/") != "/" and (
                    parent != layer[position][0] or layer[position][1] == "*"
                ):
                    return False
                if lower.get(parent, "/") != "/" and parent != layer[position][0]:
                    return False
    return True


def layer_tar(layer: Layer) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, action in layer:
            directory, _, last = f"/{name}".rpartition("/")
            marks = {"-": f"{directory}/.wh.{last}", "*": f"{name}/.wh..wh..opq"}
            info = tarfile.TarInfo(marks.get(action, name))
            info.type = tarfile.DIRTYPE if action == "/" else tarfile.REGTYPE
            data = action.encode() if action in "xy" else b""
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


class Tars:
    """A source whose blobs are tars in memory."""

    scheme = Scheme.OCI_DIR
    origin = "the test"

    def __init__(self, tars: list[bytes]) -> None:
        self.tars = tars

    def find(self, platform: Platform | None) -> Found:
        raise AssertionError

    def open_blob(self, descriptor: Descriptor) -> io.BytesIO:
        return io.BytesIO(self.tars[int(descriptor.location or "")])

    def indexed(self, descriptor: Descriptor) -> None:
        return None

    def name(self, descriptor: Descriptor) -> str:
        return f"layer {descriptor.location}"

    def close(self) -> None:
        """Nothing is open."""


@settings(max_examples=200, deadline=None)
@given(stacks.filter(is_sound))
def test_squashing_equals_applying_one_layer_after_another(layers: list[Layer]) -> None:
    tars = [layer_tar(layer) for layer in layers]
    diff_ids = tuple(f"sha256:{hashlib.sha256(data).hexdigest()}" for data in tars)
    descriptors = [Descriptor("", None, location=str(index)) for index in range(len(tars))]
    rootfs, sizes = read_layers(
        Tars(tars), descriptors, diff_ids, lambda *_: True, Budget(Bounds())
    )
    assert sizes == tuple(map(len, tars))
    with rootfs:
        found = {
            entry.path[1:]: "/"
            if entry.kind is EntryKind.DIRECTORY
            else rootfs.read(entry).decode()
            for entry in rootfs.entries()
        }
        assert rootfs.unknowns() == ()
    assert found == model(layers)
