"""WebAssembly binaries: what they import and export, and which tools made them.

Core modules follow the core specification 3.0, "Binary Format" (which reads 1.0 and 2.0 modules
alike); components follow the component model's ``Binary.md`` at layer 1, version 0x0d. Only
the outer layer is read: modules and components nested in a component are skipped.
"""

from __future__ import annotations

from collections.abc import Iterator

from auditor.formats import FormatError
from auditor.formats.leb import Reader
from auditor.model.facts import WasmFacts, WasmForm, WasmImport

__all__ = ["parse_wasm"]

_MAGIC = b"\0asm"
_FORMS = {
    b"\x01\0\0\0": WasmForm.MODULE,
    b"\x0d\0\x01\0": WasmForm.COMPONENT,
}
_CUSTOM = 0
_LAST_SECTION = {WasmForm.MODULE: 13, WasmForm.COMPONENT: 12}
_IMPORT_SECTION = {WasmForm.MODULE: 2, WasmForm.COMPONENT: 10}
_EXPORT_SECTION = {WasmForm.MODULE: 7, WasmForm.COMPONENT: 11}

_LIMIT_HAS_MAXIMUM = 0x01
_LIMIT_HAS_PAGE_SIZE = 0x08
_LIMIT_FLAGS = 0x0F
_TYPED_REFERENCE = frozenset({0x63, 0x64})
"""``ref null ht`` and ``ref ht``: a heap type follows."""


def parse_wasm(data: bytes) -> WasmFacts:
    """Read a core module or a component; raises ``FormatError`` for damaged bytes."""
    if not data.startswith(_MAGIC):
        raise FormatError("The file does not start with the WebAssembly magic.")
    form = _FORMS.get(data[4:8])
    if form is None:
        raise FormatError(f"The WebAssembly version field {data[4:8].hex()!r} is not known.")
    imports: list[WasmImport] = []
    exports: list[str] = []
    producers: list[str] = []
    for number, section in _sections(data, form):
        if number == _CUSTOM:
            producers += _producers(section)
        elif number == _IMPORT_SECTION[form]:
            imports += _imports(section, form)
        elif number == _EXPORT_SECTION[form]:
            exports += _exports(section, form)
    return WasmFacts(
        form=form,
        size=len(data),
        imports=tuple(dict.fromkeys(imports)),
        exports=tuple(dict.fromkeys(exports)),
        producers=tuple(dict.fromkeys(producers)),
    )


def _sections(data: bytes, form: WasmForm) -> Iterator[tuple[int, Reader]]:
    reader = Reader(data, 8, len(data))
    while not reader.done:
        number = reader.byte()
        if number > _LAST_SECTION[form]:
            raise FormatError(f"WebAssembly {form} has a section of unknown kind {number}.")
        yield number, reader.part(reader.u32())


def _producers(section: Reader) -> list[str]:
    """``name version`` of each tool.

    A damaged custom section says nothing and harms nothing: engines have to ignore it.
    """
    try:
        if section.name() != "producers":
            return []
        found: list[str] = []
        for _ in range(section.u32()):
            section.name()
            for _ in range(section.u32()):
                found += [f"{section.name()} {section.name()}".strip()]
    except FormatError:
        return []
    return found


def _imports(section: Reader, form: WasmForm) -> Iterator[WasmImport]:
    for _ in range(section.u32()):
        if form is WasmForm.MODULE:
            module, name = section.name(), section.name()
            _skip_import_type(section)
            yield WasmImport(module, name)
        else:
            yield WasmImport(_component_name(section), "")
            _skip_extern_type(section)
    _expect_end(section, "import")


def _exports(section: Reader, form: WasmForm) -> Iterator[str]:
    for _ in range(section.u32()):
        if form is WasmForm.MODULE:
            yield section.name()
            section.one_of(range(5), "kind of export")
        else:
            yield _component_name(section)
            sort = section.one_of(range(6), "sort of export")
            if sort == 0:
                section.byte()
        section.u32()
        if form is WasmForm.COMPONENT and section.one_of(range(2), "export type") == 1:
            _skip_extern_type(section)
    _expect_end(section, "export")


def _expect_end(section: Reader, kind: str) -> None:
    if not section.done:
        raise FormatError(f"The {kind} section of the WebAssembly file is longer than its items.")


def _skip_import_type(section: Reader) -> None:
    """``importdesc``: function, table, memory, global or tag."""
    kind = section.one_of(range(5), "kind of import")
    if kind == 1:
        _skip_value_type(section)
    if kind in {1, 2}:
        _skip_limits(section)
    elif kind == 3:  # noqa: PLR2004 - a global
        _skip_value_type(section)
        section.one_of(range(2), "mutability")
    else:
        if kind == 4:  # noqa: PLR2004 - a tag has an attribute first
            section.byte()
        section.u32()


def _skip_limits(section: Reader) -> None:
    """Flags: 1 a maximum, 2 shared, 4 64-bit addresses, 8 a page size of its own."""
    flags = section.one_of(range(_LIMIT_FLAGS + 1), "limits")
    section.u64()
    if flags & _LIMIT_HAS_MAXIMUM:
        section.u64()
    if flags & _LIMIT_HAS_PAGE_SIZE:
        section.u32()


def _skip_value_type(section: Reader) -> None:
    if section.byte() in _TYPED_REFERENCE:
        section.s33()


def _component_name(section: Reader) -> str:
    """``importname'`` and ``exportname'``: 0 and 1 say the same, 2 adds options."""
    form = section.one_of(range(3), "form of name")
    name = section.name()
    if form == 2:  # noqa: PLR2004
        for _ in range(section.u32()):
            section.byte()
            section.name()
    return name


def _skip_extern_type(section: Reader) -> None:
    """``externdesc``: core module, function, value, type, component or instance."""
    kind = section.one_of(range(6), "kind of item")
    if kind == 0:
        section.one_of((0x11,), "core sort")
        section.u32()
    elif kind in {2, 3}:
        bound = section.one_of(range(2), "bound")
        if bound == 0:
            section.u32()
        elif kind == 2:  # noqa: PLR2004 - a value's own type
            section.s33()
    else:
        section.u32()
