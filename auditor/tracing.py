"""Recordings of system calls from files, laid over the graph of an image."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path, PurePosixPath

from auditor.errors import TraceError
from auditor.formats import FormatError
from auditor.formats.trace import Hints, read_trace
from auditor.graph.observe import observe
from auditor.image.rootfs import RootFS
from auditor.model.graph import DependencyGraph
from auditor.model.inventory import Inventory
from auditor.model.trace import Trace
from auditor.tables.rows import Tables
from auditor.tables.syscalls import SyscallTables

__all__ = ["about_trace", "read", "traced"]

_HINT = (
    "a trace is strace or perf trace output, an audit log, a seccomp profile, or a list of calls"
)


def read(path: Path, tables: SyscallTables) -> Trace:
    """One recording. Raises ``TraceError`` for what cannot be read or is none."""
    hints = Hints(tables.names, frozenset(tables.rows), frozenset(tables.rules), tables.start_up)
    try:
        with path.open("rb") as file:
            return replace(read_trace(file, hints), name=path.name)
    except OSError as error:
        raise TraceError(f"{path} cannot be read: {error.strerror}", hint=_HINT) from None
    except FormatError as error:
        raise TraceError(f"{path} is no trace: {error}", hint=_HINT) from None


def about_trace(trace: Trace, tables: Tables) -> tuple[str, ...]:
    """What a reader of a report on nothing but a trace should know."""
    notes = [
        (
            f"Nothing but a {trace.form} was read: other paths of the program may ask for more, "
            f"and {trace.start_up} calls of its loader are left out."
        )
    ]
    for path in trace.executables:
        name = PurePosixPath(path).name
        if any(
            row.command_pattern and re.fullmatch(row.command_pattern, name)
            for row in tables.runtimes
        ):
            notes.append(
                f"{path} is a language's runtime: a trace does not tell its calls from those of "
                "the application, which alone would count where a target brings the runtime."
            )
    if not trace.form.counts:
        notes.append(
            "Names alone show neither arguments nor how often, which is too little for a verdict."
        )
    elif not trace.executables:
        notes.append("The recording does not begin with the program's start, which it thus misses.")
    return tuple(notes)


def traced(
    graph: DependencyGraph,
    inventory: Inventory,
    rootfs: RootFS,
    paths: Iterable[Path],
    tables: Tables,
) -> DependencyGraph:
    """The graph with what recordings of this image show."""

    def resolve(path: str) -> str | None:
        entry = rootfs.resolve(path) if path.startswith("/") else None
        return entry.path if entry is not None else None

    for path in paths:
        trace = read(path, tables.syscalls)
        graph = observe(graph, inventory, trace, tables.syscalls, resolve)
    return graph
