"""Options that several subcommands share."""

from __future__ import annotations

import argparse
import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.errors import UsageError

if TYPE_CHECKING:
    from auditor.pipeline import Options

__all__ = ["add_image", "add_launch", "add_tables", "options"]


def add_image(parser: argparse.ArgumentParser) -> None:
    """What names an image, and how talkative to be."""
    parser.add_argument("reference", metavar="REFERENCE", help="the image")
    parser.add_argument(
        "--platform", metavar="OS/ARCH[/VARIANT]", help="which of an index's images to take"
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress on stderr")
    parser.add_argument("-v", "--verbose", action="store_true", help="show everything found")
    parser.add_argument("--no-progress", action="store_true", help="no progress display")


def add_tables(parser: argparse.ArgumentParser) -> None:
    """Where more rows come from."""
    parser.add_argument(
        "--tables",
        type=Path,
        metavar="DIR",
        help="a directory whose files add rows to the tables, or override some",
    )


def add_launch(parser: argparse.ArgumentParser) -> None:
    """What a Kubernetes or compose file would put in the image's place."""
    parser.add_argument(
        "--entrypoint",
        metavar="COMMAND",
        help='start this instead of ENTRYPOINT and CMD; words, or a JSON array (["a", "b"])',
    )
    parser.add_argument(
        "--cmd", metavar="ARGUMENTS", help="put these in CMD's place; words, or a JSON array"
    )
    parser.add_argument(
        "--env",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="set a variable of the container's environment (repeatable)",
    )


def options(parsed: argparse.Namespace) -> Options:
    """The pipeline's options for a parsed command line."""
    from auditor.model.graph import Overrides
    from auditor.pipeline import Options

    return Options(
        platform=parsed.platform,
        targets=tuple(getattr(parsed, "target", ())),
        catalog=not getattr(parsed, "no_catalog", False),
        overrides=Overrides(
            entrypoint=_words("--entrypoint", getattr(parsed, "entrypoint", None)),
            cmd=_words("--cmd", getattr(parsed, "cmd", None)),
            env=tuple(_variable(text) for text in getattr(parsed, "env", ())),
        ),
        tables=parsed.tables,
    )


def _words(option: str, text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    if text.lstrip().startswith("["):
        try:
            words = json.loads(text)
        except ValueError as error:
            raise UsageError(f"{option} {text!r} is no JSON array: {error}") from None
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise UsageError(f"{option} {text!r} is no JSON array of strings")
        return tuple(words)
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise UsageError(f"{option} {text!r} cannot be split into words: {error}") from None


def _variable(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise UsageError(f"--env {text!r} is not NAME=VALUE")
    return name, value
