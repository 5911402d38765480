"""Files → components, by magic number and never by name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from auditor.errors import PathInImageError
from auditor.formats import FormatError
from auditor.formats.magic import FileFormat, sniff
from auditor.formats.script import parse_script
from auditor.formats.wasm import parse_wasm
from auditor.image.rootfs import HEAD_SIZE, RootFS
from auditor.inventory.runtimes import (
    Found,
    Recognised,
    gather,
    recognise,
    recognise_interpreter,
)
from auditor.model.facts import ElfFacts, ElfType, ScriptFacts, WasmFacts
from auditor.model.image import Entry, EntryKind
from auditor.model.inventory import (
    Component,
    ComponentKind,
    Inventory,
    RuntimeKind,
    Unknown,
)
from auditor.tables.rows import RuntimeRow

__all__ = ["collect", "component_at"]

_SHELL_SUFFIXES = frozenset({".sh", ".envsh", ".bash"})


@dataclass(frozen=True, slots=True)
class _Reading:
    """What one file came to."""

    component: Component | None
    unknown: Unknown | None = None
    recognised: Recognised | None = None


def collect(rootfs: RootFS, runtimes: tuple[RuntimeRow, ...]) -> Inventory:
    """Every component of an image, and an Unknown for each file that defied reading."""
    components: list[Component] = []
    found: list[Found] = []
    unknowns = list(rootfs.unknowns())
    files = 0
    for entry in rootfs.entries():
        if entry.kind is not EntryKind.FILE:
            continue
        files += 1
        reading = _read(rootfs, entry, runtimes)
        if reading.component is not None:
            components.append(reading.component)
            if reading.recognised is not None:
                found.append(Found(reading.component, reading.recognised))
        if reading.unknown is not None:
            unknowns.append(reading.unknown)
    return Inventory(
        components=tuple(sorted(components, key=lambda component: component.id)),
        unknowns=tuple(sorted(unknowns, key=lambda unknown: (unknown.path, unknown.stage))),
        files=files,
        runtimes=gather(rootfs, tuple(found), components, runtimes),
    )


def component_at(
    rootfs: RootFS, path: str, runtimes: tuple[RuntimeRow, ...]
) -> tuple[Component | None, Unknown | None]:
    """The component that a path leads to, links followed, without looking at other files."""
    entry = rootfs.resolve(path)
    if entry is None or entry.kind is not EntryKind.FILE:
        return None, None
    reading = _read(rootfs, entry, runtimes)
    return reading.component, reading.unknown


def _read(rootfs: RootFS, entry: Entry, runtimes: tuple[RuntimeRow, ...]) -> _Reading:
    try:
        head = rootfs.read(entry, HEAD_SIZE)
    except PathInImageError:
        return _Reading(None)  # not kept: ``keep`` saw nothing of interest in it
    form = sniff(head)
    try:
        match form:
            case FileFormat.ELF:
                return _elf(rootfs, entry, runtimes)
            case FileFormat.WASM:
                return _reading(entry, ComponentKind.WASM, parse_wasm(rootfs.read(entry)))
            case FileFormat.SCRIPT:
                script = parse_script(rootfs.read(entry))
                runtime = recognise_interpreter(script, runtimes)
                return _reading(entry, ComponentKind.SCRIPT, script, runtime=runtime)
            case None:
                return _shell_without_shebang(entry, head)
    except FormatError as error:
        return _damaged(entry, form, error)


def _elf(rootfs: RootFS, entry: Entry, runtimes: tuple[RuntimeRow, ...]) -> _Reading:
    # Late, since the parser behind it takes long to load and an image may hold no ELF file.
    from auditor.formats.elf import parse_elf  # noqa: PLC0415

    content = rootfs.read(entry)
    facts = parse_elf(content)
    match facts.type:
        case ElfType.EXECUTABLE:
            kind = ComponentKind.EXECUTABLE
        case ElfType.LIBRARY:
            kind = ComponentKind.LIBRARY
        case ElfType.RELOCATABLE | ElfType.CORE | ElfType.OTHER:
            # Object files, kernel modules and core dumps are never run as they are.
            return _Reading(None)
    recognised = recognise(facts, content, runtimes)
    # What is linked into a program is no interpreter that a target could bring.
    swapped = recognised is not None and recognised.kind is not RuntimeKind.COMPILED
    runtime = recognised.row.swap if recognised is not None and swapped else None
    return replace(_reading(entry, kind, facts, runtime=runtime), recognised=recognised)


def _shell_without_shebang(entry: Entry, head: bytes) -> _Reading:
    """Text that a shell would run or source: executable, or named as shell text is."""
    if b"\0" in head or not head.strip():
        return _Reading(None)
    if PurePosixPath(entry.path).suffix not in _SHELL_SUFFIXES:
        return _Reading(None)
    script = ScriptFacts("/bin/sh", None, entry.size, posix_shell=True)
    return _reading(entry, ComponentKind.SCRIPT, script)


def _damaged(entry: Entry, form: FileFormat | None, error: FormatError) -> _Reading:
    """Keep what cannot be read as a component, so that a verdict on it is withheld."""
    match form:
        case FileFormat.ELF:
            kind = ComponentKind.EXECUTABLE if entry.executable else ComponentKind.LIBRARY
        case FileFormat.WASM:
            kind = ComponentKind.WASM
        case FileFormat.SCRIPT | None:
            kind = ComponentKind.SCRIPT
    reading = _reading(entry, kind, None)
    stage = form.value if form is not None else "shell"
    component = f"{kind}:{entry.path}"
    unknown = Unknown(entry.path, stage, str(error), component=component, weight=entry.size)
    return _Reading(reading.component, unknown)


def _reading(
    entry: Entry,
    kind: ComponentKind,
    facts: ElfFacts | ScriptFacts | WasmFacts | None,
    *,
    runtime: str | None = None,
) -> _Reading:
    component = Component(
        id=f"{kind}:{entry.path}",
        kind=kind,
        path=entry.path,
        size=entry.size,
        layer=entry.layer,
        facts=facts,
        runtime=runtime,
    )
    return _Reading(component, _opaque(component))


def _opaque(component: Component) -> Unknown | None:
    """An Unknown for a component whose needs its facts cannot show."""
    match component.facts:
        case ElfFacts(static=True) as facts:
            reason = (
                "statically linked, so that no imports show what it asks of the system, "
                "and its system calls are not read in this version"
            )
            return Unknown(component.path, "elf", reason, component.id, facts.code_size)
        case _:
            return None
