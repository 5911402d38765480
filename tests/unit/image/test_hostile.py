"""Hostile layers through the command line: a report or a sentence, and nothing else happens."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.image.conftest import Builder, World

PROGRAM = "/usr/bin/hello"
SCRIPT = b"#!/bin/sh\nexec /usr/bin/hello\n"
ESCAPES = "\x1b[31m\x1b]0;owned\x07\x9b31m\x7f\r\x08\x00"


def header(data: bytes, start: int, value: bytes) -> bytes:
    """The archive with a field of its first header changed and the checksum put right."""
    block = bytearray(data[:512])
    block[start : start + len(value)] = value
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + data[512:]


def pax(*records: tuple[bytes, bytes]) -> bytes:
    r"""An extended header's content, written byte by byte: ``length key=value\n``."""
    out = b""
    for key, value in records:
        body = b" " + key + b"=" + value + b"\n"
        length = len(body) + 1
        while length != len(str(length)) + len(body):
            length += 1
        out += str(length).encode() + body
    return out


def extended(build: Builder, *records: tuple[bytes, bytes], content: bytes = SCRIPT) -> bytes:
    """A file called ``bin/x`` unless its extended header says otherwise."""
    return build.tar(
        build.member("x", pax(*records), tarfile.XHDTYPE),
        build.member("bin/x", content, mode=0o755),
        format_=tarfile.USTAR_FORMAT,
    )


# What is refused, ignored or doubted, and the words that say so in the report.

Layer = Callable[["Builder", Path], bytes]


@dataclass(frozen=True)
class Case:
    layer: Layer
    says: str | None = None
    """In the reason of an Unknown; without, nothing needs to be said."""
    there: tuple[str, ...] = field(default=())
    """Paths of components that the image has all the same."""


def _old_gnu_sparse(build: Builder, _: Path) -> bytes:
    data = build.tar(build.member("disk", b"x" * 512), format_=tarfile.GNU_FORMAT)
    data = header(header(data, 156, b"S"), 483, b"00000100000\0")
    return header(data, 386, b"00000000000\000000001000\0")


CASES: dict[str, Case] = {
    "a name that climbs": Case(
        lambda b, here: b.files({f"{'../' * 40}{here}/planted": b"x", "a/../../b": b"x"}),
        "leads out of the root",
    ),
    "an absolute name": Case(
        lambda b, here: b.tar(b.member(f"{here}/planted", SCRIPT, mode=0o755)),
        there=("{here}/planted",),
    ),
    "a file through a link that leads out": Case(
        lambda b, here: b.tar(
            b.symlink("up", "../" * 40),
            b.member(f"up{here}/planted", SCRIPT, mode=0o755),
            b.symlink("home", f"{here}/home"),
            b.member("home/canary", SCRIPT, mode=0o755),
        ),
        there=("{here}/planted", "{here}/home/canary"),
    ),
    "a hard link that leads out": Case(
        lambda b, here: b.tar(
            b.hard_link("one", f"{'../' * 40}{here}/home/canary"),
            b.hard_link("two", f"{here}/home/canary"),
        ),
        "a hard link to",
    ),
    "devices and FIFOs": Case(
        lambda b, here: b.tar(
            b.member("lib64/ld-linux-x86-64.so.2", kind=tarfile.FIFOTYPE, mode=0o777),
            b.member("lib/libc.so.6", kind=tarfile.CHRTYPE, devmajor=1, devminor=5),
            b.member("etc/ld.so.cache", kind=tarfile.BLKTYPE, devmajor=8),
            b.member("etc/ld.so.conf", kind=tarfile.FIFOTYPE),
        ),
    ),
    "names of control characters": Case(
        lambda b, _: b.tar(
            *(
                b.member(f"bin/{c}", SCRIPT, mode=0o755)
                for c in (
                    "new\nline",
                    "\x1b[31mred",
                    "\x1b]0;owned\x07",
                    "\x9b31m",
                    "\x7f",
                    "\r\x08",
                )
            ),
            b.symlink("bin/to", "\x1b[2J"),
        ),
        there=("/bin/new\nline", "/bin/\x1b[31mred", "/bin/\x9b31m", "/bin/\x7f"),
    ),
    "a name that is not UTF-8": Case(
        lambda b, _: extended(b, (b"path", b"bin/\xff\xfe\x1b[0m")),
        there=("/bin/\\xff\\xfe\x1b[0m",),
    ),
    "a NUL in a name": Case(lambda b, _: extended(b, (b"path", b"bin/a\0b")), "a NUL byte"),
    "a name longer than a path can be": Case(
        lambda b, _: b.tar(b.member("n" * 5000), format_=tarfile.PAX_FORMAT),
        "the bound path-length",
    ),
    "a GNU name longer than a path can be": Case(
        lambda b, _: b.tar(b.member("n" * 5000), format_=tarfile.GNU_FORMAT),
        "the bound path-length",
    ),
    "a target longer than a path can be": Case(
        lambda b, _: b.tar(b.symlink("l", "t" * 5000), format_=tarfile.GNU_FORMAT),
        "the bound path-length",
    ),
    "a long name that a path can have": Case(
        lambda b, _: b.tar(
            b.member("/".join(["d" * 200] * 15), SCRIPT, mode=0o755), format_=tarfile.GNU_FORMAT
        ),
        there=("/" + "/".join(["d" * 200] * 15),),
    ),
    "a path deeper than a bound": Case(
        lambda b, _: b.files({"d/" * 1500 + "f": b""}), "the bound path-depth"
    ),
    "an old GNU sparse file": Case(_old_gnu_sparse, "a sparse file"),
    "a PAX 0.0 sparse file": Case(
        lambda b, _: extended(
            b,
            (b"GNU.sparse.size", b"99999"),
            (b"GNU.sparse.numblocks", b"1"),
            (b"GNU.sparse.offset", b"0"),
            (b"GNU.sparse.numbytes", b"30"),
        ),
        "a sparse file",
    ),
    "a PAX 0.1 sparse file": Case(
        lambda b, _: extended(
            b,
            (b"GNU.sparse.map", b"0,30"),
            (b"GNU.sparse.size", b"99999"),
            (b"GNU.sparse.name", b"bin/sparse"),
        ),
        "a sparse file",
    ),
    "a PAX 1.0 sparse file": Case(
        lambda b, _: extended(
            b,
            (b"GNU.sparse.major", b"1"),
            (b"GNU.sparse.minor", b"0"),
            (b"GNU.sparse.name", b"bin/sparse"),
            (b"GNU.sparse.realsize", b"9" * 30),
        ),
        "a sparse file",
    ),
    "a member that is there twice": Case(
        lambda b, _: b.tar(
            b.directory("bin/x"), b.symlink("bin/x", "y"), b.member("bin/x", SCRIPT, mode=0o755)
        ),
        there=("/bin/x",),
    ),
    "a whiteout of nothing": Case(lambda b, _: b.files({".wh.": b""}), "names no file"),
    "a whiteout of the root": Case(lambda b, _: b.files({".wh..": b""}), "names no file"),
    "a whiteout above the root": Case(lambda b, _: b.files({".wh...": b""}), "names no file"),
    "a root that is a link": Case(lambda b, _: b.tar(b.symlink("./", "/etc")), "replace the root"),
    "a loop of links": Case(
        lambda b, _: b.tar(
            b.symlink("a", "b"), b.symlink("b", "a"), b.member("a/x", SCRIPT, mode=0o755)
        ),
        "below something that is no directory",
    ),
    "a member of an unknown type": Case(lambda b, _: b.tar(b.member("v", b"x", b"V")), "unknown"),
    "a link with a size": Case(
        lambda b, _: header(
            b.tar(b.symlink("l", "t"), format_=tarfile.USTAR_FORMAT), 124, b"77777777777\0"
        )
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_hostile_member_costs_an_unknown_at_most(world: World, case: Case) -> None:
    report = world.all(world.image(case.layer(world.build, world.root)))
    assert isinstance(report, dict), report
    reasons = [unknown["reason"] for unknown in report["unknowns"] if unknown["stage"] == "image"]
    assert (not reasons) if case.says is None else any(case.says in reason for reason in reasons)
    components = {component["path"] for component in report["components"]}
    assert components >= {PROGRAM, *(path.format(here=world.root) for path in case.there)}
    assert report["recommendation"]["verdict"] == "rebuild"


# What ends the scan, with the words that say why.


def _negative(value: bytes) -> Layer:
    return lambda build, _: header(build.files({"f": b"abc"}), 124, value)


ENDS: dict[str, tuple[Layer, str]] = {
    "a negative size": (_negative(b"-0000000003\0"), "negative size"),
    "a negative size in base 256": (_negative(b"\xff" * 11 + b"\xfd"), "negative size"),
    "a size beyond all measure": (_negative(b"\x80" + b"\x7f" * 11), "truncated"),
    "a size that is no number": (_negative(b"\x1b[31mxxxxx\0"), "no number"),
    "an extended header of 2 MiB": (
        lambda b, _: extended(b, (b"comment", b"x" * (2 << 20))),
        "the bound header-size",
    ),
    "a GNU name of 2 MiB": (
        lambda b, _: b.tar(b.member("n" * (2 << 20)), format_=tarfile.GNU_FORMAT),
        "the bound header-size",
    ),
    "an extended header of a negative size": (
        lambda b, _: header(extended(b, (b"path", b"x")), 124, b"-0000000003\0"),
        "negative size",
    ),
    "an extended size that is negative": (lambda b, _: extended(b, (b"size", b"-1")), "the size"),
    "an extended size of escapes": (
        lambda b, _: extended(b, (b"size", ESCAPES.encode())),
        "the size",
    ),
    "an extended size of 5,000 digits": (
        lambda b, _: extended(b, (b"size", b"9" * 5000)),
        "the size",
    ),
    "a sparse file's size of 5,000 digits": (
        lambda b, _: extended(b, (b"GNU.sparse.realsize", b"9" * 5000)),
        "the size",
    ),
    "an archive that ends in the middle of escapes": (
        lambda b, _: b.files({"\x1b[31mred": b"x" * 600})[:900],
        "truncated",
    ),
    "an archive of escapes": (lambda _b, _h: ESCAPES.encode() * 100, "damaged"),
}


@pytest.mark.parametrize(("layer", "says"), ENDS.values(), ids=ENDS)
def test_a_hostile_archive_ends_the_scan_with_a_sentence(
    world: World, layer: Layer, says: str
) -> None:
    told = world.all(world.image(layer(world.build, world.root)))
    assert isinstance(told, str)
    assert says in told


WATCH = """
import os, sys

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.truncate", "os.utime"}
NEVER = {"os.symlink", "os.link", "os.chmod", "os.chown", "os.exec", "os.posix_spawn", "os.fork",
         "os.system", "subprocess.Popen", "socket.connect", "socket.bind"}
store, cache = os.environ["TMPDIR"], os.environ["XDG_CACHE_HOME"]
own = (store + "/", cache + "/auditor/")
whole = {store, cache, cache + "/auditor", os.devnull}
seen = []

def watch(event, args):
    path = args[0] if args and isinstance(args[0], str) else store
    writes = event in CHANGES or (event == "open" and args[2] & WRITES)
    if event in NEVER or (writes and path not in whole and not path.startswith(own)):
        seen.append((event, args))

from auditor.cli import main

sys.addaudithook(watch)
code = main(sys.argv[1:])
assert not seen, seen
sys.exit(code)
"""
"""Runs the command line and fails where it writes elsewhere, connects or starts something."""


def test_a_scan_writes_only_its_store_and_cache_and_runs_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers = [case.layer(world.build, world.root) for case in CASES.values()]
    path = world.image(*layers)
    cache = world.root / "cache"
    cache.mkdir()
    before = world.snapshot()
    done = subprocess.run(
        [sys.executable, "-B", "-c", WATCH, "scan", str(path), "--packages", "none"],
        env={**os.environ, "XDG_CACHE_HOME": str(cache)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    new = world.snapshot().items() - before.items()
    assert {name.partition("/")[0] for name, _ in new} == {"cache"}
    assert [entry.name for entry in cache.iterdir()] == ["auditor"]
