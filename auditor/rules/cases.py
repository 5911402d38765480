"""Reading case files: a list of cases in YAML, checked as strictly as the tables.

::

    - name: a server that forks
      component: {imports: [fork, open, printf]}
      expect:
        wasip1: {process.fork: none}
        wasix: {process.fork: partial}
      absent: [net.tcp.listen]

``component`` has ``imports`` (functions of the C library; ``kind: library`` for a shared
library), or ``wasm_imports`` (``module#function``), or ``commands`` of a shell script, or
``calls`` and ``modules`` of a program in a language with a ``runtime`` (``python:os.fork``);
``asks`` places capabilities that none of these can show. ``expect`` gives the level that each
target offers for what is asked, and ``absent`` the capabilities that have no finding on any.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import msgspec
import yaml

from auditor.errors import TableError
from auditor.model.terms import Support
from auditor.tables.rows import Tables

__all__ = ["Case", "Kind", "Made", "read"]

_SUFFIXES = frozenset({".yaml", ".yml"})
_LARGEST = 1 << 20
"""Bytes of a case file. Aliases of YAML can grow, so it is bounded."""


class Kind(StrEnum):
    """What the made-up component is."""

    EXECUTABLE = "executable"
    LIBRARY = "library"
    SCRIPT = "script"
    SOURCE = "source"
    WASM = "wasm"


class Made(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The made-up component."""

    kind: Kind | None = None
    """Told by the facts where it is not given."""
    imports: tuple[str, ...] = ()
    wasm_imports: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    """``language:name``, as ``apis/`` writes them."""
    modules: tuple[str, ...] = ()
    """The same for modules that are loaded."""
    runtime: str | None = None
    """Id in ``languages.toml``."""
    asks: tuple[str, ...] = ()


class _CaseShape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    component: Made
    expect: dict[str, dict[str, Support]] = {}
    absent: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """One case."""

    file: str
    """As a person would name it: below the directory that was given."""
    name: str
    component: Made
    kind: Kind
    expect: tuple[tuple[str, str, Support], ...]
    """Target, capability, level."""
    absent: tuple[str, ...]
    """Capabilities without a finding on any target."""


def read(directory: Path, tables: Tables) -> tuple[Case, ...]:
    """All cases of a directory's files, in the order of their names.

    Raises ``TableError`` with file, case and reason for a case that makes no sense.
    """
    if not directory.is_dir():
        raise TableError(f"there is no directory {directory} to take rule tests from")
    files = sorted(path for path in directory.rglob("*") if path.suffix in _SUFFIXES)
    cases = tuple(case for file in files for case in _cases(file, directory, tables))
    if not cases:
        raise TableError(
            f"{directory} holds no rule tests",
            hint="they stand in files named *.yaml, each a list of cases",
        )
    return cases


def _cases(path: Path, directory: Path, tables: Tables) -> Iterator[Case]:
    file = path.relative_to(directory).as_posix()
    document = _document(path)
    if not isinstance(document, list):
        raise TableError(f"{path} is no list of cases")
    seen: set[str] = set()
    for number, value in enumerate(document, 1):
        name = value.get("name") if isinstance(value, dict) else None
        where = f"{path}, case {name!r}" if isinstance(name, str) else f"{path}, case {number}"
        if name in seen:
            raise TableError(f"{where}: another case has that name")
        try:
            shape = msgspec.convert(value, _CaseShape)
        except msgspec.ValidationError as error:
            raise TableError(f"{where}: {error}") from None
        seen.add(shape.name)
        _check(where, shape, tables)
        yield Case(
            file=file,
            name=shape.name,
            component=shape.component,
            kind=_kind(where, shape.component),
            expect=tuple(
                (target, capability, level)
                for target, levels in shape.expect.items()
                for capability, level in levels.items()
            ),
            absent=shape.absent,
        )


def _check(where: str, shape: _CaseShape, tables: Tables) -> None:
    """What the names of a case refer to must be there, and a case must be able to fail."""
    for target in shape.expect:
        if target not in tables.targets:
            raise TableError(f"{where}: there is no target {target!r}")
    expected = [name for levels in shape.expect.values() for name in levels]
    for name in (*expected, *shape.absent, *shape.component.asks):
        if name not in tables.capabilities:
            raise TableError(f"{where}: there is no capability {name!r}")
    for name in (*shape.component.calls, *shape.component.modules):
        if name.partition(":")[0] not in tables.apis:
            raise TableError(f"{where}: there is no apis/{name.partition(':')[0]}.csv")
    runtime = shape.component.runtime
    if runtime is not None and runtime not in tables.languages:
        raise TableError(f"{where}: there is no language {runtime!r}")
    if not expected and not shape.absent:
        raise TableError(f"{where}: it expects nothing")
    if both := sorted(set(shape.absent).intersection(expected)):
        raise TableError(f"{where}: {both[0]} is both expected and absent")


def _kind(where: str, made: Made) -> Kind:
    """What the component is; facts of several kinds in one are refused."""
    facts = {
        Kind.EXECUTABLE: made.imports or made.asks,
        Kind.WASM: made.wasm_imports,
        Kind.SCRIPT: made.commands,
        Kind.SOURCE: made.calls or made.modules or made.runtime,
    }
    given = [kind for kind, values in facts.items() if values]
    if len(given) > 1:
        raise TableError(f"{where}: a component cannot be {given[0]} and {given[1]} at once")
    kind = made.kind or (given[0] if given else Kind.EXECUTABLE)
    plain = Kind.EXECUTABLE if kind is Kind.LIBRARY else kind
    if given and given[0] is not plain:
        raise TableError(f"{where}: a component of kind {kind} has no facts of kind {given[0]}")
    return kind


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice, where YAML would forget the first."""

    def construct_mapping(
        self,
        node: yaml.MappingNode,
        deep: bool = False,  # noqa: FBT001, FBT002 - PyYAML's own signature
    ) -> dict[Hashable, object]:
        """As in YAML, with the keys checked."""
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f"the key {key.value!r} stands there twice",
                    problem_mark=key.start_mark,
                )
            seen.add(str(key.value))
        return super().construct_mapping(node, deep=deep)


def _document(path: Path) -> object:
    try:
        if path.stat().st_size > _LARGEST:
            raise TableError(f"{path} is larger than {_LARGEST} bytes")
        text = path.read_text(encoding="utf-8")
        document: object = yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader
    except OSError as error:
        raise TableError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise TableError(f"{path} is not UTF-8") from None
    except yaml.YAMLError as error:
        raise TableError(f"{path} is no YAML: {_said(error)}") from None
    return document


def _said(error: yaml.YAMLError) -> str:
    """A parser's words on one line."""
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    return " ".join(f"line {mark.line + 1}: {problem}".split() if mark else problem.split())
