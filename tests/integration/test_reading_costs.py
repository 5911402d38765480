"""Reading an image costs little more than decompressing it, and little memory.

The figures that the project speaks of are those of ``bench/read.py`` on a quiet machine; here the
bounds leave room for a busy one.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
MIB = 1 << 20


def measured(layout: Path, runs: int) -> dict[str, Any]:
    command = [sys.executable, str(ROOT / "bench/read.py"), "--json", "--runs", str(runs)]
    done = subprocess.run([*command, str(layout)], check=True, capture_output=True, text=True)
    (image,) = json.loads(done.stdout)["images"]
    figures: dict[str, Any] = image
    return figures


@pytest.fixture(scope="module")
def large_image() -> Path:
    """An image of 2 GB with 60,000 files."""
    command = [sys.executable, str(ROOT / "bench/large_image.py")]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return Path(done.stdout.strip())


def test_a_real_image_is_read_once_in_little_more_than_the_floor(
    real_image: Callable[[str], Path],
) -> None:
    figures = measured(real_image("nginx"), runs=5)
    assert (figures["opens"], figures["bytes_read"]) == (1, 1.0)
    assert figures["ratio_wall"] <= 3
    assert figures["peak"] < 200 * MIB


def test_memory_does_not_grow_with_the_image(large_image: Path) -> None:
    figures = measured(large_image, runs=1)
    assert figures["uncompressed"] > 2_000_000_000
    assert (figures["opens"], figures["bytes_read"]) == (1, 1.0)
    assert figures["peak"] < 250 * MIB
