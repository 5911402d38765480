"""The committed small images, and that their maker still makes them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from auditor.image import RootFS, open_image, parse_platform, parse_reference
from auditor.model.image import Platform

SMALL = Path(__file__).parents[3] / "fixtures" / "small"
IMAGES = sorted(path.parent.name for path in SMALL.glob("*/oci-layout"))
REPEATABLE = ["whiteouts", "links", "two-platforms"]


def contents(name: str, platform: str | None = None) -> dict[str, bytes]:
    wanted = parse_platform(platform) if platform else None
    reference = parse_reference(str(SMALL / name))
    with open_image(reference, lambda *_: True, platform=wanted) as opened:
        rootfs = opened.rootfs
        return {entry.path: rootfs.read(entry) for entry in rootfs.entries() if is_file(entry.kind)}


def is_file(kind: str) -> bool:
    return kind == "file"


def files(path: Path) -> dict[str, bytes]:
    return {str(f.relative_to(path)): f.read_bytes() for f in path.rglob("*") if f.is_file()}


def test_every_image_is_there_and_small() -> None:
    expected = {"hello", "links", "musl", "shell-cmd", "static", "two-platforms", "wasm"}
    assert set(IMAGES) == expected | {"whiteouts", "zstd"}
    for name in IMAGES:
        size = sum(map(len, files(SMALL / name).values()))
        assert size < 300_000


@pytest.mark.parametrize("name", IMAGES)
def test_every_image_opens_without_unknowns(name: str) -> None:
    with open_image(parse_reference(f"oci-dir:{SMALL / name}:latest"), lambda *_: False) as opened:
        rootfs = opened.rootfs
        assert rootfs.unknowns() == ()
        command = opened.image.config.entrypoint or opened.image.config.cmd
        assert not command or rootfs.resolve(command[0]) is not None


def test_the_maker_gives_the_same_bytes_again(tmp_path: Path) -> None:
    make = [sys.executable, str(SMALL / "make.py"), "--into", str(tmp_path)]
    subprocess.run([*make, *REPEATABLE, "zstd"], check=True, capture_output=True)
    for name in REPEATABLE:
        assert files(tmp_path / name) == files(SMALL / name)
    # Another version of Zstandard may squeeze better; what is inside stays the same.
    again, committed = (
        open_image(parse_reference(str(path / "zstd")), lambda *_: False)
        for path in (tmp_path, SMALL)
    )
    with again, committed:
        assert [layer.diff_id for layer in again.image.layers] == [
            layer.diff_id for layer in committed.image.layers
        ]


def test_whiteouts_shows_what_three_layers_leave() -> None:
    assert contents("whiteouts") == {
        "/etc/kept.conf": b"kept\n",
        "/etc/removed.conf": b"back again\n",
        "/opt/merged/lower": b"changed\n",
        "/opt/merged/upper": b"upper\n",
        "/opt/replaced": b"now a file\n",
        "/srv/new": b"new\n",
    }


@pytest.fixture
def links() -> Iterator[RootFS]:
    with open_image(parse_reference(str(SMALL / "links")), lambda *_: False) as opened:
        yield opened.rootfs


@pytest.mark.parametrize(
    ("link", "real"),
    [
        ("/bin/relative", "/usr/bin/tool"),
        ("/usr/bin/absolute", "/usr/bin/tool"),
        ("/usr/bin/chain", "/usr/bin/tool"),
        ("/usr/bin/chain-of-chains", "/usr/bin/tool"),
        ("/usr/bin/tool-hard", "/usr/bin/tool-hard"),
        ("/bin/through-link", "/usr/bin/through-link"),
        ("/usr/bin/escape", "/etc/passwd"),
        ("/outside/etc/passwd", "/etc/passwd"),
        ("/usr/bin/loop", None),
        ("/usr/bin/dangling", None),
    ],
)
def test_links_lead_inside_the_root(links: RootFS, link: str, real: str | None) -> None:
    with links:
        entry = links.resolve(link)
        assert (entry.path if entry else None) == real


def test_two_platforms_gives_the_one_asked_for() -> None:
    assert contents("two-platforms", "linux/arm64") == {"/arch": b"arm64\n"}
    assert contents("two-platforms", "linux/amd64") == {"/arch": b"amd64\n"}


def test_programs_are_what_they_should_be() -> None:
    assert contents("zstd") == {"/data/text": b"squeezed by Zstandard\n" * 1000}
    assert contents("wasm")["/hello.wasm"].startswith(b"\0asm\1\0\0\0")
    musl = contents("musl")
    assert b"/lib/ld-musl-x86_64.so.1" in musl["/usr/bin/hello"]
    assert b"/lib/ld-musl" not in contents("static")["/hello"]
    for image, program in (("hello", "/usr/bin/hello"), ("shell-cmd", "/usr/bin/report")):
        assert b"/lib64/ld-linux-x86-64.so.2" in contents(image)[program]
    with open_image(parse_reference(str(SMALL / "wasm")), lambda *_: False) as opened:
        assert opened.image.platform == Platform("wasi", "wasm")
