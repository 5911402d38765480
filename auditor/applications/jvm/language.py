"""The language of class files, over the class path that a command line gives."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field

from auditor.applications.jvm.classpath import Archives, Packed, Root, manifest_of
from auditor.applications.jvm.command import Command, read_command
from auditor.applications.jvm.hierarchy import ancestors, declaring, supertypes, with_dispatch
from auditor.applications.jvm.layout import Layout, class_file, lay_out
from auditor.applications.jvm.natives import library_in_image, machine_of, packed_libraries
from auditor.applications.jvm.standard import is_platform
from auditor.applications.language import Context, Language, Module, Resolution, Start, Words
from auditor.errors import PathInImageError
from auditor.formats import FormatError
from auditor.formats.classfile import LANGUAGE, ClassFacts, parse_class, unit_of
from auditor.formats.java_archive import parse_services
from auditor.model.inventory import Unknown
from auditor.model.source import SourceFacts, Unit, Use, UseKind
from auditor.tables.apis import Apis

__all__ = ["make"]

_SERVICES = "META-INF/services/"
_NATIVE_METHOD = "native."
_NATIVE_LIBRARY = "native/"
_LIBRARIES = "!native"
"""What the key of an archive's native libraries ends in."""
_MAX_OWN = 20_000
_SCANNERS = (
    "org.springframework.context.annotation.ComponentScan",
    "jakarta.servlet.annotation.WebServlet",
    "javax.servlet.annotation.WebServlet",
    "jakarta.ws.rs.Path",
    "javax.ws.rs.Path",
    "jakarta.inject.Inject",
    "javax.inject.Inject",
    "io.micronaut.context.annotation.Bean",
)
"""Annotations whose presence on the class path shows a framework that looks for annotated
classes."""
_NO_SCAN = ("kotlin.", "scala.", "groovy.")
_SPRING_RUN = frozenset(
    {
        "org.springframework.boot.SpringApplication.run",
        "org.springframework.boot.builder.SpringApplicationBuilder.run",
    }
)
_WEB_TYPES = (
    "org.springframework.web.context.ConfigurableWebApplicationContext",
    "org.springframework.web.reactive.DispatcherHandler",
)
"""What Spring Boot deduces a web application from (WebApplicationType.deduceFromClasspath)."""


def make(context: Context) -> Language:
    """The language of class files for one image."""
    return _Jvm(context, context.tables.apis[LANGUAGE])


@dataclass(slots=True)
class _Jvm:
    context: Context
    apis: Apis
    id: str = LANGUAGE
    archives: Archives = field(init=False)
    layout: Layout = field(default_factory=Layout)
    """Of all starts together: the first that has a class wins, as on a class path."""
    _prefixes: set[str] = field(default_factory=set)
    _facts: dict[str, ClassFacts | Unknown | None] = field(default_factory=dict)
    _roots: dict[str, Root | None] = field(default_factory=dict)
    _places: dict[str, Resolution | None] = field(default_factory=dict)
    _keys: dict[str, str] = field(default_factory=dict)
    """Key of a module → name of its class."""
    _library_path: tuple[str, ...] = ()
    _machine: int | None = None
    """``e_machine`` of the runtime's launcher."""
    _packed: dict[str, Packed] = field(default_factory=dict)
    """Key of an archive's native libraries → the archive."""

    def __post_init__(self) -> None:
        self.archives = Archives(self.context.rootfs)

    # What is started.

    def start(self, words: Words) -> Start:
        """The main class and what is called from outside, by the command line of ``java``."""
        self._look_at(words[0] if words else None)
        command = read_command(words, self.context)
        rows = self.context.tables.launchers.get(LANGUAGE, {})
        layout = lay_out(command, self.archives, self.context, rows)
        if layout.problem is not None and not layout.entries:
            return Start(problem=layout.problem, served=tuple(layout.served))
        agents = self._agents(command, layout)
        self._take(layout)
        self._library_path = (
            *command.properties.get("java.library.path", "").split(":"),
            *self.context.variables.get("LD_LIBRARY_PATH", "").split(":"),
        )
        entries = [*layout.entries, *self._annotated(layout)]
        names = [*layout.names, *agents]
        found = [self._key(name) for name in dict.fromkeys(entries)]
        keys = [*filter(None, found), *sorted(self.archives.broken)]
        return Start(
            modules=tuple(keys),
            names=tuple(names),
            served=tuple(layout.served),
            problem=layout.problem,
        )

    def _look_at(self, program: str | None) -> None:
        """Release and machine of the runtime, from the files around its launcher."""
        entry = self.context.rootfs.resolve(program) if program else None
        if entry is None:
            return
        try:
            head = self.context.rootfs.read(entry, 20)
        except PathInImageError:
            head = b""
        self._machine = machine_of(head)
        folder = posixpath.dirname(posixpath.dirname(entry.path))
        home = self.archives.open(folder)
        text = home.text("release") if home is not None else None
        found = re.search(rb'^JAVA_VERSION="(?:1\.)?(\d{1,3})', text or b"", re.MULTILINE)
        self.archives.release = int(found[1]) if found else 0

    def _take(self, layout: Layout) -> None:
        self.layout.add(layout.roots)
        self.layout.own |= layout.own
        if layout.prefix:
            self._prefixes.add(layout.prefix)
        self._facts.clear()
        self._roots.clear()
        self._places.clear()

    def _agents(self, command: Command, layout: Layout) -> list[str]:
        """Agents run before the main class (java.lang.instrument)."""
        names = []
        for path in command.agents:
            absolute = posixpath.normpath(posixpath.join("/", self.context.working_dir, path))
            root = self.archives.open(absolute)
            if root is not None:
                layout.add([root])
                main = manifest_of(root).get("premain-class")
                names += [f"{main}.premain"] if main else []
        return names

    def _annotated(self, layout: Layout) -> list[str]:
        """Own classes that a framework finds by their annotations."""
        if not any(self._root(name) is not None for name in _SCANNERS):
            return []
        names = [
            name.removesuffix(".class").replace("/", ".")
            for root in layout.roots
            if root.key in layout.own
            for name, _ in root.files()
            if name.endswith(".class") and not name.startswith("META-INF/")
        ]
        return [name for name in names[:_MAX_OWN] if self._is_scanned(name)]

    def _is_scanned(self, name: str) -> bool:
        facts = self._class(name)
        return facts is not None and any(
            not is_platform(one) and not one.startswith(_NO_SCAN) for one in facts.annotations
        )

    # What a module says.

    def read(self, key: str) -> Module | Unknown:
        """A class, the providers of a service, or the native libraries of an archive."""
        if key in self.archives.broken:
            return self.archives.broken[key]
        if key.endswith(_LIBRARIES):
            return self._libraries(key)
        if key.startswith(_SERVICES):
            return self._providers(key)
        name = self._keys.get(key, "")
        root = self._root(name)
        facts = self._loaded(name)
        if root is None or facts is None:
            return Unknown(key, LANGUAGE, f"{name or key} is not in the image")
        if isinstance(facts, Unknown):
            return facts
        own = self._is_own(name, root)
        file, layer = root.place(class_file(name))
        source = with_dispatch(facts, self._class, own=own)
        return Module(key, file, source, own, source.size, layer, member=name)

    def _is_own(self, name: str, root: Root) -> bool:
        return root.key in self.layout.own or name.startswith(tuple(self._prefixes))

    def _providers(self, key: str) -> Module | Unknown:
        """A module that stands for loading a service: it makes each provider."""
        found: dict[str, None] = {}
        file, layer = key, None
        for root in self.layout.roots:
            data = root.text(key)
            if data is not None:
                file, layer = (file, layer) if found else root.place(key)
                found |= dict.fromkeys(parse_services(data))
        uses = tuple(
            Use(UseKind.NAME, name, 0, called=True)
            for provider in found
            for name in (provider, f"{provider}.<init>")
        )
        source = SourceFacts(LANGUAGE, 0, (Unit("", 0, 0, uses),))
        return Module(key, file, source, own=False, size=0, layer=layer, member=key)

    def _libraries(self, key: str) -> Unknown:
        root = self._packed[key]
        names = packed_libraries(root, self._machine)
        reason = f"native libraries inside an archive are not read: {', '.join(names)}"
        return Unknown(root.file, LANGUAGE, reason, None, sum(names.values()))

    # Where names lead.

    def resolve(self, name: str, importer: Module) -> Resolution | None:
        """A class, a member of a class, or one of what the platform loads by a name."""
        if name.startswith(_SERVICES):
            held = any(root.has(name) for root in self.layout.roots)
            return Resolution(name, (name,)) if held else None
        if name.startswith(_NATIVE_LIBRARY):
            return self._native_library(name, importer)
        if name.startswith(_NATIVE_METHOD):
            keys = self._natives_of(importer)
            return Resolution(name, keys, standard=not keys)
        if name.startswith("java."):
            return Resolution(name, standard=True)
        place = self._place(name)
        if place is not None:
            return place
        return Resolution(name, standard=True) if is_platform(name) else None

    def _place(self, name: str) -> Resolution | None:
        if name not in self._places:
            self._places[name] = self._found(name)
        return self._places[name]

    def _found(self, name: str) -> Resolution | None:
        owner, _, member = name.rpartition(".")
        facts = self._loaded(owner) if owner else None
        if not isinstance(facts, ClassFacts):
            # Of a class that cannot be read at least that is told.
            whole = name if facts is None else owner
            key = self._key(whole)
            return None if key is None else Resolution(name, (key,), unit_of(whole))
        found, declared = declaring(facts, member, self._class)
        told = self._told(facts, member) or f"{declared}.{member}"
        target = found or facts
        key = self._key(target.name)
        unit = unit_of(target.name)
        rest = f"{unit}.{member}" if found is not None else unit
        return None if key is None else Resolution(told, (key,), rest)

    def _told(self, facts: ClassFacts, member: str) -> str | None:
        """The name under which the tables know a method: its class's, or a supertype's."""
        if member == "<init>":
            return None
        for base in (facts, *ancestors(facts, self._class)):
            for name in (base.name, *supertypes(base)):
                qualified = self._spring(f"{name}.{member}")
                if self.apis.of(qualified):
                    return qualified
        return None

    def _spring(self, name: str) -> str:
        """``….run(web)`` where Spring Boot would start a web server."""
        if name not in _SPRING_RUN:
            return name
        web = any(self._root(one) is not None for one in _WEB_TYPES)
        return f"{name}(web)" if web else name

    def _native_library(self, name: str, importer: Module) -> Resolution | None:
        library = name.removeprefix(_NATIVE_LIBRARY)
        path = library_in_image(self.context, self._library_path, self._machine, library)
        if path is not None:
            return Resolution(name, native=path)
        keys = self._natives_of(importer)
        return Resolution(name, keys) if keys else None

    def _natives_of(self, importer: Module) -> tuple[str, ...]:
        """Key of the native libraries in the archive that a module is in."""
        root = self._root(importer.member)
        if not isinstance(root, Packed):
            return ()
        key = f"{root.key}{_LIBRARIES}"
        if key not in self._packed and not packed_libraries(root, self._machine):
            return ()
        self._packed[key] = root
        return (key,)

    # Classes by name.

    def _class(self, name: str) -> ClassFacts | None:
        found = self._loaded(name)
        return found if isinstance(found, ClassFacts) else None

    def _loaded(self, name: str) -> ClassFacts | Unknown | None:
        if name not in self._facts:
            self._facts[name] = self._load(name)
        return self._facts[name]

    def _load(self, name: str) -> ClassFacts | Unknown | None:
        root = self._root(name)
        if root is None:
            return None
        path = class_file(name)
        file, _ = root.place(path)
        data = b""
        try:
            data = root.read(path)
            facts = parse_class(data)
        except FormatError as error:
            return Unknown(file, LANGUAGE, f"{name}: {error}", None, len(data))
        if facts.name != name:
            reason = f"{name}: the file holds the class {facts.name}"
            return Unknown(file, LANGUAGE, reason, None, len(data))
        return facts

    def _root(self, name: str) -> Root | None:
        """The root that holds a class; none for names of the platform and for hostile ones."""
        if not name or name.startswith("java.") or "/" in name:
            return None
        if name not in self._roots:
            self._roots[name] = self.layout.root_of(name)
        return self._roots[name]

    def _key(self, name: str) -> str | None:
        root = self._root(name)
        if root is None:
            return None
        key = f"{root.key}{class_file(name)}"
        self._keys[key] = name
        return key
