"""Make the generated part of ``signatures/catalog``: packages, modules and applications.

Reads ``upstream/`` (recipes and artefact lists, each with its origin in ``upstream/README.md``);
writes ``signatures/catalog/*.csv``. Run it after a change to any of these; a test regenerates
and compares. ``servers.toml`` beside them is written by hand.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

HERE = Path(__file__).parent
UPSTREAM = HERE / "upstream"
SIGNATURES = HERE.parents[1] / "signatures"

PYPI_NAMES = {"brotli-python": "brotli", "msgpack-python": "msgpack", "numpy-openblas": "numpy"}
"""Conda's names that differ from PyPI's; ``numpy-openblas`` is a second build of numpy."""

APPLICATIONS = {
    "apache-httpd": ["apache-httpd"],
    "mysql/mariadb server": ["mysql", "mariadb"],
    "dash/ash/busybox": ["dash", "ash", "busybox"],
    "coreutils (GNU)": ["coreutils"],
    "coreutils (uutils)": ["uutils-coreutils"],
    "clang/llvm/lld": ["clang", "llvm", "lld"],
    "static-web-server rustfs garage civetweb": [
        "static-web-server",
        "rustfs",
        "garage",
        "civetweb",
    ],
    "docker/containerd/kubernetes tools": ["docker", "containerd", "kubernetes"],
    "systemd/s6/supervisord/tini": ["systemd", "s6", "supervisord", "tini"],
    "rabbitmq/couchdb/ejabberd (BEAM)": ["rabbitmq", "couchdb", "ejabberd"],
    "elasticsearch/kafka/cassandra/tomcat (JVM)": ["elasticsearch", "kafka", "cassandra", "tomcat"],
    "chromium/puppeteer/playwright": ["chromium", "puppeteer", "playwright"],
    "grafana/prometheus/etcd/consul/traefik/caddy (Go servers)": [
        "grafana",
        "prometheus",
        "etcd",
        "consul",
        "traefik",
        "caddy",
    ],
    "samba/nfs/wireguard/iptables/tcpdump": ["samba", "nfs", "wireguard", "iptables", "tcpdump"],
}
"""Rows of ``known-ports.csv`` whose name is not simply one word, or several in a row."""

RUNTIME_SOURCES = {
    ("python", "wasip1"): "pep-11",
    ("python", "wasip2"): "componentize-py",
    ("python", "wasip3"): "componentize-py",
    ("python", "wasix"): "wasinix-python",
    ("python", "emscripten"): "pyodide",
    ("php", "wasip1"): "wlr",
    ("php", "wasix"): "wasinix-packages",
    ("php", "emscripten"): "php-wasm",
    ("perl", "wasip1"): "zeroperl",
    ("perl", "wasix"): "wasinix-packages",
}
"""Runtimes that ``known-ports.csv`` gives without a source; ``languages.toml`` has the rest."""

STATES = {"fork exists": "fork", "none/experimental": "partial"}
TARGETS = {"-": ["*"], "wali/emulation/elfconv": ["wali", "emulation", "translation"]}
REPOSITORIES = {
    "emscripten-forge/recipes": "emscripten-forge",
    "vmware-labs/webassembly-language-runtimes": "wlr",
    "wasix-org/wasinix": "wasinix-packages",
    "electric-sql/pglite": "pglite",
    "fluencelabs/redis": "fluence-redis",
    "wapm-packages/nginx": "wapm-nginx",
    "vmware-labs/mod_wasm": "mod-wasm",
    "wasix-org/haproxy": "wasix-haproxy",
    "arjunr2/WALI": "wali",
    "crossbind": "crossbind-curl",
    "yomaytk/elfconv": "elfconv",
    "uutils/coreutils": "uutils-coreutils",
    "bytecodealliance/javy": "javy",
    "wasmerio/edgejs": "edgejs",
    "wasmerio/docs.wasmer.io": "wasmer-docs",
    "container2wasm/container2wasm": "container2wasm",
    "golang/go": "go-wasi",
}
TARGET_SOURCES = {
    "wasix": ["wasinix-packages", "wasmer-docs", "edgejs", "wasix-haproxy"],
    "wali": ["wali"],
    "emscripten": ["emscripten-forge", "pglite", "container2wasm"],
}
"""Where a row names several repositories: which of them speaks of a target."""

STATE_WORDS = (
    ("missing", "missing"),
    ("n/a", "missing"),
    ("off", "missing"),
    ("removed", "missing"),
    ("not available", "missing"),
    ("cannot import", "missing"),
    ("only if", "missing"),
    ("stub", "stub"),
    ("imports", "broken"),
    ("no _thread start", "broken"),
    ("event loop limited", "broken"),
    ("needs", "limited"),
)
UNCHECKED_MODULES = frozenset(["_ctypes", "sqlite3", "lzma", "bz2", "zlib"])
"""What the collector of ``python-modules.csv`` wrote from memory for WASI."""
DOCUMENTED_MODULES = frozenset(["asyncio", "ssl", "threading"])
"""Likewise, and then found in Python's own documentation: "Availability: not WASI"."""


def rows(name: str) -> Iterator[list[str]]:
    """Rows of an upstream file, without comments and the header."""
    with (UPSTREAM / name).open(encoding="utf-8", newline="") as stream:
        kept = [row for row in csv.reader(stream) if row and not row[0].startswith("#")]
    yield from kept[1:]


def normalised(name: str) -> str:
    """A distribution's name as PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def yes(flag: str) -> str:
    """``1`` and ``0`` as words."""
    return {"1": "yes", "0": "no"}[flag]


def python_packages() -> Iterator[Sequence[str]]:
    """Distributions of which somebody keeps a WebAssembly build."""
    for name, version, kind, disabled, pure, *_ in rows("pyodide-recipes.csv"):
        if kind == "package":
            where = ("pyodide", yes(pure), yes(disabled), "pyodide-recipes")
            yield (normalised(name), version, *where)
    for name, version, kind, _ in rows("emscripten-forge-recipes.csv"):
        if kind == "python":
            package = normalised(PYPI_NAMES.get(name, name))
            yield (package, version, "emscripten-forge", "", "no", "emscripten-forge")
    for (file,) in rows("wasix-artifacts.csv"):
        found = re.fullmatch(r"([^-]+)-([^-]+)-.*-(any|wasix_wasm32)\.whl", file)
        if found is not None:
            pure = "yes" if found[3] == "any" else "no"
            yield (normalised(found[1]), found[2], "wasix", pure, "no", "wasix-build-scripts")


def native_names() -> frozenset[str]:
    """Recipes of emscripten-forge that pack neither a Python nor an R package."""
    listed = rows("emscripten-forge-recipes.csv")
    return frozenset(name for name, _, kind, _ in listed if kind == "native")


def python_modules() -> Iterator[Sequence[str]]:
    """Modules of CPython that are absent or do not work."""
    for names, wasi, emscripten, pyodide in rows("python-modules.csv"):
        modules, _, detail = names.rstrip(")").partition("(")
        for name in modules.split("/"):
            yield from module_rows(name, detail, wasi, emscripten, pyodide)


def module_rows(
    name: str, detail: str, wasi: str, emscripten: str, pyodide: str
) -> Iterator[Sequence[str]]:
    """The rows of one module, one for each build that says something."""
    columns = (
        ("wasip1", wasi, "cpython-modules"),
        ("emscripten", emscripten, "cpython-modules"),
        ("emscripten", pyodide, "pyodide"),
    )
    for target, text, source in columns:
        if text:
            unchecked = target == "wasip1" and name in UNCHECKED_MODULES
            documented = target == "wasip1" and name in DOCUMENTED_MODULES
            state = "unknown" if unchecked else state_of(text)
            note = "; ".join(part for part in (detail, text, "not checked" * unchecked) if part)
            origin = "python-docs" if documented else source
            yield (name, target, state, note.replace("n/a", "not built"), origin)
    if name == "socket":
        note = "imports; WASI 0.1 has no way to open a connection"
        yield (name, "wasip1", "broken", note, "wasi-spec")


def state_of(text: str) -> str:
    """The state that a cell's words mean."""
    return next(state for words, state in STATE_WORDS if text.startswith(words))


def applications() -> Iterator[Sequence[str]]:
    """Applications and libraries, and what has become of their ports."""
    known: set[tuple[str, str]] = set()
    for row in known_ports():
        known.add((row[0], row[2]))
        yield row
    recipes = (
        *((name, "library", "ported", f"port {version}".strip(), "emscripten")
          for name, version, _ in rows("emscripten-ports.csv")),
        *((name, "", "recipe", version, "emscripten-forge")
          for name, version, kind, _ in rows("emscripten-forge-recipes.csv") if kind == "native"),
    )  # fmt: skip
    for name, what, status, note, source in recipes:
        if (name, "emscripten") not in known:
            known.add((name, "emscripten"))
            yield (name, what, "emscripten", status, note, source)
    for (overlay,) in rows("wasinix-overlays.csv"):
        name, _, note = overlay.rstrip(")").partition("(")
        if (name, "wasix") not in known:
            yield (name, "", "wasix", "recipe", note, "wasinix-packages")


def known_ports() -> Iterator[Sequence[str]]:
    """The curated rows, one for each name and target."""
    for app, status, targets, kind, note, source, _, evidence in rows("known-ports.csv"):
        for name in APPLICATIONS.get(app, app.split()):
            for target in TARGETS.get(targets, targets.split()):
                # What nobody checked is not known, whatever the status says.
                checked = evidence == "seen"
                state = STATES.get(status, status) if checked else "unknown"
                words = "" if note == "see langs/" else note
                text = words if checked else f"not checked: {status}; {words}".rstrip("; ")
                origin = RUNTIME_SOURCES.get((name, target)) or source_of(source, target)
                yield (name, kind, target, state, text, origin)


def source_of(text: str, target: str) -> str:
    """The source that speaks of a target, of those that a row names."""
    found = [source for part, source in REPOSITORIES.items() if part in text]
    fitting = [source for source in TARGET_SOURCES.get(target, ()) if source in found]
    return (fitting or found or ["port-survey"])[0]


def table(columns: str, lines: Iterable[Sequence[str]]) -> str:
    """A CSV file: made by this script, sorted, no line twice."""
    stream = io.StringIO()
    stream.write("# Generated by tools/tables/catalog.py; do not edit.\n")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns.split(","))
    writer.writerows(sorted(set(map(tuple, lines))))
    return stream.getvalue()


def generate() -> dict[str, str]:
    """File below ``signatures/`` → content."""
    return {
        "catalog/python-packages.csv": table(
            "name,version,where,pure,disabled,source", python_packages()
        ),
        "catalog/python-modules.csv": table("module,target,state,note,source", python_modules()),
        "catalog/applications.csv": table("name,kind,target,status,note,source", applications()),
    }


def main() -> None:
    """Write the files."""
    for name, content in generate().items():
        path = SIGNATURES / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        print(f"signatures/{name}: {content.count(chr(10)) - 2} rows")


if __name__ == "__main__":
    main()
