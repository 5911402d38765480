"""Make ``signatures/syscalls/``: numbers, capabilities and support of every Linux system call.

``collect()`` reads kernel headers as ziglang ships them, which are newer than Debian's, and writes
``upstream/syscalls-{x86_64,aarch64}.csv`` and ``upstream/syscall-constants.csv``. ``generate()``
makes the tables from these, from ``syscalls.toml``, from the measured need of Loupe's database and
from the levels of C functions and capabilities that ``signatures/`` already holds. Run it after a
change to any of these; a test regenerates and compares.
"""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

HERE = Path(__file__).parent
UPSTREAM = HERE / "upstream"
SIGNATURES = HERE.parents[1] / "signatures"

ARCHITECTURES = {"x86_64": "x86", "aarch64": "aarch64"}
"""Name of the architecture → its name in ziglang's directories."""
LEVELS = ("full", "flags", "emulated", "partial", "unknown", "stub", "none")
"""Best first."""
SOURCE = "linux-uapi"
MEASURED = 10
"""Runs that must have used a call for the measurement to speak."""
ESSENTIAL_FROM = 0.55
"""Share of the using runs that required the call, as in ``need.py``."""
TYPICAL_FROM = 0.25
NUMBER = re.compile(r"#define __NR_(\w+)\s+(\d+)\s*")
VALUE = re.compile(r"^v_(\w+):\n\s+\.[xq]\w+\s+(-?\w+)", re.MULTILINE)


def headers() -> Path:
    """The C headers of the installed ziglang."""
    found = find_spec("ziglang")
    if found is None or found.origin is None:
        raise FileNotFoundError("ziglang is not installed: pip install ziglang")
    return Path(found.origin).parent / "lib" / "libc" / "include"


def kernel(root: Path) -> str:
    """Version of the kernel that the headers were made of."""
    text = (root / "any-linux-any" / "linux" / "version.h").read_text(encoding="utf-8")
    parts = (
        re.search(rf"LINUX_VERSION_{part} (\d+)", text)
        for part in ("MAJOR", "PATCHLEVEL", "SUBLEVEL")
    )
    return ".".join(part[1] for part in parts if part)


def collect() -> None:
    """Write the numbers of both architectures, and the values of the constants in use."""
    root = headers()
    version = kernel(root)
    for name, directory in ARCHITECTURES.items():
        text = (root / f"{directory}-linux-any" / "asm" / "unistd_64.h").read_text(encoding="utf-8")
        numbered = [(number, call) for call, number in NUMBER.findall(text)]
        origin = f"{name} system call numbers, from asm/unistd_64.h of Linux {version}"
        write_upstream(f"syscalls-{name}.csv", origin, ("number", "name"), numbered)
    rows: list[tuple[str, ...]] = []
    for header, names in assignments()["headers"].items():
        found = {name: values(name, header, names.split()) for name in ARCHITECTURES}
        for constant in names.split():
            given = tuple(found[name].get(constant, "") for name in ARCHITECTURES)
            rows.append((constant, *given, header))
    origin = (
        f"values of constants, as headers of Linux {version} and musl's sys/ and netinet/ have them"
    )
    columns = ("name", *ARCHITECTURES, "header")
    write_upstream("syscall-constants.csv", origin, columns, sorted(rows))


def values(architecture: str, header: str, names: Iterable[str]) -> dict[str, str]:
    """Constant → value, asked of the compiler. What the architecture lacks is left out."""
    lines = [f"#include <{name}>" for name in ("stddef.h", "asm/ioctl.h", "asm/termbits.h")]
    lines += [f"#if __has_include(<{header}>)", f"#include <{header}>", "#endif"]
    for name in names:
        lines += [f"#ifdef {name}", f"unsigned long long v_{name} = (unsigned)({name});", "#endif"]
    with TemporaryDirectory() as directory:
        source, assembly = Path(directory, "values.c"), Path(directory, "values.s")
        source.write_text("\n".join(lines) + "\n", encoding="utf-8")
        target = f"{architecture}-linux-musl"
        compiler = [sys.executable, "-m", "ziglang", "cc", "-target", target]
        subprocess.run(
            [*compiler, "-S", "-g0", str(source), "-o", str(assembly)],
            check=True,
            capture_output=True,
        )
        text = assembly.read_text(encoding="utf-8")
    return {name: hex(int(value, 0)) for name, value in VALUE.findall(text)}


def write_upstream(
    name: str, origin: str, columns: Iterable[str], rows: Iterable[Iterable[str]]
) -> None:
    """Write a list below a line that says where it comes from."""
    text = io.StringIO()
    text.write(f"# {origin}\n")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    (UPSTREAM / name).write_text(text.getvalue(), encoding="utf-8")


def read(path: Path) -> Iterator[dict[str, str]]:
    """Rows of a CSV file, its remarks left out."""
    text = path.read_text(encoding="utf-8")
    return csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))


@cache
def assignments() -> Mapping[str, Any]:
    """``syscalls.toml``."""
    return tomllib.loads((HERE / "syscalls.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Offer:
    """What one target offers for one call, function or capability."""

    level: str
    flags: str
    note: str
    source: str


@cache
def numbers(architecture: str) -> dict[str, str]:
    """Call → number."""
    return {row["name"]: row["number"] for row in read(UPSTREAM / f"syscalls-{architecture}.csv")}


@cache
def names() -> tuple[str, ...]:
    """Every call of either architecture, sorted."""
    return tuple(sorted({name for one in ARCHITECTURES for name in numbers(one)}))


@cache
def capabilities() -> dict[str, str]:
    """Call → capability. Raises ``ValueError`` for a call that is missing, twice or unknown."""
    listed = [
        (name, given)
        for given, group in assignments()["capabilities"].items()
        for name in group.split()
    ]
    found = dict(listed)
    wrong = {name for name, _ in listed} ^ set(names())
    if wrong or len(found) < len(listed):
        raise ValueError(f"calls assigned twice, not at all, or unknown: {sorted(wrong)}")
    return found


@cache
def capability_needs() -> dict[str, str]:
    """Capability → how much it is needed."""
    text = (SIGNATURES / "capabilities.toml").read_text(encoding="utf-8")
    return {name: row["need"] for name, row in tomllib.loads(text).items()}


@cache
def prior() -> Mapping[str, Mapping[str, float]]:
    """x86-64 number → measured use."""
    text = (UPSTREAM / "loupedb-required-prior.json").read_text(encoding="utf-8")
    found: Mapping[str, Mapping[str, float]] = json.loads(text)
    return found


@cache
def function_rows() -> dict[str, dict[str, str]]:
    """C function → its row in ``libc/symbols.csv``."""
    return {row["symbol"]: row for row in read(SIGNATURES / "libc" / "symbols.csv")}


def need(name: str) -> tuple[str, str]:
    """How much a call is needed and why, where that is not its capability's own need.

    By hand, else as measured, else as for the C function that stands for it.
    """
    by_hand = assignments()["need"].get(name)
    if by_hand is not None:
        return by_hand["need"], by_hand["reason"]
    own = capability_needs()[capabilities()[name]]
    measured = prior().get(numbers("x86_64").get(name, ""), {"used": 0})
    if measured["used"] >= MEASURED:
        share = measured["required"] / measured["used"]
        reason = f"required in {share:.2f} of {measured['used']} measured runs"
        level = need_of(share)
        return ("", "") if level == own else (level, reason.replace(" 0.", " ."))
    row = function_rows().get((functions(name) or [""])[0])
    if row and row["need"] != own and row["capability"] == capabilities()[name]:
        return row["need"], row["reason"]
    return "", ""


def need_of(share: float) -> str:
    """The need that a share of requiring runs (0 to 1) stands for."""
    if share >= ESSENTIAL_FROM:
        return "essential"
    return "typical" if share >= TYPICAL_FROM else "incidental"


@cache
def targets() -> dict[str, dict[str, Any]]:
    """Target → its file."""
    return {
        path.stem: tomllib.loads(path.read_text(encoding="utf-8"))
        for path in sorted((SIGNATURES / "targets").glob("*.toml"))
    }


def capability_offer(target: str, name: str) -> Offer:
    """What a target offers for a capability, itself or through what it is built on."""
    document = targets()[target]
    row = document["support"].get(name)
    if row is None:
        return capability_offer(document["extends"], name)
    return Offer(row["level"], " ".join(row.get("flags", ())), row.get("note", ""), row["source"])


@cache
def function_offers(target: str) -> dict[str, Offer]:
    """What a target offers for each C function that is known there."""
    return {
        row["symbol"]: Offer(row["level"], row["flags"], row["note"], row["source"])
        for row in read(SIGNATURES / "libc" / "support" / f"{target}.csv")
    }


def functions(name: str) -> list[str]:
    """C functions through which a program asks for a call."""
    given: str = assignments()["functions"].get(name, name)
    return [] if given == "-" else given.split()


def offer(target: str, name: str) -> Offer:
    """What a target offers for a call: of its functions the best, else of its capability."""
    if name in assignments()["startup"]["calls"].split():
        source = targets()[target]["source"]
        return Offer("full", "", assignments()["startup"]["note"], source)
    absent = assignments()["absent"].get(name)
    if absent is not None:
        return Offer("none", "", absent["note"], absent["source"])
    known = function_offers(target)
    found = [(function, known[function]) for function in functions(name) if function in known]
    if found:
        function, best = min(found, key=lambda item: LEVELS.index(item[1].level))
        via = "" if function == name else function
    else:
        via = capabilities()[name]
        best = capability_offer(target, via)
    note = ": ".join(part for part in (f"as {via}" if via else "", best.note) if part)
    return Offer(best.level, best.flags, note, best.source)


def written(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Rows as CSV text, below lines that say where they come from."""
    origin = (UPSTREAM / "syscalls-x86_64.csv").read_text(encoding="utf-8").partition("\n")[0]
    text = io.StringIO()
    text.write(
        f"# generated by tools/tables/syscalls.py; do not edit. {origin.split(' of ')[-1]}\n"
    )
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def generate() -> dict[str, str]:
    """Relative path below ``signatures/`` → content."""
    calls = (
        (
            name,
            *(numbers(architecture).get(name, "") for architecture in ARCHITECTURES),
            capabilities()[name],
            *need(name),
            SOURCE,
        )
        for name in names()
    )
    constants = (
        (row["name"], *(row[one] for one in ARCHITECTURES), row["header"], SOURCE)
        for row in read(UPSTREAM / "syscall-constants.csv")
    )
    columns = ("name", *ARCHITECTURES)
    return {
        "syscalls/syscalls.csv": written(
            (*columns, "capability", "need", "reason", "source"), calls
        ),
        "syscalls/constants.csv": written((*columns, "header", "source"), constants),
        **{
            f"syscalls/support/{target}.csv": written(
                ("name", "level", "flags", "note", "source"),
                ((name, *astuple(offer(target, name))) for name in names()),
            )
            for target in targets()
        },
    }


def main() -> None:
    """Write every generated file; with ``collect`` as argument, the upstream lists before."""
    if sys.argv[1:] == ["collect"]:
        collect()
    for name, content in generate().items():
        path = SIGNATURES / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
