"""Java archives (JAR, WAR): zip files with a manifest (JAR File Specification, Java SE 17).

Read with ``zipfile``, within bounds: the size of the directory is looked at before it is parsed,
and no entry is inflated beyond the limit that the caller gives, whatever its header promises.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from io import BytesIO
from xml.parsers import expat

from auditor.formats import FormatError

__all__ = ["MANIFEST", "JavaArchive", "parse_manifest", "parse_services", "parse_web_classes"]

MANIFEST = "META-INF/MANIFEST.MF"
_MAX_DIRECTORY = 16 << 20
"""Bytes of a central directory: some 200,000 entries."""
_END = b"PK\x05\x06"
_END_SIZE = 22
_END64 = b"PK\x06\x06"
_REACH64 = 2048
"""Bytes before the end record in which the zip64 one is looked for."""
_IN_64 = 0xFFFFFFFF
_LARGEST_COMMENT = 0xFFFF
_DAMAGES = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    KeyError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    UnicodeError,
    ValueError,
)
"""What ``zipfile`` raises for damaged, encrypted and unusually packed files."""


class JavaArchive:
    """One archive in memory."""

    def __init__(self, data: bytes) -> None:
        """Read the directory. Raises ``FormatError`` where it is damaged or too large."""
        if _directory_size(data) > _MAX_DIRECTORY:
            raise FormatError("The archive lists more files than are read.")
        try:
            self._zip = zipfile.ZipFile(BytesIO(data))
        except _DAMAGES as error:
            raise FormatError(f"The archive is damaged: {error}.") from None
        self.sizes: dict[str, int] = {
            info.filename: info.file_size for info in self._zip.infolist() if not info.is_dir()
        }
        """Name of each file → bytes that it says to have."""

    def read(self, name: str, limit: int) -> bytes:
        """One file. Raises ``FormatError`` where it is damaged or larger than ``limit``."""
        data = self.head(name, limit + 1)
        if len(data) > limit:
            raise FormatError(f"{name} in the archive is larger than {limit >> 20} MiB.")
        return data

    def head(self, name: str, size: int) -> bytes:
        """The first ``size`` bytes of a file. Raises ``FormatError`` where it is damaged."""
        try:
            with self._zip.open(name) as file:
                return file.read(size)
        except _DAMAGES as error:
            raise FormatError(f"{name} in the archive is damaged: {error}.") from None


def _directory_size(data: bytes) -> int:
    """Bytes of the central directory, as its end record tells (APPNOTE 4.3.14 and 4.3.16)."""
    at = data.rfind(_END, max(0, len(data) - _END_SIZE - _LARGEST_COMMENT))
    if at < 0 or at + _END_SIZE > len(data):
        raise FormatError("The file is no Java archive: it has no end record.")
    size = int.from_bytes(data[at + 12 : at + 16], "little")
    wide = data.rfind(_END64, max(0, at - _REACH64), at)
    if wide >= 0:
        size64 = int.from_bytes(data[wide + 40 : wide + 48], "little")
        size = size64 if size == _IN_64 else max(size, size64)
    return size


def parse_manifest(data: bytes) -> dict[str, str]:
    """Attributes of a manifest's main section; names in lower case, since they have no case."""
    text = data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    main = text.split("\n\n", 1)[0].replace("\n ", "")
    pairs = (line.partition(":") for line in main.split("\n"))
    return {name.strip().lower(): value.strip() for name, colon, value in pairs if colon}


def parse_services(data: bytes) -> tuple[str, ...]:
    """Names of the providers that a file of ``META-INF/services`` lists."""
    lines = data.decode("utf-8", "replace").splitlines()
    names = (line.partition("#")[0].strip() for line in lines)
    return tuple(dict.fromkeys(name for name in names if name))


_CLASSES = frozenset({"servlet-class", "filter-class", "listener-class"})


def parse_web_classes(data: bytes) -> tuple[str, ...]:
    """Classes that a deployment descriptor (``WEB-INF/web.xml``) names.

    Raises ``FormatError`` for damaged XML, and for one that declares entities.
    """
    found: dict[str, None] = {}
    text: list[str] = []
    parser = expat.ParserCreate(namespace_separator=" ")

    def start(_name: str, _attributes: object) -> None:
        text.clear()

    def end(name: str) -> None:
        if name.rpartition(" ")[2] in _CLASSES:
            found["".join(text).strip()] = None
        text.clear()

    def entity(*_declaration: object) -> None:
        raise FormatError("The deployment descriptor declares entities of its own.")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text.append
    parser.EntityDeclHandler = entity
    try:
        parser.Parse(data, True)  # noqa: FBT003
    except (expat.ExpatError, ValueError) as error:
        if isinstance(error, FormatError):
            raise
        raise FormatError(f"The deployment descriptor is damaged: {error}.") from None
    return tuple(name for name in found if name)
