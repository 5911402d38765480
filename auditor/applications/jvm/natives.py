"""Native libraries of a Java application: in the image, and inside of archives."""

from __future__ import annotations

import posixpath
import re

from auditor.applications.jvm.classpath import Packed
from auditor.applications.language import Context
from auditor.formats import FormatError

__all__ = ["library_in_image", "machine_of", "packed_libraries"]

_FOLDERS = (
    "/usr/java/packages/lib",
    "/usr/lib/{machine}-linux-gnu/jni",
    "/lib/{machine}-linux-gnu",
    "/usr/lib/{machine}-linux-gnu",
    "/usr/lib/jni",
    "/lib",
    "/usr/lib",
)
"""``java.library.path`` of Debian's OpenJDK, by the machine's name."""
_MACHINES = {0x3E: "x86_64", 0xB7: "aarch64"}
_LIBRARY = re.compile(r"\.(so|jnilib)(\.\d+)*\Z")
_HEADER = 20
_BIG_ENDIAN = 2
_MAX_LIBRARY = 256 << 20


def machine_of(head: bytes) -> int | None:
    """``e_machine`` of an ELF file; ``None`` for other files."""
    if head[:4] != b"\x7fELF" or len(head) < _HEADER:
        return None
    return int.from_bytes(head[18:20], "big" if head[5] == _BIG_ENDIAN else "little")


def library_in_image(
    context: Context, folders: tuple[str, ...], machine: int | None, name: str
) -> str | None:
    """Path of what ``System.loadLibrary`` finds; ``folders`` are those that were asked for."""
    told = _MACHINES.get(machine or 0, "x86_64")
    for folder in (*folders, *(one.format(machine=told) for one in _FOLDERS)):
        path = posixpath.join("/", context.working_dir, folder, f"lib{name}.so")
        entry = context.rootfs.resolve(path) if folder else None
        if entry is not None:
            return entry.path
    return None


def packed_libraries(root: Packed, machine: int | None) -> dict[str, int]:
    """Shared libraries in an archive that fit the runtime's machine: name → bytes of code."""
    found = {}
    for name, size in root.archive.sizes.items():
        if _LIBRARY.search(name) is None:
            continue
        try:
            own = machine_of(root.archive.head(name, _HEADER))
        except FormatError:
            continue
        if own is not None and own == (machine or own):
            found[name] = _code_size(root, name, size)
    return found


def _code_size(root: Packed, name: str, size: int) -> int:
    from auditor.formats.elf import parse_elf  # noqa: PLC0415 - its library is slow to load

    try:
        return parse_elf(root.read(name, _MAX_LIBRARY)).code_size or size
    except FormatError:
        return size
