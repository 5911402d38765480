"""Options that several subcommands share."""

from __future__ import annotations

import argparse
import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from auditor.errors import UsageError

if TYPE_CHECKING:
    from auditor.assess.replace import Way
    from auditor.model.image import Scheme
    from auditor.model.terms import Support
    from auditor.pipeline import Options

__all__ = [
    "add_image",
    "add_judgement",
    "add_launch",
    "add_packages",
    "add_reference",
    "add_tables",
    "judgement",
    "options",
    "sources",
]


class _Help(argparse.Action):
    """Adds the bounds to the help, and reads them only when help is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from auditor.image.bounds import describe

        rows = "\n".join(f"  {name:<13}{default:<9}{about}" for name, default, about in describe())
        parser.epilog = f"bounds and their defaults:\n{rows}"
        parser.print_help()
        parser.exit()


def add_reference(parser: argparse.ArgumentParser) -> None:
    """What names an image."""
    parser.add_argument("reference", metavar="REFERENCE", help="the image")


def add_image(parser: argparse.ArgumentParser, *, exclude: bool = False) -> None:
    """Where an image is taken from, how much of it to read, and how talkative to be.

    Needs a parser without a help option, since the help that it adds lists the bounds.
    """
    parser.add_argument(
        "-h", "--help", action=_Help, nargs=0, help="show this help message and exit"
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress on stderr")
    parser.add_argument("-v", "--verbose", action="store_true", help="show everything found")
    parser.add_argument("--no-progress", action="store_true", help="no progress display")
    image = parser.add_argument_group("image")
    image.add_argument(
        "--from",
        dest="source",
        metavar="SOURCE",
        help="take the image from docker, podman, registry, oci-dir, oci-archive, docker-archive "
        "or dir, and REFERENCE as it stands",
    )
    image.add_argument(
        "--platform", metavar="OS/ARCH[/VARIANT]", help="which of an index's images to take"
    )
    if exclude:
        image.add_argument(
            "--exclude",
            action="append",
            default=[],
            metavar="GLOB",
            help="leave paths out: '/usr/share/**', or '*.pyc' for a name at any depth "
            "(repeatable); the report says so",
        )
    _add_access(parser)
    bounds = parser.add_argument_group(
        "bounds", "An image is taken for hostile, so what is read of it is bounded."
    )
    bounds.add_argument(
        "--limit",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="set a bound (repeatable): sizes may end in KiB, MiB or GiB, times in s, m or h",
    )


def _add_access(parser: argparse.ArgumentParser) -> None:
    """How registries are reached. Credentials come from the user's files, never from options."""
    group = parser.add_argument_group(
        "registry",
        "Credentials are those of docker login and podman login, or AUDITOR_REGISTRY_USERNAME and\n"
        "AUDITOR_REGISTRY_PASSWORD (or AUDITOR_REGISTRY_TOKEN), which AUDITOR_REGISTRY_AUTHORITY\n"
        "limits to one registry. Proxies are those of HTTPS_PROXY, HTTP_PROXY and NO_PROXY.",
    )
    group.add_argument(
        "--offline", action="store_true", help="ask no registry, and no engine elsewhere"
    )
    group.add_argument(
        "--insecure-registry",
        action="append",
        default=[],
        metavar="HOST[:PORT]",
        help="trust this registry without a certificate, and in plain HTTP (repeatable)",
    )
    group.add_argument(
        "--registry-ca",
        type=Path,
        metavar="FILE",
        help="PEM file of authorities to trust besides the system's",
    )
    group.add_argument(
        "--registry-mirror",
        action="append",
        default=[],
        metavar="[REGISTRY=]HOST[:PORT]",
        help="ask this mirror of a registry first (repeatable); of docker.io if none is named",
    )


def add_tables(parser: argparse.ArgumentParser) -> None:
    """Where more rows come from."""
    parser.add_argument(
        "--tables",
        type=Path,
        metavar="DIR",
        help="a directory whose files add rows to the tables, or override some",
    )


def add_judgement(parser: argparse.ArgumentParser) -> None:
    """What to judge, and under which what-ifs."""
    parser.add_argument(
        "--target",
        action="append",
        default=[],
        metavar="ID",
        help="judge this target only (repeatable): wasip1, wasip2, wasip3, …",
    )
    parser.add_argument(
        "--runtime",
        metavar="NAME[@VERSION]",
        help="judge what this runtime runs, in this version: wasmtime@36, spin, wasmedge, wazero, "
        "runwasi, … (auditor targets lists them)",
    )
    parser.add_argument(
        "--assume",
        action="append",
        default=[],
        metavar="CAPABILITY=LEVEL",
        help="what if every target offered this: net.tcp.listen=full (repeatable)",
    )
    parser.add_argument(
        "--replace",
        action="append",
        default=[],
        metavar="COMPONENT=WAY",
        help="what if this path or package were replaced (repeatable): wasm (a build that asks for "
        "nothing), network (it stays, and is called), host (an interface takes its place)",
    )
    parser.add_argument(
        "--no-catalog",
        action="store_true",
        help="leave out what the catalogue knows of well-known servers",
    )


def add_packages(parser: argparse.ArgumentParser) -> None:
    """Who names the packages of the image."""
    group = parser.add_argument_group("packages")
    group.add_argument(
        "--packages",
        default="syft",
        metavar="syft|none|FILE",
        help="have syft name the packages (the default), leave them out, or read them from a "
        "file: syft JSON, CycloneDX JSON or SPDX 2 JSON",
    )
    group.add_argument(
        "--syft",
        metavar="PATH",
        help="the syft program to run; else the one on PATH, or the one that comes with auditor",
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
    from auditor.image import Access
    from auditor.image.bounds import parse_limits
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
        exclude=tuple(getattr(parsed, "exclude", ())),
        bounds=parse_limits(parsed.limit),
        source=_source(parsed.source),
        access=Access(
            offline=parsed.offline,
            insecure_registries=frozenset(parsed.insecure_registry),
            ca_file=parsed.registry_ca,
            mirrors=tuple(_mirror(text) for text in parsed.registry_mirror),
        ),
        assume=dict(_assumed(text) for text in getattr(parsed, "assume", ())),
        replace=dict(_replaced(text) for text in getattr(parsed, "replace", ())),
        runtime=getattr(parsed, "runtime", None),
        packages=getattr(parsed, "packages", "syft"),
        base=getattr(parsed, "base", None),
        traces=tuple(getattr(parsed, "trace", ())),
        syft=getattr(parsed, "syft", None),
    )


def sources() -> tuple[str, ...]:
    """What ``--from`` takes."""
    from auditor.model.image import Scheme

    return tuple(scheme for scheme in Scheme if scheme is not Scheme.ARCHIVE)


def judgement(parsed: argparse.Namespace) -> Options:
    """The pipeline's options for a command line that names no image."""
    from auditor.pipeline import Options

    return Options(
        targets=tuple(parsed.target),
        catalog=not parsed.no_catalog,
        tables=parsed.tables,
        assume=dict(_assumed(text) for text in parsed.assume),
        replace=dict(_replaced(text) for text in parsed.replace),
        runtime=parsed.runtime,
    )


def _source(text: str | None) -> Scheme | None:
    from auditor.model.image import Scheme

    if text is None or text in set(Scheme):
        return None if text is None else Scheme(text)
    known = ", ".join(sources())
    raise UsageError(f"--from {text!r} is no source of images", hint=f"sources: {known}")


def _assumed(text: str) -> tuple[str, Support]:
    from auditor.model.terms import Support

    name, _, level = text.partition("=")
    if not name or level not in set(Support):
        raise UsageError(
            f"--assume {text!r} is not CAPABILITY=LEVEL", hint=f"levels: {', '.join(Support)}"
        )
    return name, Support(level)


def _replaced(text: str) -> tuple[str, Way]:
    from auditor.assess.replace import Way

    name, _, way = text.rpartition("=")
    if not name or way not in set(Way):
        raise UsageError(f"--replace {text!r} is not COMPONENT=WAY", hint=f"ways: {', '.join(Way)}")
    return name, Way(way)


def _mirror(text: str) -> tuple[str, str]:
    registry, separator, mirror = text.rpartition("=")
    if not mirror or (separator and not registry):
        raise UsageError(f"--registry-mirror {text!r} is not [REGISTRY=]HOST[:PORT]")
    return registry or "docker.io", mirror


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
