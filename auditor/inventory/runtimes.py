"""Language runtimes, recognised by the functions that only their own launcher calls."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from auditor.model.facts import ElfFacts, ScriptFacts
from auditor.tables.rows import RuntimeRow

__all__ = ["interpreter_name", "recognise_interpreter", "recognise_runtime"]


def recognise_runtime(facts: ElfFacts, runtimes: tuple[RuntimeRow, ...]) -> str | None:
    """Id of the runtime that an executable is, by imported or exported entry functions."""
    names = {symbol.name for symbol in (*facts.imports, *facts.exports)}
    return next((row.id for row in runtimes if names & set(row.entry_functions)), None)


def recognise_interpreter(script: ScriptFacts, runtimes: tuple[RuntimeRow, ...]) -> str | None:
    """Id of the runtime that a script's first line asks for.

    Here the name is the evidence: it is what the kernel would look up.
    """
    name = interpreter_name(script)
    return next((row.id for row in runtimes if re.fullmatch(row.command_pattern, name)), None)


def interpreter_name(script: ScriptFacts) -> str:
    """Base name of the program that a script is run by, ``/usr/bin/env`` looked through."""
    name = PurePosixPath(script.interpreter).name
    if name != "env" or script.argument is None:
        return name
    words = [word for word in script.argument.split() if not word.startswith("-")]
    commands = [word for word in words if "=" not in word]
    return PurePosixPath(commands[0]).name if commands else name
