"""Real images for the tests that need one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_CANNOT = 3  # make.py: this machine lacks a tool, or the user is not root


@pytest.fixture(scope="session")
def real_image() -> Callable[[str], Path]:
    """Return a function that gives the OCI layout of an image of fixtures/images by name.

    The image is made if the cache has none; its tag is ``latest``. Where it cannot be made the
    test is skipped with the reason, or fails when ``AUDITOR_NO_SKIP=1``.
    """

    @cache
    def made(name: str) -> tuple[int, str, str]:
        command = [sys.executable, str(_ROOT / "fixtures/images/make.py"), name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout.strip(), done.stderr.strip()

    def layout(name: str) -> Path:
        code, path, told = made(name)
        if code == _CANNOT and os.environ.get("AUDITOR_NO_SKIP") != "1":
            pytest.skip(told)
        if code != 0:
            pytest.fail(told, pytrace=False)
        return Path(path)

    return layout
