from __future__ import annotations

import gzip
import json
import socket

import pytest

from auditor.errors import (
    BoundExceededError,
    CorruptImageError,
    ImageNotFoundError,
    NotAnImageError,
    PlatformError,
    UnreachableError,
    UsageError,
)
from auditor.image import parse_reference
from auditor.image.bounds import Bounds
from auditor.image.registry import open_registry
from auditor.image.source import Access, Descriptor, Reference
from auditor.model.image import Platform, Scheme

INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def entry(descriptor: Descriptor, platform: str, **more):
    os, _, architecture = platform.partition("/")
    return {
        "mediaType": descriptor.media_type,
        "digest": descriptor.digest,
        "size": descriptor.size,
        "platform": {"os": os, "architecture": architecture},
        **more,
    }


def test_an_image_is_found_by_tag_and_its_blobs_are_each_asked_for_once(
    registry, open_source, read
) -> None:
    manifest = registry.image(b"lower" * 1000, b"upper" * 1000, tag="1.0")
    source = open_source(registry, "team/app:1.0")
    found = source.find(None)
    assert found.digest == manifest.digest
    assert source.origin == f"registry {registry.host}"
    assert [read(source, one) for one in found.manifest.layers] == [
        b"lower" * 1000,
        b"upper" * 1000,
    ]
    assert read(source, found.manifest.config)
    assert len(registry.paths("/blobs/")) == 3
    assert registry.paths("/manifests/") == ["/v2/team/app/manifests/1.0"]


def test_requests_say_who_asks_and_which_manifests_are_understood(registry, open_source) -> None:
    registry.image(b"x")
    open_source(registry).find(None)
    headers = registry.asked[0].headers
    assert headers["User-Agent"].startswith("auditor/")
    for kind in (
        INDEX,
        DOCKER_INDEX,
        DOCKER_MANIFEST,
        "application/vnd.oci.image.manifest.v1+json",
    ):
        assert kind in headers["Accept"]


def test_an_image_is_found_by_digest_and_the_digest_is_what_counts(registry, open_source) -> None:
    manifest = registry.image(b"one", tag="old")
    registry.image(b"two", tag="new")
    source = open_source(registry, f"team/app:new@{manifest.digest}")
    assert source.find(None).digest == manifest.digest


@pytest.mark.parametrize("media_type", [INDEX, DOCKER_INDEX])
def test_the_platform_is_chosen_from_an_index_and_attestations_are_passed_over(
    registry, open_source, media_type: str
) -> None:
    amd64 = registry.image(b"amd64", tag="a")
    arm64 = registry.image(b"arm64", tag="b", architecture="arm64")
    note = registry.image(b"note", tag="c")
    manifests = [
        entry(amd64, "linux/amd64"),
        entry(arm64, "linux/arm64"),
        entry(
            note,
            "unknown/unknown",
            annotations={"vnd.docker.reference.type": "attestation-manifest"},
        ),
    ]
    value = {"schemaVersion": 2, "mediaType": media_type, "manifests": manifests}
    registry.manifest(value, "latest", media_type)
    source = open_source(registry)
    assert source.find(Platform("linux", "arm64")).digest == arm64.digest
    assert not [path for path in registry.paths("/manifests/") if note.digest in path]
    with pytest.raises(PlatformError, match=r"linux/amd64, linux/arm64"):
        source.find(Platform("linux", "s390x"))


def test_a_docker_schema_2_manifest_is_read(registry, open_source) -> None:
    config = registry.blob(b"{}", "application/vnd.docker.container.image.v1+json")
    value = {
        "schemaVersion": 2,
        "mediaType": DOCKER_MANIFEST,
        "config": {"mediaType": config.media_type, "digest": config.digest, "size": 2},
        "layers": [],
    }
    registry.manifest(value, "latest", DOCKER_MANIFEST)
    assert open_source(registry).find(None).manifest.media_type == DOCKER_MANIFEST


def test_a_schema_1_manifest_is_refused_by_its_name(registry, open_source) -> None:
    value = {"schemaVersion": 1, "name": "team/app", "fsLayers": [], "history": []}
    registry.manifest(value, "latest", "application/vnd.docker.distribution.manifest.v1+prettyjws")
    with pytest.raises(NotAnImageError, match="schema 1"):
        open_source(registry).find(None)


def test_a_manifest_of_another_digest_is_refused(registry, open_source, waits) -> None:
    wanted = registry.image(b"right")
    other = registry.image(b"wrong", tag="other")
    registry.manifests[wanted.digest] = registry.manifests[other.digest]
    source = open_source(registry, f"team/app@{wanted.digest}")
    with pytest.raises(CorruptImageError, match=f"{other.digest}.*where {wanted.digest}"):
        source.find(None)
    assert (len(registry.asked), waits) == (1, [])


def test_a_tag_whose_manifest_is_not_what_the_registry_says_is_refused(
    registry, open_source
) -> None:
    registry.image(b"right")
    data = registry.manifests["latest"][0]
    lie = f"sha256:{'0' * 64}"
    registry.fail("/manifests/", registry.status(200, data, Docker_Content_Digest=lie))
    with pytest.raises(CorruptImageError, match=f"where {lie} is expected"):
        open_source(registry).find(None)


def test_a_registry_that_says_no_digest_is_fine(registry, open_source) -> None:
    manifest = registry.image(b"right")
    registry.fail("/manifests/", registry.status(200, registry.manifests["latest"][0]))
    assert open_source(registry).find(None).digest == manifest.digest


def test_a_manifest_that_is_compressed_on_its_way_is_read(registry, open_source) -> None:
    manifest = registry.image(b"right")
    data = gzip.compress(registry.manifests["latest"][0])
    registry.fail("/manifests/", registry.status(200, data, Content_Encoding="gzip"))
    assert open_source(registry).find(None).digest == manifest.digest


@pytest.mark.parametrize("said", [True, False])
def test_a_giant_manifest_ends_at_the_bound(registry, open_source, *, said: bool) -> None:
    registry.manifest(b'{"x": "' + b"x" * 3_000_000 + b'"}')
    if not said:
        giant = gzip.compress(registry.manifests["latest"][0])
        registry.fail("/manifests/", registry.status(200, giant, Content_Encoding="gzip"))
    source = open_source(registry, bounds=Bounds(json_size=1 << 20))
    with pytest.raises(BoundExceededError, match="json-size"):
        source.find(None)


def test_an_html_page_instead_of_a_manifest_is_said_to_be_no_manifest(
    registry, open_source
) -> None:
    registry.fail("/manifests/", registry.status(200, b"<html>Welcome</html>"))
    with pytest.raises(CorruptImageError, match="not valid JSON"):
        open_source(registry).find(None)


def test_an_html_error_page_is_not_quoted(registry, open_source) -> None:
    registry.fail("/manifests/", registry.status(404, b"<html><b>Sorry</b></html>"))
    with pytest.raises(ImageNotFoundError) as error:
        open_source(registry).find(None)
    assert "html" not in str(error.value)
    assert f"registry {registry.host} has no image team/app:latest" in str(error.value)


def test_an_image_that_is_not_there_is_said_with_the_registrys_own_words(
    registry, open_source
) -> None:
    with pytest.raises(ImageNotFoundError, match="MANIFEST_UNKNOWN: manifest unknown"):
        open_source(registry).find(None)


def test_a_registrys_own_words_are_cut_short(registry, open_source) -> None:
    body = json.dumps({"errors": [{"code": "X", "message": "y" * 5000}]}).encode()
    registry.fail("/manifests/", registry.status(404, body))
    with pytest.raises(ImageNotFoundError) as error:
        open_source(registry).find(None)
    assert len(str(error.value)) < 600


def test_a_blob_that_is_not_there_is_a_missing_file(registry, open_source) -> None:
    registry.image(b"layer")
    source = open_source(registry)
    layer = source.find(None).manifest.layers[0]
    del registry.blobs[layer.digest]
    with pytest.raises(FileNotFoundError):
        source.open_blob(layer)


def test_a_blob_without_a_digest_is_a_missing_file(open_source) -> None:
    with pytest.raises(FileNotFoundError):
        open_source("nginx").open_blob(Descriptor("application/octet-stream", None))


def test_the_urls_of_a_foreign_layer_are_not_followed(registry, serve, open_source) -> None:
    elsewhere = serve()
    foreign = {
        "mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        "digest": f"sha256:{'1' * 64}",
        "size": 5,
        "urls": [f"http://{elsewhere.host}/layer"],
    }
    config = registry.blob(b"{}", "application/vnd.oci.image.config.v1+json")
    config_entry = {"mediaType": config.media_type, "digest": config.digest, "size": 2}
    registry.manifest({"schemaVersion": 2, "config": config_entry, "layers": [foreign]})
    source = open_source(registry)
    with pytest.raises(FileNotFoundError):
        source.open_blob(source.find(None).manifest.layers[0])
    assert elsewhere.asked == []


def test_offline_opens_no_socket(registry, open_source, monkeypatch) -> None:
    def no_socket(*args: object, **more: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", no_socket)
    with pytest.raises(UnreachableError, match="--offline"):
        open_source("ghcr.io/o/n", offline=True).find(None)


def test_opening_asks_nobody_and_refuses_a_bad_name(registry) -> None:
    reference = Reference(Scheme.REGISTRY, f"{registry.host}/team/app", "app")
    open_registry(reference, Bounds(), Access()).close()
    assert registry.asked == []
    with pytest.raises(UsageError, match="lower case"):
        open_registry(parse_reference("registry:Team/App"), Bounds(), Access())


def test_a_blob_is_named_with_its_digest_and_repository(registry, open_source) -> None:
    source = open_source("nginx")
    blob = Descriptor("application/vnd.oci.image.layer.v1.tar", "sha256:12", 1)
    assert source.name(blob) == "blob sha256:12 of docker.io/library/nginx"
    assert source.origin == "registry docker.io"
    assert source.indexed(blob) is None


def test_closing_twice_is_harmless(registry, open_source) -> None:
    registry.image(b"x")
    source = open_source(registry)
    found = source.find(None)
    source.close()
    source.close()
    with pytest.raises(UnreachableError, match="closed"):
        source.open_blob(found.manifest.layers[0])
