"""What Docker exports from its containerd store, as recorded, read the way a scan does."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.errors import PlatformError
from auditor.image import open_image, parse_platform, parse_reference

FIXTURES = Path(__file__).parents[4] / "fixtures/small/docker-containerd"
CONFIG = "sha256:6f713629b4bd25f8fa04c6ba5fe12c65898a2f6366e34a644beeb7d2bc31c197"
BOTH = pytest.mark.parametrize("name", ["all-platforms.tar", "one-platform.tar"])


@pytest.fixture
def store(fake_engine, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", fake_engine.environ["DOCKER_HOST"])
    fake_engine.image(Descriptor={"digest": CONFIG})
    return fake_engine


@BOTH
def test_compressed_layers_are_read_as_they_arrive(store, name):
    store.gives("/get", (FIXTURES / name).read_bytes())
    with open_image(parse_reference("docker:two-platforms"), lambda *_: True) as opened:
        (entry,) = opened.rootfs.entries()
        assert entry.path == "/arch"
        assert opened.rootfs.read(entry) == b"amd64\n"
        assert opened.image.platform == parse_platform("linux/amd64")


@BOTH
def test_a_platform_that_the_archive_is_not_for_is_refused(store, name):
    store.version("1.48")  # it is asked for arm64, and sends something else
    store.gives("/get", (FIXTURES / name).read_bytes())
    arm64 = parse_platform("linux/arm64")
    reference = parse_reference("docker:two-platforms")
    with pytest.raises(PlatformError):
        open_image(reference, lambda *_: True, platform=arm64)
