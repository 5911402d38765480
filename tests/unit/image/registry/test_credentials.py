from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from auditor.errors import AccessDeniedError, ImageError
from auditor.image.registry.credential import Credential
from auditor.image.registry.credentials import find_credential

SECRET = "pa:ss-wörd"


def auth(user: str, password: str = SECRET) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


def found(registry: str = "ghcr.io", repository: str = "o/n", *, asked: bool = True):
    return find_credential(registry, repository, asked=asked, time_limit=5.0)


def pair(registry: str = "ghcr.io", repository: str = "o/n") -> tuple[str, str] | None:
    credential = found(registry, repository).credential
    return credential and (credential.username, credential.password)


def test_dockers_file_is_found_by_host_in_every_spelling(docker) -> None:
    docker(
        auths={
            "https://index.docker.io/v1/": auth("hub"),
            "https://a.example/v1/": auth("a"),
            "http://b.example": auth("b"),
            "c.example:5000": auth("c"),
            "d.example": {"username": "d", "password": "plain"},
            "empty.example": {},
        }
    )
    assert pair("docker.io", "library/nginx") == ("hub", SECRET)
    assert pair("a.example") == ("a", SECRET)
    assert pair("b.example") == ("b", SECRET)
    assert pair("c.example:5000") == ("c", SECRET)
    assert pair("c.example") is None
    assert pair("d.example") == ("d", "plain")
    assert pair("empty.example") is None


def test_docker_config_names_the_directory(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"auths": {"ghcr.io": auth("u")}}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    assert pair() == ("u", SECRET)


def test_in_podmans_file_the_longest_namespace_wins(tmp_path: Path, monkeypatch) -> None:
    keys = ["r.io", "r.io/team", "r.io/team/sub/app", "docker.io/library"]
    path = tmp_path / "auth.json"
    path.write_text(json.dumps({"auths": {key: auth(key) for key in keys}}))
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(path))

    def user(registry: str, repository: str) -> str | None:
        credential = pair(registry, repository)
        return credential and credential[0]

    assert user("r.io", "team/sub/app") == "r.io/team/sub/app"
    assert user("r.io", "team/sub/other") == "r.io/team"
    assert user("r.io", "teamwork/app") == "r.io"
    assert user("docker.io", "library/nginx") == "docker.io/library"
    assert user("docker.io", "bitnami/redis") is None


def test_podmans_file_is_looked_for_where_podman_does(home: Path, tmp_path, monkeypatch) -> None:
    own = home / ".config/containers/auth.json"
    own.parent.mkdir(parents=True)
    own.write_text(json.dumps({"auths": {"ghcr.io": auth("own")}}))
    assert pair() == ("own", SECRET)
    runtime = tmp_path / "run/containers/auth.json"
    runtime.parent.mkdir(parents=True)
    runtime.write_text(json.dumps({"auths": {"ghcr.io": auth("runtime")}}))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    assert pair() == ("runtime", SECRET)


def test_the_environment_comes_before_podman_and_podman_before_docker(
    home: Path, docker, tmp_path: Path, monkeypatch
) -> None:
    docker(auths={"ghcr.io": auth("docker")})
    path = tmp_path / "auth.json"
    path.write_text(json.dumps({"auths": {"ghcr.io": auth("podman")}}))
    assert pair() == ("docker", SECRET)
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(path))
    assert pair() == ("podman", SECRET)
    monkeypatch.setenv("AUDITOR_REGISTRY_USERNAME", "environment")
    monkeypatch.setenv("AUDITOR_REGISTRY_PASSWORD", "p")
    assert pair() == ("environment", "p")


def test_the_environments_credentials_go_to_the_registry_they_are_for(monkeypatch) -> None:
    monkeypatch.setenv("AUDITOR_REGISTRY_USERNAME", "u")
    monkeypatch.setenv("AUDITOR_REGISTRY_PASSWORD", "p")
    assert found("ghcr.io").credential is not None
    assert found("mirror.example", asked=False).credential is None
    monkeypatch.setenv("AUDITOR_REGISTRY_AUTHORITY", "index.docker.io")
    assert found("docker.io").credential is not None
    assert found("ghcr.io").credential is None
    monkeypatch.setenv("AUDITOR_REGISTRY_AUTHORITY", "mirror.example")
    assert found("mirror.example", asked=False).credential is not None


def test_a_token_of_the_environment_is_shown_as_it_is(registry, open_source, monkeypatch) -> None:
    registry.image(b"x")
    registry.ask_bearer()
    registry.tokens.append("from-environment")
    monkeypatch.setenv("AUDITOR_REGISTRY_TOKEN", "from-environment")
    assert open_source(registry).find(None)
    assert registry.paths("/token") == []


def test_a_token_of_the_environment_that_cannot_be_one_is_not_sent(
    registry, open_source, monkeypatch
) -> None:
    registry.ask_bearer()
    monkeypatch.setenv("AUDITOR_REGISTRY_TOKEN", "secret\r\nX-Evil: 1")
    with pytest.raises(ImageError, match="AUDITOR_REGISTRY_TOKEN") as error:
        open_source(registry).find(None)
    assert "secret" not in str(error.value)


# Credential helpers


def test_a_helper_for_one_registry_is_asked_with_the_server_on_its_input(docker, helper) -> None:
    log = helper("one", 'echo \'{"ServerURL": "x", "Username": "u", "Secret": "s"}\'')
    docker(credHelpers={"ghcr.io": "one"}, auths={"ghcr.io": auth("written")})
    assert pair() == ("u", "s")
    assert log.read_text() == "ghcr.io"
    assert pair("quay.io") is None


def test_the_store_for_all_is_asked_for_docker_hub_by_dockers_own_key(docker, helper) -> None:
    log = helper("all", 'echo \'{"Username": "u", "Secret": "s"}\'')
    docker(credsStore="all")
    assert pair("docker.io", "library/nginx") == ("u", "s")
    assert log.read_text() == "https://index.docker.io/v1/"


def test_a_helpers_identity_token_is_one(docker, helper) -> None:
    helper("all", 'echo \'{"Username": "<token>", "Secret": "identity"}\'')
    docker(credsStore="all")
    credential = found().credential
    assert credential is not None
    assert (credential.identity_token, credential.basic) == ("identity", None)


def test_a_helper_that_has_nothing_means_that_nobody_is_logged_in(docker, helper) -> None:
    helper("all", "echo 'credentials not found in native keychain'; exit 1")
    docker(credsStore="all")
    assert found() == found("another.example")
    assert found().problems == ()


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo 'keychain is locked' >&2; exit 3", "failed with exit code 3: keychain is locked"),
        ("echo hello", "gave no JSON answer"),
        (None, "is not on PATH"),
        ("exec sleep 5", "did not answer within 0.2 seconds"),
    ],
)
def test_a_helper_that_fails_is_said_when_the_registry_refuses(
    registry, open_source, docker, helper, *, script: str | None, said: str
) -> None:
    if script is not None:
        helper("broken", script)
    registry.image(b"x")
    registry.ask_basic("user", SECRET)
    docker(credsStore="broken")
    with pytest.raises(AccessDeniedError, match=f"docker-credential-broken {said}"):
        open_source(registry, silence=0.2).find(None)


def test_a_helper_that_fails_does_not_keep_a_public_image_away(
    registry, open_source, docker
) -> None:
    registry.image(b"x")
    registry.ask_bearer()
    docker(credsStore="absent")
    assert open_source(registry).find(None)


def test_a_helper_is_not_a_path(docker, tmp_path: Path) -> None:
    docker(credsStore="../../bin/sh")
    assert "not on PATH" in found().problems[0]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"auths": {"ghcr.io": {"auth": "***secret***"}}}', "no user name and password for ghcr"),
        ('{"auths": secret}', "is not a file of registry credentials"),
        ('{"auths": {"ghcr.io": {"auth": 5}}}', "is not a file of registry credentials"),
    ],
)
def test_a_broken_file_is_said_without_what_it_holds(home: Path, content: str, said: str) -> None:
    path = home / ".docker/config.json"
    path.parent.mkdir()
    path.write_text(content)
    (problem,) = found().problems
    assert said in problem
    assert "secret" not in problem


def test_an_empty_file_and_a_directory_that_is_a_file_are_no_credentials(home: Path) -> None:
    (home / ".config").write_text("")
    (home / ".docker").mkdir()
    (home / ".docker/config.json").write_text("")
    assert found().problems == ()


def test_a_file_that_cannot_be_read_is_said(home: Path) -> None:
    (home / ".docker/config.json").mkdir(parents=True)
    assert "cannot be read" in found().problems[0]


def test_a_credential_never_shows_its_secret() -> None:
    credential = Credential("a file", "user", SECRET, "identity", "registry")
    for secret in ("user", SECRET, "identity", "registry"):
        assert secret not in repr(credential)
