from __future__ import annotations

import base64
import json
import logging
import threading

import pytest

from auditor.errors import AccessDeniedError, ImageError, UnreachableError
from auditor.image.registry import parse_name
from auditor.image.registry.challenges import parse_challenges
from auditor.image.registry.credentials import Found
from auditor.image.registry.endpoints import endpoints
from auditor.image.registry.refusals import denied
from auditor.image.source import Access

SECRET = "pa:ss-wörd"  # with a colon, which only the first of divides


def auth(user: str, password: str = SECRET) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


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
    together = threading.Barrier(len(rest))

    def refuse(handler) -> None:
        together.wait(5)
        handler.send(401, WWW_Authenticate=registry.challenge)

    registry.fail("/blobs/", *[refuse] * len(rest))
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
    with pytest.raises(UnreachableError, match=r"answers 500 .* a token for team/app"):
        open_source(registry).find(None)


def test_a_token_server_that_is_away_is_a_sentence(registry, open_source) -> None:
    challenge = 'Bearer realm="http://127.0.0.1:1/token?x=1"'
    registry.fail("/manifests/", registry.status(401, WWW_Authenticate=challenge))
    with pytest.raises(
        UnreachableError, match=r"cannot be asked for a token .* connection refused"
    ):
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


def test_a_refusal_of_docker_hub_says_that_the_image_may_not_exist() -> None:
    (hub,) = endpoints(parse_name("nginx"), Access())
    error = denied(hub, "image library/nginx:latest", "UNAUTHORIZED", Found())
    assert "registry docker.io refuses access to image library/nginx:latest" in str(error)
    assert "docker login or podman login docker.io" in str(error.hint)
    assert "Docker Hub says the same of images that do not exist" in str(error.hint)


def test_no_secret_is_logged(registry, open_source, docker, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    registry.image(b"x")
    registry.ask_bearer({"user:hush-hush"})
    docker(auths={registry.host: auth("user", "hush-hush")})
    assert open_source(registry).find(None)
    assert caplog.text
    for secret in ("hush-hush", auth("user", "hush-hush")["auth"], "token-1"):
        assert secret not in caplog.text


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
