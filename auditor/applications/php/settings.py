"""How a PHP executable was built and what its configuration says: php.ini, conf.d, php-fpm's pools.

A file's own bytes tell which server interface it is (``sapi_module_struct.name`` of php-src) and
where it looks for its configuration, so that a renamed executable makes no difference.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from auditor.errors import PathInImageError
from auditor.image.rootfs import RootFS
from auditor.model.image import EntryKind

__all__ = ["APACHE", "CLI", "FPM", "Settings", "read_settings", "text_of"]

CLI = "cli"
FPM = "fpm-fcgi"
APACHE = "apache2handler"
_FOLDER = re.compile(rb"Virtual Directory Support\x00(/[\w./-]{1,200})\x00")
_SCANNED = re.compile(rb"\x00(/[\w./-]{1,200}/(?:conf\.d|php\.d))\x00")
_EXTENSIONS = re.compile(rb"\x00(/[\w./-]{1,200}/(?:\d{8}|no-debug-(?:non-)?zts-\d{8}))\x00")
_OFF = frozenset({"", "0", "off", "no", "disable", "none", "false"})
_LARGEST = 1 << 20
_BUNDLED = frozenset(
    {
        *("bcmath", "bz2", "calendar", "ctype", "curl", "date"),
        *("dba", "dom", "enchant", "exif", "ffi", "fileinfo"),
        *("filter", "ftp", "gd", "gettext", "gmp", "hash"),
        *("iconv", "imap", "intl", "json", "ldap", "libxml"),
        *("mbstring", "mysqli", "mysqlnd", "odbc", "opcache", "openssl"),
        *("pcntl", "pcre", "pdo", "pdo_dblib", "pdo_firebird", "pdo_mysql"),
        *("pdo_odbc", "pdo_pgsql", "pdo_sqlite", "pgsql", "phar", "posix"),
        *("pspell", "readline", "session", "shmop", "simplexml", "snmp"),
        *("soap", "sockets", "sodium", "sqlite3", "standard", "sysvmsg"),
        *("sysvsem", "sysvshm", "tidy", "tokenizer", "wddx", "xml"),
        *("xmlreader", "xmlrpc", "xmlwriter", "xsl", "zip", "zlib"),
    }
)
"""Extensions of php-src itself (its folder ext), which builds for other targets can have inside."""


@dataclass(slots=True)
class Settings:
    """What is known of one PHP."""

    interface: str = CLI
    folder: str = ""
    """Where its php.ini is."""
    extension_dir: str = ""
    values: dict[str, str] = field(default_factory=dict)
    """Of php.ini and the files of its scan folder, the last that speaks."""
    extensions: dict[str, None] = field(default_factory=dict)
    """Paths of loaded extensions that are not of php-src itself."""
    pools: list[Mapping[str, str]] = field(default_factory=list)

    @property
    def disabled(self) -> frozenset[str]:
        """Functions that cannot be called."""
        texts = [self.values.get("disable_functions", "")]
        for pool in self.pools:
            texts += [value for name, value in pool.items() if "[disable_functions]" in name]
        return frozenset(name.strip().lower() for text in texts for name in text.split(","))

    @property
    def compiles(self) -> bool:
        """Whether opcache's just-in-time compiler is on."""
        if self.values.get("opcache.jit_buffer_size", "0").lower() in _OFF:
            return False
        return self.values.get("opcache.jit", "tracing").lower() not in _OFF


def read_settings(rootfs: RootFS, program: str, options: Mapping[str, str]) -> Settings:
    """Read the executable and its configuration. ``options``: ``-c``, ``-y`` and ``-p``."""
    found = Settings()
    data = _content(rootfs, program)
    if b"\x00fpm-fcgi\x00" in data:
        found.interface = FPM
    elif b"\x00cli-server\x00" not in data and _has_module(rootfs):
        found.interface = APACHE
    folder = _FOLDER.search(data)
    found.folder = options.get("-c") or (folder[1].decode() if folder is not None else "")
    if found.interface == APACHE:
        found.folder = _apache_folder(rootfs)
    scanned = _SCANNED.search(data)
    extensions = _EXTENSIONS.search(data)
    found.extension_dir = extensions[1].decode() if extensions is not None else ""
    ini = found.folder if found.folder.endswith(".ini") else f"{found.folder}/php.ini"
    conf_d = scanned[1].decode() if scanned is not None else f"{found.folder}/conf.d"
    _read_ini(rootfs, ini, found)
    for name in rootfs.listdir(conf_d):
        if name.endswith(".ini"):
            _read_ini(rootfs, f"{conf_d}/{name}", found)
    if found.interface == FPM:
        found.pools = list(_pools(rootfs, found.folder, options))
    return found


def _has_module(rootfs: RootFS) -> bool:
    """Whether Apache loads mod_php."""
    names = rootfs.listdir("/etc/apache2/mods-enabled")
    return any(re.fullmatch(r"php\d*(?:\.\d)?\.load", name) for name in names)


def _apache_folder(rootfs: RootFS) -> str:
    for version in reversed(rootfs.listdir("/etc/php")):
        if rootfs.resolve(f"/etc/php/{version}/apache2") is not None:
            return f"/etc/php/{version}/apache2"
    return "/usr/local/etc/php"


def _read_ini(rootfs: RootFS, path: str, found: Settings) -> None:
    for name, value in _lines(text_of(rootfs, path)):
        if name in {"extension", "zend_extension"}:
            _extend(rootfs, value, found)
        else:
            found.values[name.lower()] = value
            if name == "extension_dir" and value.startswith("/"):
                found.extension_dir = value


def _extend(rootfs: RootFS, value: str, found: Settings) -> None:
    stem = posixpath.basename(value).removesuffix(".so").removeprefix("php_")
    if stem.lower() in _BUNDLED:
        return
    file = value if value.endswith(".so") else f"{value}.so"
    path = posixpath.join(found.extension_dir, file)
    entry = rootfs.resolve(path) if path.startswith("/") else None
    if entry is not None and entry.kind is EntryKind.FILE:
        found.extensions[entry.path] = None


def _pools(rootfs: RootFS, folder: str, options: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
    """Sections of php-fpm.conf and of the files that it includes."""
    above = posixpath.dirname(folder)
    prefix = options.get("-p") or posixpath.dirname(above)
    names = (options.get("-y", ""), f"{folder}/php-fpm.conf", f"{above}/php-fpm.conf")
    texts = [text for text in (text_of(rootfs, name) for name in names if name) if text][:1]
    for text in texts:
        for name, value in _lines(text):
            if name == "include":
                path = posixpath.join(prefix, value)
                texts += [text_of(rootfs, one) for one in _matching(rootfs, path)]
    for text in texts:
        yield dict(_lines(text))


def _matching(rootfs: RootFS, pattern: str) -> list[str]:
    folder, name = posixpath.split(pattern)
    if "*" not in name:
        return [pattern]
    head, _, tail = name.partition("*")
    names = rootfs.listdir(folder)
    return [f"{folder}/{one}" for one in names if one.startswith(head) and one.endswith(tail)]


def _lines(text: str) -> Iterator[tuple[str, str]]:
    """``name = value``, comments left out (php.ini and php-fpm.conf agree on this)."""
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        name = name.strip()
        if equals and name and name[0] not in ";#[":
            yield name, value.partition(";")[0].strip().strip("\"'")


def text_of(rootfs: RootFS, path: str) -> str:
    """A small text file; empty where there is none."""
    entry = rootfs.resolve(path) if path.startswith("/") else None
    if entry is None or entry.kind is not EntryKind.FILE:
        return ""
    try:
        return rootfs.read(entry, _LARGEST).decode("utf-8", "replace")
    except PathInImageError:
        return ""


def _content(rootfs: RootFS, path: str) -> bytes:
    entry = rootfs.resolve(path) if path.startswith("/") else None
    try:
        return rootfs.read(entry) if entry is not None else b""
    except PathInImageError:
        return b""
