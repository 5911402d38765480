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
    expected = {
        layout: Scheme.OCI_DIR,
        archive: Scheme.OCI_ARCHIVE,
        docker: Scheme.DOCKER_ARCHIVE,
        zipped: Scheme.DOCKER_ARCHIVE,
        plain: Scheme.DIR,
    }
    for path, scheme in expected.items():
        assert parse_reference(str(path)) == Reference(scheme, str(path), str(path))


def test_an_archive_that_is_both_is_a_docker_archive(build: Builder) -> None:
    layout = build.layout(build.files({"a": b""}))
    (layout / "manifest.json").write_text("[]")
    assert parse_reference(str(build.archive(layout))).scheme is Scheme.DOCKER_ARCHIVE


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
    "text", ["nginx", "nginx:latest", "ghcr.io/org/app:1.0", "app@sha256:" + "0" * 64]
)
def test_a_registry_name_says_what_is_supported_and_how_to_get_there(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ImageNotFoundError, match="in this version") as caught:
        parse_reference(text)
    hint = caught.value.hint or ""
    assert f"docker save {text} -o " in hint
    assert "auditor scan" in hint
    assert f"skopeo copy docker://{text} oci:" in hint


def test_the_hint_can_be_pasted_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ImageNotFoundError) as caught:
        parse_reference("nginx")
    assert (caught.value.hint or "").startswith(
        "docker save nginx -o nginx.tar && auditor scan nginx.tar"
    )


@pytest.mark.parametrize("text", ["docker:nginx", "podman:nginx", "registry:nginx", "-"])
def test_sources_of_later_versions_are_usage_errors_with_a_way_out(text: str) -> None:
    with pytest.raises(UsageError, match="in this version") as caught:
        parse_reference(text)
    assert "docker save" in (caught.value.hint or "")
    assert caught.value.exit_code == EXIT_USAGE


@pytest.mark.parametrize("text", ["", "oci-dir:", "dir:", "oci:layout", "a\0b"])
def test_what_makes_no_sense_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError):
        parse_reference(text)


@pytest.mark.parametrize("text", ["./no", "/no/such", "no.tar", "What is this?", "~/x"])
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
            parse_reference(str(path))


def test_a_truncated_archive_is_corrupt(build: Builder) -> None:
    path = build.docker_archive(build.files({"a": b"text" * 1000}))
    path.write_bytes(path.read_bytes()[:-12_000])
    with pytest.raises(ImageError, match="truncated"):
        parse_reference(str(path))


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
