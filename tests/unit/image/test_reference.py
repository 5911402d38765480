from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from auditor.errors import (
    EXIT_USAGE,
    AuditorError,
    ImageError,
    ImageNotFoundError,
    NotAnImageError,
    UsageError,
)
from auditor.image import parse_reference
from auditor.image.source import Reference
from auditor.model.image import Scheme

if TYPE_CHECKING:
    from tests.unit.image.conftest import Builder


def test_a_bare_path_is_recognised_for_what_it_is(build: Builder) -> None:
    layout = build.layout(build.files({"a": b""}))
    archive = build.archive(layout)
    docker = build.docker_archive(build.files({"a": b""}))
    zipped = build.root / "docker.tar.gz"
    zipped.write_bytes(gzip.compress(docker.read_bytes()))
    plain = build.root / "plain"
    plain.mkdir()
    for path, scheme in {
        layout: Scheme.OCI_DIR,
        archive: Scheme.ARCHIVE,
        docker: Scheme.ARCHIVE,
        zipped: Scheme.ARCHIVE,
        plain: Scheme.DIR,
    }.items():
        assert parse_reference(str(path)) == Reference(scheme, str(path), str(path))
    for path, scheme in {
        archive: Scheme.OCI_ARCHIVE,
        docker: Scheme.DOCKER_ARCHIVE,
        zipped: Scheme.DOCKER_ARCHIVE,
    }.items():
        assert build.open(path).image.scheme is scheme


def test_an_archive_that_is_both_is_a_docker_archive(build: Builder) -> None:
    layout = build.layout(build.files({"a": b""}))
    (layout / "manifest.json").write_text("[]")
    with pytest.raises(NotAnImageError, match="holds no image"):
        build.open(build.archive(layout))


@pytest.mark.parametrize("scheme", ["oci-dir", "oci-archive", "docker-archive", "dir"])
def test_a_scheme_with_a_missing_path_says_which(tmp_path: Path, scheme: str) -> None:
    with pytest.raises(ImageNotFoundError, match=r"there is no file or directory '.*/missing'"):
        parse_reference(f"{scheme}:{tmp_path}/missing")


@pytest.mark.parametrize(
    ("rest", "selector"),
    [
        ("", None),
        (":1.2", "1.2"),
        (":name:1.2", "name:1.2"),
        ("@sha256:abc", "@sha256:abc"),
        (":", None),
    ],
)
@pytest.mark.parametrize("directory", ["layout", "with:colon"])
def test_a_tag_or_digest_stands_behind_the_path(
    build: Builder, rest: str, selector: str | None, directory: str
) -> None:
    layout = build.layout(name=directory)
    reference = parse_reference(f"oci-dir:{layout}{rest}")
    assert (reference.location, reference.selector) == (str(layout), selector)
    if selector:
        assert parse_reference(f"{layout}{rest}").selector == selector


@pytest.mark.parametrize(
    "text", ["nginx", "nginx:latest", "ghcr.io/org/app:1.0", "app@sha256:" + "0" * 64, "[::1]:5/a"]
)
def test_a_name_leaves_open_where_the_image_is(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert parse_reference(text) == Reference(None, text, text)


@pytest.mark.parametrize("scheme", ["docker", "podman", "registry"])
def test_a_scheme_says_where_a_name_is_looked_for(scheme: str) -> None:
    text = f"{scheme}:nginx:1.27"
    assert parse_reference(text) == Reference(Scheme(scheme), "nginx:1.27", text)


def test_from_takes_the_text_as_it_stands(build: Builder) -> None:
    reference = parse_reference("docker:dind", Scheme.REGISTRY)
    assert reference == Reference(Scheme.REGISTRY, "docker:dind", "docker:dind")
    layout = build.layout()
    assert parse_reference(f"{layout}:v1", Scheme.OCI_DIR).selector == "v1"


def test_a_dash_is_an_archive_on_standard_input() -> None:
    assert parse_reference("-") == Reference(Scheme.ARCHIVE, "-", "-")
    text = "docker-archive:-:app:1"
    assert parse_reference(text) == Reference(Scheme.DOCKER_ARCHIVE, "-", text, "app:1")


def test_a_local_path_comes_before_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nginx").mkdir()
    assert parse_reference("nginx").scheme is Scheme.DIR
    assert parse_reference("nginx:latest").scheme is None


@pytest.mark.parametrize("text", ["docker://nginx", "podman://nginx"])
def test_the_spelling_of_other_tools_is_a_usage_error_with_a_way_out(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_reference(text)
    assert "registry:nginx" in (caught.value.hint or "")
    assert caught.value.exit_code == EXIT_USAGE


@pytest.mark.parametrize(
    "text",
    ["", "oci-dir:", "dir:", "oci:layout", "a\0b", "docker:", "registry:a b", "What is this?"],
)
def test_what_makes_no_sense_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError):
        parse_reference(text)


@pytest.mark.parametrize("text", ["./no", "/no/such", "no.tar", "~/x"])
def test_a_path_that_is_not_there_is_not_taken_for_an_image_name(text: str) -> None:
    with pytest.raises(ImageNotFoundError, match="there is no file or directory") as caught:
        parse_reference(text)
    assert caught.value.hint is None


def test_other_files_are_no_images(build: Builder) -> None:
    text = build.root / "notes.txt"
    text.write_text("hello\n" * 1000)
    empty = build.root / "empty"
    empty.write_bytes(b"")
    tar = build.root / "files.tar"
    tar.write_bytes(build.files({"etc/passwd": b""}))
    zipped = build.root / "notes.gz"
    zipped.write_bytes(gzip.compress(b"hello\n" * 1000))
    for path in (text, empty, tar, zipped, Path("/dev/null")):
        with pytest.raises(NotAnImageError, match=str(path)):
            build.open(path)


def test_a_truncated_archive_is_corrupt(build: Builder) -> None:
    path = build.docker_archive(build.files({"a": b"text" * 1000}))
    path.write_bytes(path.read_bytes()[:-12_000])
    with pytest.raises(ImageError, match="truncated"):
        build.open(path)


def test_dir_wants_a_directory_and_oci_dir_an_image(build: Builder, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    plain = tmp_path / "plain"
    plain.mkdir()
    with pytest.raises(NotAnImageError, match="is no directory"):
        parse_reference(f"dir:{file}")
    with pytest.raises(NotAnImageError, match="is no directory"):
        build.open(f"oci-dir:{file}")
    with pytest.raises(
        NotAnImageError, match=r"no OCI image layout is there: .*index.json is missing"
    ):
        build.open(f"oci-dir:{plain}")


def test_every_error_is_one_of_ours_with_a_sentence(tmp_path: Path) -> None:
    for text in ("\ud800", "x" * 5000, "docker-archive:" + "y/" * 3000, "://", "@", ":tag"):
        with pytest.raises(AuditorError, match=r"\w+ \w+"):
            parse_reference(text)
