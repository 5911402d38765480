from __future__ import annotations

import pytest

from auditor.errors import UsageError
from auditor.image import parse_platform
from auditor.image.platforms import choose, matches
from auditor.model.image import Platform


@pytest.mark.parametrize(
    ("text", "platform"),
    [
        ("linux/amd64", Platform("linux", "amd64")),
        ("linux/x86_64", Platform("linux", "amd64")),
        ("linux/amd64/v3", Platform("linux", "amd64", "v3")),
        ("linux/arm64/v8", Platform("linux", "arm64")),
        ("Linux/AArch64", Platform("linux", "arm64")),
        ("linux/armhf", Platform("linux", "arm")),
        ("linux/arm/v6", Platform("linux", "arm", "v6")),
        ("wasi/wasm32", Platform("wasi", "wasm")),
        ("wasip1/wasm", Platform("wasip1", "wasm")),
    ],
)
def test_platforms_are_read_in_goarch_words(text: str, platform: Platform) -> None:
    assert parse_platform(text) == platform


@pytest.mark.parametrize("text", ["", "linux", "linux/", "/amd64", "a/b/c/d", "linux/am d64"])
def test_what_is_no_platform_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match="is not a platform") as caught:
        parse_platform(text)
    assert "linux/amd64" in (caught.value.hint or "")


def test_arm64_is_arm64_v8_and_not_arm() -> None:
    assert matches(Platform("linux", "arm64"), Platform("linux", "arm64", "v8"))
    assert not matches(Platform("linux", "arm64"), Platform("linux", "arm"))
    assert not matches(Platform("linux", "arm", "v6"), Platform("linux", "arm", "v7"))


def test_an_exact_platform_is_better_than_another_variant() -> None:
    offered = [Platform("linux", "amd64", "v3"), Platform("linux", "amd64"), None]
    assert choose(offered, Platform("linux", "amd64")) == 1
    assert choose(offered[:1], Platform("linux", "amd64")) == 0
    assert choose(offered, Platform("linux", "amd64", "v2")) is None
