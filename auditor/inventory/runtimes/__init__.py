"""Language runtimes: known by the contents of their files, with version, and never by a name."""

from __future__ import annotations

from auditor.inventory.runtimes.gather import Found, gather
from auditor.inventory.runtimes.recognise import (
    Recognised,
    interpreter_name,
    recognise,
    recognise_interpreter,
)
from auditor.inventory.runtimes.wanted import is_wanted

__all__ = [
    "Found",
    "Recognised",
    "gather",
    "interpreter_name",
    "is_wanted",
    "recognise",
    "recognise_interpreter",
]
