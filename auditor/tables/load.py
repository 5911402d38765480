"""``signatures/`` → ``Tables``: parse, resolve references, check what the domain promises."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import msgspec

from auditor.errors import TableError
from auditor.model.terms import Need
from auditor.tables import compiled
from auditor.tables.apis import load_apis
from auditor.tables.catalog import load_catalog
from auditor.tables.files import Files, RowError, complain, split_cells
from auditor.tables.hosts import load_hosts
from auditor.tables.interfaces import load_interfaces
from auditor.tables.languages import load_languages
from auditor.tables.launchers import load_launchers
from auditor.tables.overlay import Overlay
from auditor.tables.rows import (
    CapabilityRow,
    RuntimeRow,
    Source,
    SupportRow,
    SymbolRow,
    Tables,
    TargetRow,
    ToolchainLibrary,
    WrapperRow,
)
from auditor.tables.settings import load_settings
from auditor.tables.shapes import (
    CapabilityShape,
    LevelShape,
    RuntimeShape,
    SourceShape,
    TargetShape,
    ToolchainShape,
    WrapperShape,
)
from auditor.tables.support import symbol_levels
from auditor.tables.syscalls import load_syscalls

__all__ = ["load", "needed", "parse", "shipped"]

ALWAYS = (
    "sources.toml",
    "capabilities.toml",
    "libc/symbols.csv",
    "libc/aliases.csv",
    "runtimes.toml",
    "wrappers.toml",
    "toolchain_libraries.toml",
    "languages.toml",
    "hosts.toml",
    "settings.toml",
    "routes.toml",
    "catalog/python-packages.csv",
    "catalog/python-modules.csv",
    "catalog/applications.csv",
    "catalog/servers.toml",
    "syscalls/syscalls.csv",
    "syscalls/arguments.toml",
    "syscalls/constants.csv",
    "syscalls/library.toml",
    "interfaces.toml",
    "syscalls/gates.toml",
)
"""Files that are read whatever targets there are."""

EFFORTS = frozenset({0, 1, 3, 5, 8, 13})
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_NEEDS = {need.value: need for need in Need}


def load(directory: Path | None = None, overlay: Path | None = None) -> Tables:
    """Load and validate a ``signatures`` directory, the shipped one by default.

    Files of ``overlay`` add rows to it or take the place of some. Raises ``TableError`` that
    names file, line or key, and reason.
    """
    root = directory or shipped()
    if overlay is None:
        return _tables(Files(root))
    over = Overlay.at(overlay)
    files = Files(root, over)
    try:
        tables = _tables(files)
    except RowError as error:
        raise over.blamed(error.file, error.where, error.reason) from None
    for name in over.files:
        # Only a new target brings new files with it. A name that nobody reads is a mistake.
        if not (root / name).exists() and not files.has_read(name):
            raise TableError(
                f"{overlay / name}: there is no table of that name",
                hint="signatures/README.md tells what each file holds",
            )
    return replace(tables, overlay=over.files)


def needed(files: Files) -> tuple[str, ...]:
    """Names of all files that loading reads."""
    targets = files.names("targets", ".toml")
    ids = [name.removeprefix("targets/").removesuffix(".toml") for name in targets]
    support = (f"{room}/support/{target}.csv" for room in ("libc", "syscalls") for target in ids)
    languages = (*files.names("apis", ".csv"), *files.names("launchers", ".toml"))
    return (*ALWAYS, *targets, *support, *languages)


def _tables(files: Files) -> Tables:
    """From the compiled form of these very files, or else from the files."""
    files.gather(needed(files))
    digest = files.digest()
    tables = compiled.find(digest)
    if tables is None:
        tables = parse(files, digest)
        compiled.keep(tables)
    return tables


def parse(files: Files, digest: str) -> Tables:
    """Read and validate all files. Raises ``RowError``."""
    sources = _sources(files)
    capabilities = _capabilities(files, sources)
    shapes = _target_shapes(files, sources, capabilities)
    symbols = _symbols(files, sources, capabilities)
    aliases = _aliases(files, symbols)
    runtimes = files.toml_tables("runtimes.toml", RuntimeShape)
    wrappers = files.toml_tables("wrappers.toml", WrapperShape)
    libraries = files.toml_tables("toolchain_libraries.toml", ToolchainShape)
    for name, table in (
        ("runtimes.toml", runtimes),
        ("wrappers.toml", wrappers),
        ("toolchain_libraries.toml", libraries),
    ):
        for key, row in table.items():
            _check_source(name, f"[{key}]", row.source, sources)
    levels = {target: symbol_levels(files, target, symbols, sources) for target in shapes}
    targets = {target: _target(target, shape) for target, shape in shapes.items()}
    languages = load_languages(files, sources, targets, capabilities)
    hosts = load_hosts(files, sources, targets)
    catalog = load_catalog(files, sources, capabilities, targets)
    syscalls = load_syscalls(files, sources, capabilities, targets)
    return Tables(
        digest=digest,
        as_of=max(source.as_of for source in sources.values()),
        sources=sources,
        capabilities=capabilities,
        targets=targets,
        symbols=symbols,
        aliases=aliases,
        toolchain_libraries=tuple(
            ToolchainLibrary(soname, row.title, row.source) for soname, row in libraries.items()
        ),
        runtimes=tuple(_runtime(key, row) for key, row in runtimes.items()),
        wrappers={key: _wrapper(key, row) for key, row in wrappers.items()},
        languages=languages,
        apis=load_apis(files, sources, capabilities),
        launchers=load_launchers(files, sources, capabilities),
        settings=load_settings(files, sources, capabilities),
        hosts=hosts,
        catalog=catalog,
        syscalls=syscalls,
        interfaces=load_interfaces(files, sources, capabilities, targets),
        capability_levels={
            target: _levels(target, shapes, sources, capabilities) for target in shapes
        },
        symbol_levels=levels,
    )


def shipped() -> Path:
    """The shipped ``signatures``: beside the modules in a wheel, at the root of a checkout."""
    package = Path(__file__).parents[1]
    for candidate in (package / "signatures", package.parent / "signatures"):
        if (candidate / "capabilities.toml").is_file():
            return candidate
    raise TableError("the signatures directory is not there", hint="install auditor again")


def _sources(files: Files) -> dict[str, Source]:
    rows = files.toml_tables("sources.toml", SourceShape)
    for key, row in rows.items():
        if not _DATE.fullmatch(row.as_of):
            raise complain("sources.toml", f"[{key}]", f"as_of {row.as_of!r} is no date")
    return {
        key: Source(key, row.title, row.url, row.as_of, row.licence, row.attribution)
        for key, row in rows.items()
    }


def _check_source(file: str, where: str, source: str, sources: Mapping[str, Source]) -> None:
    if source not in sources:
        raise complain(file, where, f"source {source!r} is not in sources.toml")


def _capabilities(files: Files, sources: Mapping[str, Source]) -> dict[str, CapabilityRow]:
    file = "capabilities.toml"
    found: dict[str, CapabilityRow] = {}
    for name, row in files.toml_tables(file, CapabilityShape).items():
        _check_source(file, f"[{name}]", row.source, sources)
        if row.effort not in EFFORTS:
            raise complain(file, f"[{name}]", f"effort {row.effort} is none of {sorted(EFFORTS)}")
        if row.source == "judgement" and not row.reason:
            raise complain(file, f"[{name}]", "a judgement without a reason")
        found[name] = CapabilityRow(
            name=name,
            title=row.title,
            summary=row.summary,
            why=row.why,
            remedy=row.remedy,
            interface=row.interface,
            need=row.need,
            effort=row.effort,
            source=row.source,
            reason=row.reason,
        )
    return found


def _target_shapes(
    files: Files, sources: Mapping[str, Source], capabilities: Mapping[str, CapabilityRow]
) -> dict[str, TargetShape]:
    """Every target, in the order in which reports show them."""
    shapes: dict[str, TargetShape] = {}
    for file in files.names("targets", ".toml"):
        shape = files.toml(file, TargetShape)
        _check_source(file, "source", shape.source, sources)
        for name, row in shape.support.items():
            _check_source(file, f"support.{name}", row.source, sources)
            if name not in capabilities:
                raise complain(file, f"support.{name}", "no such capability in capabilities.toml")
        shapes[file.removeprefix("targets/").removesuffix(".toml")] = shape
    if not shapes:
        raise complain("targets", "the directory", "there is no target in it")
    for target, shape in shapes.items():
        referred = (*shape.adapter_from, *((shape.extends,) if shape.extends else ()))
        for other in referred:
            if other not in shapes:
                raise complain(f"targets/{target}.toml", "its top level", f"no target {other!r}")
    return dict(sorted(shapes.items(), key=lambda item: item[1].order))


def _levels(
    target: str,
    shapes: Mapping[str, TargetShape],
    sources: Mapping[str, Source],
    capabilities: Mapping[str, CapabilityRow],
) -> dict[str, SupportRow]:
    """A level for every capability, what a target is built on underneath its own rows."""
    lineage = [target]
    while (base := shapes[lineage[-1]].extends) is not None:
        if base in lineage:
            raise complain(f"targets/{target}.toml", "extends", f"a circle through {base!r}")
        lineage.append(base)
    found: dict[str, SupportRow] = {}
    for name in capabilities:
        owner = next((item for item in lineage if name in shapes[item].support), None)
        if owner is None:
            raise complain(f"targets/{target}.toml", "support", f"no level for {name}")
        row: LevelShape = shapes[owner].support[name]
        as_of = sources[row.source].as_of
        file = f"targets/{owner}.toml"
        found[name] = SupportRow(row.level, row.note, row.flags, row.source, as_of, file, name)
    return found


def _symbols(
    files: Files, sources: Mapping[str, Source], capabilities: Mapping[str, CapabilityRow]
) -> dict[str, SymbolRow]:
    """Some 3,400 rows, in which the same few endings stand: each is read and checked once."""
    file = "libc/symbols.csv"
    columns = ("symbol", "capability", "need", "reason", "source")
    lines = files.keyed_lines(file, columns)
    read: dict[str, tuple[str, Need, str]] = {}
    for name, rest in lines.items():
        if rest not in read:
            try:
                read[rest] = _symbol(rest, sources, capabilities)
            except ValueError as error:
                raise complain(file, files.line_of(file, name), str(error)) from None
    return {name: SymbolRow(name, *read[rest]) for name, rest in lines.items()}


def _symbol(
    rest: str, sources: Mapping[str, Source], capabilities: Mapping[str, CapabilityRow]
) -> tuple[str, Need, str]:
    """Capability, need and source. Raises ``ValueError`` with what is wrong."""
    cells = split_cells(rest, 4)
    capability, need, reason, source = cells
    if source not in sources:
        raise ValueError(f"source {source!r} is not in sources.toml")
    if capability not in capabilities:
        raise ValueError(f"capability {capability!r} is not in capabilities.toml")
    if need and need not in _NEEDS:
        raise ValueError(f"need {need!r} is none of {', '.join(_NEEDS)}")
    if need and not reason:
        raise ValueError("a need of its own without a reason")
    own = _NEEDS[need] if need else capabilities[capability].need
    return capability, own, source


def _aliases(files: Files, symbols: Mapping[str, SymbolRow]) -> dict[str, str]:
    file = "libc/aliases.csv"
    found: dict[str, str] = {}
    for line, (alias, name, _) in files.rows(file, ("alias", "symbol", "kind")):
        if name not in symbols:
            raise complain(file, f"line {line}", f"symbol {name!r} is not in libc/symbols.csv")
        if alias in symbols:
            raise complain(file, f"line {line}", f"{alias!r} is a symbol of its own as well")
        found[alias] = name
    return found


def _target(target: str, shape: TargetShape) -> TargetRow:
    return TargetRow(
        id=target,
        title=shape.title,
        summary=shape.summary,
        headline=shape.headline,
        breadth=len(shape.runtimes),
        runtimes=shape.runtimes,
        toolchain=shape.toolchain,
        import_modules=shape.import_modules,
        import_functions=frozenset(shape.import_functions),
        adapter_from=shape.adapter_from,
        source=shape.source,
    )


def _runtime(key: str, row: RuntimeShape) -> RuntimeRow:
    contents = (row.pattern, *row.version, *row.series, row.vendor)
    try:
        re.compile(row.command_pattern)
    except re.error as error:
        raise complain("runtimes.toml", f"[{key}]", f"command_pattern: {error}") from None
    try:
        for pattern in contents:
            re.compile(pattern.encode("latin-1"))
        for mark in row.marks:
            mark.encode("latin-1")
    except (re.error, UnicodeEncodeError) as error:
        raise complain("runtimes.toml", f"[{key}]", str(error)) from None
    if not (row.entry_functions or row.marks or row.library_functions):
        raise complain("runtimes.toml", f"[{key}]", "nothing tells how it is recognised")
    if row.files and not row.marks:
        raise complain("runtimes.toml", f"[{key}]", "files without marks: a name alone says little")
    cells = msgspec.structs.asdict(row)
    name = cells.pop("runtime") or key
    return RuntimeRow(id=name, **cells | {"swap": row.swap or name})


def _wrapper(key: str, row: WrapperShape) -> WrapperRow:
    return WrapperRow(
        name=key,
        value_options=row.value_options,
        operands=row.operands,
        assignments=row.assignments,
        after=row.after,
        replaces=row.replaces,
        source=row.source,
    )
