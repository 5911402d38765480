"""What loading the tables costs: ``python bench/tables.py [--loads N] [--json]``.

Every load is the first one of a process of its own; modules are imported before the clock starts.
The ways take turns, so that a noisy minute meets all of them.

- ``read``: read the files and take their SHA-256, the least that a check of freshness costs
- ``compiled``: load with a compiled form in the cache
- ``parsed``: load without one, and without a place to write one
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

LOADS = 25
CLOCK = """
import time
from auditor.tables.files import Files
from auditor.tables.load import load, needed, shipped

def read():
    files = Files(shipped())
    files.gather(needed(files))
    return files.digest()

begin = time.perf_counter()
{way}()
print((time.perf_counter() - begin) * 1000)
"""


def once(way: str, cache: Path) -> float:
    """Milliseconds of one load, ``load`` or ``read``, in a new process with that cache."""
    command = [sys.executable, "-c", CLOCK.format(way=way)]
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return float(done.stdout)


def measure(loads: int) -> dict[str, list[float]]:
    """Way → milliseconds of each load."""
    with tempfile.TemporaryDirectory() as place:
        cache, nowhere = Path(place, "cache"), Path(place, "no", "such", "place")
        ways = {"read": ("read", cache), "compiled": ("load", cache), "parsed": ("load", nowhere)}
        once("load", cache)  # makes the compiled form
        found: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(loads):
            for way, (function, where) in ways.items():
                found[way].append(once(function, where))
    return found


def summary(times: list[float]) -> Mapping[str, float]:
    """Least, median and ninth decile, in milliseconds."""
    return {
        "least": round(min(times), 1),
        "median": round(statistics.median(times), 1),
        "p90": round(statistics.quantiles(times, n=10)[-1], 1),
    }


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description="Measure what loading the tables costs.")
    parser.add_argument("--loads", type=int, default=LOADS, help="loads of each way, at least 2")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()
    if given.loads < 2:  # noqa: PLR2004 - a decile needs two
        parser.error("--loads takes a number from 2")
    found = {way: summary(times) for way, times in measure(given.loads).items()}
    if given.json:
        print(json.dumps({"unit": "ms", "loads": given.loads, "ways": found}, indent=2))
        return
    print(f"{'ms':10}{'least':>8}{'median':>8}{'p90':>8}   ({given.loads} loads each)")
    for way, row in found.items():
        print(f"{way:10}" + "".join(f"{value:8.1f}" for value in row.values()))


if __name__ == "__main__":
    main()
