"""An executable and the libraries that it loads → the system calls that it can make."""

from __future__ import annotations

from auditor.syscalls.engine import ProcessObject, system_calls

__all__ = ["ProcessObject", "system_calls"]
