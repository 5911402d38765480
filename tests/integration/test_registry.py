"""Images from a real ``docker-registry`` on loopback."""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import shutil
import ssl
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from auditor.errors import (
    AccessDeniedError,
    ImageError,
    ImageNotFoundError,
    NotAnImageError,
    PlatformError,
    UnreachableError,
)
from auditor.image import open_image, parse_reference
from auditor.image.bounds import Bounds
from auditor.image.registry import open_registry
from auditor.image.source import Access, Found
from auditor.model.image import EntryKind, Platform

SMALL = Path(__file__).parents[2] / "fixtures/small"
OCI = "application/vnd.oci.image"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home directory with nothing in it, and no registries.conf but an empty one."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    for name in ("XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "DOCKER_CONFIG", "REGISTRY_AUTH_FILE"):
        monkeypatch.delenv(name, raising=False)
    (folder / "registries.conf").write_text("")
    monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(folder / "registries.conf"))
    return folder


def keep_all(path: str, mode: int, size: int, head: bytes) -> bool:
    return True


def contents(reference: str, **more: Any) -> dict[str, Any]:
    """What the image is, but for where it is from and what only a registry knows."""
    with open_image(parse_reference(reference), keep_all, **more) as opened:
        image = opened.image
        files = {
            one: opened.rootfs.read(one) if one.kind is EntryKind.FILE else b""
            for one in opened.rootfs.entries()
        }
        layers = [(layer.diff_id, layer.size, layer.created_by) for layer in image.layers]
        return {
            "platform": image.platform,
            "config": image.config,
            "layers": layers,
            "files": files,
        }


def find(reference: str, platform: Platform | None = None, **access: Any) -> Found:
    source = open_registry(parse_reference(reference), Bounds(), Access(**access))
    try:
        return source.find(platform)
    finally:
        source.close()


@pytest.mark.parametrize("name", ["hello", "whiteouts", "zstd", "links", "wasm"])
def test_an_image_from_a_plain_registry_is_the_one_in_the_layout(start_registry, name) -> None:
    registry = start_registry()
    registry.push(SMALL / name, f"team/{name}:1")
    platform = Platform("wasi", "wasm") if name == "wasm" else None
    pulled = contents(f"registry:{registry.host}/team/{name}:1", platform=platform)
    assert pulled == contents(f"oci-dir:{SMALL / name}", platform=platform)
    assert pulled["files"]


def test_each_blob_is_asked_for_once(start_registry) -> None:
    registry = start_registry()
    registry.push(SMALL / "whiteouts", "team/app:1")
    before = registry.log.read_text()
    contents(f"registry:{registry.host}/team/app:1")
    log = registry.log.read_text().removeprefix(before)
    index = json.loads((SMALL / "whiteouts/index.json").read_text())
    manifest = blob(SMALL / "whiteouts", index["manifests"][0]["digest"])
    digests = [manifest["config"]["digest"], *(layer["digest"] for layer in manifest["layers"])]
    assert len(digests) == 4
    assert [log.count(f'"GET /v2/team/app/blobs/{one} ') for one in digests] == [1] * 4


def test_the_platform_is_chosen_from_an_index_in_an_index(start_registry) -> None:
    registry = start_registry()
    registry.push(SMALL / "two-platforms", "team/app:1", "--all", "--preserve-digests")
    reference = f"registry:{registry.host}/team/app:1"
    layout = f"oci-dir:{SMALL / 'two-platforms'}"
    for platform in (Platform("linux", "arm64", "v8"), Platform("linux", "amd64")):
        assert contents(reference, platform=platform) == contents(layout, platform=platform)
    with pytest.raises(PlatformError, match="linux/amd64"):
        find(reference, Platform("linux", "s390x"))


def test_docker_schema_2_says_the_same_as_oci(start_registry) -> None:
    registry = start_registry()
    registry.push(SMALL / "hello", "team/app:1", "--format", "v2s2")
    reference = f"registry:{registry.host}/team/app:1"
    assert find(reference).manifest.media_type == DOCKER_MANIFEST
    assert contents(reference) == contents(f"oci-dir:{SMALL / 'hello'}")


def test_an_image_is_found_by_its_digest(start_registry) -> None:
    registry = start_registry()
    registry.push(SMALL / "hello", "team/app:1", "--preserve-digests")
    digest = json.loads((SMALL / "hello/index.json").read_text())["manifests"][0]["digest"]
    assert find(f"registry:{registry.host}/team/app@{digest}").digest == digest
    with pytest.raises(ImageNotFoundError, match="MANIFEST_UNKNOWN"):
        find(f"registry:{registry.host}/team/app@sha256:{'0' * 64}")


@pytest.mark.parametrize("name", ["team/app:2", "nobody/knows"])
def test_what_is_not_there_is_said_in_the_registrys_words(start_registry, name: str) -> None:
    registry = start_registry()
    registry.push(SMALL / "hello", "team/app:1")
    with pytest.raises(ImageNotFoundError, match=r"MANIFEST_UNKNOWN|NAME_UNKNOWN"):
        find(f"registry:{registry.host}/{name}")


def test_a_registry_with_htpasswd_lets_in_whom_it_knows(start_registry, home: Path) -> None:
    registry = start_registry(users={"reader": "s3cret"})
    registry.push(SMALL / "hello", "team/app:1", "--dest-creds", "reader:s3cret")
    reference = f"registry:{registry.host}/team/app:1"
    with pytest.raises(AccessDeniedError, match="UNAUTHORIZED") as error:
        find(reference)
    assert f"docker login {registry.host}" in str(error.value.hint)
    log_in(home, registry.host, "reader", "wrong")
    with pytest.raises(AccessDeniedError, match="UNAUTHORIZED"):
        find(reference)
    log_in(home, registry.host, "reader", "s3cret")
    assert contents(reference) == contents(f"oci-dir:{SMALL / 'hello'}")


def test_a_registry_with_tls_is_trusted_with_its_authority(
    start_registry, authority: Path, home: Path
) -> None:
    registry = start_registry(tls=authority)
    registry.push(SMALL / "hello", "team/app:1")
    reference = f"registry:{registry.host}/team/app:1"
    with pytest.raises(UnreachableError, match="certificate is not trusted") as error:
        find(reference)
    assert "--registry-ca" in str(error.value.hint)
    layout = contents(f"oci-dir:{SMALL / 'hello'}")
    assert contents(reference, access=Access(ca_file=authority / "ca.crt")) == layout
    insecure = Access(insecure_registries=frozenset({registry.host}))
    assert contents(reference, access=insecure) == layout
    certificates = home / ".config/containers/certs.d" / registry.host
    certificates.mkdir(parents=True)
    shutil.copy(authority / "ca.crt", certificates)
    assert contents(reference) == layout


def test_an_authority_of_the_environment_is_trusted(
    start_registry, authority: Path, monkeypatch
) -> None:
    registry = start_registry(tls=authority)
    registry.push(SMALL / "hello", "team/app:1")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority / "ca.crt"))
    assert find(f"registry:{registry.host}/team/app:1")


def test_a_registry_that_wants_to_know_its_clients_is_shown_a_certificate(
    start_registry, authority: Path, home: Path
) -> None:
    registry = start_registry(tls=authority, clients=authority / "ca.crt")
    certificates = home / ".config/containers/certs.d" / registry.host
    certificates.mkdir(parents=True)
    for name, target in (("ca.crt", "ca.crt"), ("client.crt", "me.cert"), ("client.key", "me.key")):
        shutil.copy(authority / name, certificates / target)
    registry.push(SMALL / "hello", "team/app:1", "--dest-cert-dir", str(certificates))
    assert find(f"registry:{registry.host}/team/app:1")
    (certificates / "me.cert").unlink()
    with pytest.raises(UnreachableError, match=r"certificate required|bad certificate") as error:
        find(f"registry:{registry.host}/team/app:1")
    assert "client.cert" in str(error.value.hint)


@pytest.fixture
def tls_server(authority: Path) -> Iterator[Callable[[int, str, str], str]]:
    """Start a server with TLS that gives one answer; gives its host."""
    with ExitStack() as stack:

        def start(status: int, header: str, value: str) -> str:
            class Handler(http.server.BaseHTTPRequestHandler):
                def do_GET(self) -> None:
                    self.send_response(status)
                    self.send_header(header, value)
                    self.send_header("Content-Length", "0")
                    self.end_headers()

                def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                    pass

            server = stack.enter_context(http.server.HTTPServer(("127.0.0.1", 0), Handler))
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(authority / "server.crt", authority / "server.key")
            server.socket = context.wrap_socket(server.socket, server_side=True)
            thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            return f"127.0.0.1:{server.server_address[1]}"

        yield start


def test_a_redirect_from_https_to_plain_http_is_refused(tls_server, authority: Path) -> None:
    host = tls_server(307, "Location", "http://127.0.0.1:1/manifest")
    with pytest.raises(UnreachableError, match="redirects from https to plain http"):
        find(f"registry:{host}/x", ca_file=authority / "ca.crt")


def test_a_password_is_not_sent_to_a_token_server_in_plain_http(
    tls_server, authority: Path, home: Path
) -> None:
    host = tls_server(401, "WWW-Authenticate", 'Bearer realm="http://127.0.0.1:1/token"')
    log_in(home, host, "reader", "s3cret")
    with pytest.raises(ImageError, match="its address is not https"):
        find(f"registry:{host}/x", ca_file=authority / "ca.crt")


def test_a_wasm_artifact_of_the_cncf_kind_is_read_as_its_module(start_registry) -> None:
    registry = start_registry()
    module = b"\0asm\1\0\0\0"
    config = {
        "created": "2026-01-01T00:00:00Z",
        "architecture": "wasm",
        "os": "wasip1",
        "layerDigests": [f"sha256:{hashlib.sha256(module).hexdigest()}"],
    }
    put_artifact(
        registry.host,
        "team/module",
        (json.dumps(config).encode(), "application/vnd.wasm.config.v0+json"),
        (module, "application/wasm"),
    )
    with open_image(parse_reference(f"registry:{registry.host}/team/module:1"), keep_all) as opened:
        (entry,) = [one for one in opened.rootfs.entries() if one.kind is EntryKind.FILE]
        assert opened.rootfs.read(entry) == module


def test_a_helm_chart_is_said_to_be_no_image(start_registry) -> None:
    registry = start_registry()
    put_artifact(
        registry.host,
        "charts/app",
        (b'{"name": "app"}', "application/vnd.cncf.helm.config.v1+json"),
        (b"chart", "application/vnd.cncf.helm.chart.content.v1.tar+gzip"),
    )
    with pytest.raises(NotAnImageError):
        contents(f"registry:{registry.host}/charts/app:1")


def test_a_mirror_stands_in_for_a_registry_that_is_away(start_registry) -> None:
    registry = start_registry()
    registry.push(SMALL / "hello", "library/hello:1")
    found = find("registry:hello:1", mirrors=(("docker.io", f"http://{registry.host}"),))
    assert found.manifest.layers


def blob(layout: Path, digest: str) -> Any:
    return json.loads((layout / "blobs" / digest.replace(":", "/")).read_text())


def log_in(home: Path, host: str, user: str, password: str) -> None:
    """As ``docker login`` leaves it."""
    path = home / ".docker/config.json"
    path.parent.mkdir(exist_ok=True)
    pair = base64.b64encode(f"{user}:{password}".encode()).decode()
    path.write_text(json.dumps({"auths": {host: {"auth": pair}}}))


def put_artifact(host: str, name: str, *blobs: tuple[bytes, str]) -> None:
    """Push a config and layers by plain HTTP, with the tag ``1``."""
    described = list(put_blobs(host, name, blobs))
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{OCI}.manifest.v1+json",
        "config": described[0],
        "layers": described[1:],
    }
    url = f"http://{host}/v2/{name}/manifests/1"
    put(url, json.dumps(manifest).encode(), f"{OCI}.manifest.v1+json")


def put_blobs(
    host: str, name: str, blobs: tuple[tuple[bytes, str], ...]
) -> Iterator[dict[str, Any]]:
    for data, media_type in blobs:
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        start = urllib.request.Request(f"http://{host}/v2/{name}/blobs/uploads/", method="POST")
        with urllib.request.urlopen(start) as answer:
            place = answer.headers["Location"]
        put(f"{place}{'&' if '?' in place else '?'}digest={digest}", data)
        yield {"mediaType": media_type, "digest": digest, "size": len(data)}


def put(url: str, data: bytes, media_type: str = "application/octet-stream") -> None:
    request = urllib.request.Request(
        url, data=data, method="PUT", headers={"Content-Type": media_type}
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 201
