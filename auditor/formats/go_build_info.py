"""The build information of Go executables.

The layout is that of Go 1.18 and newer, with the strings inside (``debug/buildinfo``).
"""

from __future__ import annotations

from auditor.formats import FormatError
from auditor.formats.leb import Reader
from auditor.model.go import GoBuildInfo

__all__ = ["find_build_info"]

_MAGIC = b"\xff Go buildinf:"
_ALIGNED = 16
_HEADER = 32
_FLAGS = 15
_INLINE = 2
_GUARD = 16
"""Bytes before and after the module lines that mark them."""
_LONGEST = 1 << 20
_TRIES = 64


def find_build_info(data: bytes) -> GoBuildInfo | None:
    """The build information, or ``None``: no Go program, an old one, or it was taken out."""
    at = -1
    for _ in range(_TRIES):
        at = data.find(_MAGIC, at + 1)
        if at < 0:
            return None
        if at % _ALIGNED or len(data) < at + _HEADER or not data[at + _FLAGS] & _INLINE:
            continue
        strings = Reader(data, at + _HEADER, min(len(data), at + _HEADER + _LONGEST))
        try:
            version, lines = strings.name(), strings.text()[_GUARD:-_GUARD].decode()
        except (FormatError, UnicodeDecodeError):
            continue
        if version.startswith(("go", "devel")):
            return _parsed(version, lines)
    return None


def _parsed(version: str, lines: str) -> GoBuildInfo:
    """Lines of ``path``, ``mod``, ``dep``, ``=>`` and ``build``, with tabs between their words."""
    path = main = ""
    modules: list[tuple[str, str]] = []
    settings: list[tuple[str, str]] = []
    for line in lines.splitlines():
        kind, _, rest = line.partition("\t")
        words = rest.split("\t")
        match kind:
            case "path":
                path = words[0]
            case "mod":
                main = words[0]
            case "dep":
                modules.append((words[0], words[1] if len(words) > 1 else ""))
            case "build":
                name, _, value = rest.partition("=")
                settings.append((name, value))
            case _:
                pass  # ``=>`` says where a module's source came from: its name stays
    return GoBuildInfo(version, path, main, tuple(modules), tuple(settings))
