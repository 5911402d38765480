"""An image of 2 GB with 60,000 files: ``python bench/large_image.py`` prints where it is.

Its files are those of this machine's /usr, again and again under other names and each changed a
little, so that the share of binaries and how well they compress are those of a real image. It is
kept in the cache of ``fixtures/images``.
"""

from __future__ import annotations

import io
import os
import stat
import sys
import tarfile
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from fixtures.images.cache import digest_of, files_digest, keep
from fixtures.images.oci import Layer, LayerWriter, Step, write_image

__all__ = ["large_image"]

LAYERS = 3
FILES = 60_000
SIZE = 2_000_000_000
"""Bytes of all files together, within a per mille."""
_PLACES = ("bin", "lib", "share", "sbin")
_LARGEST = 2_000_000
_STAMP = 64
"""Offset of the eight bytes in which files differ: behind the header of an ELF file."""


def large_image() -> Path:
    """The OCI layout, made if need be; its tag is ``latest``."""
    recipe = files_digest([Path(__file__)])
    path, _ = keep("images", "large", digest_of(recipe, LAYERS, FILES, SIZE), _make)
    return path


def _make(layout: Path) -> None:
    sources = cycle(list(_sources()))
    steps = []
    for number in range(LAYERS):
        layer = _layer(layout, sources, number)
        steps.append(Step(f"COPY tree-{number} /", layer))
    config = {"Entrypoint": ["/tree-0/dir-0/file-0"]}
    write_image(layout, {"os": "linux", "architecture": "amd64"}, config, steps, "latest")


def _sources() -> Iterator[tuple[bytes, int]]:
    """Contents and modes of some files of /usr, in order of their paths."""
    left = SIZE // 8  # of memory, while the image is made
    wanted = SIZE // FILES
    for place in _PLACES:
        share = left // len(_PLACES)
        for path in sorted(Path("/usr", place).rglob("*")):
            status = path.lstat()
            if not stat.S_ISREG(status.st_mode) or not wanted // 20 < status.st_size < _LARGEST:
                continue
            if not os.access(path, os.R_OK) or status.st_size > share:
                continue
            share -= status.st_size
            yield path.read_bytes(), stat.S_IMODE(status.st_mode) & 0o755


def _layer(layout: Path, sources: Iterator[tuple[bytes, int]], number: int) -> Layer:
    writer = LayerWriter(layout)
    files = FILES // LAYERS
    left = SIZE // LAYERS
    for index in range(files):
        content, mode = next(sources)
        size = min(len(content), 2 * left // (files - index))  # the last ones use up what is left
        stamp = f"{number:02}{index:06}".encode()
        data = content[:_STAMP] + stamp + content[_STAMP + len(stamp) : size]
        if index == files - 1:
            data += content * (left // len(content) + 1)
            data = data[:left]
        left -= len(data)
        member = tarfile.TarInfo(f"tree-{number}/dir-{index // 100}/file-{index}")
        member.size, member.mode = len(data), mode
        writer.tar.addfile(member, io.BytesIO(data))
    return writer.finish()


if __name__ == "__main__":
    print(large_image())
