from __future__ import annotations

import re
from pathlib import Path

import pytest

from auditor.errors import (
    AccessDeniedError,
    CorruptImageError,
    ImageError,
    ImageNotFoundError,
    UsageError,
)
from auditor.image.registry import parse_name
from auditor.image.registry.endpoints import endpoints
from auditor.image.source import Access

HTTPS, BOTH = ("https",), ("https", "http")


@pytest.fixture
def conf(tmp_path: Path, monkeypatch):
    """Write registries.conf."""

    def write(text: str) -> Path:
        path = tmp_path / "registries.conf"
        path.write_text(text)
        monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(path))
        return path

    return write


def asked(name: str, **access) -> list[tuple[str, str, tuple[str, ...]]]:
    """Host, repository and schemes of everything that would be asked."""
    places = endpoints(parse_name(name), Access(**access))
    return [(one.host, one.repository, one.schemes) for one in places]


# Plain HTTP


@pytest.mark.parametrize(
    ("name", "insecure", "schemes", "verified"),
    [
        ("r.example/x", (), HTTPS, True),
        ("r.example/x", ("r.example",), BOTH, False),
        ("r.example:5000/x", ("r.example",), HTTPS, True),
        ("r.example:5000/x", ("r.example:5000",), BOTH, False),
        ("localhost:5000/x", (), BOTH, True),
        ("127.0.0.1:5000/x", (), BOTH, True),
        ("[::1]:5000/x", (), BOTH, True),
        ("10.0.0.1:5000/x", (), HTTPS, True),
    ],
)
def test_plain_http_is_for_registries_named_so_and_this_machine(
    name: str, insecure: tuple[str, ...], schemes: tuple[str, ...], *, verified: bool
) -> None:
    (place,) = endpoints(parse_name(name), Access(insecure_registries=frozenset(insecure)))
    assert (place.schemes, place.verified) == (schemes, verified)


# Mirrors of the command line


def test_mirrors_are_asked_in_order_before_the_registry() -> None:
    mirrors = (
        ("docker.io", "mirror.example"),
        ("index.docker.io", "http://cache.example:8080/hub/"),
        ("ghcr.io", "other.example"),
    )
    assert asked("nginx", mirrors=mirrors) == [
        ("mirror.example", "library/nginx", HTTPS),
        ("cache.example:8080", "hub/library/nginx", ("http",)),
        ("registry-1.docker.io", "library/nginx", HTTPS),
    ]


@pytest.mark.parametrize(
    "mirror", ["", "ftp://x", "https://user:secret@x", "https://x?y", "x:99999", "a b", "http://["]
)
def test_a_mirror_that_makes_no_sense_is_said_without_its_secret(mirror: str) -> None:
    with pytest.raises(UsageError) as error:
        asked("nginx", mirrors=(("docker.io", mirror),))
    assert "secret" not in str(error.value)


def test_what_a_mirror_has_is_taken_from_it(registry, serve, open_source, read) -> None:
    mirror = serve()
    mirror.image(b"layer")
    source = open_source(registry, mirrors=((registry.host, mirror.host),))
    assert read(source, source.find(None).manifest.layers[0]) == b"layer"
    assert source.origin == f"mirror {mirror.host} of {registry.host}"
    assert registry.asked == []


@pytest.mark.parametrize("fault", ["absent", "down", "refuses", "broken", "hangs", "nonsense"])
def test_a_mirror_that_fails_is_passed_over(registry, serve, open_source, read, fault: str) -> None:
    mirror = serve()
    registry.image(b"layer")
    if fault == "refuses":
        mirror.ask_basic("u", "p")
    if fault in {"broken", "nonsense"}:
        code, body = (503, b"") if fault == "broken" else (400, b"")
        mirror.fail("/manifests/", *[mirror.status(code, body)] * 5)
    if fault == "hangs":
        mirror.fail("/manifests/", *[mirror.hang] * 5)
    host = "127.0.0.1:1" if fault == "down" else mirror.host
    source = open_source(registry, mirrors=((registry.host, host),), silence=0.05)
    assert read(source, source.find(None).manifest.layers[0]) == b"layer"
    assert source.origin == f"registry {registry.host}"
    assert mirror.paths("/blobs/") == []


def test_a_blob_that_a_mirror_lacks_is_taken_from_the_registry(
    registry, serve, open_source, read
) -> None:
    mirror = serve()
    for one in (mirror, registry):
        one.image(b"layer")
    source = open_source(registry, mirrors=((registry.host, mirror.host),))
    layer = source.find(None).manifest.layers[0]
    del mirror.blobs[layer.digest]
    assert read(source, layer) == b"layer"
    assert len(registry.paths("/blobs/")) == 1


def test_a_mirror_with_a_wrong_digest_is_refused(registry, serve, open_source) -> None:
    mirror = serve()
    wanted = registry.image(b"right")
    mirror.image(b"wrong")
    mirror.manifests[wanted.digest] = mirror.manifests["latest"]
    source = open_source(
        registry, f"team/app@{wanted.digest}", mirrors=((registry.host, mirror.host),)
    )
    with pytest.raises(CorruptImageError, match=f"mirror {mirror.host}"):
        source.find(None)
    assert registry.asked == []


def test_when_all_fail_every_one_is_said(registry, serve, open_source) -> None:
    mirror = serve()
    source = open_source(registry, mirrors=((registry.host, mirror.host),))
    said = f"registry {registry.host} has no .* before that: mirror {mirror.host} .* has no "
    with pytest.raises(ImageNotFoundError, match=said):
        source.find(None)


# registries.conf


def test_the_longest_prefix_says_where_an_image_is(conf) -> None:
    conf("""
        unqualified-search-registries = ["elsewhere.example"]
        [[registry]]
        location = "example.com"
        [[registry]]
        prefix = "example.com/foo"
        location = "internal.example/bar"
        [[registry.mirror]]
        location = "mirror-0.example/mirror-for-foo"
        [[registry.mirror]]
        location = "mirror-1.example:5000"
        insecure = true
    """)
    assert asked("example.com/foo/image") == [
        ("mirror-0.example", "mirror-for-foo/image", HTTPS),
        ("mirror-1.example:5000", "image", BOTH),
        ("internal.example", "bar/image", HTTPS),
    ]
    assert asked("example.com/food/image") == [("example.com", "food/image", HTTPS)]
    assert asked("image") == [("registry-1.docker.io", "library/image", HTTPS)]


def test_mirrors_of_the_command_line_come_before_those_of_the_file(conf) -> None:
    conf('[[registry]]\nlocation = "r.io"\n[[registry.mirror]]\nlocation = "file.io"\n')
    hosts = [host for host, *_ in asked("r.io/x", mirrors=(("r.io", "line.io"),))]
    assert hosts == ["line.io", "file.io", "r.io"]


def test_mirrors_may_be_for_digests_or_for_tags_only(conf) -> None:
    conf("""
        [[registry]]
        location = "r.io"
        [[registry.mirror]]
        location = "tags.io"
        pull-from-mirror = "tag-only"
        [[registry.mirror]]
        location = "digests.io"
        pull-from-mirror = "digest-only"
        [[registry]]
        location = "q.io"
        mirror-by-digest-only = true
        [[registry.mirror]]
        location = "all-digests.io"
    """)
    digest = "@sha256:" + "a" * 64
    assert [host for host, *_ in asked("r.io/x")] == ["tags.io", "r.io"]
    assert [host for host, *_ in asked(f"r.io/x{digest}")] == ["digests.io", "r.io"]
    assert [host for host, *_ in asked("q.io/x")] == ["q.io"]
    assert [host for host, *_ in asked(f"q.io/x{digest}")] == ["all-digests.io", "q.io"]


def test_a_prefix_may_stand_for_all_hosts_of_a_domain(conf) -> None:
    conf('[[registry]]\nprefix = "*.example.com"\ninsecure = true\n')
    assert asked("a.example.com/x") == [("a.example.com", "x", BOTH)]
    assert asked("example.com/x") == [("example.com", "x", HTTPS)]


def test_a_blocked_registry_is_not_asked(conf) -> None:
    path = conf('[[registry]]\nlocation = "r.io/bad"\nblocked = true\n')
    with pytest.raises(
        AccessDeniedError, match=f"{re.escape(str(path))} blocks images of r.io/bad"
    ):
        asked("r.io/bad/x")
    assert asked("r.io/good/x")


@pytest.mark.parametrize(
    "text", ["[[registry]", "registry = 5", '[[registry]]\nprefix = "a"\nblocked = "maybe"', "\0"]
)
def test_a_file_that_is_broken_is_said_by_its_name(conf, text: str) -> None:
    path = conf(text)
    with pytest.raises(ImageError, match=re.escape(str(path))):
        asked("r.io/x")


def test_a_file_that_was_named_must_be_there(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(tmp_path / "absent"))
    with pytest.raises(ImageError, match="absent"):
        asked("r.io/x")


def test_the_users_own_file_is_read(home: Path, monkeypatch) -> None:
    monkeypatch.delenv("CONTAINERS_REGISTRIES_CONF")
    own = home / ".config/containers/registries.conf"
    own.parent.mkdir(parents=True)
    own.write_text('[[registry]]\nlocation = "r.io"\ninsecure = true\n')
    assert asked("r.io/x") == [("r.io", "x", BOTH)]
