"""Which files' contents the analysis will ask for, decided while a layer streams by."""

from __future__ import annotations

from auditor.formats.magic import sniff
from auditor.inventory.packages.globs import is_program, is_wanted
from auditor.inventory.runtimes.wanted import is_wanted as tells_of_a_runtime
from auditor.inventory.settings import is_wanted as holds_settings
from auditor.inventory.sources import is_source

__all__ = ["keep"]

_LOADER_CONFIGURATION = ("/etc/ld.so.conf", "/etc/ld-musl-")
_SHELL_SUFFIXES = (".sh", ".envsh", ".bash")
_LARGEST_TEXT = 1 << 20


def keep(path: str, mode: int, size: int, head: bytes) -> bool:
    """Whether a file's content is wanted: binaries, scripts, source, what the loader and syft read.

    Executable text without ``#!`` is wanted too, since a shell runs it as a script.
    """
    if sniff(head) is not None or path.startswith(_LOADER_CONFIGURATION):
        return True
    if is_program(head) or is_wanted(path) or is_source(path, head):
        return True
    if size > _LARGEST_TEXT:
        return False
    if tells_of_a_runtime(path) or holds_settings(path):
        return True
    return bool(mode & 0o111) or path.endswith(_SHELL_SUFFIXES)
