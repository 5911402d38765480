"""The command lines of Node.js, Deno and Bun."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

from auditor.applications.language import Words

__all__ = ["Command", "operands", "parse_command"]

_PRELOADS = frozenset({"-r", "--require", "--import", "--loader", "--experimental-loader"})
_TEXTS = frozenset({"-e", "--eval", "-p", "--print", "-pe"})
_VALUES = frozenset(
    {
        *("-C", "--conditions", "--title", "--env-file", "--env-file-if-exists", "--icu-data-dir"),
        *("--input-type", "--max-http-header-size", "--openssl-config", "--redirect-warnings"),
        *("--trace-event-categories", "--trace-event-file-pattern", "--unhandled-rejections"),
        *(
            "--watch-path",
            "--diagnostic-dir",
            "--disable-warning",
            "--inspect-port",
            "--debug-port",
        ),
        *("--tls-cipher-list", "--dns-result-order", "--secure-heap", "--report-directory"),
        *("--heapsnapshot-signal", "--stack-trace-limit", "--experimental-default-type"),
    }
)
"""Options of Node.js that take the next word as their value, where it is not joined by ``=``."""
_DENO_VALUES = frozenset(
    {
        *("-c", "--config", "--import-map", "--lock", "--cert", "--location", "--seed", "--port"),
        *("-L", "--log-level", "--v8-flags", "--env-file", "--host"),
    }
)
_BUN_VALUES = frozenset(
    {"-r", "--preload", "--cwd", "-c", "--config", "--port", "--env-file", "--tsconfig-override"}
)
_RUNS = {"deno": ("run", "serve"), "bun": ("run",)}


@dataclass(frozen=True, slots=True)
class Command:
    """What a runtime is told to run."""

    script: str | None = None
    text: str | None = None
    task: str | None = None
    """A script of ``package.json``, or a task of ``deno.json``."""
    preloads: tuple[str, ...] = ()
    arguments: Words = ()
    unclear: bool = False
    """A word that decides depends on run time."""
    served: bool = False
    """The runtime serves what the module exports (``deno serve``)."""


def parse_command(words: Words) -> Command:
    """Read a runtime's own command line; which runtime it is, its first word tells."""
    name = posixpath.basename(words[0] or "") if words else ""
    if name in {"deno", "bun", "bunx"}:
        return _other(name, list(words[1:]))
    return _node(list(words[1:]))


def _node(rest: list[str | None]) -> Command:
    preloads: list[str] = []
    while rest:
        word = rest.pop(0)
        if word is None:
            return Command(unclear=True)
        name, joined, value = word.partition("=")
        if word == "--" and rest:
            return Command(rest[0], None, None, tuple(preloads), tuple(rest[1:]), rest[0] is None)
        if not word.startswith("-") or word == "-":
            if word == "inspect" and rest:
                continue
            return Command(word, None, None, tuple(preloads), tuple(rest))
        if name in _PRELOADS:
            given = value if joined else (rest.pop(0) if rest else None)
            preloads += [given] if given else []
        elif name in _TEXTS:
            given = value if joined else (rest.pop(0) if rest else None)
            return Command(None, given, None, tuple(preloads), tuple(rest), given is None)
        elif name == "--run":
            given = value if joined else (rest.pop(0) if rest else None)
            return Command(None, None, given, (), tuple(rest), given is None)
        elif name in _VALUES and not joined and rest:
            rest.pop(0)
    return Command(preloads=tuple(preloads))


def _other(name: str, rest: list[str | None]) -> Command:
    values = _DENO_VALUES if name == "deno" else _BUN_VALUES
    preloads: list[str] = []
    subcommand: str | None = None
    while rest:
        word = rest.pop(0)
        if word is None:
            return Command(unclear=True)
        option, joined, value = word.partition("=")
        if word.startswith("-") and word != "-":
            if option in values:
                given = value if joined else (rest.pop(0) if rest else None)
                if option in {"-r", "--preload"} and given and name == "bun":
                    preloads.append(given)
            continue
        if subcommand is None and word in {"run", "serve", "task", "eval", "x", "start"}:
            subcommand = word
            continue
        if subcommand == "task":
            return Command(None, None, word, (), tuple(rest))
        if subcommand == "eval":
            return Command(None, word, None, (), tuple(rest))
        served = subcommand == "serve" and name == "deno"
        return Command(word, None, None, tuple(preloads), tuple(rest), served=served)
    if subcommand == "start" and name == "bun":
        return Command(task="start")
    return Command()


def operands(words: Words, values: frozenset[str]) -> tuple[list[str], dict[str, str]]:
    """Operands of a command line, and the values of those options that take one."""
    found: list[str] = []
    options: dict[str, str] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word is None:
            continue
        if word == "--":
            return found, options
        if not word.startswith("-") or word == "-":
            found.append(word)
            continue
        name, joined, value = word.partition("=")
        if joined:
            options[name] = value
        elif name in values and rest:
            options[name] = rest.pop(0) or ""
    return found, options
