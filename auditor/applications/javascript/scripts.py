"""Package managers that run scripts: ``npm start``, ``yarn run x``, ``npx x``."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Mapping
from typing import Any

from auditor.applications.javascript.command import operands
from auditor.applications.javascript.packages import Packages
from auditor.applications.language import Start, Words

__all__ = ["MANAGERS", "manager_of", "run_manager", "run_script"]

MANAGERS = frozenset({"npm", "yarn", "pnpm", "corepack", "@yarnpkg/cli", "@yarnpkg/cli-dist"})
"""Names that a package manager's own ``package.json`` gives."""
_RUN = frozenset({"run", "run-script", "rum", "urn"})
_EXECUTE = frozenset({"exec", "x", "dlx"})
_SHORT = frozenset({"start", "test", "stop", "restart"})
_VALUES = frozenset(
    {"--prefix", "-C", "--dir", "--cwd", "-w", "--workspace", "--filter", "-F", "--loglevel"}
)
_FOLDERS = ("--prefix", "-C", "--dir", "--cwd")
_COMMAND = re.compile(
    r"((?:^|&&|\|\||[;|&(]|\bexec\s|\bcross-env(?:-shell)?\s)\s*(?:[A-Za-z_]\w*=(?:'[^']*'|\"[^\"]*\"|[^\s'\"]*)\s+)*)"
    r"([A-Za-z@][\w@./-]*)"
)
"""A word of shell text that is run as a command, with what stands before it."""


def manager_of(script: str, packages: Packages) -> str | None:
    """The package manager that a script is: ``npm``, ``npx``, ``yarn`` or ``pnpm``.

    Its ``package.json`` names it and lists the script, whatever link it was started by.
    """
    home, manifest = packages.nearest(script)
    name = manifest.get("name")
    if name not in MANAGERS:
        return None
    stem = posixpath.splitext(posixpath.basename(script))[0]
    if name == "corepack":
        return {"npm": "npm", "npx": "npx", "yarn": "yarn", "pnpm": "pnpm"}.get(stem)
    listed = manifest.get("bin")
    if isinstance(listed, dict):
        for command, path in listed.items():
            if isinstance(path, str) and posixpath.normpath(f"{home}/{path}") == script:
                return {"yarnpkg": "yarn", "pnpx": "npx"}.get(command, command)
    return "yarn" if "yarn" in str(name) else str(name)


def run_manager(  # noqa: PLR0911 - one case a subcommand
    manager: str, arguments: Words, packages: Packages
) -> Start:
    """What a package manager's command line runs, as shell text."""
    known = [word for word in arguments if word is not None]
    if len(known) != len(arguments):
        return Start(problem=f"what {manager} runs depends on run time")
    given, more = _split(known)
    found, options = operands(tuple(given), _VALUES)
    folder = packages.context.working_dir
    for name in _FOLDERS:
        folder = posixpath.join(folder, options.get(name, ""))
    if "-w" in options or "--workspace" in options or "--filter" in options or "-F" in options:
        return Start(problem=f"which workspace {manager} runs a script of is not followed")
    if manager in {"npx", "bunx"} or (found and found[0] in _EXECUTE):
        words = found if manager in {"npx", "bunx"} else found[1:]
        return _execute([*words, *more], folder, packages)
    if not found:
        return Start(problem=f"{manager} is not told what to run")
    if found[0] in _RUN and len(found) > 1:
        return run_script(found[1], [*found[2:], *more], folder, packages)
    if manager == "yarn" and found[0] == "node":
        return Start(commands=(shlex.join(["node", *found[1:], *more]),))
    if found[0] in _SHORT or manager != "npm":
        return run_script(found[0], [*found[1:], *more], folder, packages)
    return Start(problem=f"{manager} {found[0]} runs no script of the application")


def _split(words: list[str]) -> tuple[list[str], list[str]]:
    if "--" not in words:
        return words, []
    at = words.index("--")
    return words[:at], words[at + 1 :]


def _execute(words: list[str], folder: str, packages: Packages) -> Start:
    """A program of a package that is installed."""
    if not words:
        return Start(problem="npx is not told what to run")
    program = _program(words[0].partition("@")[0] or words[0], folder, packages)
    if program is None:
        return Start(problem=f"{words[0]} is not installed, and would be fetched when it is run")
    return Start(commands=(shlex.join([program, *words[1:]]),))


def run_script(name: str, arguments: list[str], folder: str, packages: Packages) -> Start:
    """A script of the ``package.json`` at or above a directory, with what runs before and after."""
    home, manifest = packages.nearest(f"{folder}/x")
    scripts = _scripts(manifest)
    texts = [scripts[key] for key in (f"pre{name}", name, f"post{name}") if key in scripts]
    if name not in scripts:
        if name == "start" and packages.file(f"{home}/server.js") is not None:
            return Start(commands=(shlex.join(["node", f"{home}/server.js"]),))
        program = _program(name, folder, packages)
        if program is not None:
            return Start(commands=(shlex.join([program, *arguments]),))
        return Start(problem=f"the package.json of {home} has no script {name}")
    if arguments:
        at = len(texts) - 1 - (f"post{name}" in scripts)
        texts[at] = f"{texts[at]} {shlex.join(arguments)}"
    return Start(commands=tuple(with_programs(text, home, packages) for text in texts))


def _scripts(manifest: Mapping[str, Any]) -> dict[str, str]:
    found = manifest.get("scripts")
    if not isinstance(found, dict):
        return {}
    return {name: text for name, text in found.items() if isinstance(text, str)}


def with_programs(text: str, folder: str, packages: Packages) -> str:
    """Shell text in which programs of installed packages stand with their paths.

    Package managers put ``node_modules/.bin`` in front of ``PATH`` for it.
    """

    def replaced(match: re.Match[str]) -> str:
        program = _program(match.group(2), folder, packages)
        return match.group(1) + (match.group(2) if program is None else shlex.quote(program))

    return _COMMAND.sub(replaced, text)


def _program(name: str, folder: str, packages: Packages) -> str | None:
    if "/" in name and not name.startswith("@"):
        return None
    for _ in range(64):
        path = posixpath.join(folder, "node_modules/.bin", posixpath.basename(name))
        if packages.file(path) is not None:
            return path
        if folder in {"/", ""}:
            return None
        folder = posixpath.dirname(folder)
    return None
