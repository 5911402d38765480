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

HERE = Path(__file__).parent
UPSTREAM = HERE / "upstream"
SIGNATURES = HERE.parents[1] / "signatures"

WASI = ("wasip1", "wasip2", "wasip3")
WASIX_PROFILES = ("wasm32-wasi", "wasm32-wasi-eh", "wasm32-wasi-ehpic")
PURE = frozenset({"compute.libc"})
IN_MUSL = frozenset(
    [
        "compute.libc",
        "libc.extension",
        "io.stdio",
        "memory.heap",
        "fs.read",
        "fs.write",
        "fs.metadata",
        "fs.temp",
        "time.clock",
        "time.sleep",
        "thread.sync",
        "thread.tls",
        "process.exit",
        "process.env",
        "random.bytes",
        "locale.iconv",
        "locale.messages",
        "log.syslog",
        "fs.links",
        "io.poll",
    ]
)
"""Capabilities whose functions musl implements in plain code over what Emscripten offers."""

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
    "epoll_pwait2": "epoll_pwait",
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
    """Function → header."""
    return {row["function"]: row["header"] for row in csv.DictReader(lines("glibc-functions.csv"))}


@cache
def known() -> frozenset[str]:
    """Every name that a row is sought for."""
    wasi = frozenset().union(*(defined(f"wasi-libc-{target}.txt") for target in WASI))
    musl = defined("musl-functions.txt")
    in_both = {name for name in wasi if not name.startswith("_")}
    return frozenset(glibc()) | musl | frozenset(assigned()) | in_both


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


def emscripten_rows() -> Iterable[Row]:
    """Emscripten: musl over system calls that its JavaScript has, fakes or refuses.

    A function that neither its lists nor musl's plain code decide gets no row.
    """
    kinds = {row["name"]: row["kind"] for row in csv.DictReader(lines("emscripten-syscalls.csv"))}
    stubs = {"stub": "fakes success or fails", "enosys": "ENOSYS", "libc_stub": "fails"}
    musl = defined("musl-functions.txt")
    for name, given in symbols().items():
        by_hand = overrides()["emscripten"].get(name)
        kind = kinds.get(name) or kinds.get(f"{name}64") or kinds.get(f"{name}32")
        if by_hand is not None:
            yield by_hand
        elif kind == "js":
            yield Row(name, "full", source="emscripten")
        elif kind in stubs:
            yield Row(name, "stub", note=stubs[kind], source="emscripten")
        elif name in musl and given in IN_MUSL:
            yield Row(name, "full", note="musl", source="emscripten")
        elif name not in musl:
            note = "not in musl, which Emscripten's C library is"
            yield Row(name, "none", note=note, source="musl-exports")


def derived_rows(origin: str) -> Iterable[Row]:
    """A world without most of a libc: plain code is compiled in, and is there as at its origin."""
    for row in wasi_rows(origin):
        if symbols()[row.symbol] in {"compute.libc", "libc.extension"}:
            yield row


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
        source = "glibc-exports" if name in glibc() else "musl-exports"
        need: Mapping[str, str] = needs.get(name, {})  # type: ignore[assignment]
        rows.append((name, given, need.get("need", ""), need.get("reason", ""), source))
    targets = {
        **{target: wasi_rows(target) for target in WASI},
        "wasi-http": derived_rows("wasip2"),
        "wasix": wasix_rows(),
        "emscripten": emscripten_rows(),
        "core": derived_rows("wasip1"),
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
