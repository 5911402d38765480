"""Lua's ``Language``: command lines, modules and names of one image."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field

from auditor.applications.language import Context, Module, Resolution, Start, Words
from auditor.applications.lua.paths import templates
from auditor.errors import PathInImageError
from auditor.formats import FormatError
from auditor.formats.lua_source import EXPORTS, FILE, LARGEST, parse_lua
from auditor.model.image import Entry, EntryKind
from auditor.model.inventory import Unknown

__all__ = ["Lua"]

_STANDARD = frozenset(
    """
    _G assert bit bit32 collectgarbage coroutine debug error ffi getmetatable io ipairs jit load
    loadstring dofile loadfile math module next os package pairs pcall print rawequal rawget rawlen
    rawset require select setfenv setmetatable string table table.new table.clear tonumber
    tostring type unpack utf8 warn xpcall
    """.split()  # noqa: SIM905 - a list of words
)
_SITES = ("/usr/share/lua/", "/usr/local/share/lua/", "/usr/lib/", "/usr/local/lib/")


@dataclass(slots=True)
class Lua:
    """One image's Lua. Made once."""

    context: Context
    id: str = "lua"
    _source: tuple[str, ...] = ()
    _native: tuple[str, ...] = ()
    _added: dict[str, None] = field(default_factory=dict)
    """Templates that the application adds."""
    _names: dict[str, str] = field(default_factory=dict)
    """Key → name of the module."""

    def start(self, words: Words) -> Start:
        """What the interpreter runs, given its own command line (``lua [options] script``)."""
        if not self._source:
            self._source, self._native = templates(self.context, words[0])
        rest = list(words[1:])
        loaded: list[str] = []
        while rest and rest[0] is not None and rest[0].startswith("-") and rest[0] != "-":
            word = rest.pop(0) or ""
            if word == "--":
                break
            value = word[2:] or (rest.pop(0) if rest and word[1:2] in {"e", "l"} else "")
            if word[1:2] == "l" and value:
                loaded.append(value)
            if word[1:2] == "e":
                return Start(problem="the text that Lua runs with -e is not followed")
        if not rest:
            return Start(problem="Lua is started without a script, and would read its input")
        script = rest[0]
        if script is None:
            return Start(problem="what Lua runs depends on run time")
        entry = self._file(script)
        if entry is None:
            return Start(problem=f"the script {script} is not in the image")
        found = [place for name in loaded if (place := self._find(name)) is not None]
        return Start((entry.path, *(place.path for place in found if _is_source(place))))

    def read(self, key: str) -> Module | Unknown:
        """Read a chunk by its path."""
        entry = self.context.rootfs.resolve(key)
        if entry is None:
            return Unknown(key, self.id, "it is not in the image")
        try:
            parsed = parse_lua(self.context.rootfs.read(entry, LARGEST + 1))
        except PathInImageError:
            return Unknown(key, self.id, "its source was not kept", None, entry.size)
        except FormatError as error:
            return Unknown(key, self.id, str(error), None, entry.size)
        for template in parsed.paths:
            self._added[template] = None
        own = not entry.path.startswith(_SITES)
        name = self._names.get(key, "")
        return Module(key, entry.path, parsed.facts, own, entry.size, entry.layer, name)

    def resolve(self, name: str, importer: Module) -> Resolution | None:  # noqa: ARG002
        """Where ``socket.http.request`` leads: the longest part of it that is a module."""
        if name.startswith(FILE):
            entry = self._file(name.removeprefix(FILE))
            return None if entry is None else Resolution(name, (entry.path,))
        if name.partition(".")[0] in _STANDARD or name in _STANDARD:
            return Resolution(name, standard=True)
        parts = name.split(".")
        for end in range(len(parts), 0, -1):
            entry = self._find(".".join(parts[:end]))
            if entry is None:
                continue
            if not _is_source(entry):
                return Resolution(name, rest=".".join(parts[end:]), native=entry.path)
            self._names.setdefault(entry.path, ".".join(parts[:end]))
            return Resolution(name, (entry.path,), self._inside(entry, parts[end:]))
        return None

    def _inside(self, entry: Entry, parts: list[str]) -> str:
        """The name inside a chunk of what its users know by a field of what it returns."""
        module = self.read(entry.path)
        if isinstance(module, Unknown) or not parts:
            return ".".join(parts)
        exported = module.facts.bindings
        field_of = exported.get(EXPORTS + parts[0])
        if field_of is not None:
            return ".".join([field_of, *parts[1:]])
        table = exported.get(EXPORTS)
        return ".".join([table, *parts] if table is not None else parts)

    def _find(self, name: str) -> Entry | None:
        path = name.replace(".", "/")
        for template in (*self._added, *self._source, *self._native):
            entry = self._file(template.replace("?", path))
            if entry is not None:
                return entry
        return None

    def _file(self, path: str) -> Entry | None:
        place = posixpath.normpath(posixpath.join(self.context.working_dir, path))
        entry = self.context.rootfs.resolve(place)
        return entry if entry is not None and entry.kind is EntryKind.FILE else None


def _is_source(entry: Entry) -> bool:
    return not entry.path.endswith(".so") and ".so." not in entry.path
