"""The measurement of loading runs, and prints what it measured."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).parents[3] / "bench" / "tables.py"


def run(*options: str) -> subprocess.CompletedProcess[str]:
    """Run the script as a person does."""
    command = [sys.executable, str(BENCH), *options]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def test_it_tells_what_each_way_costs_as_json_and_as_a_table() -> None:
    document = json.loads(run("--loads", "2", "--json").stdout)
    table = run("--loads", "2").stdout.splitlines()

    assert document["loads"] == 2
    assert list(document["ways"]) == ["read", "compiled", "parsed"]
    assert all(row["median"] >= row["least"] > 0 for row in document["ways"].values())
    assert [line.split()[0] for line in table] == ["ms", *document["ways"]]


def test_one_load_is_too_few_to_measure() -> None:
    done = run("--loads", "1")

    assert done.returncode == 2
    assert "--loads takes a number from 2" in done.stderr
