"""The ELF header and the program headers: enough to tell a whole file from a cut one.

Written by hand because lief reads on over damage, and gives no word of it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from auditor.formats import FormatError
from auditor.model.facts import ElfType

__all__ = ["Header", "Section", "Segment", "check_extent", "machine_name", "packer", "read_header"]

_TYPES = {
    1: ElfType.RELOCATABLE,
    2: ElfType.EXECUTABLE,
    3: ElfType.LIBRARY,
    4: ElfType.CORE,
}
_ORDERS = {1: "<", 2: ">"}
_PT_LOAD = 1
_PT_DYNAMIC = 2
_SHT_SYMTAB = 2
_SHT_NOBITS = 8
_PF_X = 1
_IDENT_SIZE = 16
_BITS = {1: 32, 2: 64}
# Layouts as ``struct`` writes them, by word size.
_HEADER = {32: "HHIIIIIHHHHHH", 64: "HHIQQQIHHHHHH"}
_SEGMENT = {32: "IIIIIIII", 64: "IIQQQQQQ"}
_SECTION = {32: "IIIIIIIIII", 64: "IIQQQQIIQQ"}
_PN_XNUM = 0xFFFF
"""More segments than fit: only core dumps have so many."""

# e_machine → name, from the gABI's registry (https://www.sco.com/developers/gabi/latest/ch4.eheader.html).
# Key: e_machine, bits, little-endian. Names are GOARCH's (https://go.dev/src/internal/syslist/syslist.go).
_GOARCH = {
    (3, 32, True): "386",
    (62, 64, True): "amd64",
    (62, 32, True): "amd64p32",
    (40, 32, True): "arm",
    (40, 32, False): "armbe",
    (183, 64, True): "arm64",
    (183, 64, False): "arm64be",
    (258, 64, True): "loong64",
    (8, 32, False): "mips",
    (8, 32, True): "mipsle",
    (8, 64, False): "mips64",
    (8, 64, True): "mips64le",
    (20, 32, False): "ppc",
    (21, 64, False): "ppc64",
    (21, 64, True): "ppc64le",
    (243, 32, True): "riscv",
    (243, 64, True): "riscv64",
    (22, 32, False): "s390",
    (22, 64, False): "s390x",
    (2, 32, False): "sparc",
    (43, 64, False): "sparc64",
}
_OTHERS = {
    4: "EM_68K",
    15: "EM_PARISC",
    42: "EM_SH",
    50: "EM_IA_64",
    92: "EM_OPENRISC",
    93: "EM_ARC_COMPACT",
    94: "EM_XTENSA",
    164: "EM_QDSP6",
    189: "EM_MICROBLAZE",
    195: "EM_ARC_COMPACT2",
    224: "EM_AMDGPU",
    247: "EM_BPF",
    252: "EM_CSKY",
    0x9026: "EM_ALPHA",
}


@dataclass(frozen=True, slots=True)
class Segment:
    """A program header. Offsets and sizes in bytes."""

    type: int
    offset: int
    address: int
    file_size: int
    executable: bool


@dataclass(frozen=True, slots=True)
class Section:
    """A section header."""

    type: int
    address: int


@dataclass(frozen=True, slots=True)
class Header:
    """What ``e_ident``, the header and the program headers say."""

    type: ElfType
    machine: int
    bits: int
    little_endian: bool
    entry: int
    program_headers: tuple[int, int]
    """Start and end of the table."""
    section_headers: tuple[int, int]
    segments: tuple[Segment, ...]
    sections: tuple[Section, ...]
    """Empty where the section headers are gone, or stick out of the file."""

    @property
    def loads(self) -> tuple[Segment, ...]:
        """What is mapped into memory."""
        return tuple(segment for segment in self.segments if segment.type == _PT_LOAD)

    @property
    def code(self) -> tuple[Segment, ...]:
        """The executable segments."""
        return tuple(load for load in self.loads if load.executable)

    @property
    def has_symtab(self) -> bool:
        """Whether there is a full symbol table."""
        return any(section.type == _SHT_SYMTAB for section in self.sections)

    @property
    def without_content(self) -> bool:
        """What ``objcopy --only-keep-debug`` leaves: headers, and no dynamic section behind."""
        dynamic = {segment.address for segment in self.segments if segment.type == _PT_DYNAMIC}
        empty = {section.address for section in self.sections if section.type == _SHT_NOBITS}
        return bool(dynamic & empty)


def read_header(data: bytes) -> Header:
    """Read the headers; raises ``FormatError`` where they are damaged or stick out."""
    if data[:4] != b"\x7fELF":
        raise FormatError("The file does not start with the ELF magic.")
    if len(data) < _IDENT_SIZE:
        raise FormatError("The ELF file is cut off inside its header.")
    bits, order = _BITS.get(data[4]), _ORDERS.get(data[5])
    if bits is None or order is None:
        raise FormatError("The ELF file has an unknown word size or byte order.")
    layout = struct.Struct(order + _HEADER[bits])
    if len(data) < _IDENT_SIZE + layout.size:
        raise FormatError("The ELF file is cut off inside its header.")
    fields = layout.unpack_from(data, _IDENT_SIZE)
    kind, machine, _, entry, phoff, shoff, _, _, phentsize, phnum, shentsize, shnum, _ = fields
    segments = _segments(data, phoff, phentsize, phnum, struct.Struct(order + _SEGMENT[bits]))
    sections = _sections(data, shoff, shentsize, shnum, struct.Struct(order + _SECTION[bits]))
    return Header(
        type=_TYPES.get(kind, ElfType.OTHER),
        machine=machine,
        bits=bits,
        little_endian=order == "<",
        entry=entry,
        program_headers=(phoff, phoff + phnum * phentsize),
        section_headers=(shoff, shoff + shnum * shentsize),
        segments=segments,
        sections=sections,
    )


def _segments(
    data: bytes, start: int, size: int, count: int, layout: struct.Struct
) -> tuple[Segment, ...]:
    if not start or not count:
        return ()
    if count == _PN_XNUM:
        raise FormatError("The ELF file has more segments than a program needs.")
    if size != layout.size:
        raise FormatError(f"The ELF file's program headers have {size} bytes each.")
    if start + count * size > len(data):
        raise FormatError("The ELF file is cut off before the end of its program headers.")
    return tuple(
        _segment(layout.unpack_from(data, start + i * size), layout.size) for i in range(count)
    )


def _segment(row: tuple[int, ...], size: int) -> Segment:
    """The two word sizes order the fields differently."""
    if size == struct.calcsize("<" + _SEGMENT[64]):
        kind, flags, offset, address, _, file_size, _, _ = row
    else:
        kind, offset, address, _, file_size, _, flags, _ = row
    return Segment(kind, offset, address, file_size, bool(flags & _PF_X))


def _sections(
    data: bytes, start: int, size: int, count: int, layout: struct.Struct
) -> tuple[Section, ...]:
    if not start or size != layout.size or start + count * size > len(data):
        return ()
    rows = (layout.unpack_from(data, start + i * size) for i in range(count))
    return tuple(Section(row[1], row[3]) for row in rows)


def check_extent(data: bytes, header: Header) -> None:
    """Raise ``FormatError`` where a segment or the section headers lie beyond the file's end.

    A core dump may be cut short, and says so by other means.
    """
    if header.type is ElfType.CORE:
        return
    end = max((load.offset + load.file_size for load in header.loads), default=0)
    if end > len(data):
        raise FormatError(f"The ELF file is cut off: it has {len(data)} bytes of {end}.")
    start, end = header.section_headers
    if start and end > len(data):
        raise FormatError(f"The ELF file is cut off: it has {len(data)} bytes of {end}.")


def machine_name(header: Header) -> str:
    """The machine in GOARCH's words where it has one, else its ``EM_`` name or number."""
    known = _GOARCH.get((header.machine, header.bits, header.little_endian))
    return known or _OTHERS.get(header.machine, f"EM_{header.machine}")


def packer(data: bytes, header: Header) -> str | None:
    """``UPX`` where the file was packed by it, so that its code is not what will run.

    UPX puts its mark into the ``l_info`` that follows the program headers (UPX
    ``src/stub/src/include/linux.h``) and into the trailer; programs about UPX have it elsewhere.
    """
    end = header.program_headers[1]
    marked = b"UPX!" in data[end : end + 64] or b"UPX!" in data[-64:]
    return "UPX" if marked and not header.section_headers[0] else None
