"""How well system calls are found: ``python bench/syscalls.py [PART ...] [--json] [--jobs N]``.

Over real binaries of Debian 12 (``bench/binaries.py``), each analysed in a process of its own with
the libraries that its loader would load:

- ``recall``: of the calls that executables were seen to make, how many are in the set found, by
  the way they are linked; start-up included, run-time modules given
- ``sharpness``: how many calls the executables of ``bench/executables.txt`` can make on average,
  start-up apart; an empty or failed result counts as a miss
- ``strip``: by how much the set changes when symbol tables, or all section headers, are gone
- ``cost``: processor time and peak memory, one at a time

Without PART: all of them.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from auditor.tables import load
from auditor.tables.rows import Tables
from bench.apart import Outcome, apart
from bench.binaries import Binaries, read_list
from bench.observed import CLASSES, Observed, Recall, read_modules, read_observed
from bench.processes import Analysed, Task, analyse

PARTS = ("recall", "sharpness", "strip", "cost")
SECONDS = 120.0
"""Wall time after which an executable counts as failed."""
SERVERS = (
    "/usr/sbin/nginx",
    "/usr/bin/redis-check-rdb",
    "/usr/sbin/sshd",
    "/usr/sbin/apache2",
    "/usr/sbin/haproxy",
    "/usr/lib/postgresql/15/bin/postgres",
    "/usr/bin/php8.2",
    "/usr/bin/python3.11",
    "/usr/bin/umoci",
    "/usr/bin/node",
)
EVERY = 8
"""One of so many executables of the list loses its section headers."""
_MIB = 1 << 20

Row = dict[str, Any]
"""A row of a table, as JSON has it."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What all parts work with."""

    binaries: Binaries
    tables: Tables
    jobs: int

    def run(
        self, paths: Mapping[str, Sequence[str]], jobs: int | None = None
    ) -> Iterable[Outcome[Task, Analysed]]:
        """Analyse executables of the tree, each with the modules given; in no order."""
        tasks = [Task(self.binaries.root, path, tuple(more)) for path, more in paths.items()]
        tables = self.tables
        outcomes = apart(
            lambda task: analyse(task, tables), tasks, jobs=jobs or self.jobs, seconds=SECONDS
        )
        for done, outcome in enumerate(outcomes, 1):
            if sys.stderr.isatty():
                print(f"\r{done}/{len(tasks)} ", end="", file=sys.stderr, flush=True)
            yield outcome


def plain(analysed: Analysed | None, error: str) -> Row:
    """What was found, as JSON has it; of a failure, empty sets and the reason."""
    if analysed is None:
        sets: Row = {"must": [], "may": [], "abort_only": [], "loader": []}
        return {"error": error, **sets, "sites": {"resolved": 0, "bounded": 0, "unknown": 0}}
    facts = analysed.facts
    return {
        "error": "",
        "must": sorted(facts.must),
        "may": sorted(facts.may),
        "abort_only": sorted(facts.abort_only),
        "loader": sorted(facts.loader),
        "sites": asdict(facts.sites),
        "modules_unknown": facts.modules_unknown,
        "witnesses": {name: asdict(witness) for name, witness in facts.witnesses.items()},
        "objects": analysed.objects,
        "modules": analysed.modules,
        "missing": list(analysed.missing),
        "processor": round(analysed.processor, 3),
        "peak": analysed.peak,
    }


def recall(bench: Bench, observed: Sequence[Observed]) -> Row:
    """Each executable that was observed, and the classes together."""
    modules: dict[str, list[str]] = {}
    for module in read_modules():
        modules.setdefault(module.path, []).append(module.module)
    located = {wanted: bench.binaries.locate(wanted) for wanted in observed}
    by_path = {place.path: wanted for wanted, place in located.items() if place.path}
    tasks = {path: modules.get(wanted.path, ()) for path, wanted in by_path.items()}
    rows: list[Row] = [
        {"path": wanted.path, "linkage": wanted.linkage, "absent": place.note}
        for wanted, place in located.items()
        if not place.path
    ]
    measured: dict[str, list[Recall]] = {name: [] for name in CLASSES}
    unknown = dict.fromkeys(CLASSES, 0)
    for outcome in bench.run(tasks):
        wanted = by_path[outcome.item.path]
        found = plain(outcome.result, outcome.error)
        score = Recall.of(wanted.calls, {*found["must"], *found["may"], *found["loader"]})
        for name in wanted.classes:
            measured[name].append(score)
            unknown[name] += found["sites"]["unknown"]
        row = {"path": wanted.path, "linkage": wanted.linkage, "note": located[wanted].note}
        rows.append({**row, **asdict(score), "result": found})
    rows.sort(key=lambda row: str(row["path"]))
    classes = {name: Recall.total(scores) for name, scores in measured.items()}
    return {
        "classes": {
            name: {
                "executables": len(measured[name]),
                "recall": round(total.share, 4),
                "exact": round(total.exact_share, 4),
                "observed": total.observed,
                "missed": total.observed - total.found,
                "sites_unknown": unknown[name],
            }
            for name, total in classes.items()
        },
        "executables": rows,
    }


def sharpness(bench: Bench) -> Row:
    """Each executable of the list, and their means."""
    rows: list[Row] = [
        {"path": outcome.item.path, **plain(outcome.result, outcome.error)}
        for outcome in bench.run({path: () for _, path in read_list()})
    ]
    rows.sort(key=lambda row: str(row["path"]))
    found = [row for row in rows if row["may"]]
    # What start-up alone calls is in no ``may``; what the program calls too counts.
    sizes = [len(row["may"]) for row in found]
    program = [len(set(row["may"]) - set(row["abort_only"])) for row in found]
    others = [len(set(row["may"]) - set(row["loader"])) for row in found]
    counts: dict[str, int] = {}
    for row in found:
        for call in row["may"]:
            counts[call] = counts.get(call, 0) + 1
    return {
        "executables": len(rows),
        "failed": [row["path"] for row in rows if not row["may"]],
        "mean": round(fmean(sizes), 2) if sizes else None,
        "median": median(sizes) if sizes else None,
        "mean_without_abort": round(fmean(program), 2) if program else None,
        "mean_without_names_of_startup": round(fmean(others), 2) if others else None,
        "mean_must": round(fmean(len(row["must"]) for row in found), 2) if found else None,
        "calls": dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))),
        "rows": rows,
    }


def strip(bench: Bench, observed: Sequence[Observed]) -> Row:
    """Executables beside their stripped and their sectionless copies."""
    places = [bench.binaries.locate(wanted).path for wanted in observed]
    listed = [path for _, path in read_list()]
    full = [*bench.binaries.unstripped(path for path in places if path)]
    pairs = {bench.binaries.stripped(path): path for path in full}
    pairs |= {bench.binaries.sectionless(path): path for path in (*full, *listed[::EVERY])}
    paths = dict.fromkeys((*pairs, *pairs.values()), ())
    found = {
        outcome.item.path: plain(outcome.result, outcome.error) for outcome in bench.run(paths)
    }
    rows = []
    for changed, path in sorted(pairs.items()):
        before, after = ({*found[name]["must"], *found[name]["may"]} for name in (path, changed))
        rows.append(
            {
                "path": path,
                "change": "stripped" if changed.endswith(".stripped") else "sectionless",
                "before": len(before),
                "share": round(len(before ^ after) / max(len(before), 1), 4),
                "lost": sorted(before - after),
                "gained": sorted(after - before),
                "error": found[changed]["error"] or found[path]["error"],
            }
        )
    return {"rows": rows, "largest": max((row["share"] for row in rows), default=0.0)}


def cost(bench: Bench, observed: Sequence[Observed]) -> Row:
    """Servers and the largest executables, one at a time."""
    large = [row for row in observed if row.path.endswith(("/docker", "/syft", ":ruff"))]
    places = {bench.binaries.locate(row).path: row.path for row in large}
    names = {path: path for path in SERVERS} | {path: name for path, name in places.items() if path}
    rows = []
    for outcome in bench.run(dict.fromkeys(names, ()), jobs=1):
        found = plain(outcome.result, outcome.error)
        size = bench.binaries.file(outcome.item.path).stat().st_size
        row = {"path": names[outcome.item.path], "size": size, "calls": len(found["may"])}
        figures = {name: found.get(name) for name in ("objects", "processor", "peak", "error")}
        rows.append({**row, **figures})
    return {"rows": rows}


def main() -> None:
    """Measure, and print tables or JSON."""
    parser = argparse.ArgumentParser(description="Measure how well system calls are found.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="at a time")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()
    if wrong := sorted(set(given.parts) - set(PARTS)):
        parser.error(f"there is no part {wrong[0]}; parts: {', '.join(PARTS)}")
    observed, modules = read_observed(), read_modules()
    binaries = Binaries(observed, modules, [package for package, _ in read_list()])
    bench = Bench(binaries, load(), given.jobs)
    parts = given.parts or PARTS
    document: Row = {}
    if "recall" in parts:
        document["recall"] = recall(bench, observed)
    if "sharpness" in parts:
        document["sharpness"] = sharpness(bench)
    if "strip" in parts:
        document["strip"] = strip(bench, observed)
    if "cost" in parts:
        document["cost"] = cost(bench, observed)
    if given.json:
        print(json.dumps(document, indent=1))
        return
    for part, found in document.items():
        SHOW[part](found)


def show_recall(found: Row) -> None:
    """Classes, then what was missed."""
    heads = f"{'executables':>12}{'observed':>10}{'missed':>8}{'recall':>9}{'exact':>9}"
    print(f"{'recall':16}{heads}{'sites unknown':>15}")
    for name, row in found["classes"].items():
        counts = f"{row['executables']:>12}{row['observed']:>10}{row['missed']:>8}"
        shares = f"{row['recall']:>9.2%}{row['exact']:>9.2%}{row['sites_unknown']:>15}"
        print(f"{name:16}{counts}{shares}")
    for row in found["executables"]:
        if "absent" in row:
            print(f"  {row['path']}: not measured: {row['absent']}")
            continue
        result = row["result"]
        remarks = [f"missed: {', '.join(row['missed'])}"] if row["missed"] else []
        remarks += [result["error"]] if result["error"] else []
        if remarks and not result["error"] and result["sites"]["unknown"]:
            remarks.append(f"{result['sites']['unknown']} sites unknown")
        remarks += [f"not in the tree: {name}" for name in result.get("missing", ())]
        if remarks:
            remarks += [row["note"]] if row["note"] else []
            print(f"  {row['path']}: {'; '.join(remarks)}")


def show_sharpness(found: Row) -> None:
    """Means, and the calls that most executables may make."""
    print(
        f"sharpness: {found['executables']} executables, {len(found['failed'])} failed or empty; "
        f"calls start-up apart: mean {found['mean']}, median {found['median']}; "
        f"abort-only paths apart too: mean {found['mean_without_abort']}; "
        f"without any call that start-up makes as well: {found['mean_without_names_of_startup']}"
    )
    for path in found["failed"]:
        (error,) = (row["error"] for row in found["rows"] if row["path"] == path)
        print(f"  {path}: {error or 'empty'}")


def show_strip(found: Row) -> None:
    """What changed."""
    print(f"strip: {len(found['rows'])} copies, largest change {found['largest']:.1%}")
    for row in found["rows"]:
        if row["share"] or row["error"]:
            names = [*(f"-{name}" for name in row["lost"]), *(f"+{name}" for name in row["gained"])]
            words = row["error"] or " ".join(names[:12])
            print(
                f"  {row['path']} {row['change']}: {row['share']:.1%} of {row['before']}: {words}"
            )


def show_cost(found: Row) -> None:
    """One line for each."""
    print(f"{'cost':44}{'MiB':>8}{'objects':>9}{'calls':>7}{'cpu s':>8}{'peak MiB':>10}")
    for row in found["rows"]:
        if row["error"]:
            print(f"  {row['path']}: {row['error']}")
            continue
        print(
            f"{row['path']:44}{row['size'] / _MIB:>8.1f}{row['objects']:>9}{row['calls']:>7}"
            f"{row['processor']:>8.2f}{row['peak'] / _MIB:>10.0f}"
        )


SHOW = {
    "recall": show_recall,
    "sharpness": show_sharpness,
    "strip": show_strip,
    "cost": show_cost,
}


if __name__ == "__main__":
    main()
