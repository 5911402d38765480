from __future__ import annotations

import base64
from pathlib import Path

import pytest

from auditor.errors import ImageError, UnreachableError, UsageError

PLAIN = frozenset({"registry.test"})


@pytest.fixture
def proxy(serve):
    """A proxy that answers in the registry's place, and keeps what it was asked."""
    return serve()


def through(proxy) -> list[str]:
    return [one.path for one in proxy.asked if one.method == "GET"]


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy"])
def test_a_proxy_of_the_environment_is_used(
    proxy, open_source, read, monkeypatch, variable: str
) -> None:
    proxy.image(b"layer")
    monkeypatch.setenv(variable, f"http://{proxy.host}")
    source = open_source("registry.test/team/app", insecure_registries=PLAIN)
    assert read(source, source.find(None).manifest.layers[0]) == b"layer"
    assert through(proxy)[0] == "http://registry.test/v2/team/app/manifests/latest"


def test_a_proxys_credentials_are_its_own_and_stay_out_of_messages(
    proxy, open_source, monkeypatch
) -> None:
    proxy.image(b"layer")
    monkeypatch.setenv("HTTP_PROXY", f"http://me:s%40cret@{proxy.host}")
    source = open_source("registry.test/team/app", insecure_registries=PLAIN)
    assert source.find(None)
    headers = {key.lower(): value for key, value in proxy.asked[-1].headers.items()}
    assert base64.b64decode(headers["proxy-authorization"].split()[1]) == b"me:s@cret"
    assert "authorization" not in headers
    monkeypatch.setenv("HTTPS_PROXY", "http://me:s%40cret@127.0.0.1:1")
    with pytest.raises(UnreachableError, match="the proxy of the environment") as error:
        open_source("registry.test/team/app").find(None)
    assert "s%40cret" not in str(error.value)
    assert "s@cret" not in str(error.value)


def test_https_goes_through_a_tunnel_or_not_at_all(proxy, open_source, monkeypatch) -> None:
    # The proxy of the tests knows no CONNECT, and answers 501.
    monkeypatch.setenv("https_proxy", f"http://{proxy.host}")
    with pytest.raises(UnreachableError, match=r"the proxy of the environment: .*501"):
        open_source("registry.test/team/app").find(None)


@pytest.mark.parametrize("listed", ["registry.test", ".test", "*", "other,registry.test"])
def test_no_proxy_is_kept_to(proxy, open_source, monkeypatch, listed: str) -> None:
    proxy.image(b"layer")
    monkeypatch.setenv("ALL_PROXY", f"http://{proxy.host}")
    monkeypatch.setenv("NO_PROXY", listed)
    with pytest.raises(UnreachableError, match="cannot be resolved"):
        open_source("registry.test/team/app", insecure_registries=PLAIN).find(None)
    assert proxy.asked == []


def test_this_machine_is_never_asked_through_a_proxy(
    registry, proxy, open_source, monkeypatch
) -> None:
    registry.image(b"layer")
    monkeypatch.setenv("HTTP_PROXY", f"http://{proxy.host}")
    monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.host}")
    assert open_source(registry).find(None)
    assert proxy.asked == []


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("socks5://me:secret@127.0.0.1:1", "not supported: socks5"),
        ("http://me:secret@[", "no URL"),
        ("http://me:secret@x:99999", "no URL"),
    ],
)
def test_a_proxy_of_an_unknown_kind_is_a_sentence(
    open_source, monkeypatch, url: str, said: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", url)
    with pytest.raises(UnreachableError, match=said) as error:
        open_source("registry.test/team/app").find(None)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_file_of_authorities_that_cannot_be_used_is_said(
    open_source, tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UsageError, match=f"{path} cannot be used as certificate authority"):
        open_source("registry.test/x", ca_file=path).find(None)


@pytest.mark.parametrize("name", ["ca.crt", "client.cert"])
def test_a_broken_certificate_in_the_registrys_directory_is_said(
    open_source, home: Path, name: str
) -> None:
    directory = home / ".config/containers/certs.d/registry.test:5000"
    directory.mkdir(parents=True)
    (directory / name).write_text("no certificate")
    with pytest.raises(ImageError, match=f"certs.d/registry.test:5000/{name}.* cannot be used"):
        open_source("registry.test:5000/x").find(None)
