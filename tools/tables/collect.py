"""List the functions that this machine's C libraries export, and the header that declares each.

Writes ``upstream/glibc-functions.csv`` and ``upstream/musl-functions.txt``. Needs Debian's libc6,
libc6-dev, libcrypt1, musl and gcc; run by hand when a newer C library is to be covered.
"""

from __future__ import annotations

import csv
import re
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
LIBRARIES = ("c", "m", "pthread", "rt", "dl", "resolv", "crypt", "util")
FUNCTION_TYPES = frozenset("TWi")
SKIPPED = re.compile(r"^(linux|asm|asm-generic|bits|gnu|drm|rdma|mtd|misc|video|xen|scsi|sound)/")
DECLARATION = re.compile(r"\b([A-Za-z_]\w*)\s*\(")
MARKER = re.compile(r'^# \d+ "/usr/include/(?:x86_64-linux-gnu/)?([^"]+)"')


def output(*command: str, text: str | None = None) -> str:
    """Standard output of a program."""
    return subprocess.run(command, check=True, capture_output=True, text=True, input=text).stdout


def version(package: str) -> str:
    """Version of an installed Debian package."""
    return output("dpkg-query", "-W", "-f", "${Version}", package)


def exports(library: Path) -> set[str]:
    """Names of the functions that a library exports, versions dropped."""
    rows = (
        line.split() for line in output("nm", "-D", "--defined-only", str(library)).splitlines()
    )
    return {row[2].partition("@")[0] for row in rows if row[1] in FUNCTION_TYPES}


def headers() -> dict[str, str]:
    """Function → the header that declares it, over all headers of the C library."""
    root = Path("/usr/include")
    listed = output("dpkg-query", "-L", "libc6-dev", "libcrypt-dev").splitlines()
    names = sorted(
        str(path.relative_to(root)).removeprefix("x86_64-linux-gnu/")
        for path in map(Path, listed)
        if path.suffix == ".h" and path.is_relative_to(root)
    )
    found: dict[str, str] = {}
    for name in names:
        if SKIPPED.match(name):
            continue
        source = f"#define _GNU_SOURCE\n#include <stddef.h>\n#include <{name}>\n"
        done = subprocess.run(
            ["gcc", "-E", "-x", "c", "-"], input=source, capture_output=True, text=True, check=False
        )
        current = ""
        for line in done.stdout.splitlines():
            marker = MARKER.match(line)
            if line.startswith("# "):
                current = marker[1] if marker else ""
            elif current == name or current.startswith("bits/"):
                for match in DECLARATION.finditer(line):
                    found.setdefault(match[1], name)
    return found


def main() -> None:
    """Write both lists."""
    declared = headers()
    triplet = Path("/lib/x86_64-linux-gnu")
    rows: dict[str, str] = {}
    for library in LIBRARIES:
        for path in sorted(triplet.glob(f"lib{library}.so.*")):
            for name in exports(path):
                rows.setdefault(name, path.name)
    with (HERE / "upstream" / "glibc-functions.csv").open("w", newline="") as file:
        file.write(f"# functions exported by libc6 {version('libc6')}, libcrypt1\n")
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("function", "library", "header"))
        writer.writerows((name, rows[name], declared.get(name, "")) for name in sorted(rows))
    musl = sorted(exports(Path("/lib/ld-musl-x86_64.so.1")))
    text = f"# functions exported by musl {version('musl')}\n" + "\n".join(musl) + "\n"
    (HERE / "upstream" / "musl-functions.txt").write_text(text)


if __name__ == "__main__":
    main()
