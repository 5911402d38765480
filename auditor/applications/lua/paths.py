"""Where an image's Lua looks for modules: ``package.path`` and ``package.cpath``."""

from __future__ import annotations

import posixpath
import re

from auditor.applications.language import Context

__all__ = ["templates"]

_VERSIONED = re.compile(r"lua(?:jit-)?(\d+\.\d+)?")
_VERSIONS = ("5.4", "5.3", "5.2", "5.1")


def templates(context: Context, program: str | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Templates for source and for compiled modules (Lua 5.4 manual, 6.3; Debian's luaconf.h)."""
    versions = _versions(context, program)
    source: list[str] = []
    native: list[str] = []
    for version in versions:
        for prefix in ("/usr/local", "/usr"):
            source += [f"{prefix}/share/lua/{version}/?.lua"]
            source += [f"{prefix}/share/lua/{version}/?/init.lua"]
            source += [f"{prefix}/lib/lua/{version}/?.lua"]
            native += [f"{prefix}/lib/lua/{version}/?.so"]
        multiarch = [name for name in context.rootfs.listdir("/usr/lib") if "-linux" in name]
        native += [f"/usr/lib/{name}/lua/{version}/?.so" for name in multiarch]
        native += [f"/usr/local/lib/lua/{version}/loadall.so"]
    return (
        _set(context, "LUA_PATH", versions, (*source, "./?.lua", "./?/init.lua")),
        _set(context, "LUA_CPATH", versions, (*native, "./?.so")),
    )


def _set(
    context: Context, variable: str, versions: tuple[str, ...], default: tuple[str, ...]
) -> tuple[str, ...]:
    """The default, or what the environment puts in its place; ``;;`` in it is the default."""
    names = [f"{variable}_{version.replace('.', '_')}" for version in versions]
    value = next((v for n in (*names, variable) if (v := context.variables.get(n))), None)
    if value is None:
        return default
    found: list[str] = []
    for part in value.replace(";;", ";\0;").split(";"):
        found += default if part == "\0" else [part]
    return tuple(part for part in found if part)


def _versions(context: Context, program: str | None) -> tuple[str, ...]:
    """By the name that the program's links lead to, else all that the image has modules for."""
    entry = context.rootfs.resolve(program) if program and "/" in program else None
    for folder in context.variables.get("PATH", "").split(":") if entry is None else ():
        entry = context.rootfs.resolve(posixpath.join("/", folder, program or ""))
        if entry is not None:
            break
    name = posixpath.basename(entry.path if entry is not None else program or "")
    match = _VERSIONED.match(name)
    if name.startswith("luajit"):
        return ("5.1",)
    return (match.group(1),) if match is not None and match.group(1) else _VERSIONS
