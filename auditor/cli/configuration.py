"""Options from ``.auditor.toml`` and from the environment.

Every option of a command has a key, its long name (``fail-on``), and a variable
(``AUDITOR_FAIL_ON``). A flag counts before the variable, the variable before the file.
"""

from __future__ import annotations

import argparse
import difflib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditor.errors import UsageError

if TYPE_CHECKING:
    from auditor.report.waivers import Waiver
    from auditor.report.wire import WireReport

__all__ = [
    "WAIVER_KEYS",
    "Configuration",
    "Origin",
    "add",
    "keys",
    "merge",
    "of",
    "variable",
    "waive",
]

_FILE = ".auditor.toml"
_DEST = "configuration"
"""Where a parsed command line keeps its ``Configuration``."""
_WAIVERS = "waivers"
_LARGEST = 1 << 20
_WORDS = {"1": True, "true": True, "yes": True, "on": True}
_WORDS |= {"0": False, "false": False, "no": False, "off": False, "": False}
_WAIVER_TEXTS = ("rule", "component", "package", "path", "target", "reason", "owner")
WAIVER_KEYS = (*_WAIVER_TEXTS, "expires")
"""What a waiver may have."""
_NOT_KEYS = frozenset({"help", "version", "config"})
_NOT_IN_FILE = frozenset({"syft"})
"""A program that is run is no business of a file which a check-out brings along."""


@dataclass(frozen=True, slots=True)
class Origin:
    """One option's value, and where it came from."""

    value: Any
    source: str
    """``flag``, ``default``, the variable's name, or the file's path."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """All that was not said by flags alone."""

    path: Path | None = None
    origins: Mapping[str, Origin] = field(default_factory=dict)
    """Key → value."""
    waivers: tuple[Waiver, ...] = ()


def add(parser: argparse.ArgumentParser) -> None:
    """The option that names the file; a parser that has it is configurable."""
    parser.add_argument(
        "--config",
        metavar="FILE",
        help=f"read options and waivers from this file, not from the nearest {_FILE}",
    )


def _key(action: argparse.Action) -> str | None:
    """An option's key; ``None`` for what no file may set."""
    long = [name[2:] for name in action.option_strings if name.startswith("--")]
    return long[0] if long and long[0] not in _NOT_KEYS else None


def keys(parser: argparse.ArgumentParser) -> dict[str, argparse.Action]:
    """Key → option, of one command."""
    named = ((_key(action), action) for action in parser._actions)  # noqa: SLF001 - no public way
    return {key: action for key, action in named if key is not None}


def variable(key: str) -> str:
    """The variable of the environment that sets an option, by the option's key."""
    return f"AUDITOR_{key.replace('-', '_').upper()}"


def of(parsed: argparse.Namespace) -> Configuration:
    """What ``merge`` kept."""
    found = getattr(parsed, _DEST, None)
    return found if isinstance(found, Configuration) else Configuration()


def waive(report: WireReport, parsed: argparse.Namespace) -> tuple[WireReport, list[str]]:
    """The report with its waived findings marked, and sentences about waivers that do nothing."""
    waivers = of(parsed).waivers
    if not waivers:
        return report, []
    from datetime import UTC, datetime

    from auditor.report.waivers import waive as marked

    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    now = datetime.fromtimestamp(int(epoch), UTC) if epoch.isdecimal() else datetime.now(UTC)
    return marked(report, waivers, now.date())


def merge(
    parsed: argparse.Namespace,
    flags: argparse.Namespace,
    command: argparse.ArgumentParser,
    known: frozenset[str],
) -> None:
    """Fill in what no flag said, and keep a ``Configuration`` in ``parsed``.

    ``flags`` holds the options that were given as flags alone; ``known`` are the keys of every
    command, which the file may have. Raises ``UsageError`` for a file or value that is wrong.
    """
    path = _path(getattr(parsed, "config", None))
    table = _table(path) if path is not None else {}
    waivers = _waivers(table.pop(_WAIVERS, []), path)
    for key in table:
        if key in _NOT_IN_FILE:
            hint = f"say --{key} or set {variable(key)}"
            raise UsageError(f"{path} may not name a program to run ({key})", hint=hint)
        if key not in known:
            near = difflib.get_close_matches(key, sorted(known | {_WAIVERS}), n=3)
            hint = f"near: {', '.join(near)}" if near else "auditor config lists all keys"
            raise UsageError(f"{path} has an unknown key {key!r}", hint=hint)
    origins: dict[str, Origin] = {}
    sources = _Sources(flags, table, path)
    for key, action in keys(command).items():
        origin = sources.origin(key, action, getattr(parsed, action.dest))
        setattr(parsed, action.dest, origin.value)
        origins[key] = origin
    setattr(parsed, _DEST, Configuration(path, origins, waivers))


@dataclass(frozen=True, slots=True)
class _Sources:
    flags: argparse.Namespace
    table: Mapping[str, Any]
    path: Path | None

    def origin(self, key: str, action: argparse.Action, otherwise: Any) -> Origin:
        """An option's value, from the first that has it; ``otherwise`` is the parser's own."""
        if hasattr(self.flags, action.dest):
            return Origin(otherwise, "flag")
        name = variable(key)
        if (text := os.environ.get(name)) is not None:
            return Origin(_from_text(text, action, name), name)
        if key in self.table and self.path is not None:
            what = f"{key!r} in {self.path}"
            value = _from_table(self.table[key], action, what, self.path.parent)
            return Origin(value, str(self.path))
        return Origin(otherwise, "default")


def _path(named: str | None) -> Path | None:
    """The file that was named, else the nearest one from the working directory upward."""
    named = named if named is not None else os.environ.get("AUDITOR_CONFIG")
    if named is not None:
        return Path(named) if named else None
    here = Path.cwd()
    return next((path for path in _upward(here) if path.is_file()), None)


def _upward(here: Path) -> Iterator[Path]:
    for folder in (here, *here.parents):
        yield folder / _FILE


def _table(path: Path) -> dict[str, Any]:
    import tomli

    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
        if len(data) > _LARGEST:
            raise UsageError(f"{path} is larger than {_LARGEST >> 20} MiB")
        return tomli.loads(data.decode())
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    except (tomli.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is no TOML: {error}") from None


def _from_text(text: str, action: argparse.Action, what: str) -> Any:
    if _is_list(action):
        return [_typed(part.strip(), action, what) for part in text.split(",") if part.strip()]
    if action.nargs == 0:
        if text.lower() not in _WORDS:
            raise UsageError(f"{what} is {text!r}, and should be true or false")
        return _WORDS[text.lower()]
    return _typed(text, action, what)


def _from_table(value: object, action: argparse.Action, what: str, folder: Path) -> Any:
    if _is_list(action):
        values: list[object] = value if isinstance(value, list) else [value]
        texts = [item for item in values if isinstance(item, str)]
        if len(texts) < len(values):
            raise UsageError(f"{what} should be a list of strings")
        return [_typed(item, action, what) for item in texts]
    if action.nargs == 0:
        if not isinstance(value, bool):
            raise UsageError(f"{what} should be true or false")
        return value
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise UsageError(f"{what} should be a string or a number")
    typed = _typed(str(value), action, what)
    if _key(action) == "baseline" and typed != "-":
        return str(folder / typed)
    return folder / typed if isinstance(typed, Path) else typed


def _is_list(action: argparse.Action) -> bool:
    return isinstance(action.default, list)


def _typed(text: str, action: argparse.Action, what: str) -> Any:
    if not callable(action.type):
        return text
    try:
        return action.type(text)
    except (ValueError, argparse.ArgumentTypeError) as error:
        raise UsageError(f"{what} is {text!r}: {error}") from None


def _waivers(items: object, path: Path | None) -> tuple[Waiver, ...]:
    if not items:
        return ()
    if not isinstance(items, list):
        raise UsageError(f"{path}: waivers are tables, as in [[waivers]]")
    return tuple(_waiver(item, f"{path}, waiver {n}") for n, item in enumerate(items, 1))


def _waiver(item: object, where: str) -> Waiver:
    from datetime import date, datetime

    from auditor.report.waivers import Waiver

    texts = _WAIVER_TEXTS
    if not isinstance(item, dict):
        raise UsageError(f"{where} is no table")
    for key, value in item.items():
        if key not in WAIVER_KEYS:
            hint = f"keys: {', '.join(WAIVER_KEYS)}"
            raise UsageError(f"{where} has an unknown key {key!r}", hint=hint)
        if key in texts and not isinstance(value, str):
            raise UsageError(f"{where}: {key} should be a string")
    expires = item.get("expires")
    if expires is not None and (isinstance(expires, datetime) or not isinstance(expires, date)):
        raise UsageError(f"{where}: expires should be a day, as in 2027-01-31 without quotes")
    if not item.get("reason", "").strip():
        raise UsageError(f"{where} has no reason", hint="say why the findings are accepted")
    if not {"rule", "component", "package", "path"} & item.keys():
        raise UsageError(
            f"{where} would accept everything", hint="name a rule, component, package or path"
        )
    fields: Sequence[str] = [key for key in texts if key in item]
    return Waiver(**{key: item[key] for key in fields}, expires=expires, where=where)
