"""Images of real engines, which these tests start themselves."""

from __future__ import annotations

import hashlib
import io
import json
import os
import socket
import subprocess
import tarfile
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

import pytest

from auditor.errors import ImageError, ImageNotFoundError, PlatformError, UnreachableError
from auditor.image.engine import Export, open_export
from auditor.model.image import Platform, Scheme

_SMALL = Path(__file__).parents[2] / "fixtures/small"
_AMD64 = Platform("linux", "amd64")
_MIB = 1 << 20

Start = Callable[..., AbstractContextManager[Any]]
Taken = tuple[Scheme, Mapping[str, str], str]
"""Scheme, environment, and the ID of the image ``links:latest``."""


def _id(name: str) -> str:
    """The digest of the config in a layout with one image."""
    index = json.loads((_SMALL / name / "index.json").read_bytes())
    digest = index["manifests"][0]["digest"].partition(":")[2]
    manifest = json.loads((_SMALL / name / "blobs/sha256" / digest).read_bytes())
    return str(manifest["config"]["digest"])


@pytest.fixture(scope="session")
def docker(docker_engine: Any) -> Taken:
    docker_engine.load(_SMALL / "links", "links:latest")
    docker_engine.load(_SMALL / "whiteouts", "links:other")
    environ = {"DOCKER_HOST": f"unix://{docker_engine.address}"}
    return Scheme.DOCKER, environ, _id("links")


@pytest.fixture(scope="session")
def podman(podman_engine: Any) -> Taken:
    podman_engine.load(_SMALL / "links", "quay.example/team/links:latest")
    environ = {"CONTAINER_HOST": f"unix://{podman_engine.address}"}
    return Scheme.PODMAN, environ, _id("links")


@pytest.fixture(params=["docker", "podman"])
def engine(request: pytest.FixtureRequest) -> Taken:
    taken: Taken = request.getfixturevalue(request.param)
    return taken


def _archive(export: Export) -> dict[str, bytes]:
    """The regular members of what an engine sends, read in small pieces."""
    with closing(export.stream) as stream:
        data = b"".join(iter(lambda: stream.read(10_000), b""))
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        files = [member for member in tar if member.isfile()]
        return {member.name: tar.extractfile(member).read() for member in files}  # type: ignore[union-attr]


def _item(export: Export) -> dict[str, Any]:
    items = json.loads(_archive(export)["manifest.json"])
    assert len(items) == 1
    item: dict[str, Any] = items[0]
    return item


def test_an_image_streams_through_with_its_manifest_config_and_layers(engine):
    scheme, environ, identity = engine
    export = open_export(scheme, "links:latest", None, environ=environ)
    assert (export.image_id, export.platform) == (identity, _AMD64)
    assert export.origin == f"{scheme.value.capitalize()} at {next(iter(environ.values()))}"
    files = _archive(export)
    (item,) = json.loads(files["manifest.json"])
    config = files[item["Config"]]
    assert f"sha256:{hashlib.sha256(config).hexdigest()}" == identity
    layers = [hashlib.sha256(files[layer]).hexdigest() for layer in item["Layers"]]
    assert json.loads(config)["rootfs"]["diff_ids"] == [f"sha256:{layer}" for layer in layers]


@pytest.mark.parametrize("short", [12, 64])
def test_an_image_is_found_by_its_id(engine, short):
    scheme, environ, identity = engine
    name = identity.removeprefix("sha256:")[:short]
    assert open_and_close(scheme, name, environ).image_id == identity
    assert open_and_close(scheme, identity, environ).image_id == identity


def open_and_close(scheme: Scheme, name: str, environ: Mapping[str, str]) -> Export:
    export = open_export(scheme, name, _AMD64, environ=environ)
    export.stream.close()
    return export


def test_podman_finds_an_image_by_its_short_name_and_by_its_digest(podman):
    scheme, environ, identity = podman
    export = open_and_close(scheme, "links", environ)
    assert export.image_id == identity
    assert export.digest is not None
    by_digest = f"quay.example/team/links@{export.digest}"
    assert open_and_close(scheme, by_digest, environ).image_id == identity


def test_a_name_without_a_tag_is_one_image_not_every_tag(docker):
    scheme, environ, identity = docker
    item = _item(open_export(scheme, "links", None, environ=environ))
    assert item["Config"] == f"{identity.removeprefix('sha256:')}.json"


def test_an_image_that_the_engine_lacks_is_said_to_be_absent(engine):
    scheme, environ, _ = engine
    with pytest.raises(ImageNotFoundError, match=r"has no image 'not/there:1'") as caught:
        open_export(scheme, "not/there:1", None, environ=environ)
    assert caught.value.hint == f"{scheme.value} pull not/there:1, or scan registry:not/there:1"


def test_an_image_for_another_platform_is_refused(engine):
    scheme, environ, _ = engine
    with pytest.raises(PlatformError, match="not there for linux/arm64; it has linux/amd64"):
        open_export(scheme, "links", Platform("linux", "arm64"), environ=environ)


def test_a_socket_that_is_closed_to_the_user_says_permission_denied(docker):
    scheme, environ, _ = docker
    os.seteuid(65534)
    try:
        with pytest.raises(UnreachableError, match="permission denied") as caught:
            open_export(scheme, "links", None, environ=environ)
    finally:
        os.seteuid(0)
    assert "group docker" in str(caught.value.hint)


@pytest.fixture(scope="session")
def large_layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One layer that no socket's buffer holds."""
    layout = tmp_path_factory.mktemp("large")
    blobs = layout / "blobs/sha256"
    blobs.mkdir(parents=True)

    def put(data: bytes, media_type: str) -> dict[str, Any]:
        digest = hashlib.sha256(data).hexdigest()
        (blobs / digest).write_bytes(data)
        kind = f"application/vnd.oci.image.{media_type}"
        return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(data)}

    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as writer:
        member = tarfile.TarInfo("large")
        member.size = 48 * _MIB
        writer.addfile(member, io.BytesIO(os.urandom(_MIB) * 48))
    layer = put(tar.getvalue(), "layer.v1.tar")
    rootfs = {"type": "layers", "diff_ids": [layer["digest"]]}
    config = {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": rootfs}
    manifest = {
        "schemaVersion": 2,
        "config": put(json.dumps(config).encode(), "config.v1+json"),
        "layers": [layer],
    }
    root = put(json.dumps(manifest).encode(), "manifest.v1+json")
    root["annotations"] = {"org.opencontainers.image.ref.name": "latest"}
    (layout / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [root]}))
    return layout


@pytest.mark.parametrize("scheme", [Scheme.DOCKER, Scheme.PODMAN])
def test_an_engine_that_is_killed_half_way_is_an_error_not_an_end(scheme, large_layout, request):
    start = request.getfixturevalue(f"start_{scheme.value}")
    variable = "DOCKER_HOST" if scheme is Scheme.DOCKER else "CONTAINER_HOST"
    with start() as engine:
        engine.load(large_layout, "large:latest")
        environ = {variable: f"unix://{engine.address}"}
        with closing(open_export(scheme, "large", None, environ=environ).stream) as stream:
            assert len(stream.read(_MIB)) == _MIB
            engine.process.kill()
            engine.process.wait()
            with pytest.raises(ImageError, match="stopped while it sent 'large'"):
                deque(iter(lambda: stream.read(_MIB), b""), maxlen=0)
        with pytest.raises(UnreachableError, match="connection refused"):
            open_export(scheme, "large", None, environ=environ)


def test_closing_half_way_leaves_the_engine_ready_for_the_next(large_layout, docker_engine):
    docker_engine.load(large_layout, "large:latest")
    environ = {"DOCKER_HOST": f"unix://{docker_engine.address}"}
    for _ in range(3):
        export = open_export(Scheme.DOCKER, "large", None, environ=environ)
        assert export.stream.read(100)
        export.stream.close()
        export.stream.close()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def docker_by_tcp(start_docker: Start) -> Iterator[str]:
    host = f"tcp://127.0.0.1:{_free_port()}"
    with start_docker("-H", host) as engine:
        engine.load(_SMALL / "links", "links:latest")
        yield host


def test_docker_host_may_be_a_tcp_address_and_no_proxy_is_asked(docker_by_tcp, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    export = open_and_close(Scheme.DOCKER, "links", {"DOCKER_HOST": docker_by_tcp})
    assert export.origin == f"Docker at {docker_by_tcp}"


def _openssl(folder: Path, *arguments: str) -> None:
    command = ["openssl", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority, and what it has signed for 127.0.0.1 and for a user."""
    folder = tmp_path_factory.mktemp("tls")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    authority = ("-keyout", "ca-key.pem", "-out", "ca.pem", "-days", "2", "-subj", "/CN=Own CA")
    _openssl(folder, "req", "-x509", *key, *authority)
    signed = ("-CA", "ca.pem", "-CAkey", "ca-key.pem", "-CAcreateserial", "-days", "2")
    for name, extension in (
        ("server", "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth"),
        ("user", "extendedKeyUsage=clientAuth"),
    ):
        (folder / f"{name}.ext").write_text(extension)
        request = ("-keyout", f"{name}-key.pem", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        _openssl(folder, "req", *key, *request)
        given = ("-in", f"{name}.csr", "-out", f"{name}.pem", "-extfile", f"{name}.ext")
        _openssl(folder, "x509", "-req", *given, *signed)
    (folder / "user.pem").rename(folder / "cert.pem")
    (folder / "user-key.pem").rename(folder / "key.pem")
    return folder


@pytest.fixture(scope="module")
def docker_by_tls(start_docker: Start, certificates: Path) -> Iterator[str]:
    host = f"tcp://127.0.0.1:{_free_port()}"
    files = (("cacert", "ca"), ("cert", "server"), ("key", "server-key"))
    options = [f"--tls{kind}={certificates}/{name}.pem" for kind, name in files]
    with start_docker("-H", host, "--tlsverify", *options) as engine:
        engine.load(_SMALL / "links", "links:latest")
        yield host


def test_tls_with_an_authority_of_ones_own(docker_by_tls, certificates, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificates / "server.pem"))  # not for engines
    environ = {"DOCKER_HOST": docker_by_tls, "DOCKER_TLS_VERIFY": "1"}
    environ |= {"DOCKER_CERT_PATH": str(certificates)}
    assert open_and_close(Scheme.DOCKER, "links", environ).platform == _AMD64


def test_tls_without_verification_is_quiet(docker_by_tls, certificates):
    environ = {"DOCKER_HOST": docker_by_tls, "DOCKER_TLS": "1"}
    environ |= {"DOCKER_CERT_PATH": str(certificates)}
    assert open_and_close(Scheme.DOCKER, "links", environ).platform == _AMD64


def test_an_engine_of_an_unknown_authority_is_not_trusted(docker_by_tls, certificates, tmp_path):
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).write_bytes((certificates / name).read_bytes())
    environ = {"DOCKER_HOST": docker_by_tls, "DOCKER_TLS_VERIFY": "1"}
    with pytest.raises(UnreachableError, match="certificate verify failed"):
        open_and_close(Scheme.DOCKER, "links", environ | {"DOCKER_CERT_PATH": str(tmp_path)})


def test_a_user_without_a_certificate_is_refused_in_a_sentence(
    docker_by_tls, certificates, tmp_path
):
    (tmp_path / "ca.pem").write_bytes((certificates / "ca.pem").read_bytes())
    environ = {"DOCKER_HOST": docker_by_tls, "DOCKER_TLS_VERIFY": "1"}
    with pytest.raises(UnreachableError, match="certificate"):
        open_and_close(Scheme.DOCKER, "links", environ | {"DOCKER_CERT_PATH": str(tmp_path)})


def test_an_engine_with_tls_spoken_to_in_the_clear_gives_the_hint(docker_by_tls):
    with pytest.raises(UnreachableError, match="HTTPS server") as caught:
        open_and_close(Scheme.DOCKER, "links", {"DOCKER_HOST": docker_by_tls})
    assert "DOCKER_TLS_VERIFY=1" in str(caught.value.hint)


def test_a_context_made_by_the_docker_command(docker_by_tls, certificates, tmp_path):
    files = ",".join(f"{name}={certificates}/{name}.pem" for name in ("ca", "cert", "key"))
    environ = {"DOCKER_CONFIG": str(tmp_path)}
    endpoint = f"host={docker_by_tls},{files}"
    for command in (["create", "far", "--docker", endpoint], ["use", "far"]):
        subprocess.run(
            ["docker", "context", *command],
            env={"PATH": os.environ["PATH"], **environ},
            check=True,
            capture_output=True,
        )
    assert open_and_close(Scheme.DOCKER, "links", environ).origin == f"Docker at {docker_by_tls}"
