"""The bound on time holds however a reader is kept waiting."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from auditor.errors import BoundExceededError, ImageError
from auditor.image import Bounds, open_image, parse_reference


def keep_all(path: str, mode: int, size: int, head: bytes) -> bool:
    return True


def test_a_pipe_that_nobody_writes_to_is_given_up(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    begun = time.monotonic()
    with pytest.raises(BoundExceededError, match=r"pipe exceeds the bound time") as caught:
        open_image(parse_reference(str(pipe)), keep_all, bounds=Bounds(time=1))
    assert time.monotonic() - begun < 10
    assert "--limit time=N" in (caught.value.hint or "")
    with pipe.open("wb"):
        """Let the thread that waits for a writer go."""


def test_what_fails_in_time_fails_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "image.tar").write_bytes(b"x" * 600)
    with pytest.raises(ImageError, match="no tar archive"):
        open_image(parse_reference(str(tmp_path / "image.tar")), keep_all, bounds=Bounds(time=5))
