"""An executable and the libraries that it loads → the system calls that it can make."""

from __future__ import annotations

from auditor.syscalls.engine import ProcessObject, system_calls
from auditor.syscalls.process import process_objects

__all__ = ["ProcessObject", "process_objects", "system_calls"]
