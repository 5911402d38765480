from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from auditor.errors import UnreachableError, UsageError
from auditor.image.engine import open_export
from auditor.image.engine.endpoint import Endpoint, Patience, candidates, first_that_answers
from auditor.model.image import Scheme


def urls(scheme: Scheme, **environ: str) -> list[str]:
    return [place.url for place in candidates(scheme, {"HOME": "/nonexistent", **environ})]


def docker(host: str, **environ: str) -> Endpoint:
    (place,) = candidates(Scheme.DOCKER, {"DOCKER_HOST": host, **environ})
    return place


def test_docker_is_looked_for_at_its_usual_socket_then_at_the_rootless_one():
    assert urls(Scheme.DOCKER) == ["unix:///var/run/docker.sock"]
    rootless = "unix:///run/user/7/docker.sock"
    assert urls(Scheme.DOCKER, XDG_RUNTIME_DIR="/run/user/7")[1:] == [rootless]


def test_podman_is_looked_for_at_the_users_socket_then_at_the_systems():
    users = f"unix:///run/user/{os.getuid()}/podman/podman.sock"
    system = "unix:///run/podman/podman.sock"
    assert urls(Scheme.PODMAN) == [users, system]
    runtime = urls(Scheme.PODMAN, XDG_RUNTIME_DIR="/own/")
    assert runtime == ["unix:///own/podman/podman.sock", users, system]


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("unix:///own/docker.sock", "unix:///own/docker.sock"),
        ("unix://own/docker.sock", "unix:///own/docker.sock"),
        (" unix:///own/docker.sock ", "unix:///own/docker.sock"),
        ("unix://", "unix:///var/run/docker.sock"),
        ("tcp://far.example:1234", "tcp://far.example:1234"),
        ("tcp://far.example", "tcp://far.example:2375"),
        ("tcp://far.example:1234/base/", "tcp://far.example:1234/base"),
        ("tcp://[::1]:1234", "tcp://[::1]:1234"),
        ("http://far.example:80", "tcp://far.example:80"),
        ("https://far.example", "tcp://far.example:2376"),
    ],
)
def test_docker_host_names_the_only_place(host, url):
    place = docker(host)
    assert (place.url, place.told_by) == (url, "DOCKER_HOST")
    assert place.title == f"Docker at {url}"


def test_container_host_names_the_only_place_of_podman():
    assert urls(Scheme.PODMAN, CONTAINER_HOST="unix:///own.sock") == ["unix:///own.sock"]
    assert urls(Scheme.PODMAN, CONTAINER_HOST="tcp://h:1") == ["tcp://h:1"]


def test_each_engine_listens_to_its_own_variable_only():
    assert urls(Scheme.DOCKER, CONTAINER_HOST="tcp://h:1") == ["unix:///var/run/docker.sock"]
    assert "tcp://h:1" not in urls(Scheme.PODMAN, DOCKER_HOST="tcp://h:1")


@pytest.mark.parametrize(
    "host",
    [
        "nonsense",
        "/var/run/docker.sock",
        "far.example:2375",
        "npipe:////./pipe/docker_engine",
        "fd://",
        "tcp://",
        "tcp://:2375",
        "tcp://h:port",
        "tcp://h:99999",
        "tcp://[::1",
        "tcp://user:word@h:1",
        "tcp://h:1/?a=b",
        "unix:///a\x1b[31m",
        "://",
    ],
)
def test_nonsense_in_docker_host_is_a_usage_error(host):
    with pytest.raises(UsageError, match=r"DOCKER_HOST is .*, which is no address of an engine"):
        docker(host)


@pytest.mark.parametrize(
    ("scheme", "name"), [(Scheme.DOCKER, "DOCKER_HOST"), (Scheme.PODMAN, "CONTAINER_HOST")]
)
def test_ssh_is_refused_with_a_way_round(scheme, name):
    with pytest.raises(UnreachableError, match=f"{name} is 'ssh://me@far.example'") as caught:
        candidates(scheme, {name: "ssh://me@far.example"})
    hint = f"pipe the image: ssh me@far.example {scheme.value} save IMAGE | auditor scan -"
    assert caught.value.hint == hint


class TestTls:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        for name in ("ca.pem", "cert.pem", "key.pem"):
            (tmp_path / name).touch()
        return tmp_path

    def test_it_is_not_spoken_unless_asked_for(self, folder):
        assert docker("tcp://h:1", DOCKER_CERT_PATH=str(folder)).tls is None
        assert docker("tcp://h:1", DOCKER_CERT_PATH=str(folder), DOCKER_TLS_VERIFY="").tls is None

    def test_files_are_those_of_docker_cert_path(self, folder):
        place = docker("tcp://h", DOCKER_CERT_PATH=str(folder), DOCKER_TLS_VERIFY="1")
        assert place.url == "tcp://h:2376"
        assert place.tls is not None
        assert (place.tls.verify, place.tls.ca) == (True, folder / "ca.pem")
        assert place.tls.certificate == (folder / "cert.pem", folder / "key.pem")

    def test_files_are_else_beside_the_settings(self, folder):
        for environ in ({"DOCKER_CONFIG": str(folder)}, {"HOME": str(folder.parent)}):
            home = folder.parent / ".docker"
            if not home.exists():
                home.symlink_to(folder)
            tls = docker("tcp://h", DOCKER_TLS_VERIFY="1", **environ).tls
            assert tls is not None
            assert tls.ca is not None

    def test_without_verification_no_authority_matters(self, folder):
        tls = docker("tcp://h:1", DOCKER_CERT_PATH=str(folder), DOCKER_TLS="1").tls
        assert tls is not None
        assert (tls.verify, tls.ca) == (False, None)

    @pytest.mark.parametrize("name", ["cert.pem", "key.pem"])
    def test_half_a_pair_is_a_usage_error(self, folder, name):
        (folder / name).unlink()
        with pytest.raises(UsageError, match=f"is there without {name}"):
            docker("tcp://h:1", DOCKER_CERT_PATH=str(folder), DOCKER_TLS_VERIFY="1")

    @pytest.mark.parametrize("garbage", ["ca.pem", "cert.pem"])
    def test_files_that_hold_something_else_are_no_traceback(self, folder, garbage):
        (folder / garbage).write_text("garbage")
        if garbage == "cert.pem":
            (folder / "ca.pem").unlink()
        environ = {"DOCKER_CERT_PATH": str(folder), "DOCKER_TLS_VERIFY": "1"}
        with socket.create_server(("127.0.0.1", 0)) as server:
            host = f"tcp://127.0.0.1:{server.getsockname()[1]}"
            with pytest.raises(UnreachableError, match=f"Docker at {host} cannot be talked to"):
                open_export(Scheme.DOCKER, "app", None, environ={"DOCKER_HOST": host, **environ})

    def test_a_socket_needs_none(self, folder):
        environ = {"DOCKER_CERT_PATH": str(folder), "DOCKER_TLS_VERIFY": "1"}
        assert docker("unix:///own.sock", **environ).tls is None


class TestProbing:
    @pytest.fixture
    def listening(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
        monkeypatch.chdir(tmp_path)
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("here.sock")  # a short name, however deep the directory is
            server.listen()
            descriptor = os.open(tmp_path, os.O_RDONLY)
            yield f"/proc/self/fd/{descriptor}/here.sock"
            os.close(descriptor)

    def first(self, *paths: str, environ: dict[str, str] | None = None) -> Endpoint:
        places = [Endpoint(Scheme.PODMAN, f"unix://{path}") for path in paths]
        return first_that_answers(places, environ or {}, Patience())

    def test_the_first_that_listens_is_taken(self, listening):
        found = self.first("/nonexistent/a.sock", listening, "/nonexistent/b.sock")
        assert found.socket == listening

    def test_all_that_was_tried_is_said(self, tmp_path):
        with pytest.raises(UnreachableError) as caught:
            self.first("/nonexistent/a.sock", "/dev/null")
        assert str(caught.value) == (
            "Podman does not answer at unix:///nonexistent/a.sock: there is no such socket; "
            "unix:///dev/null: connection refused, nothing listens there"
        )

    def test_a_name_too_long_for_a_socket_is_said(self):
        with pytest.raises(UnreachableError, match="path too long"):
            self.first("/" + "x" * 200)

    def test_with_a_podman_command_the_hint_tells_how_to_use_it(self, tmp_path):
        command = tmp_path / "podman"
        command.symlink_to(sys.executable)
        with pytest.raises(UnreachableError) as caught:
            self.first("/nonexistent/a.sock", environ={"PATH": str(tmp_path)})
        hint = str(caught.value.hint)
        assert "systemctl --user start podman.socket" in hint
        assert "podman save IMAGE | auditor scan -" in hint

    def test_without_one_it_does_not(self, tmp_path):
        with pytest.raises(UnreachableError) as caught:
            self.first("/nonexistent/a.sock", environ={"PATH": str(tmp_path)})
        assert "podman save" not in str(caught.value.hint)

    def test_a_host_is_taken_at_its_word(self):
        place = Endpoint(Scheme.DOCKER, "tcp://far.example:1")
        assert first_that_answers([place], {}, Patience()) is place
