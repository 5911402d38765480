"""Tar headers, one pass, nothing written: ustar, PAX and GNU archives as image layers use them.

The standard library's ``tarfile`` is thorough and slow (some 60 µs a member); a layer has tens of
thousands. Sources: POSIX.1-2017 ``pax``, GNU tar manual ("Basic Tar Format", "Sparse Formats");
where they leave a choice, Go's ``archive/tar`` is followed, which containerd and Docker use.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from auditor.errors import CorruptImageError
from auditor.image.bounds import Bounds
from auditor.image.stream import Bytes

__all__ = ["Member", "MemberKind", "is_header", "read_members"]

_BLOCK = 512
_ZERO = bytes(_BLOCK)
_CHECKSUM = slice(148, 156)
_SPACES = 8 * 0x20
_ADLER = 65521
_NEGATIVE = 0x40
_MOST_DIGITS = 30
"""Of a size in decimal: beyond every file, and far from where ``int`` refuses (4,300)."""


class MemberKind(Enum):
    """What a member is, as far as a root file system cares."""

    FILE = "file"
    HARD_LINK = "hard link"
    SYMLINK = "symbolic link"
    DEVICE = "device"
    DIRECTORY = "directory"
    FIFO = "fifo"
    SPARSE = "sparse file"
    OTHER = "other"


_KINDS = {
    b"0": MemberKind.FILE,
    b"\0": MemberKind.FILE,
    b"7": MemberKind.FILE,
    b"1": MemberKind.HARD_LINK,
    b"2": MemberKind.SYMLINK,
    b"3": MemberKind.DEVICE,
    b"4": MemberKind.DEVICE,
    b"5": MemberKind.DIRECTORY,
    b"6": MemberKind.FIFO,
    b"S": MemberKind.SPARSE,
}
_HEADER_ONLY = frozenset(b"123456")
"""Types without content whatever the size field says, as Go's ``isHeaderOnlyType``."""


@dataclass(slots=True)
class Member:
    """One member. The stream stands at its content while it is the current one."""

    name: str
    """As written; bytes that are not UTF-8 by ``surrogateescape``."""
    kind: MemberKind
    size: int
    """Bytes of the file that it describes; for a sparse file not those stored."""
    mode: int
    link: str
    type: bytes
    """The type flag, for messages about ``OTHER``."""
    stored: int
    """Bytes of content in the archive, padding left out."""
    left: int
    """Bytes of content that nobody has taken yet; whoever takes some lowers it."""


@dataclass(slots=True)
class _Overrides:
    """What extended headers say about the next member."""

    name: bytes | None = None
    link: bytes | None = None
    size: int | None = None
    sparse_size: int | None = None
    sparse: bool = False


def read_members(stream: Bytes, name: str, bounds: Bounds) -> Iterator[Member]:
    """The members of the archive that ``stream`` holds, in order; ``name`` is for messages.

    What a consumer leaves of a member's content is passed over. Ends at the end-of-archive mark
    or where the stream ends between members. Raises ``CorruptImageError`` for a damaged or
    truncated archive, ``BoundExceededError`` for giant extended headers.
    """
    shared = _Overrides()
    overrides = _Overrides()
    while (header := _header(stream, name)) is not None:
        kind = header[156:157]
        size = _number(header[124:136], name, "size")
        if kind in b"xgXLK":
            content = _extension(stream, size, name, bounds)
            _extend(overrides if kind != b"g" else shared, kind, content, name)
            continue
        member = _member(header, size, overrides, shared, name)
        if kind == b"S":
            _old_sparse(stream, header, member, name)
        overrides = _Overrides()
        yield member
        _pass(stream, member.left, name, member.name)
        # The last member may lack its padding, as umoci writes it and Go reads it.
        stream.skip(-member.stored % _BLOCK)


def _header(stream: Bytes, name: str) -> bytes | None:
    """The next header block, its checksum checked; ``None`` at the end of the archive."""
    block = stream.take(_BLOCK)
    if not block:
        return None
    if block == _ZERO:
        block = stream.take(_BLOCK)
        if block in (b"", _ZERO):
            return None
        raise CorruptImageError(f"{name} is damaged: data follows the archive's end mark")
    if len(block) < _BLOCK:
        raise CorruptImageError(f"{name} is truncated: the archive ends inside a header")
    if not _has_checksum(block, _number(block[_CHECKSUM], name, "checksum")):
        raise CorruptImageError(f"{name} is damaged: a tar header has a wrong checksum")
    return block


def is_header(block: bytes) -> bool:
    """Whether an archive can begin with this block: a header, or the end mark of an empty one."""
    if len(block) != _BLOCK or block == _ZERO:
        return len(block) == _BLOCK
    try:
        return _has_checksum(block, _number(block[_CHECKSUM], "", "checksum"))
    except CorruptImageError:
        return False


def _has_checksum(block: bytes, wanted: int) -> bool:
    # The low half of Adler-32 is 1 + the sum of all bytes, modulo 65521: the sum at C speed.
    blank = block[:148] + b" " * 8 + block[156:]
    return (zlib.adler32(blank) & 0xFFFF) == (wanted + 1) % _ADLER or _signed_sum(blank, wanted)


def _signed_sum(blank: bytes, wanted: int) -> bool:
    """Some historic archivers summed signed characters."""
    return sum(byte - 256 if byte > 127 else byte for byte in blank) == wanted  # noqa: PLR2004


def _number(field: bytes, name: str, what: str) -> int:
    """Octal text, or base-256 where the first bit is set (GNU)."""
    if field[0] & 0x80:
        if field[0] & _NEGATIVE:
            raise CorruptImageError(f"{name} is damaged: a tar header has a negative {what}")
        return int.from_bytes(bytes((field[0] & 0x7F,)) + field[1:], "big")
    text = field.strip(b" \0")
    if not text.isdigit():
        text = field.partition(b"\0")[0].strip() or text
    if not text:
        return 0
    try:
        value = int(text, 8)
    except ValueError as error:
        raise CorruptImageError(
            f"{name} is damaged or not a tar archive: a header's {what} is no number"
        ) from error
    if value < 0:
        raise CorruptImageError(f"{name} is damaged: a tar header has a negative {what}")
    return value


def _extension(stream: Bytes, size: int, name: str, bounds: Bounds) -> bytes:
    """The content of an extended header."""
    bounds.check("header_size", size, f"an extended tar header in {name}")
    content = stream.take(size)
    if len(content) < size:
        raise CorruptImageError(f"{name} is truncated: the archive ends inside a header")
    _pass(stream, -size % _BLOCK, name, "an extended header")
    return content


def _extend(overrides: _Overrides, kind: bytes, content: bytes, name: str) -> None:
    if kind == b"L":
        overrides.name = content.partition(b"\0")[0]
    elif kind == b"K":
        overrides.link = content.partition(b"\0")[0]
    else:
        _apply_pax(overrides, content, name)


def _apply_pax(overrides: _Overrides, content: bytes, name: str) -> None:
    r"""``length key=value\n`` records; length counts itself. Only what a path needs is read.

    Names are UTF-8, or raw bytes under ``hdrcharset=BINARY``: both are kept as bytes here.
    """
    position = 0
    while position < len(content):
        space = content.find(b" ", position, position + 20)
        digits = content[position:space]
        end = position + int(digits) if space > 0 and digits.isdigit() else 0
        key, separator, value = content[space + 1 : end - 1].partition(b"=")
        if not position < end <= len(content) or not separator or content[end - 1] != 0x0A:  # noqa: PLR2004
            raise CorruptImageError(f"{name} is damaged: an extended tar header makes no sense")
        position = end
        if key == b"path":
            overrides.name = value
        elif key == b"linkpath":
            overrides.link = value
        elif key == b"size":
            overrides.size = _decimal(value, name)
        elif key.startswith(b"GNU.sparse."):
            _sparse_record(overrides, key, value, name)


def _sparse_record(overrides: _Overrides, key: bytes, value: bytes, name: str) -> None:
    overrides.sparse = True
    if key == b"GNU.sparse.name":
        overrides.name = value
    elif key in (b"GNU.sparse.realsize", b"GNU.sparse.size"):
        overrides.sparse_size = _decimal(value, name)


def _decimal(value: bytes, name: str) -> int:
    if not value.isdigit() or len(value) > _MOST_DIGITS:
        raise CorruptImageError(
            f"{name} is damaged: an extended tar header has the size {value[:40]!r}"
        )
    return int(value)


def _member(header: bytes, size: int, own: _Overrides, shared: _Overrides, name: str) -> Member:
    type_ = header[156:157]
    kind = _KINDS.get(type_, MemberKind.OTHER)
    path = own.name if own.name is not None else shared.name
    if path is None:
        path = header[:100].partition(b"\0")[0]
        if header[257:263] == b"ustar\0" and header[345]:
            path = header[345:500].partition(b"\0")[0] + b"/" + path
    link = own.link if own.link is not None else shared.link
    if link is None:
        link = header[157:257].partition(b"\0")[0]
    if own.size is not None:
        size = own.size
    stored = 0 if type_[0] in _HEADER_ONLY else size
    if kind is MemberKind.FILE and own.sparse:
        kind = MemberKind.SPARSE
    elif type_ == b"\0" and path.endswith(b"/"):
        kind = MemberKind.DIRECTORY  # pre-POSIX archives have no type for directories
    return Member(
        path.decode("utf-8", "surrogateescape"),
        kind,
        own.sparse_size if own.sparse_size is not None else stored,
        _number(header[100:108], name, "mode") & 0o7777,
        link.decode("utf-8", "surrogateescape"),
        type_,
        stored,
        stored,
    )


def _old_sparse(stream: Bytes, header: bytes, member: Member, name: str) -> None:
    """GNU's older sparse format: the real size in the header, maps in blocks that follow it."""
    member.size = _number(header[483:495], name, "size")
    more = header[482]
    while more:
        block = stream.take(_BLOCK)
        if len(block) < _BLOCK:
            raise CorruptImageError(f"{name} is truncated: the archive ends inside a header")
        more = block[504]


def _pass(stream: Bytes, size: int, name: str, member: str) -> None:
    if size and stream.skip(size) < size:
        raise CorruptImageError(f"{name} is truncated: the archive ends inside {member!r}")
