"""Bytes → facts: pure functions that know file formats, and neither images nor file systems.

``elf`` loads lief as it is imported, which takes a third of a second: import it where the first
ELF file is met, not at the top of a module. The other modules are cheap.
"""

from __future__ import annotations

__all__ = ["FormatError"]


class FormatError(ValueError):
    """The bytes are damaged, truncated or over a bound; ``str()`` is one sentence for people."""
