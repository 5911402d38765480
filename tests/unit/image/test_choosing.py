"""Which manifest of several is taken: platforms, attestations, nested indexes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from auditor.errors import CorruptImageError, ImageError, PlatformError
from auditor.image import open_image, parse_platform, parse_reference

if TYPE_CHECKING:
    from tests.unit.image.conftest import Builder


def platforms(build: Builder, *names: str, inline: bool = False, name: str = "layout") -> Path:
    path = build.root / name
    roots = []
    for text in names:
        os, architecture, *variant = text.split("/")
        platform: dict[str, Any] = {"os": os, "architecture": architecture}
        if variant:
            platform["variant"] = variant[0]
        tar = build.files({text: b""})
        roots.append({**build.image(path, tar, **platform), "platform": platform})
    return build.finish(path, *(roots if inline else [build.index(path, *roots)]))


def chosen(path: Path, platform: str | None) -> str:
    wanted = parse_platform(platform) if platform else None
    with open_image(parse_reference(str(path)), lambda *_: False, platform=wanted) as opened:
        (file,) = [entry for entry in opened.rootfs.entries() if entry.kind == "file"]
        assert opened.image.platform is not None
        return file.path[1:]


@pytest.mark.parametrize("inline", [True, False])
@pytest.mark.parametrize(
    ("wanted", "got"),
    [
        ("linux/arm64", "linux/arm64/v8"),
        ("linux/arm64/v8", "linux/arm64/v8"),
        ("linux/aarch64", "linux/arm64/v8"),
        ("linux/arm/v6", "linux/arm/v6"),
        ("linux/arm", "linux/arm/v7"),
        ("wasi/wasm", "wasi/wasm"),
        ("wasip1/wasm", "wasip1/wasm"),
        ("linux/amd64", "linux/amd64"),
    ],
)
def test_the_platform_asked_for_is_taken(
    build: Builder, wanted: str, got: str, *, inline: bool
) -> None:
    path = platforms(
        build,
        *("linux/arm/v6", "linux/arm/v7", "linux/arm64/v8", "wasi/wasm", "wasip1/wasm"),
        "linux/amd64",
        inline=inline,
    )
    assert chosen(path, wanted) == got


def test_without_a_wish_this_host_then_amd64_then_the_only_one_is_taken(
    build: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    both = platforms(build, "linux/amd64", "linux/arm64", name="both")
    assert chosen(both, None) == "linux/arm64"
    assert chosen(platforms(build, "linux/s390x", "linux/amd64", name="x"), None) == "linux/amd64"
    assert chosen(platforms(build, "linux/riscv64", name="one"), None) == "linux/riscv64"
    assert chosen(platforms(build, "wasi/wasm", name="wasi"), None) == "wasi/wasm"
    with pytest.raises(PlatformError, match="it has linux/ppc64le, linux/s390x"):
        chosen(platforms(build, "linux/s390x", "linux/ppc64le", name="none"), None)


def test_a_platform_that_is_not_there_is_an_error_that_lists_those_that_are(
    build: Builder,
) -> None:
    path = platforms(build, "linux/amd64", "linux/arm64/v8")
    with pytest.raises(PlatformError, match=r"windows/amd64; it has linux/amd64, linux/arm64$"):
        chosen(path, "windows/amd64")


def test_a_single_image_for_another_platform_is_refused(build: Builder) -> None:
    layout = build.layout(build.files({"a": b""}), architecture="s390x")
    assert chosen(layout, None) == "a"
    assert chosen(layout, "linux/s390x") == "a"
    with pytest.raises(PlatformError, match="not there for linux/amd64; it has linux/s390x"):
        chosen(layout, "linux/amd64")


def test_an_image_that_names_no_platform_is_taken_for_any(build: Builder) -> None:
    layout = build.layout(build.files({"a": b""}), architecture="", os="")
    with open_image(
        parse_reference(str(layout)), lambda *_: False, platform=parse_platform("linux/arm64")
    ) as opened:
        assert opened.image.platform is None


def test_manifests_without_a_platform_are_told_apart_by_their_configs(build: Builder) -> None:
    path = build.root / "layout"
    roots = [
        build.image(path, build.files({name: b""}), architecture=name) for name in ("amd64", "arm")
    ]
    build.finish(path, build.index(path, *roots))
    assert chosen(path, "linux/arm") == "arm"


@pytest.mark.parametrize(
    "mark",
    [
        {"platform": {"os": "unknown", "architecture": "unknown"}},
        {"annotations": {"vnd.docker.reference.type": "attestation-manifest"}},
    ],
)
def test_attestations_are_neither_chosen_nor_listed(build: Builder, mark: dict[str, Any]) -> None:
    path = build.root / "layout"
    real = {
        **build.image(path, build.files({"real": b""}), architecture="s390x"),
        "platform": {"os": "linux", "architecture": "s390x"},
    }
    attestation = {**build.image(path, build.files({"attestation": b""})), **mark}
    build.finish(path, build.index(path, attestation, real))
    assert chosen(path, None) == "real"
    with pytest.raises(PlatformError, match=r"it has linux/s390x$"):
        chosen(path, "linux/386")


def test_indexes_nested_too_deep_or_in_a_circle_of_copies_end(build: Builder) -> None:
    path = build.root / "layout"
    root = build.image(path)
    for _ in range(8):
        root = build.index(path, root)
    build.finish(path, root)
    with pytest.raises(CorruptImageError, match="nested too deep"):
        build.open(path)


def test_an_index_of_many_indexes_is_bounded(build: Builder) -> None:
    path = build.root / "layout"
    root = build.image(path)
    for _ in range(3):
        root = build.index(path, *[root] * 30)
    build.finish(path, root)
    with pytest.raises(ImageError, match="the bound manifests"):
        build.open(path)
