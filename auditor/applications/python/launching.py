"""Which application a launcher is told to run: by words, by the environment, by its own file."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from auditor.applications.language import Context, Words
from auditor.applications.python.command import Named, named_by, options_of
from auditor.errors import PathInImageError
from auditor.formats import FormatError
from auditor.formats.python_constants import LARGEST, string_settings
from auditor.model.image import EntryKind
from auditor.tables.launchers import LauncherRow

__all__ = ["RUNSERVER", "candidates"]

RUNSERVER = "runserver"
"""The command of Django's ``manage.py`` that serves the project itself."""
_LOOKED_FOR = {"flask": ("wsgi", "app"), "fastapi": ("main", "app", "api")}
"""Modules that a launcher tries in the working directory when it is told none (``flask.cli`` and
``fastapi_cli.discover``, the latter below ``app/`` too)."""
_GUNICORN_FILE = "gunicorn.conf.py"


def candidates(context: Context, launcher: LauncherRow, arguments: Words) -> list[Named]:
    """The applications that a launcher may have been told, the likeliest first."""
    variable = f"{launcher.id.upper()}_CMD_ARGS"
    more = context.variables.get(variable, "")
    found = named_by(launcher, arguments, more)
    if launcher.id == "gunicorn":
        found = _by_settings(context, launcher, arguments, more, found)
    name = context.variables.get(f"{launcher.id.upper()}_APP", "")
    if not found and name:
        module, _, attribute = name.partition(":")
        folder = posixpath.dirname(module) if module.endswith(".py") else None
        module = posixpath.basename(module) if folder is not None else module
        found = [Named(module.removesuffix(".py").replace("/", "."), attribute, folder)]
    return [*found, *_looked_for(context, launcher)]


def _looked_for(context: Context, launcher: LauncherRow) -> Iterable[Named]:
    for module in _LOOKED_FOR.get(launcher.id, ()):
        for folder in (".", "app") if launcher.id == "fastapi" else (".",):
            path = posixpath.join(context.working_dir, folder, f"{module}.py")
            if context.rootfs.resolve(path) is not None:
                yield Named(module, "", folder)


def _by_settings(
    context: Context, launcher: LauncherRow, arguments: Words, more: str, found: list[Named]
) -> list[Named]:
    """Gunicorn's ``wsgi_app`` and ``chdir``, which its command line overrides."""
    options = options_of(launcher, arguments, more)
    path = options.get("-c") or options.get("--config") or _GUNICORN_FILE
    told = _settings(context, path.removeprefix("file:"))
    folder = told.get("chdir")
    if not found and "wsgi_app" in told:
        module, _, attribute = told["wsgi_app"].partition(":")
        found = [Named(module, attribute.partition("(")[0])]
    return [
        Named(item.module, item.attribute, item.directory or folder) if folder else item
        for item in found
    ]


def _settings(context: Context, path: str) -> dict[str, str]:
    entry = context.rootfs.resolve(posixpath.join(context.working_dir, path))
    if entry is None or entry.kind is not EntryKind.FILE:
        return {}
    try:
        return string_settings(context.rootfs.read(entry, LARGEST + 1))
    except (PathInImageError, FormatError):
        return {}
