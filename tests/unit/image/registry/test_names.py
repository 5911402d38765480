from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.errors import UsageError
from auditor.image.registry import parse_name

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("nginx:1.27", "docker.io/library/nginx:1.27"),
        ("docker.io/nginx", "docker.io/library/nginx:latest"),
        ("index.docker.io/nginx", "docker.io/library/nginx:latest"),
        ("registry-1.docker.io/library/nginx", "docker.io/library/nginx:latest"),
        ("bitnami/redis", "docker.io/bitnami/redis:latest"),
        ("ghcr.io/o/n:tag", "ghcr.io/o/n:tag"),
        ("localhost/x", "localhost/x:latest"),
        ("localhost:5000/x", "localhost:5000/x:latest"),
        ("registry:5000/a/b/c:V1", "registry:5000/a/b/c:V1"),
        ("[::1]:5000/x", "[::1]:5000/x:latest"),
        ("GHCR.io/o/n", "ghcr.io/o/n:latest"),
        ("a__b/c---d/e.f", "docker.io/a__b/c---d/e.f:latest"),
        (f"nginx@{DIGEST}", f"docker.io/library/nginx@{DIGEST}"),
    ],
)
def test_a_name_means_what_it_means_to_docker(text: str, whole: str) -> None:
    assert str(parse_name(text)) == whole


def test_a_digest_wins_over_the_tag() -> None:
    name = parse_name(f"ghcr.io/o/n:tag@{DIGEST}")
    assert (name.tag, name.version) == ("tag", DIGEST)


def test_docker_hub_is_asked_where_its_api_is() -> None:
    assert parse_name("nginx").host == "registry-1.docker.io"
    assert parse_name("ghcr.io/o/n").host == "ghcr.io"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Nginx", "must be in lower case"),
        ("Team/app", "must be in lower case"),
        ("ghcr.io/O/n", "must be in lower case"),
        ("nginx:", "is not a tag"),
        ("nginx:-x", "is not a tag"),
        ("nginx:" + "a" * 129, "is not a tag"),
        ("nginx@sha256:abc", "is not a digest"),
        ("nginx@", "is not a digest"),
        ("a..b", "is not an image name"),
        ("a/", "is not an image name"),
        ("ghcr.io/", "is not an image name"),
        ("a//b", "is not an image name"),
        ("-a", "is not an image name"),
        ("a___b", "is not an image name"),
        ("https://ghcr.io/o/n", "is not an image name"),
        ("exa_mple.com/x", "is not the host of a registry"),
        ("localhost:99999/x", "is not the host of a registry"),
        ("f" * 64, "is an image's id"),
        ("a/" * 128 + "b", "more than 255 characters"),
    ],
)
def test_a_name_that_breaks_the_grammar_is_said_to(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse_name(text)


@given(st.text(max_size=40) | st.text("aA1./:@-_[]", max_size=40))
def test_any_text_is_a_name_or_refused_and_a_name_says_itself(text: str) -> None:
    try:
        name = parse_name(text)
    except UsageError:
        return
    assert parse_name(str(name)) == name
