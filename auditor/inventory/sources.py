"""Which files are read when an application is followed: source, byte code, and what names them."""

from __future__ import annotations

import re

__all__ = ["is_source"]

_SUFFIXES = frozenset(
    {
        *(".py", ".pyw", ".pth"),
        *(".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx"),
        *(".jar", ".war", ".ear", ".class"),
        *(".rb", ".ru", ".gemspec"),
        *(".php", ".phtml", ".inc"),
        *(".pl", ".pm", ".cgi", ".psgi"),
        ".lua",
        *(".dll", ".exe"),
    }
)
_NAMES = frozenset(
    {
        *("pyvenv.cfg", "entry_points.txt"),
        *("package.json", "deno.json", "tsconfig.json"),
        *("Gemfile", "Gemfile.lock", "composer.json"),
        *("MANIFEST.MF", "web.xml", "release"),
    }
)
_HEADS = (b"PK\x03\x04", b"\xca\xfe\xba\xbe")
"""Of a ZIP archive (APPNOTE 4.3.7), as jars are, and of a class file (JVMS 4.1)."""
_ENDS = (".deps.json", ".runtimeconfig.json", ".d.ts", ".d.mts", ".d.cts")
_OWN_LIBRARY = re.compile(
    r"/lib(?:64)?/python\d[\d.]*/(?!(?:site|dist)-packages/)"
    r"|/(?:perl-base|share/perl|lib/[^/]+/perl)/"
    r"|/ruby/\d[\d.]*/(?!gems/)"
    r"|/share/doc/"
)
"""The libraries that come with a runtime: every build of it brings them."""


_SETTINGS = re.compile(
    r"/(?:php[\d.]*|php-fpm\.d|nginx|apache2|httpd)/(?:[^/]+/){0,3}[^/]+\.(?:ini|conf|load)"
    r"|/(?:nginx|apache2)/sites-(?:enabled|available)/[^/]+"
    r"|/usr/local/(?:etc|apache2/conf)/(?:[^/]+/){0,3}[^/]+\.(?:ini|conf)"
)
"""What says where a web server finds a PHP application, and which extensions PHP loads."""


def is_source(path: str, head: bytes = b"") -> bool:
    """Whether following an application may ask for a file's content."""
    name = path.rpartition("/")[2]
    if name in _NAMES or head.startswith(_HEADS) or "/META-INF/services/" in path:
        return True
    if name.endswith(_ENDS):
        return not name.endswith(("ts",))
    if _SETTINGS.fullmatch(path.removeprefix("/etc")):
        return True
    dot = name.rfind(".")
    return dot > 0 and name[dot:] in _SUFFIXES and _OWN_LIBRARY.search(path) is None
