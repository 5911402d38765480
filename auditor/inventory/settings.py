"""Settings that decide, from the image's configuration and well-known files of its root.

Nothing is run and nothing guessed: a value that run time makes is left out, unless the row names
the word for it (``auto``).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from itertools import chain, islice
from pathlib import PurePosixPath

from auditor.errors import PathInImageError
from auditor.image.rootfs import RootFS
from auditor.inventory.numbers import parse_number
from auditor.model.image import Entry, EntryKind, ImageConfig
from auditor.model.settings import Setting
from auditor.tables.settings import SettingRow

__all__ = ["CommandLine", "is_wanted", "settings"]

_LARGEST = 1 << 20
"""Bytes of a configuration file that are read."""
_LONGEST_TEXT = 1 << 16
"""Characters of a command line or a variable."""
_MOST_FILES = 100
_MOST_WORDS = 4096
_MOST_LINES = 20_000
"""Lines of one file that are looked at."""
_LONGEST_LINE = 2000
_TEXT = 200
_VARIABLE = re.compile(r"\$(?:([A-Za-z_]\w{0,100})|\{([A-Za-z_]\w{0,100})(?::?-([^{}]{0,200}))?\})")
_SHELLS = frozenset({"sh", "bash", "dash", "ash", "ksh", "zsh"})

_WANTED = re.compile(
    r"/(?:jvm\.options|jvm\.options\.d/[^/]+\.options|bin/setenv\.sh"
    r"|(?:redis|valkey)(?:/[^/]+)?\.conf|(?:redis|valkey)/[^/]+\.conf"
    r"|postgresql(?:\.auto)?\.conf"
    r"|gunicorn(?:\.conf|_conf|_config)\.py"
    r"|uwsgi(?:/[^/]+){0,2}\.ini"
    r"|php-fpm\.conf|php-fpm\.d/[^/]+\.conf|fpm/pool\.d/[^/]+\.conf"
    r"|mods-(?:enabled|available)/mpm_[a-z]+\.conf"
    r"|apache2/(?:apache2|httpd)\.conf|conf/httpd\.conf"
    r"|nginx/(?:conf/)?nginx\.conf)$"
)


def is_wanted(path: str) -> bool:
    """Whether ``settings`` may ask for a file's content."""
    return _WANTED.search(path) is not None


@dataclass(frozen=True, slots=True)
class CommandLine:
    """A command that a script runs."""

    path: str
    """Of the script."""
    line: int
    words: tuple[str | None, ...]
    """``None`` for a word that only run time knows."""


def settings(
    rootfs: RootFS,
    config: ImageConfig,
    argv: tuple[str, ...],
    rows: tuple[SettingRow, ...],
    *,
    running: Collection[str] | None = None,
    lines: Iterable[CommandLine] = (),
) -> tuple[Setting, ...]:
    """Every setting that a row knows, sorted by name and place.

    ``argv`` is ENTRYPOINT and CMD joined, ``lines`` what scripts run. ``running`` holds base
    names of the programs that run, and ids of the runtimes; names in command lines are added.
    ``None`` where all of the image is meant.
    """
    words = _Words.of(config, argv)
    known = [_known(line) for line in islice(lines, _MOST_WORDS)]
    if running is not None:
        spoken = (word for word, _ in words.argv)
        commands = (line.words[0] for line in known if line.words)
        running = {*running, *(_base(word) for word in (*spoken, *commands))}
    chosen = [row for row in rows if running is None or _runs(row, running)]
    files = _files(rootfs, chosen)
    found: dict[tuple[str, str], Setting] = {}
    for row in chosen:
        on_lines = (
            _on_command_line(row, [(word or "", line.path) for word in line.words], line.line)
            for line in known
        )
        every = chain(
            _on_command_line(row, words.argv, None),
            *on_lines,
            _in_environment(row, words),
            _in_files(row, files),
        )
        for setting in every:
            found[setting.name, setting.where] = setting  # the last one in a place is in force
    return tuple(sorted(found.values(), key=lambda item: (item.name, item.where, item.line or 0)))


def _known(line: CommandLine) -> CommandLine:
    return replace(line, words=tuple(word or "" for word in line.words[:_MOST_WORDS]))


def _base(word: str | None) -> str:
    return PurePosixPath((word or "")[:_LONGEST_LINE]).name


def _runs(row: SettingRow, running: Collection[str]) -> bool:
    return any(fnmatchcase(name, glob) for glob in row.programs for name in running)


@dataclass(frozen=True, slots=True)
class _Words:
    """The command line and the environment, words parted."""

    argv: tuple[tuple[str, str], ...]
    """Word, and ``ENTRYPOINT`` or ``CMD``."""
    variables: dict[str, str]

    @classmethod
    def of(cls, config: ImageConfig, argv: tuple[str, ...]) -> _Words:
        variables = dict(config.env)
        entry = len(config.entrypoint) if argv[: len(config.entrypoint)] == config.entrypoint else 0
        parted: list[tuple[str, str]] = []
        shell = bool(argv) and PurePosixPath(argv[0]).name in _SHELLS
        for place, word in enumerate(argv[:_MOST_WORDS]):
            where = "ENTRYPOINT" if place < entry else "CMD"
            option = argv[place - 1] if place else ""
            inline = shell and option.startswith("-") and "c" in option
            inner = _split(_expanded(word, variables)) if inline else [word]
            parted.extend((part, where) for part in inner)
        return cls(tuple(parted[:_MOST_WORDS]), variables)


def _split(text: str) -> list[str]:
    """Words as a shell would part them; as they stand where the quotes don't match."""
    try:
        return shlex.split(text[:_LONGEST_TEXT])[:_MOST_WORDS]
    except ValueError:
        return text[:_LONGEST_TEXT].split()[:_MOST_WORDS]


def _expanded(text: str, variables: dict[str, str]) -> str:
    """``$NAME``, ``${NAME}`` and ``${NAME:-default}`` once, from the environment."""

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        return (variables.get(name) or match[3] or "")[:_LONGEST_LINE]

    return _VARIABLE.sub(value, text[:_LONGEST_TEXT])


def _on_command_line(
    row: SettingRow, words: Iterable[tuple[str, str]], line: int | None
) -> Iterator[Setting]:
    argv = tuple(words)
    if row.after_program:
        starts = (
            place
            for place, (word, _) in enumerate(argv)
            if any(fnmatchcase(_base(word), glob) for glob in row.programs)
        )
        begin = next(starts, len(argv))
        argv = argv[begin + 1 :]
    for place, text, value in _options(row, [word for word, _ in argv]):
        yield from _setting(row, value, argv[place][1], line, text)


def _in_environment(row: SettingRow, words: _Words) -> Iterator[Setting]:
    for name in row.texts:
        if name in words.variables:
            parts = _split(_expanded(words.variables[name], words.variables))
            for _, text, value in _options(row, parts):
                yield from _setting(row, value, f"ENV {name}", None, text)
    for name in row.variables:
        if name in words.variables:
            value = words.variables[name].strip()
            yield from _setting(row, value, f"ENV {name}", None, f"{name}={value}")


def _options(row: SettingRow, words: list[str]) -> Iterator[tuple[int, str, str]]:
    """Index of the word, the option as written, and its value."""
    for place, word in enumerate(words):
        for prefix in row.prefixes:
            if word.startswith(prefix):
                yield place, word, word[len(prefix) :]
        for option in row.options:
            after = words[place + 1] if place + 1 < len(words) else ""
            if word == option:
                yield place, f"{word} {after}", after
            elif option.startswith("--") and word.startswith(f"{option}="):
                yield place, word, word[len(option) + 1 :]
            elif len(option) == 2 and word.startswith(option) and word[2:].isdigit():  # noqa: PLR2004
                yield place, word, word[2:]


def _files(rootfs: RootFS, rows: Iterable[SettingRow]) -> dict[str, str]:
    """Path → text of the files that some row names, links as they are."""
    globs = {glob for row in rows for glob in row.files}
    found: dict[str, str] = {}
    for entry in rootfs.entries() if globs else ():
        if entry.kind not in {EntryKind.FILE, EntryKind.SYMLINK} or not is_wanted(entry.path):
            continue
        if any(fnmatchcase(entry.path, glob) for glob in globs):
            text = _text(rootfs, entry)
            if text is not None:
                found[entry.path] = text
        if len(found) >= _MOST_FILES:
            break
    return found


def _text(rootfs: RootFS, entry: Entry) -> str | None:
    real = rootfs.resolve(entry.path)
    if real is None or real.kind is not EntryKind.FILE:
        return None
    try:
        return rootfs.read(real, _LARGEST).decode("utf-8", "replace")
    except PathInImageError:
        return None


def _in_files(row: SettingRow, files: dict[str, str]) -> Iterator[Setting]:
    for path, text in files.items():
        if not any(fnmatchcase(path, glob) for glob in row.files):
            continue
        for number, line in enumerate(text.split("\n", _MOST_LINES)[:_MOST_LINES], start=1):
            match = re.search(row.line, line) if len(line) <= _LONGEST_LINE else None
            if match is not None:
                yield from _setting(row, match[1], path, number, line.strip())


def _setting(
    row: SettingRow, written: str, where: str, line: int | None, text: str
) -> Iterator[Setting]:
    value = parse_number(written, row.number)
    if value is None and written not in row.deciding:
        return
    asks = row.above is not None and (value is None or value > row.above)
    yield Setting(
        name=row.name,
        title=row.title,
        value=value,
        unit=row.number.unit,
        where=where,
        line=line,
        text=text[:_TEXT],
        capability=row.capability if asks else None,
        need=row.need if asks else None,
        source=row.source,
    )
