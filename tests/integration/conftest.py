"""Real images and real engines for the tests that need them."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

_ROOT = Path(__file__).parents[2]
_CANNOT = 3  # make.py: this machine lacks a tool, or the user is not root


@pytest.fixture(scope="session")
def real_image() -> Callable[[str], Path]:
    """Return a function that gives the OCI layout of an image of fixtures/images by name.

    The image is made if the cache has none; its tag is ``latest``. Where it cannot be made the
    test is skipped with the reason, or fails when ``AUDITOR_NO_SKIP=1``.
    """

    @cache
    def made(name: str) -> tuple[int, str, str]:
        command = [sys.executable, str(_ROOT / "fixtures/images/make.py"), name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout.strip(), done.stderr.strip()

    def layout(name: str) -> Path:
        code, path, told = made(name)
        if code == _CANNOT and os.environ.get("AUDITOR_NO_SKIP") != "1":
            pytest.skip(told)
        if code != 0:
            pytest.fail(told, pytrace=False)
        return Path(path)

    return layout


@dataclass(frozen=True, slots=True)
class Engine:
    """A container engine of the tests' own, and how to give it an image."""

    process: subprocess.Popen[bytes]
    address: Path
    """The Unix socket it listens on."""
    load: Callable[[Path, str], None]
    """An OCI layout whose tag is ``latest``, under a name of its own."""


def _needs(*tools: str) -> None:
    """Skip where engines cannot run."""
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} is not installed")
    if os.geteuid() != 0:
        pytest.skip("only root can start an engine")


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr}"


@contextmanager
def _running(command: Sequence[str], path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A program that answers HTTP on a Unix socket, ended when it is not needed any more."""
    log = path.with_suffix(".log")
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        until = time.monotonic() + 60
        while not _pings(path):
            if process.poll() is not None or time.monotonic() > until:
                pytest.fail(f"{command[0]}: {log.read_text(errors='replace')}", pytrace=False)
            time.sleep(0.05)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        _remove(path.parent)


def _remove(folder: Path) -> None:
    """Take away what an engine has left, mounts included if it was killed."""
    mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for mount in reversed(mounts):
        if Path(mount).is_relative_to(folder):
            _run("umount", "-l", mount)
    shutil.rmtree(folder, ignore_errors=True)


def _pings(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        try:
            client.settimeout(5)
            client.connect(str(path))
            client.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            return b" 200 " in client.recv(100)
        except OSError:
            return False


def _home() -> Path:
    """A folder whose path is short: Podman allows 50 characters, a Unix socket 107."""
    return Path(tempfile.mkdtemp(prefix="engine-", dir="/tmp"))


@contextmanager
def _dockerd(*options: str) -> Iterator[Engine]:
    folder = _home()
    path = folder / "docker.sock"
    options += ("--storage-driver=vfs", "--bridge=none", "--iptables=false", "--ip6tables=false")
    options += (f"--data-root={folder}/data", f"--exec-root={folder}/exec", f"--pidfile={path}.pid")

    def load(layout: Path, name: str) -> None:
        target = ("--dest-daemon-host", f"unix://{path}", f"docker-daemon:{name}")
        _run("skopeo", "--insecure-policy", "copy", "-q", f"oci:{layout}:latest", *target)

    with _running(["dockerd", "-H", f"unix://{path}", *options], path) as process:
        yield Engine(process, path, load)


@contextmanager
def _podman() -> Iterator[Engine]:
    folder = _home()
    path = folder / "podman.sock"
    stores = (f"--root={folder}/root", f"--runroot={folder}/run", "--storage-driver=vfs")
    command = ("podman", *stores, "system", "service", "--time=0", f"unix://{path}")

    def load(layout: Path, name: str) -> None:
        file = folder / "load.tar"
        source = f"oci:{layout}:latest"
        _run("skopeo", "--insecure-policy", "copy", "-q", source, f"docker-archive:{file}:{name}")
        _run("podman", *stores, "load", "-q", "-i", file)
        file.unlink()

    with _running(command, path) as process:
        yield Engine(process, path, load)


@pytest.fixture(scope="session")
def start_docker() -> Callable[..., AbstractContextManager[Engine]]:
    """A function that starts a Docker engine, with more options if need be."""
    _needs("dockerd", "docker", "containerd", "runc", "skopeo", "openssl")
    return _dockerd


@pytest.fixture(scope="session")
def start_podman() -> Callable[[], AbstractContextManager[Engine]]:
    """A function that starts Podman's service."""
    _needs("podman", "skopeo")
    return _podman


@pytest.fixture(scope="session")
def docker_engine(
    start_docker: Callable[..., AbstractContextManager[Engine]],
) -> Iterator[Engine]:
    """A Docker engine that holds no image yet."""
    with start_docker() as engine:
        yield engine


@pytest.fixture(scope="session")
def podman_engine(start_podman: Callable[[], AbstractContextManager[Engine]]) -> Iterator[Engine]:
    """A Podman service that holds no image yet."""
    with start_podman() as engine:
        yield engine


@dataclass(frozen=True, slots=True)
class RealRegistry:
    """A ``docker-registry`` of the tests' own, on loopback."""

    host: str
    """``127.0.0.1:PORT``."""
    log: Path
    """Every request it got, one a line."""

    def push(self, layout: Path, name: str, *options: str) -> None:
        """Copy an OCI layout whose tag is ``latest``, by skopeo."""
        target = f"docker://{self.host}/{name}"
        flags = ("--quiet", "--dest-tls-verify=false", *options)
        _run("skopeo", "--insecure-policy", "copy", *flags, f"oci:{layout}:latest", target)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _answers(port: int) -> bool:
    with socket.socket() as one:
        one.settimeout(1)
        return one.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def _registry(
    folder: Path, http: Mapping[str, Any], more: Mapping[str, Any]
) -> Iterator[RealRegistry]:
    port = _free_port()
    folder.mkdir()
    config, log = folder / "config.yml", folder / "registry.log"
    value = {
        "version": 0.1,
        "log": {"accesslog": {"disabled": False}, "level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": {"addr": f"127.0.0.1:{port}", **http},
        **more,
    }
    config.write_text(json.dumps(value))  # JSON is YAML
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["docker-registry", "serve", config], stdout=output, stderr=output
        )
    try:
        until = time.monotonic() + 30
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > until:
                pytest.fail(f"docker-registry: {log.read_text(errors='replace')}", pytrace=False)
            time.sleep(0.02)
        yield RealRegistry(f"127.0.0.1:{port}", log)
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture
def start_registry(tmp_path: Path) -> Iterator[Callable[..., RealRegistry]]:
    """Start a real registry: plain, for ``users`` (name → password), with ``tls`` of a directory.

    The directory holds ``server.crt`` and ``server.key``; ``clients`` is the file of the
    authority whose clients are let in.
    """
    missing = [tool for tool in ("docker-registry", "skopeo") if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} is not installed")
    with ExitStack() as stack:

        def start(
            users: Mapping[str, str] | None = None,
            tls: Path | None = None,
            clients: Path | None = None,
        ) -> RealRegistry:
            folder = tmp_path / f"registry-{len(list(tmp_path.glob('registry-*')))}"
            http: dict[str, Any] = {}
            more: dict[str, Any] = {}
            if tls is not None:
                http["tls"] = {
                    "certificate": str(tls / "server.crt"),
                    "key": str(tls / "server.key"),
                    **({"clientcas": [str(clients)]} if clients else {}),
                }
            if users is not None:
                passwords = tmp_path / f"{folder.name}.htpasswd"
                lines = [_htpasswd(user, password) for user, password in users.items()]
                passwords.write_text("".join(lines))
                more["auth"] = {"htpasswd": {"realm": "the tests", "path": str(passwords)}}
            return stack.enter_context(_registry(folder, http, more))

        yield start


def _htpasswd(user: str, password: str) -> str:
    if shutil.which("htpasswd") is None:
        pytest.skip("htpasswd is not installed")
    command = ["htpasswd", "-Bbn", user, password]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    """A directory with an own CA (``ca.crt``), and what it signed: ``server`` and ``client``."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path / "authority"
    folder.mkdir()
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    new = ("openssl", "req", "-x509", *key, "-days", "2")
    _run(*new, "-subj", "/CN=the tests", "-keyout", folder / "ca.key", "-out", folder / "ca.crt")
    signed = ("-CA", str(folder / "ca.crt"), "-CAkey", str(folder / "ca.key"))
    for name in ("server", "client"):
        files = ("-keyout", folder / f"{name}.key", "-out", folder / f"{name}.crt")
        address = ("-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost")
        leaf = ("-addext", "basicConstraints=critical,CA:FALSE")
        _run(*new, *signed, *address, *leaf, "-subj", f"/CN={name}", *files)
    return folder
