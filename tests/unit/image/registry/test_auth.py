from __future__ import annotations

import base64
import json
import threading
from pathlib import Path

import pytest

from auditor.errors import AccessDeniedError, ImageError, UnreachableError
from auditor.image.registry.challenges import parse_challenges
from auditor.image.registry.credential import Credential
from auditor.image.registry.credentials import find_credential

SECRET = "pa:ss-wörd"  # with a colon, which only the first of divides


def auth(user: str, password: str = SECRET) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


@pytest.fixture
def docker(home: Path):
    """Write Docker's config.json."""

    def write(**value: object) -> Path:
        path = home / ".docker/config.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(value))
        return path

    return write


@pytest.fixture
def helper(tmp_path: Path, monkeypatch):
    """Put ``docker-credential-NAME`` on PATH; gives the file of the servers it was asked for."""

    def write(name: str, script: str) -> Path:
        directory = tmp_path / "bin"
        directory.mkdir(exist_ok=True)
        log = directory / f"{name}.log"
        path = directory / f"docker-credential-{name}"
        path.write_text(f'#!/bin/sh\n[ "$1" = get ] || exit 9\ncat >> {log}\n{script}\n')
        path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{directory}:/usr/bin:/bin")
        return log

    return write


def found(registry: str = "ghcr.io", repository: str = "o/n", *, asked: bool = True):
    return find_credential(registry, repository, asked=asked, time_limit=5.0)


def pair(registry: str = "ghcr.io", repository: str = "o/n") -> tuple[str, str] | None:
    credential = found(registry, repository).credential
    return credential and (credential.username, credential.password)


# What a registry asks for


def test_basic_credentials_are_shown_when_asked_for(registry, open_source, docker, read) -> None:
    registry.image(b"x")
    registry.ask_basic("user", SECRET)
    docker(auths={registry.host: auth("user")})
    source = open_source(registry)
    layer = source.find(None).manifest.layers[0]
    assert read(source, layer) == b"x"
    shown = ["Authorization" in one.headers for one in registry.asked]
    assert shown == [False, True, True]


def test_wrong_credentials_are_refused_with_where_they_are_from(
    registry, open_source, docker
) -> None:
    registry.image(b"x")
    registry.ask_basic("user", "another")
    path = docker(auths={registry.host: auth("user")})
    with pytest.raises(AccessDeniedError, match="UNAUTHORIZED: authentication required") as error:
        open_source(registry).find(None)
    assert str(path) in str(error.value.hint)
    assert SECRET not in f"{error.value} {error.value.hint}"
    assert len(registry.asked) == 2


def test_no_credentials_are_refused_with_how_to_log_in(registry, open_source) -> None:
    registry.image(b"x")
    registry.ask_basic("user", SECRET)
    with pytest.raises(AccessDeniedError, match=f"registry {registry.host} refuses") as error:
        open_source(registry).find(None)
    assert f"docker login {registry.host}" in str(error.value.hint)


def test_403_is_a_refusal_too(registry, open_source) -> None:
    body = json.dumps({"errors": [{"code": "DENIED", "message": "no"}]}).encode()
    registry.fail("/manifests/", registry.status(403, body))
    with pytest.raises(AccessDeniedError, match="DENIED: no"):
        open_source(registry).find(None)


@pytest.mark.parametrize("key", ["token", "access_token"])
def test_anybody_gets_a_token_and_it_is_asked_for_once(
    registry, open_source, read, key: str
) -> None:
    registry.image(b"one", b"two")
    registry.ask_bearer()
    registry.token_key = key
    source = open_source(registry)
    for layer in source.find(None).manifest.layers:
        read(source, layer)
    (path,) = registry.paths("/token")
    assert path == "/token?service=tests%2C+of+all&scope=s%3Ax%3Apull"
    assert not [
        one for one in registry.asked if one.path == path and "Authorization" in one.headers
    ]


def test_a_user_gets_a_token(registry, open_source, docker) -> None:
    registry.image(b"x")
    registry.ask_bearer({f"user:{SECRET}"})
    docker(auths={f"https://{registry.host}/v2/": auth("user")})
    assert open_source(registry).find(None)
    assert registry.asked[-1].headers["Authorization"] == "Bearer token-1"


def test_an_identity_token_is_exchanged(registry, open_source, docker) -> None:
    registry.image(b"x")
    registry.ask_bearer({"identity-secret"})
    docker(auths={registry.host: {**auth("<token>", ""), "identitytoken": "identity-secret"}})
    assert open_source(registry).find(None)
    (asked,) = [one for one in registry.asked if one.path == "/token"]
    assert (asked.method, asked.headers["Content-Type"]) == (
        "POST",
        "application/x-www-form-urlencoded",
    )
    for part in (b"grant_type=refresh_token", b"client_id=auditor", b"scope=s%3Ax%3Apull"):
        assert part in asked.body


def test_a_user_whom_the_token_server_refuses_is_told(registry, open_source, docker) -> None:
    registry.image(b"x")
    registry.ask_bearer(set())
    docker(auths={registry.host: auth("user")})
    with pytest.raises(AccessDeniedError, match="incorrect username or password"):
        open_source(registry).find(None)


def test_a_token_that_expires_is_renewed_once_for_all_threads(registry, open_source, read) -> None:
    layers = [bytes([n]) * 1000 for n in range(4)]
    registry.image(*layers)
    registry.ask_bearer()
    source = open_source(registry)
    first, *rest = source.find(None).manifest.layers
    read(source, first)
    registry.tokens.clear()
    got: list[bytes] = []
    threads = [
        threading.Thread(target=lambda one=one: got.append(read(source, one))) for one in rest
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == layers[1:]
    assert len(registry.paths("/token")) == 2


def test_a_token_that_is_refused_again_ends_the_matter(registry, open_source) -> None:
    registry.image(b"x")
    registry.ask_bearer()
    registry.fail("/token", registry.status(200, b'{"token": "stale"}'))
    with pytest.raises(AccessDeniedError):
        open_source(registry).find(None)
    assert len(registry.asked) == 3


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"{}", b'{"token": ""}', b'{"token": "a\\r\\nX: y"}', b"[" * 10**6]
)
def test_a_token_server_without_a_token_is_a_sentence(registry, open_source, body: bytes) -> None:
    registry.image(b"x")
    registry.ask_bearer()
    registry.fail("/token", registry.status(200, body))
    with pytest.raises(ImageError, match="answers without a token"):
        open_source(registry).find(None)


def test_a_giant_token_is_not_read(registry, open_source) -> None:
    registry.image(b"x")
    registry.ask_bearer()
    registry.fail("/token", registry.status(200, b'{"token": "' + b"x" * (1 << 21) + b'"}'))
    with pytest.raises(ImageError, match="answers without a token"):
        open_source(registry).find(None)


def test_a_token_server_that_is_busy_is_waited_for(registry, open_source, waits) -> None:
    registry.image(b"x")
    registry.ask_bearer()
    registry.fail("/token", registry.status(429, Retry_After="3"))
    assert open_source(registry).find(None)
    assert waits == [3.0]


def test_a_token_server_that_is_broken_is_a_sentence(registry, open_source) -> None:
    registry.image(b"x")
    registry.ask_bearer()
    registry.fail("/token", *[registry.status(500)] * 5)
    with pytest.raises(UnreachableError, match="answers 500 .* a token for team/app"):
        open_source(registry).find(None)


def test_a_token_server_that_is_no_address_is_not_asked(registry, open_source) -> None:
    registry.image(b"x")
    challenge = 'Bearer realm="file:///etc/passwd"'
    registry.fail("/manifests/", registry.status(401, WWW_Authenticate=challenge))
    with pytest.raises(ImageError, match="token server that is not asked"):
        open_source(registry).find(None)


def test_a_mirrors_token_server_gets_no_credentials_of_the_registry(
    registry, serve, open_source, monkeypatch
) -> None:
    mirror = serve()
    mirror.image(b"x")
    mirror.ask_bearer()
    monkeypatch.setenv("AUDITOR_REGISTRY_USERNAME", "user")
    monkeypatch.setenv("AUDITOR_REGISTRY_PASSWORD", SECRET)
    assert open_source(registry, mirrors=((registry.host, mirror.host),)).find(None)
    shown = [one.headers.get("Authorization") for one in mirror.asked]
    assert shown == [None, None, "Bearer token-1"]


def test_docker_hub_says_that_it_says_the_same_of_what_is_not_there(
    registry, open_source, tmp_path: Path, monkeypatch
) -> None:
    registry.ask_basic("user", SECRET)
    conf = tmp_path / "registries.conf"
    conf.write_text(f'[[registry]]\nprefix = "docker.io"\nlocation = "{registry.host}"\n')
    monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(conf))
    with pytest.raises(AccessDeniedError) as error:
        open_source("nginx").find(None)
    assert "library/nginx" in str(error.value)


# Challenges


def test_challenges_are_taken_apart_as_they_are_written() -> None:
    headers = [
        'Bearer realm="https://a/t?x=1,2",service="a \\"b\\"",scope="repository:x:pull,push"',
        'basic REALM=plain, Negotiate, Digest realm="d" , nonce=abc==',
    ]
    bearer, basic, negotiate, digest = parse_challenges(headers)
    assert bearer.get("realm") == "https://a/t?x=1,2"
    assert bearer.get("service") == 'a "b"'
    assert bearer.get("scope") == "repository:x:pull,push"
    assert (basic.scheme, basic.get("realm")) == ("basic", "plain")
    assert (negotiate.scheme, dict(negotiate.parameters)) == ("negotiate", {})
    assert digest.get("realm") == "d"


@pytest.mark.parametrize("header", ["", ",,,", '="', "Bearer" + '="' * 5000, "Bearer realm="])
def test_a_challenge_that_makes_no_sense_asks_for_nothing(header: str) -> None:
    assert all(not one.get("realm") for one in parse_challenges([header]))


# Where credentials are kept


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
    registry, open_source, docker, helper, script: str | None, said: str
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
