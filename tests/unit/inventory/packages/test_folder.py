from __future__ import annotations

from pathlib import Path

import pytest

from auditor.image.exclude import excluding
from auditor.inventory.packages.folder import TooLargeError, hand_over

_STATUS = "Package: nginx\n"


@pytest.fixture
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("folder")


def names(folder: Path) -> list[str]:
    found = (path for path in folder.rglob("*") if path.is_symlink() or path.is_file())
    return sorted(str(path.relative_to(folder)) for path in found)


def test_only_what_catalogers_look_for_is_there(root_of, folder):
    rootfs = root_of(
        {
            "/var/lib/dpkg/status": _STATUS,
            "/usr/bin/tool": b"\x7fELF nothing",
            "/usr/bin/gotool": b"\x7fELF...\xff Go buildinf:...",
            "/srv/app.py": "import os\n",
            "/nix/store/abc-x-1.0/bin/x": b"\x7fELF nothing",
            "/nix/store/abc-x-1.0/bin/go": b"\x7fELF...\xff Go buildinf:...",
        }
    )
    handed = hand_over(rootfs, folder, 1 << 20)
    wanted = [
        "nix/store/abc-x-1.0/bin/go",
        "nix/store/abc-x-1.0/bin/x",
        "usr/bin/gotool",
        "var/lib/dpkg/status",
    ]
    assert names(folder) == wanted
    assert (folder / "var/lib/dpkg/status").read_text() == _STATUS
    assert (folder / "nix/store/abc-x-1.0/bin/x").read_bytes() == b""
    assert (folder / "nix/store/abc-x-1.0/bin/go").read_bytes().startswith(b"\x7fELF")
    assert handed.packages
    assert handed.lost == []


def test_an_image_without_packages_needs_no_syft(root_of, folder):
    tree = {"/etc/os-release": "ID=debian\n", "/usr/bin/tool": b"\x7fELF nothing"}
    assert not hand_over(root_of(tree), folder, 1 << 20).packages


def test_a_program_known_by_its_link_is_found_by_it(root_of, folder):
    rootfs = root_of({"/usr/bin/nodejs": b"\x7fELF node", "/usr/bin/node": "-> nodejs"})
    hand_over(rootfs, folder, 1 << 20)
    assert (folder / "usr/bin/node").readlink() == Path("nodejs")
    assert (folder / "usr/bin/node").read_bytes() == b"\x7fELF node"


def test_linked_directories_lead_where_they_lead_in_the_image(root_of, folder):
    rootfs = root_of({"/usr/lib/dpkg/status": _STATUS, "/lib": "-> usr/lib"})
    hand_over(rootfs, folder, 1 << 20)
    assert (folder / "lib/dpkg/status").read_text() == _STATUS


@pytest.mark.parametrize(
    "target", ["/etc/passwd", "../../../../../../etc/passwd", "/../../etc/passwd"]
)
def test_no_link_leads_out_of_the_folder(root_of, folder, target):
    rootfs = root_of(
        {
            "/etc/passwd": "of the image",
            "/srv/package.json": f"-> {target}",
            "/srv/up": "-> ../../..",
            "/srv/root": "-> /",
            "/srv/installed.json": "{}",
        }
    )
    hand_over(rootfs, folder, 1 << 20)
    links = [path for path in folder.rglob("*") if path.is_symlink()]
    assert folder / "srv/package.json" in links
    for link in links:
        assert link.resolve().is_relative_to(folder.resolve())
    assert (folder / "srv/package.json").read_text() == "of the image"


def test_a_link_that_dangles_or_loops_is_left_out(root_of, folder):
    tree = {"/a/package.json": "-> gone", "/b/package.json": "-> package.json", "/c/x.jar": "x"}
    handed = hand_over(root_of(tree), folder, 1 << 20)
    assert names(folder) == ["c/x.jar"]
    assert handed.lost == []


def test_the_folder_does_not_outgrow_its_bound(root_of, folder):
    with pytest.raises(TooLargeError):
        hand_over(root_of({"/a.jar": b"x" * 600, "/b.jar": b"x" * 600}), folder, 1000)


def test_what_the_user_excluded_stays_out(root_of, folder):
    rootfs = root_of({"/srv/package.json": "{}", "/opt/package.json": "{}"})
    hand_over(excluding(rootfs, ["/srv/**"], links=40), folder, 1 << 20)
    assert names(folder) == ["opt/package.json"]


def test_a_name_that_is_too_long_here_is_told(root_of, folder):
    deep = Path(*["d" * 200] * 4)
    rootfs = root_of({f"/{deep}/package.json": "{}"})
    inner = folder / "x" / Path(*["y" * 250] * 14)
    inner.mkdir(parents=True)
    handed = hand_over(rootfs, inner, 1 << 20)
    assert handed.lost == [f"/{deep}/package.json"]


def test_a_link_to_what_was_not_kept_is_told_where_packages_are_named(opened_layer, folder):
    rootfs = opened_layer(
        {
            "srv/package.json": "-> renamed.txt",
            "srv/renamed.txt": "{}",
            "icons/python.svg": "-> code.svg",
            "icons/code.svg": "<svg/>",
        }
    )
    assert hand_over(rootfs, folder, 1 << 20).lost == ["/srv/package.json"]


def test_what_lies_too_deep_is_told_and_the_rest_handed_over(root_of, folder):
    deep = "/d" * 600 + "/package.json"
    handed = hand_over(root_of({deep: "{}", "/srv/package.json": "{}"}), folder, 1 << 20)
    assert handed.lost == [deep]
    assert names(folder) == ["srv/package.json"]
