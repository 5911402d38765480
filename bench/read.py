"""What reading an image costs: ``python bench/read.py [--runs N] [--json] [LAYOUT ...]``.

Without layouts: the nginx image of ``fixtures/images``, and one of 2 GB. Nothing is analysed: the
layers are read, checked, indexed and squashed, with the contents kept that a scan asks for, and
all paths are listed once.

- ``floor``: read each blob, take the SHA-256 of it, and decompress it by isal; one thread
- ``read``: ``auditor.image.open_image``, and a walk over ``entries()``
- ``opens``, ``bytes``: how often each layer's blob was opened, and how much of it was read, in
  times of its size
- ``peak``: the most memory that a process has which does this once and nothing else

Runs take turns, so that a noisy minute meets both.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from isal import igzip_lib

from auditor.image import layout as layouts
from auditor.image import open_image, parse_reference
from auditor.inventory import keep

sys.path.insert(0, str(Path(__file__).parents[1]))

ROOT = Path(__file__).parents[1]
RUNS = 5
_CHUNK = 256 * 1024
_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Figures:
    """What one image costs: seconds (medians), ratios to the floor, bytes."""

    image: str
    layers: int
    files: int
    compressed: int
    uncompressed: int
    floor_wall: float
    floor_cpu: float
    read_wall: float
    read_cpu: float
    ratio_wall: float
    """Of medians."""
    ratio_cpu: float
    opens: int
    """Of the layer that was opened most often."""
    bytes_read: float
    """Of the layer that was read most, in times of its size."""
    peak: int
    """Bytes."""


def blobs(layout: Path) -> list[Path]:
    """The layers' blobs, lowest first."""

    def document(digest: str) -> Any:
        return json.loads(path(digest).read_bytes())

    def path(digest: str) -> Path:
        return layout / "blobs" / digest.replace(":", "/")

    (root,) = document_of(layout)["manifests"]
    return [path(layer["digest"]) for layer in document(root["digest"])["layers"]]


def document_of(layout: Path) -> Any:
    """``index.json``."""
    return json.loads((layout / "index.json").read_bytes())


def floor(layout: Path) -> int:
    """Read, hash and decompress; the bytes that came out."""
    total = 0
    for path in blobs(layout):
        digest = hashlib.sha256()
        inflate = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
        with path.open("rb", buffering=0) as stream:
            while data := stream.read(_CHUNK):
                digest.update(data)
                while not inflate.eof:
                    total += len(inflate.decompress(data, _CHUNK))
                    data = b""
                    if inflate.needs_input:
                        break
        if digest.hexdigest() != path.name:
            raise SystemExit(f"{path} is damaged")
    return total


def read(layout: Path) -> int:
    """Read as a scan does; the number of paths."""
    with open_image(parse_reference(f"oci-dir:{layout}"), keep) as opened:
        return sum(1 for _ in opened.rootfs.entries())


def timed(work: Callable[[Path], int], layout: Path) -> tuple[float, float]:
    """Wall and processor time of one call, in seconds."""
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    work(layout)
    return time.perf_counter() - wall, time.process_time() - cpu


class _Counted:
    """A blob's file that tells how much of it was read."""

    def __init__(self, stream: Any, name: str, read_bytes: Counter[str]) -> None:
        self._stream = stream
        self._name = name
        self._read_bytes = read_bytes

    def read(self, size: int, /) -> bytes:
        data: bytes = self._stream.read(size)
        self._read_bytes[self._name] += len(data)
        return data

    def close(self) -> None:
        self._stream.close()


def counts(layout: Path) -> tuple[int, float]:
    """How often a layer's blob is opened, and how much of it is read, at most."""
    opens: Counter[str] = Counter()
    read_bytes: Counter[str] = Counter()
    original = layouts.OciLayout.open_blob

    def counted(self: layouts.OciLayout, descriptor: Any) -> Any:
        opens[descriptor.digest] += 1
        return _Counted(original(self, descriptor), descriptor.digest, read_bytes)

    layouts.OciLayout.open_blob = counted  # type: ignore[method-assign]
    try:
        read(layout)
    finally:
        layouts.OciLayout.open_blob = original  # type: ignore[method-assign]
    names = {f"sha256:{path.name}": path.stat().st_size for path in blobs(layout)}
    return (
        max(opens[name] for name in names),
        max(read_bytes[name] / size for name, size in names.items()),
    )


def peak(layout: Path) -> int:
    """Bytes of memory of a process that reads the image once."""
    command = [sys.executable, __file__, "--once", str(layout)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    return int(done.stdout)


def measure(name: str, layout: Path, runs: int) -> Figures:
    """All figures of one image."""
    uncompressed, files = floor(layout), read(layout)
    floors: list[tuple[float, float]] = []
    reads: list[tuple[float, float]] = []
    for _ in range(runs):
        floors.append(timed(floor, layout))
        reads.append(timed(read, layout))

    def median(times: Sequence[tuple[float, float]], index: int) -> float:
        return statistics.median(time[index] for time in times)

    opens, read_bytes = counts(layout)
    return Figures(
        image=name,
        layers=len(blobs(layout)),
        files=files,
        compressed=sum(path.stat().st_size for path in blobs(layout)),
        uncompressed=uncompressed,
        floor_wall=round(median(floors, 0), 3),
        floor_cpu=round(median(floors, 1), 3),
        read_wall=round(median(reads, 0), 3),
        read_cpu=round(median(reads, 1), 3),
        ratio_wall=round(median(reads, 0) / median(floors, 0), 2),
        ratio_cpu=round(median(reads, 1) / median(floors, 1), 2),
        opens=opens,
        bytes_read=round(read_bytes, 3),
        peak=peak(layout),
    )


def images(given: Sequence[Path]) -> Mapping[str, Path]:
    """What to measure, by name."""
    if given:
        return {path.name: path for path in given}
    from bench.large_image import large_image  # noqa: PLC0415 - only where it is wanted

    make = [sys.executable, str(ROOT / "fixtures/images/make.py"), "nginx"]
    made = subprocess.run(make, check=True, stdout=subprocess.PIPE, text=True)
    return {"nginx": Path(made.stdout.strip()), "2 GB": large_image()}


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description="Measure what reading an image costs.")
    parser.add_argument("layouts", nargs="*", type=Path, metavar="LAYOUT")
    parser.add_argument("--runs", type=int, default=RUNS, help="runs of each way")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--once", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.once is not None:
        read(given.once)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
        return
    found = [measure(name, path, given.runs) for name, path in images(given.layouts).items()]
    if given.json:
        print(json.dumps({"runs": given.runs, "images": [asdict(row) for row in found]}, indent=2))
        return
    print(f"{os.cpu_count()} processors, medians of {given.runs} runs, seconds wall / processor")
    for row in found:
        print(
            f"{row.image:8} {row.layers} layers, {row.files} paths, "
            f"{row.compressed / _MIB:.0f} MiB of {row.uncompressed / _MIB:.0f} MiB\n"
            f"  floor  {row.floor_wall:6.2f} / {row.floor_cpu:.2f}\n"
            f"  read   {row.read_wall:6.2f} / {row.read_cpu:.2f}   "
            f"{row.ratio_wall:.2f} x / {row.ratio_cpu:.2f} x the floor\n"
            f"  each layer opened {row.opens} x, read {row.bytes_read:.3f} x; "
            f"peak memory {row.peak / _MIB:.0f} MiB"
        )


if __name__ == "__main__":
    main()
