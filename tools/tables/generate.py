"""Make the generated part of ``signatures/``: symbols, aliases, and support on each target.

Reads ``upstream/`` (symbol lists, each with its origin in ``upstream/README.md``),
``assignments.toml`` and ``overrides.csv``; writes ``signatures/libc/``. Run it after a change to
any of these; a test regenerates and compares.
"""

from __future__ import annotations

import csv
import io
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
UPSTREAM = HERE / "upstream"
SIGNATURES = HERE.parents[1] / "signatures"

GLIBC = "glibc-functions.csv"
GLIBC_LATER = "glibc-later-functions.csv"
WASI = ("wasip1", "wasip2", "wasip3")
WASIX_PROFILES = ("wasm32-wasi", "wasm32-wasi-eh", "wasm32-wasi-ehpic")
PURE = frozenset({"compute.libc"})
PLAIN = frozenset({"compute.libc", "libc.extension"})
"""Capabilities that ask nothing of a platform: only whether a library defines them counts."""
WORSE = ("full", "flags", "emulated", "partial", "unknown", "stub", "none")
EMSCRIPTEN_STUBS = {
    "enosys": "ENOSYS",
    "libc_stub": "fails",
    "stub": "fakes success or fails",
}
"""How a system call is answered that JavaScript does not implement."""

ALIAS_RULES = (
    (r"__(\w+)_unlocked_chk", r"\1_unlocked", "fortify"),
    (r"__(\w+)_chk", r"\1", "fortify"),
    (r"__(open|openat|mq_open)(64)?_2", r"\1", "fortify"),
    (r"__isoc(?:99|23)_(\w+)", r"\1", "c-standard"),
    (r"__f?x?l?stat(?:at)?(?:64)?|__xmknod(?:at)?", "", "stat"),
    (r"__libc_(\w+)", r"\1", "internal"),
    (r"_IO_(\w+)", r"\1", "stdio"),
    (r"(\w+)64(_r|v2)?", r"\1\2", "large-file"),
    (r"__(str\w+|wcs\w+)_internal", r"\1", "internal"),
    (r"__(\w+)_finite", r"\1", "math"),
    (r"__xpg_(\w+)", r"\1", "standard"),
    (r"__posix_(\w+)", r"\1", "standard"),
    (r"__bsd_(\w+)", r"\1", "standard"),
    (r"__(\w+?)_nocancel", r"\1", "internal"),
    (r"__(\w+)", r"\1", "internal"),
    (r"_(\w+)", r"\1", "internal"),
)
ALIAS_EXACT = {
    "__sigsetjmp": "sigsetjmp",
    "_setjmp": "setjmp",
    "_longjmp": "longjmp",
    "__longjmp_chk": "longjmp",
    "__xstat": "stat",
    "__xstat64": "stat",
    "__fxstat": "fstat",
    "__fxstat64": "fstat",
    "__lxstat": "lstat",
    "__lxstat64": "lstat",
    "__fxstatat": "fstatat",
    "__fxstatat64": "fstatat",
    "__xmknod": "mknod",
    "__xmknodat": "mknodat",
    "__fdelt_warn": "__fdelt_chk",
    "__poll_chk": "poll",
    "__sysv_signal": "signal",
    "bsd_signal": "signal",
    "sysv_signal": "signal",
    "ssignal": "signal",
    "gsignal": "raise",
    "__tls_get_addr": "__tls_get_addr",
    "__vfprintf_chk": "vfprintf",
    "__res_init": "res_init",
    "__gamma_r_finite": "lgamma_r",
    "__gammaf_r_finite": "lgammaf_r",
    "__gammal_r_finite": "lgammal_r",
    "__gammaf128_r_finite": "lgammaf128_r",
    "__libc_fcntl64": "fcntl",
    "__open64": "open",
    "__open64_nocancel": "open",
    "__pread64": "pread",
    "__pread64_chk": "pread",
    "__pread64_nocancel": "pread",
    "__pwrite64": "pwrite",
    "llseek": "lseek",
    "preadv64v2": "preadv2",
    "pwritev64v2": "pwritev2",
}
KEPT = frozenset({"_Exit", "_Fork", "_exit", "__errno_location", "__h_errno_location"})


@dataclass(frozen=True, slots=True)
class Row:
    """What one target offers for one function."""

    symbol: str
    level: str
    flags: str = ""
    note: str = ""
    source: str = ""


def lines(name: str) -> list[str]:
    """An upstream file without its comments."""
    text = (UPSTREAM / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


@cache
def defined(name: str) -> frozenset[str]:
    """A symbol list."""
    return frozenset(lines(name))


@cache
def glibc() -> Mapping[str, str]:
    """Function → header, as Debian 12's glibc has them, and what later versions added.

    The later ones come without a header, but all of libm is declared in ``math.h`` and its kin.
    """
    listed = {row["function"]: row["header"] for row in csv.DictReader(lines(GLIBC))}
    later = csv.DictReader(lines(GLIBC_LATER))
    in_libm = {row["function"]: "math.h" if row["library"] == "libm.so.6" else "" for row in later}
    return in_libm | listed


@cache
def glibc_source(name: str) -> str:
    """The source that lists a function among glibc's."""
    later = {row["function"] for row in csv.DictReader(lines(GLIBC_LATER))}
    return "glibc-abilist" if name in later else "glibc-exports"


@cache
def known() -> frozenset[str]:
    """Every name that a row is sought for."""
    return frozenset(glibc()) | defined("musl-functions.txt") | frozenset(assigned())


@cache
def rules() -> Mapping[str, Mapping[str, str]]:
    """``assignments.toml``."""
    found: Mapping[str, Mapping[str, str]] = tomllib.loads(
        (HERE / "assignments.toml").read_text(encoding="utf-8")
    )
    return found


@cache
def assigned() -> Mapping[str, str]:
    """Name → capability, for the names that are assigned one by one."""
    return {name: given for given, names in rules()["names"].items() for name in names.split()}


@cache
def capability(name: str) -> str | None:
    """The capability that the assignments give a name, its source of knowledge apart."""
    if name in assigned():
        return assigned()[name]
    for given, patterns in rules()["patterns"].items():
        if any(re.fullmatch(pattern, name) for pattern in patterns):
            return given
    header = glibc().get(name)
    for given, headers in rules()["headers"].items():
        if header and header in headers.split():
            return given
    return None


@cache
def aliases() -> dict[str, tuple[str, str]]:
    """Alias → canonical name and kind. A rule holds only where the canonical name is known."""
    names = known()
    explicit = assigned()
    found: dict[str, tuple[str, str]] = {}
    for name in sorted(names):
        if name in KEPT:
            continue
        if name in ALIAS_EXACT:
            if ALIAS_EXACT[name] != name:
                found[name] = (ALIAS_EXACT[name], "twin")
            continue
        if name in explicit:
            continue
        for pattern, replacement, kind in ALIAS_RULES:
            match = re.fullmatch(pattern, name)
            base = match.expand(replacement) if match else ""
            if base and base != name and base in names and capability(base) is not None:
                found[name] = (base, kind)
                break
    return {name: (_root(base, found), kind) for name, (base, kind) in found.items()}


def _root(name: str, found: Mapping[str, tuple[str, str]]) -> str:
    for _ in range(4):
        if name not in found:
            break
        name = found[name][0]
    return name


@cache
def canonical() -> dict[str, str]:
    """Canonical name → capability, for every name that an assignment knows."""
    folded = aliases()
    found: dict[str, str] = {}
    for name in sorted(known() - set(folded)):
        given = capability(name)
        if given is not None:
            found[name] = given
    return found


def everywhere(name: str) -> bool:
    """Whether every C library that can be rebuilt with defines a function."""
    wasi = all(name in defined(f"wasi-libc-{target}.txt") for target in WASI)
    return wasi and all(name in defined(f"wasix-{profile}.txt") for profile in WASIX_PROFILES)


@cache
def symbols() -> dict[str, str]:
    """As ``canonical``, with pure functions that some library lacks as extensions."""
    overridden = {name for rows in overrides().values() for name in rows}
    return {
        name: "libc.extension"
        if given in PURE and name not in overridden and not everywhere(name)
        else given
        for name, given in canonical().items()
    }


@cache
def overrides() -> Mapping[str, Mapping[str, Row]]:
    """Target → symbol → row, by hand."""
    text = (HERE / "overrides.csv").read_text(encoding="utf-8")
    body = [line for line in text.splitlines() if not line.startswith("#")]
    found: dict[str, dict[str, Row]] = {}
    for row in csv.DictReader(body):
        for target in row["targets"].split():
            for name in row["symbols"].split():
                made = Row(name, row["level"], row["flags"], row["note"], row["source"])
                found.setdefault(target, {})[name] = made
    return found


def wasi_rows(target: str) -> Iterable[Row]:
    """wasi-libc: what its symbol list has, what its headers declare, what is not there."""
    listed = defined(f"wasi-libc-{target}.txt")
    declared = {
        row["function"]
        for row in csv.DictReader(lines("wasi-libc-declared.csv"))
        if row[f"wasm32-{target}"] == "undefined"
    }
    for name in symbols():
        by_hand = overrides()[target].get(name)
        if by_hand is not None:
            yield by_hand
        elif name in listed:
            yield Row(name, "full", source="wasi-libc")
        elif name in declared:
            yield Row(name, "none", note="declared, and fails to link", source="wasi-libc")
        else:
            yield Row(name, "none", note="not there", source="wasi-libc")


def wasix_rows() -> Iterable[Row]:
    """WASIX libc: profiles agree, or it is said which have the function."""
    lists = {profile: defined(f"wasix-{profile}.txt") for profile in WASIX_PROFILES}
    for name in symbols():
        by_hand = overrides()["wasix"].get(name)
        having = [profile for profile, listed in lists.items() if name in listed]
        if by_hand is not None:
            yield by_hand
        elif len(having) == len(lists):
            yield Row(name, "full", source="wasix-libc")
        elif having:
            yield Row(name, "partial", note=f"only in {', '.join(having)}", source="wasix-libc")
        else:
            yield Row(name, "none", note="not there", source="wasix-libc")


def offered(target: str) -> Mapping[str, Mapping[str, Any]]:
    """Capability → level, note and flags, as far as the target's own file states them."""
    text = (SIGNATURES / "targets" / f"{target}.toml").read_text(encoding="utf-8")
    support: Mapping[str, Mapping[str, Any]] = tomllib.loads(text)["support"]
    return {name: row for name, row in support.items() if name not in PLAIN}


def emscripten_rows() -> Iterable[Row]:
    """Emscripten: what its C library defines, over system calls that it has, fakes or refuses."""
    kinds = {row["name"]: row["kind"] for row in csv.DictReader(lines("emscripten-syscalls.csv"))}
    built = {row["function"]: row for row in csv.DictReader(lines("emscripten-functions.csv"))}
    offers = offered("emscripten")
    for name, given in symbols().items():
        row = built.get(name, {"build": "", "calls": ""})
        calls = {kinds.get(call, "js") for call in (name, *row["calls"].split())}
        answer = next((EMSCRIPTEN_STUBS[kind] for kind in EMSCRIPTEN_STUBS if kind in calls), None)
        offer = offers.get(given, {"level": "full"})
        by_hand = overrides()["emscripten"].get(name)
        if by_hand is not None:
            yield by_hand
        elif not row["build"]:
            yield Row(name, "none", note="not in its C library", source="emscripten")
        elif answer is not None:
            yield Row(name, "stub", note=answer, source="emscripten")
        elif offer["level"] == "none":
            note = f"defined, and of no use: {offer['note']}"
            yield Row(name, "stub", note=note, source="emscripten")
        elif offer["level"] == "unknown":
            yield Row(name, "unknown", note="defined; not checked", source="emscripten")
        elif row["build"] == "pthread":
            note = "in builds with threads only"
            yield Row(name, "flags", "-pthread", note, "emscripten")
        else:
            yield Row(name, "full", source="emscripten")


def derived_rows(target: str, origin: str) -> Iterable[Row]:
    """A world without most of a libc: what it offers itself, or its origin's level if worse."""
    offers = offered(target)
    for row in wasi_rows(origin):
        offer = offers.get(symbols()[row.symbol])
        if offer is None or WORSE.index(offer["level"]) <= WORSE.index(row.level):
            yield row
        else:
            flags = " ".join(offer.get("flags", ()))
            note = offer.get("note", "")
            yield Row(row.symbol, offer["level"], flags, note, offer["source"])


def written(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Rows as CSV text, below a line that says where they come from."""
    text = io.StringIO()
    text.write("# generated by tools/tables/generate.py; do not edit\n")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def support(rows: Iterable[Row]) -> str:
    """A support file. Rows that are plainly there keep their source only."""
    columns = ("symbol", "level", "flags", "note", "source")
    ordered = sorted(rows, key=lambda row: row.symbol)
    return written(columns, ((r.symbol, r.level, r.flags, r.note, r.source) for r in ordered))


def generate() -> dict[str, str]:
    """Relative path below ``signatures/`` → content."""
    needs = rules()["need"]
    rows = []
    for name, given in sorted(symbols().items()):
        source = glibc_source(name) if name in glibc() else "musl-exports"
        need: Mapping[str, str] = needs.get(name, {})  # type: ignore[assignment]
        rows.append((name, given, need.get("need", ""), need.get("reason", ""), source))
    targets = {
        **{target: wasi_rows(target) for target in WASI},
        "wasi-http": derived_rows("wasi-http", "wasip2"),
        "wasix": wasix_rows(),
        "emscripten": emscripten_rows(),
        "core": derived_rows("core", "wasip1"),
    }
    return {
        "libc/symbols.csv": written(("symbol", "capability", "need", "reason", "source"), rows),
        "libc/aliases.csv": written(
            ("alias", "symbol", "kind"),
            ((name, base, kind) for name, (base, kind) in sorted(aliases().items())),
        ),
        **{f"libc/support/{target}.csv": support(found) for target, found in targets.items()},
    }


def main() -> None:
    """Write every generated file."""
    for name, content in generate().items():
        path = SIGNATURES / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
