"""``auditor manual``: the man page, in man(7), made from the parser."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from auditor.errors import EXIT_OK

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from auditor.cli.describe import Command, Entry, Group

__all__ = ["configure", "page"]

_DESCRIPTION = """\
Print the manual page, with every command and option.

  auditor manual | man -l -
  auditor manual > ~/.local/share/man/man1/auditor.1
"""
_FILES = {
    ".auditor.toml": "Options and waivers; the nearest from the working directory upward is read.",
    "~/.docker/config.json": "Credentials and credential helpers of docker login.",
    "~/.config/containers/auth.json": "Credentials of podman login.",
    "~/.cache/auditor": "What can be made again at any time: tables in a compiled form.",
}
_EXAMPLES = (
    ("Judge an image, and keep the report:", "auditor scan nginx:latest -o table -o json=a.json"),
    (
        "Stop a pipeline where the way to WebAssembly would be a redesign, or worse:",
        'auditor scan "$IMAGE" --fail-on rearchitect -o sarif=auditor.sarif',
    ),
    ("Explain one finding:", "auditor explain wasip1:process.fork:/usr/sbin/nginx a.json"),
)


def configure(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "manual",
        help="print the manual page",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(execute=execute)


def execute(_: argparse.Namespace) -> int:
    """Print the page; its date is that of the tables."""
    from importlib.metadata import version

    from auditor.tables import load

    text = page(version("auditor"), load().as_of)
    sys.stdout.write(text)
    return EXIT_OK


def page(version: str, day: str) -> str:
    """The page in man(7), in ASCII."""
    from auditor.cli.describe import commands

    return "\n".join([*_lines(commands(), version, day), ""])


def _lines(program: Command, version: str, day: str) -> Iterator[str]:
    from auditor.cli.environment import VARIABLES
    from auditor.cli.parser import EXIT_CODES

    yield f'.TH AUDITOR 1 "{day}" "auditor {version}" "User Commands"'
    yield ".nh"  # words of code are not to be hyphenated
    yield ".SH NAME"
    yield r"auditor \- what of a container image can become WebAssembly"
    yield ".SH SYNOPSIS"
    leaves = [item for item in program.walk() if not item.commands]
    for number, command in enumerate(leaves):
        yield from ([".br"] if number else [])
        yield _synopsis(command)
    yield ".SH DESCRIPTION"
    yield from _prose(program.description)
    yield ".SH OPTIONS"
    yield from _groups(program.groups)
    yield ".SH COMMANDS"
    for command in leaves:
        yield f'.SS "{_text(command.name)}"'
        yield from _prose(command.description)
        yield from _groups(command.groups)
        if command.bounds:
            yield from (".PP", "Bounds and their defaults:")
            for name, default, about in command.bounds:
                yield from _tagged(rf"\fB{_text(name)}\fR={_text(default)}", about)
    yield ".SH EXIT STATUS"
    for code, meaning in EXIT_CODES.items():
        yield from _tagged(rf"\fB{code}\fR", meaning)
    yield ".SH ENVIRONMENT"
    yield "Every long option of"
    yield from (r"\fBauditor scan\fR", r"may be set by a variable: \fBAUDITOR_FAIL_ON\fR for")
    yield r"\fB\-\-fail\-on\fR. Lists are parted by commas. Besides:"
    for name, meaning in VARIABLES.items():
        yield from _tagged(rf"\fB{name}\fR", meaning)
    yield ".SH FILES"
    for name, meaning in _FILES.items():
        yield from _tagged(rf"\fI{_text(name)}\fR", meaning)
    yield ".SH EXAMPLES"
    for number, (words, line) in enumerate(_EXAMPLES):
        yield from ([".PP"] if number else [])
        yield from (_text(words), ".PP", ".RS 4", ".nf", _text(line), ".fi", ".RE")
    yield ".SH SEE ALSO"
    yield r"\fBdocker\fR(1), \fBpodman\fR(1), \fBcontainers\-auth.json\fR(5)"


def _synopsis(command: Command) -> str:
    name, words = command.name, command.synopsis.removeprefix(command.name)
    return rf"\fB{_text(name)}\fR{_text(words)}"


def _groups(groups: Iterable[Group]) -> Iterator[str]:
    for group in groups:
        if group.description is not None:
            yield from (".PP", *_wrapped(group.description))
        for entry in group.entries:
            yield from _tagged(_tag(entry), entry.help)


def _tag(entry: Entry) -> str:
    metavar = rf"\fI{_text(entry.metavar)}\fR" if entry.metavar is not None else ""
    flags = ", ".join(rf"\fB{_text(flag)}\fR" for flag in entry.flags)
    return f"{flags} {metavar}".strip()


def _tagged(tag: str, words: str) -> Iterator[str]:
    yield from (".TP", tag, *_wrapped(words))


def _prose(text: str) -> Iterator[str]:
    from auditor.cli.describe import is_literal, paragraphs

    for number, part in enumerate(paragraphs(text)):
        if is_literal(part):
            lines = (_text(line) or r"\&" for line in part.splitlines())
            yield from (".PP", ".nf", *lines, ".fi")
        else:
            yield from ([".PP"] if number else [])
            yield from _wrapped(part)


def _wrapped(words: str) -> Iterator[str]:
    """Text as lines of roff source, none too long; what a line begins with is no request."""
    import textwrap

    yield from (
        _text(line)
        for line in textwrap.wrap(words, 68, break_long_words=False, break_on_hyphens=False)
    )


def _text(text: str) -> str:
    """Text that roff shows as it is: see groff_char(7)."""
    escaped = text.replace("\\", r"\(rs").replace("-", r"\-")
    escaped = escaped.replace("'", r"\(aq").replace("`", r"\(ga").replace("^", r"\(ha")
    escaped = escaped.replace("~", r"\(ti")
    shown = "".join(
        character if character.isascii() else rf"\[u{ord(character):04X}]" for character in escaped
    )
    return rf"\&{shown}" if shown.startswith(".") else shown
