"""Go executables: what they say of how they were built, their functions, and who names whom."""

from __future__ import annotations

import contextlib
import struct
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.formats import FormatError
from auditor.formats.go_build_info import find_build_info
from auditor.formats.go_program import parse_go
from auditor.model.go import GoBuildInfo, GoReference

TEXT, DATA = 0x401000, 0x500000
NAMES = ("runtime.text", "main.main", "dep.example/x.Do", "main.main.func1", "dep.example/x.T.M")
SIZE = 32
LINES = """path\tshop
mod\tshop\t(devel)\t
dep\tdep.example/x\tv1.2.0\th1:a=
=>\t../x
build\tCGO_ENABLED=0
"""


def varint(number: int) -> bytes:
    out = b""
    while number >= 0x80:
        out, number = out + bytes([number & 0x7F | 0x80]), number >> 7
    return out + bytes([number])


def values(*rows: tuple[int, int]) -> bytes:
    """A table of values: each and the bytes of code that it is for."""
    out, last = b"", -1
    for value, size in rows:
        step = value - last
        out += varint(step << 1 if step >= 0 else (-step << 1) - 1) + varint(size)
        last = value
    return out + b"\0"


def build_info(lines: str = LINES, version: str = "go1.27.3") -> bytes:
    told = b"<" * 16 + lines.encode() + b">" * 16
    head = b"\xff Go buildinf:\x08\x02".ljust(32, b"\0")
    return head + varint(len(version)) + version.encode() + varint(len(told)) + told


def table(*, text: int = TEXT, magic: bytes = b"\xf1\xff\xff\xff") -> bytes:
    """A function table of five functions of 32 bytes; those of ``main.main`` have lines."""
    names = b"".join(name.encode() + b"\0" for name in NAMES)
    tables = b"\0" + values((0, SIZE)) + values((7, 8), (9, 8), (12, 16)) + values((0, 20), (1, 12))
    lines, mixed = (
        1 + len(values((0, SIZE))),
        1 + len(values((0, SIZE))) + len(values((7, 8), (9, 8), (12, 16))),
    )
    header = 72
    starts = [names.index(name.encode() + b"\0") for name in NAMES]
    index_size = len(NAMES) * 8 + 4
    rows, records = b"", b""
    for number, start in enumerate(starts):
        rows += struct.pack("<II", number * SIZE, index_size + len(records))
        files = mixed if number == 1 else 1
        records += struct.pack(
            "<IiIIIIIIIiBBBB", number * SIZE, start, 0, 0, 0, files, lines, 0, 0, 1, 0, 0, 0, 0
        )
    rows += struct.pack("<I", len(NAMES) * SIZE)
    at = [header, header + len(names), header + len(names), header + len(names)]
    offsets = [at[0], at[1], at[2], at[3], at[3] + len(tables)]
    head = magic + b"\0\0\x01\x08" + struct.pack("<8Q", len(NAMES), 1, text, *offsets)
    return head + names + tables + rows + records


def code() -> bytes:
    """``main.main`` calls ``Do``, takes a closure and a table of methods; ``Do`` calls nothing."""

    def relative(opcode: bytes, at: int, target: int) -> bytes:
        return opcode + struct.pack("<i", target - (TEXT + at + len(opcode) + 4))

    main = SIZE
    body = relative(b"\xe8", main, TEXT + 2 * SIZE)
    body += relative(b"\x48\x8d\x05", main + len(body), DATA)
    body += relative(b"\x48\x8d\x0d", main + len(body), DATA + 16)
    body += b"\xe8" + struct.pack("<i", 3)  # it leads into the middle of a function
    return b"\x90" * SIZE + body.ljust(SIZE, b"\x90") + b"\x90" * (3 * SIZE)


def program(tables: bytes | None = None, info: bytes | None = None) -> bytes:
    """An ELF file for amd64 with a segment of code and one of data, and no section headers."""
    closure = struct.pack("<QQ", TEXT + 3 * SIZE, 0)
    methods = struct.pack("<QQQQQ", 1, 2, 3, TEXT + 4 * SIZE, 5)
    data = (closure + methods).ljust(64, b"\0")
    data += info if info is not None else build_info()
    data = data.ljust((len(data) + 63) & ~63, b"\0") + (tables if tables is not None else table())
    headers = 64 + 2 * 56
    text_at = 256
    data_at = text_at + len(code())
    loads = struct.pack("<IIQQQQQQ", 1, 5, text_at, TEXT, TEXT, len(code()), len(code()), 1)
    loads += struct.pack("<IIQQQQQQ", 1, 6, data_at, DATA, DATA, len(data), len(data), 1)
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    head = ident + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, TEXT, 64, 0, 0, 64, 56, 2, 0, 0, 0)
    assert len(head + loads) == headers
    return (head + loads).ljust(text_at, b"\0") + code() + data


def references(data: bytes, name: str = "main.main") -> list[GoReference]:
    found = parse_go(data)
    assert found is not None
    (function,) = (item for item in found.functions if item.name == name)
    return list(found.references(function))


def test_how_it_was_built() -> None:
    assert find_build_info(b"x" * 16 + build_info()) == GoBuildInfo(
        "go1.27.3",
        "shop",
        "shop",
        (("dep.example/x", "v1.2.0"),),
        (("CGO_ENABLED", "0"),),
    )


@pytest.mark.parametrize(
    "data",
    [b"", b"no Go", b"\xff Go buildinf:", build_info()[:40], b"x" + build_info()],
    ids=["empty", "other", "cut off at once", "cut off later", "not aligned"],
)
def test_what_tells_nothing_of_its_build(data: bytes) -> None:
    assert find_build_info(data) is None


def test_functions_and_their_sizes() -> None:
    found = parse_go(program())
    assert found is not None
    assert found.text == TEXT
    assert [(item.name, item.offset, item.size) for item in found.functions] == [
        (name, number * SIZE, SIZE) for number, name in enumerate(NAMES)
    ]


def test_calls_closures_and_methods_are_references_and_a_stray_byte_is_not() -> None:
    assert [(item.name, item.called) for item in references(program())] == [
        ("dep.example/x.Do", True),
        ("main.main.func1", False),
        ("dep.example/x.T.M", False),
    ]
    assert references(program(), "dep.example/x.Do") == []


def test_the_start_of_the_code_is_found_where_the_header_does_not_tell() -> None:
    """Go 1.26 leaves the header's word empty; nothing but the calls tells the place."""
    found = parse_go(program(table(text=0)))
    assert found is not None
    assert found.text == TEXT


def test_lines_and_what_came_from_another_file() -> None:
    found = parse_go(program())
    assert found is not None
    main = found.functions[1]
    assert [found.line(main, main.offset + at) for at in (0, 7, 8, 15, 16, 19)] == [
        7, 7, 9, 9, 12, 12,
    ]  # fmt: skip
    assert found.line(main, main.offset + 20) == 0


def test_other_programs_are_not_go() -> None:
    assert parse_go(program(b"")) is None


def test_an_older_table_is_said_to_be_so() -> None:
    with pytest.raises(FormatError, match=r"before 1\.18"):
        parse_go(program(table(magic=b"\xfa\xff\xff\xff")))


def test_names_that_fill_the_memory_are_refused() -> None:
    """Many functions that share one long name."""
    count, long = 60_000, b"n" * 60_000 + b"\0"
    record = struct.pack("<IiIIIIIIIiBBBB", 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0)
    rows = b"".join(struct.pack("<II", 0, count * 8 + 4) for _ in range(count))
    at = 72 + len(long)
    head = b"\xf1\xff\xff\xff\0\0\x01\x08" + struct.pack(
        "<8Q", count, 1, TEXT, 72, at, at, at, at + 1
    )
    with pytest.raises(FormatError, match="names"):
        parse_go(program(head + long + b"\0" + rows + b"\0\0\0\0" + record))


@given(st.lists(st.tuples(st.integers(0, 2000), st.binary(max_size=4)), max_size=8))
@settings(max_examples=200, deadline=2000)
def test_damaged_programs_do_no_harm(edits: list[tuple[int, bytes]]) -> None:
    data = bytearray(program())
    for at, replacement in edits:
        data[at % len(data) : at % len(data) + len(replacement)] = replacement
    start = time.monotonic()
    with contextlib.suppress(FormatError):
        found = parse_go(bytes(data))
        if found is not None:
            for function in found.functions[:10]:
                for reference in found.references(function):
                    found.line(function, reference.offset)
    assert time.monotonic() - start < 1
