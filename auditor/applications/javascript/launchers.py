"""Programs that start somebody else's JavaScript: pm2, nodemon, ts-node, next and their like."""

from __future__ import annotations

import posixpath
import shlex

from auditor.applications.javascript.command import operands
from auditor.applications.javascript.packages import Packages
from auditor.applications.javascript.scripts import with_programs
from auditor.applications.language import Context, Served, Start, Words
from auditor.errors import PathInImageError
from auditor.formats import FormatError
from auditor.formats.javascript_literal import Literal, parse_literal
from auditor.tables.launchers import LauncherRow

__all__ = ["launched", "launcher_of"]

_ECOSYSTEM = (".config.js", ".config.cjs", ".config.mjs", "ecosystem.js")
_SUBCOMMANDS = frozenset({"start", "watch", "run", "serve"})
_PAGES = (".next/server/app", ".next/server/pages", ".next/server")
_MOST = 2000


def launcher_of(script: str, context: Context, packages: Packages) -> LauncherRow | None:
    """The launcher whose package a script belongs to."""
    rows = context.tables.launchers.get("javascript", {}).values()
    name = packages.nearest(script)[1].get("name")
    if "/node_modules/" not in script:
        return None
    return next((row for row in rows if name in row.modules), None)


def launched(  # noqa: C901, PLR0911 - one case a way to name the application
    row: LauncherRow, script: str, arguments: Words, context: Context, packages: Packages
) -> Start:
    """What a launcher's command line starts."""
    if row.id == "cross-env":
        return _with_variables(arguments, context, packages)
    names = frozenset({*row.options, *row.value_options})
    found, options = operands(arguments, names)
    while found and found[0] in _SUBCOMMANDS:
        if packages.path(posixpath.join(context.working_dir, found[0])) is not None:
            break
        found.pop(0)
    given = next((options[name] for name in row.options if name in options), None)
    if given is None and row.operand and found:
        given = found[0]
    if row.id == "next":
        return _served(row, _pages(found, context, packages))
    if given is None:
        return _by_manifest(row, script, context, packages)
    if " " in given:
        operand = f" {shlex.quote(found[0])}" if found else ""
        text = with_programs(given + operand, context.working_dir, packages)
        return Start(commands=(text,))
    if given.endswith(_ECOSYSTEM):
        return _ecosystem(row, given, context, packages)
    path = packages.path(posixpath.join(context.working_dir, given))
    if path is not None:
        return _served(row, (path,))
    if given in {"npm", "yarn", "pnpm", "npx", "node"}:
        rest = [word for word in arguments if word is not None]
        tail = [word for word in rest[rest.index(given) + 1 :] if word != "--"]
        return Start(commands=(shlex.join([given, *tail]),))
    return Start(problem=f"{row.title} runs {given}, which is not in the image")


def _by_manifest(row: LauncherRow, script: str, context: Context, packages: Packages) -> Start:
    """Without a name: the main file of the working directory's package, or the program itself."""
    if not row.operand:
        return Start((script,))
    home, manifest = packages.nearest(f"{context.working_dir}/x")
    if isinstance(manifest.get("main"), str):
        path = packages.path(posixpath.join(home, manifest["main"]))
        if path is not None:
            return _served(row, (path,))
    return Start(problem=f"{row.title} is not told which application to run")


def _served(row: LauncherRow, modules: tuple[str, ...]) -> Start:
    if not modules:
        return Start(problem=f"{row.title} has no built application in the image")
    capabilities = [*((row.serves,) if row.serves else ()), *row.asks]
    served = tuple(Served(row.title, name, row.source) for name in capabilities)
    return Start(modules, served=served)


def _with_variables(arguments: Words, context: Context, packages: Packages) -> Start:
    """``cross-env A=b program …``."""
    words = [word for word in arguments if word is not None]
    if len(words) != len(arguments) or not words:
        return Start(problem="what cross-env runs depends on run time")
    at = next((n for n, word in enumerate(words) if "=" not in word.partition(" ")[0]), None)
    if at is None:
        return Start(problem="cross-env is not told what to run")
    variables = [
        f"{name}={shlex.quote(value)}" for name, _, value in (w.partition("=") for w in words[:at])
    ]
    text = " ".join([*variables, shlex.join(words[at:])])
    return Start(commands=(with_programs(text, context.working_dir, packages),))


def _ecosystem(row: LauncherRow, file: str, context: Context, packages: Packages) -> Start:
    """The applications that pm2's configuration names, where it is written down."""
    path = packages.path(posixpath.join(context.working_dir, file))
    entry = packages.file(path) if path is not None else None
    if entry is None:
        return Start(problem=f"{row.title} is configured by {file}, which is not in the image")
    try:
        literal = parse_literal(context.rootfs.read(entry, 1 << 18))
    except (PathInImageError, FormatError) as error:
        return Start(problem=f"{row.title} is configured by {file}: {error}")
    modules: list[str] = []
    for application in _applications(literal):
        folder = application.get("cwd")
        script = application.get("script")
        base = posixpath.join(
            posixpath.dirname(entry.path), folder if isinstance(folder, str) else ""
        )
        if isinstance(script, str):
            found = packages.path(posixpath.join(base, script))
            modules += [found] if found is not None else []
    if not modules:
        return Start(problem=f"what {file} has {row.title} run cannot be told")
    return _served(row, tuple(modules))


def _applications(literal: Literal) -> list[dict[str, Literal]]:
    apps = literal.get("apps") if isinstance(literal, dict) else literal
    if isinstance(apps, dict):
        apps = [apps]
    return [app for app in apps if isinstance(app, dict)] if isinstance(apps, list) else []


def _pages(found: list[str], context: Context, packages: Packages) -> tuple[str, ...]:
    """The pages that Next.js has built, each a module of its own."""
    home = posixpath.join(context.working_dir, found[0] if found else "")
    modules: list[str] = []
    folders = [posixpath.join(home, place) for place in _PAGES[:2]]
    while folders and len(modules) < _MOST:
        folder = folders.pop()
        for name in context.rootfs.listdir(folder):
            path = f"{folder}/{name}"
            if name.endswith(".js") and "manifest" not in name and packages.file(path) is not None:
                modules.append(path)
            elif packages.is_directory(path):
                folders.append(path)
    return tuple(sorted(modules))
