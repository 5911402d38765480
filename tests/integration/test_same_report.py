"""One image, wherever it is taken from, gives one report."""

from __future__ import annotations

import base64
import gzip
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.integration.conftest import Engine, RealRegistry

SMALL = Path(__file__).parents[2] / "fixtures/small"
USER, PASSWORD = "reader", "a-pass-phrase"


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An environment in which nothing of this machine's user is found."""
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "registries.conf").write_text("")
    return {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": str(folder),
        "CONTAINERS_REGISTRIES_CONF": str(folder / "registries.conf"),
        "SOURCE_DATE_EPOCH": "1795392000",
    }


def report(
    home: Mapping[str, str], *arguments: str, stdin: bytes = b"", **more: str
) -> dict[str, Any]:
    """What a scan says, but for what depends on where the image was taken from."""
    command = [sys.executable, "-m", "auditor", "scan", *arguments, "-o", "json"]
    done = subprocess.run(
        command, input=stdin, env={**home, **more}, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    document: dict[str, Any] = json.loads(done.stdout)
    for key in ("reference", "source", "digest"):
        del document["image"][key]
    return document


def copied(layout: Path, target: str) -> Path:
    source = f"oci:{layout}:latest"
    subprocess.run(["skopeo", "--insecure-policy", "copy", "-q", source, target], check=True)
    return Path(target.split(":")[1])


@pytest.fixture
def archives(tmp_path: Path) -> Callable[[Path], tuple[Path, Path]]:
    """A layout as an OCI archive and as a Docker archive."""

    def made(layout: Path) -> tuple[Path, Path]:
        oci = copied(layout, f"oci-archive:{tmp_path / 'oci.tar'}")
        return oci, copied(layout, f"docker-archive:{tmp_path / 'docker.tar'}:app:latest")

    return made


@pytest.mark.parametrize("name", ["shell-cmd", "whiteouts"])
def test_every_archive_gives_the_report_of_the_layout(
    name: str, home: dict[str, str], archives: Callable[[Path], tuple[Path, Path]]
) -> None:
    expected = report(home, f"oci-dir:{SMALL / name}")
    assert expected["image"]["layers"], "nothing to compare"
    oci, docker = archives(SMALL / name)
    assert report(home, f"oci-archive:{oci}") == expected
    assert report(home, f"docker-archive:{docker}") == expected
    for data in (docker.read_bytes(), gzip.compress(docker.read_bytes()), oci.read_bytes()):
        assert report(home, "-", stdin=data) == expected


@pytest.mark.parametrize("name", ["shell-cmd", "whiteouts"])
def test_every_engine_gives_the_report_of_the_layout(
    name: str, home: dict[str, str], docker_engine: Engine, podman_engine: Engine
) -> None:
    expected = report(home, f"oci-dir:{SMALL / name}")
    docker_engine.load(SMALL / name, f"{name}:latest")
    host = f"unix://{docker_engine.address}"
    assert report(home, f"docker:{name}", DOCKER_HOST=host) == expected
    podman_engine.load(SMALL / name, f"{name}:latest")
    host = f"unix://{podman_engine.address}"
    assert report(home, f"podman:{name}", CONTAINER_HOST=host) == expected


@pytest.mark.parametrize("name", ["shell-cmd", "whiteouts"])
def test_every_registry_gives_the_report_of_the_layout(
    name: str,
    home: dict[str, str],
    start_registry: Callable[..., RealRegistry],
    authority: Path,
) -> None:
    expected = report(home, f"oci-dir:{SMALL / name}")
    plain = start_registry()
    plain.push(SMALL / name, f"{name}:1")
    assert report(home, f"registry:{plain.host}/{name}:1") == expected
    closed = start_registry(users={USER: PASSWORD})
    closed.push(SMALL / name, f"{name}:1", f"--dest-creds={USER}:{PASSWORD}")
    log_in(home, closed.host)
    assert report(home, f"registry:{closed.host}/{name}:1") == expected
    safe = start_registry(tls=authority)
    safe.push(SMALL / name, f"{name}:1")
    ca = ("--registry-ca", str(authority / "ca.crt"))
    assert report(home, *ca, f"registry:{safe.host}/{name}:1") == expected


def log_in(home: Mapping[str, str], host: str) -> None:
    """As ``docker login`` writes it down."""
    auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    folder = Path(home["HOME"]) / ".docker"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}}))


def test_a_real_image_is_the_same_in_a_layout_an_engine_and_a_registry(
    home: dict[str, str],
    real_image: Callable[[str], Path],
    docker_engine: Engine,
    start_registry: Callable[..., RealRegistry],
) -> None:
    layout = real_image("nginx")
    expected = report(home, f"oci-dir:{layout}")
    assert len(expected["image"]["layers"]) == 7
    docker_engine.load(layout, "nginx:latest")
    host = f"unix://{docker_engine.address}"
    assert report(home, "docker:nginx", DOCKER_HOST=host) == expected
    registry = start_registry()
    registry.push(layout, "library/nginx:latest")
    assert report(home, f"{registry.host}/library/nginx") == expected


def test_a_bare_name_is_looked_for_in_docker_then_podman_then_the_registry(
    home: dict[str, str],
    tmp_path: Path,
    docker_engine: Engine,
    podman_engine: Engine,
    start_registry: Callable[..., RealRegistry],
) -> None:
    registry = start_registry()
    name = f"{registry.host}/choice:1"
    engines = {
        "DOCKER_HOST": f"unix://{docker_engine.address}",
        "CONTAINER_HOST": f"unix://{podman_engine.address}",
    }

    def taken_from(*arguments: str, **more: str) -> str:
        command = [sys.executable, "-m", "auditor", "scan", *arguments, name, "-o", "json"]
        done = subprocess.run(
            command, env={**home, **more}, capture_output=True, text=True, check=True, cwd=tmp_path
        )
        source: str = json.loads(done.stdout)["image"]["source"]
        if not arguments:
            assert f"auditor: {name} is taken from" in done.stderr
        return source

    registry.push(SMALL / "hello", "choice:1")
    assert taken_from(**engines) == "registry"
    podman_engine.load(SMALL / "hello", name)
    assert taken_from(**engines) == "podman"
    docker_engine.load(SMALL / "hello", name)
    assert taken_from(**engines) == "docker"
    assert taken_from("--from", "registry", **engines) == "registry"
    assert taken_from("--from", "podman", "--offline", **engines) == "podman"
    assert taken_from() == "registry"
