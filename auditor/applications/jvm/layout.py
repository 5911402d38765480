"""How an application is laid out: which of what is on the class path is its own, what starts it."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from urllib.parse import unquote

from auditor.applications.jvm.classpath import Archives, Folder, Packed, Root, manifest_of
from auditor.applications.jvm.command import Command, system_property
from auditor.applications.language import Context, Served
from auditor.formats import FormatError
from auditor.formats.classfile import parse_class
from auditor.formats.java_archive import parse_web_classes
from auditor.model.image import EntryKind
from auditor.tables.launchers import LauncherRow

__all__ = ["Layout", "class_file", "lay_out"]

_MAX_ROOTS = 4000
_ORIGINS = frozenset(
    {
        "com.amazonaws",
        "com.github",
        "com.gitlab",
        "com.google",
        "com.microsoft",
        "io.github",
        "net.sourceforge",
        "org.apache",
        "org.eclipse",
        "org.jboss",
        "org.springframework",
    }
)
"""Beginnings of package names under which many projects stand."""
_CONTAINER_CALLS = (
    "<init>",
    "init",
    "service",
    "doGet",
    "doPost",
    "doPut",
    "doDelete",
    "doFilter",
    "contextInitialized",
)
"""Methods by which a servlet container calls what an application hands to it."""


@dataclass(slots=True)
class Layout:
    """What one start runs."""

    roots: list[Root] = field(default_factory=list)
    """In the order in which classes are looked for."""
    own: set[str] = field(default_factory=set)
    """Keys of the roots all of whose classes are the application's."""
    prefix: str = ""
    """What the names of its classes start with wherever they are; empty where that says
    nothing."""
    entries: list[str] = field(default_factory=list)
    """Classes that are started."""
    names: list[str] = field(default_factory=list)
    """Methods that are called from outside."""
    served: list[Served] = field(default_factory=list)
    problem: str | None = None

    def add(self, roots: Iterable[Root | None]) -> None:
        """Put roots at the end, each once."""
        known = {root.key for root in self.roots}
        for root in roots:
            if root is not None and root.key not in known and len(self.roots) < _MAX_ROOTS:
                known.add(root.key)
                self.roots.append(root)

    def root_of(self, name: str) -> Root | None:
        """The first root that holds a class."""
        path = class_file(name)
        return next((root for root in self.roots if root.has(path)), None)


def class_file(name: str) -> str:
    """``com.example.Main`` as ``com/example/Main.class``."""
    return f"{name.replace('.', '/')}.class"


def lay_out(
    command: Command, archives: Archives, context: Context, rows: Mapping[str, LauncherRow]
) -> Layout:
    """What a command line starts, with the class path that it has."""
    layout = Layout(problem=command.problem)
    if layout.problem is not None:
        return layout
    main = _class_path(layout, command, archives, context)
    if main is None:
        return layout
    root = layout.root_of(main)
    if root is None:
        layout.problem = f"the main class {main} is not on the class path"
        return layout
    row = next((row for row in rows.values() if main in row.modules), None)
    manifest = manifest_of(root)
    if manifest.get("start-class") and _boot(layout, root, manifest, archives):
        return layout
    if row is not None and row.id in _CONTAINERS:
        _CONTAINERS[row.id](_Place(layout, command, archives, context, row))
        return layout
    _plain(layout, root, main)
    return layout


def _class_path(
    layout: Layout, command: Command, archives: Archives, context: Context
) -> str | None:
    """Fill the roots; gives the main class, or leaves a problem."""
    main: str | None
    if command.jar is not None:
        path = posixpath.normpath(posixpath.join("/", context.working_dir, command.jar))
        root = archives.open(path)
        layout.add(_with_manifest_path([root], archives))
        if root is None:
            broken = archives.broken.get(path)
            layout.problem = broken.reason if broken else f"{path} is not in the image"
            return None
        main = manifest_of(root).get("main-class")
        layout.problem = None if main else f"{path} does not say which class starts it"
    elif command.module:
        main = _module(layout, command, archives, context)
    else:
        main = command.main
        paths = command.class_path if not command.open else _holders(main, archives, context)
        layout.add(_with_manifest_path(map(archives.open, paths), archives))
    layout.add(archives.open(_absolute(context, path)) for path in command.boot_path)
    return main


def _holders(main: str | None, archives: Archives, context: Context) -> tuple[str, ...]:
    """The archive of the image that holds a main class, where the class path does not tell.

    Of several it is the one whose manifest names the class; more than one leave it open.
    """
    paths = (entry.path for entry in context.rootfs.entries() if entry.path.endswith(".jar"))
    found: list[Root] = []
    for path in islice(paths, _MAX_ROOTS):
        root = archives.open(path)
        if root is not None and main is not None and root.has(class_file(main)):
            found.append(root)
    if len(found) > 1:
        found = [root for root in found if manifest_of(root).get("main-class") == main]
    return (found[0].file,) if len(found) == 1 else ()


def _absolute(context: Context, path: str) -> str:
    return posixpath.normpath(posixpath.join("/", context.working_dir, path))


def _with_manifest_path(roots: Iterable[Root | None], archives: Archives) -> Iterator[Root]:
    """Roots, each followed by what its manifest's Class-Path names, relative to itself."""
    seen: set[str] = set()
    pending = [root for root in roots if root is not None][::-1]
    while pending and len(seen) < _MAX_ROOTS:
        root = pending.pop()
        if root.key in seen:
            continue
        seen.add(root.key)
        yield root
        if isinstance(root, Packed) and not root.nested:
            folder = posixpath.dirname(root.file)
            named = manifest_of(root).get("class-path", "").split()
            paths = [unquote(name.removeprefix("file:")) for name in named if "://" not in name]
            found = [archives.open(posixpath.normpath(posixpath.join(folder, p))) for p in paths]
            pending += [root for root in reversed(found) if root is not None]


def _module(layout: Layout, command: Command, archives: Archives, context: Context) -> str | None:
    """``-m module[/class]``: archives and folders of the module path, and those in its folders."""
    for part in command.module_path:
        root = archives.open(_absolute(context, part)) if part else None
        if isinstance(root, Folder) and not root.has("module-info.class"):
            names = context.rootfs.listdir(root.path)
            layout.add(archives.open(f"{root.key}{name}") for name in names)
        else:
            layout.add([root])
    module, _, main = (command.main or "").partition("/")
    for root in layout.roots:
        name, started = _described(root)
        if name == module:
            layout.roots.remove(root)
            layout.roots.insert(0, root)
            found = main or started
            layout.problem = None if found else f"the module {module} has no main class"
            return found or None
    layout.problem = f"the module {module} is in no archive of the module path"
    return None


def _described(root: Root) -> tuple[str, str]:
    """Name of a module and its main class, from its descriptor, else from its manifest."""
    manifest = manifest_of(root)
    main = manifest.get("main-class", "")
    if root.has("module-info.class"):
        try:
            facts = parse_class(root.read("module-info.class"))
        except FormatError:
            return "", ""
        return facts.module, facts.module_main or main
    return manifest.get("automatic-module-name", ""), main


def _plain(layout: Layout, root: Root, main: str) -> None:
    """An application that is started by its own main class."""
    layout.entries.append(main)
    layout.names.append(f"{main}.main")
    layout.prefix = _prefix(main)
    if not layout.prefix or not _is_shaded(root):
        layout.own.add(root.key)


def _prefix(main: str) -> str:
    """The beginning of the packages that a main class speaks for; empty where it is in none."""
    parts = main.split(".")[:-1]
    length = 3 if ".".join(parts[:2]) in _ORIGINS else 2
    return "".join(f"{part}." for part in parts[:length])


def _is_shaded(root: Root) -> bool:
    """Whether an archive holds the classes of several artifacts, as shading merges them."""
    names = [name for name, _ in root.files()] if isinstance(root, Packed) else []
    artifacts = {
        posixpath.dirname(name)
        for name in names
        if name.startswith("META-INF/maven/") and name.endswith("/pom.properties")
    }
    folders = {
        f"{'/'.join(name.split('/')[:-1][:2])}/"
        for name in names
        if name.endswith(".class") and "/" in name and not name.startswith("META-INF/")
    }
    apart = {one for one in folders if not any(two.startswith(one) for two in folders - {one})}
    return len(artifacts) > 1 or len(apart) > 1


def _boot(layout: Layout, root: Root, manifest: Mapping[str, str], archives: Archives) -> bool:
    """Spring Boot's executable archives: Start-Class, with classes and libraries inside.

    "The Executable Jar Format", Spring Boot reference; the same layout exploded in a folder.
    """
    start = manifest["start-class"]
    base = "WEB-INF" if root.has(f"WEB-INF/classes/{class_file(start)}") else "BOOT-INF"
    classes = manifest.get("spring-boot-classes", f"{base}/classes/")
    library = manifest.get("spring-boot-lib", f"{base}/lib/")
    own = _inner(root, classes, archives)
    if own is None or not own.has(class_file(start)):
        return False
    folders = (library, "WEB-INF/lib-provided/") if base == "WEB-INF" else (library,)
    libraries = [lib for folder in folders for lib in _libraries(root, folder, archives)]
    rest, layout.roots = layout.roots, []
    layout.add([own, *libraries, *rest])
    layout.own.add(own.key)
    layout.entries.append(start)
    layout.names.append(f"{start}.main")
    return True


def _inner(root: Root, folder: str, archives: Archives) -> Root | None:
    if isinstance(root, Packed):
        return root.folder(f"{root.inside}{folder}")
    return archives.open(f"{root.key}{folder}".rstrip("/"))


def _libraries(root: Root, folder: str, archives: Archives) -> list[Root]:
    """Archives in a folder of an archive, or of a directory."""
    if isinstance(root, Folder):
        names = [f"{folder}{name}" for name in root.rootfs.listdir(f"{root.key}{folder}")]
    else:
        names = [name for name, _ in root.files() if name.startswith(folder)]
    wanted = [name for name in names if name.endswith(".jar")]
    found = [archives.inside(root, name) for name in wanted[:_MAX_ROOTS]]
    return [root for root in found if root is not None]


def _web_applications(layout: Layout, folder: str, archives: Archives, context: Context) -> bool:
    """Take in the web applications of a container: archives and folders with a WEB-INF."""
    found = False
    for name in context.rootfs.listdir(folder):
        path = posixpath.join(folder, name)
        entry = context.rootfs.resolve(path)
        if entry is None or (entry.kind is EntryKind.FILE and not name.endswith(".war")):
            continue
        root = archives.open(path)
        if root is None or not any(one.startswith("WEB-INF/") for one, _ in root.files()):
            continue
        found = True
        classes = _inner(root, "WEB-INF/classes/", archives)
        layout.add([classes, *_libraries(root, "WEB-INF/lib/", archives)])
        if classes is not None:
            layout.own.add(classes.key)
        _descriptor(layout, root)
    return found


def _descriptor(layout: Layout, root: Root) -> None:
    data = root.text("WEB-INF/web.xml")
    try:
        named = parse_web_classes(data) if data is not None else ()
    except FormatError as error:
        layout.problem = f"{root.file}: {error}"
        return
    layout.entries += named
    layout.names += [f"{name}.{method}" for name in named for method in _CONTAINER_CALLS]


@dataclass(slots=True)
class _Place:
    """What a container's layout is worked out from."""

    layout: Layout
    command: Command
    archives: Archives
    context: Context
    row: LauncherRow

    @property
    def home(self) -> str:
        """Folder of the archive that holds the launcher."""
        return posixpath.dirname(self.layout.roots[0].file)

    def variable(self, name: str) -> str | None:
        """A property of the command line, or the variable of its name."""
        return system_property(self.command, name, self.context.variables)

    def jars(self, folder: str) -> list[Root | None]:
        """The archives in a folder of the image."""
        names = [name for name in self.context.rootfs.listdir(folder) if name.endswith(".jar")]
        return [self.archives.open(posixpath.join(folder, name)) for name in names]

    def serve(self) -> None:
        """Note what the host takes over."""
        if self.row.serves is not None:
            served = Served(self.row.title, self.row.serves, self.row.source)
            self.layout.served.append(served)


def _tomcat(place: _Place) -> None:
    """Tomcat: ``webapps`` of CATALINA_BASE are the applications, ``lib`` is on their path."""
    home = place.variable("catalina.home") or posixpath.dirname(place.home)
    base = place.variable("catalina.base") or home
    _container(place, f"{base}/webapps", (f"{home}/lib", f"{base}/lib"))


def _jetty(place: _Place) -> None:
    """Jetty's start.jar: ``webapps`` of jetty.base, which is where it is started."""
    base = place.variable("jetty.base") or place.context.working_dir
    _container(place, f"{base}/webapps", (f"{place.home}/lib",))


def _container(place: _Place, applications: str, libraries: tuple[str, ...]) -> None:
    """A servlet container: what it runs is not on its own class path."""
    layout = place.layout
    layout.roots = []
    if not _web_applications(layout, applications, place.archives, place.context):
        layout.problem = f"{place.row.title} starts, and {applications} holds no application"
    for folder in libraries:
        layout.add(place.jars(folder))
    layout.names += [
        f"META-INF/services/{kind}.servlet.ServletContainerInitializer"
        for kind in ("jakarta", "javax")
    ]
    place.serve()


def _quarkus(place: _Place) -> None:
    """Quarkus' fast-jar: ``app`` is the application's, ``lib/main`` its libraries."""
    layout, home = place.layout, place.home
    own = [root for root in place.jars(f"{home}/app") if root is not None]
    layout.own |= {root.key for root in own}
    layout.add([*own, *place.jars(f"{home}/quarkus"), *place.jars(f"{home}/lib/main")])
    main = "io.quarkus.runner.GeneratedMain"
    layout.entries.append(main)
    layout.names.append(f"{main}.main")
    place.serve()


_CONTAINERS: dict[str, Callable[[_Place], None]] = {
    "tomcat": _tomcat,
    "jetty": _jetty,
    "quarkus": _quarkus,
}
