"""Scripts: the interpreter line. Shell text itself is read by ``auditor.formats.shell``."""

from __future__ import annotations

from pathlib import PurePosixPath

from auditor.formats import FormatError
from auditor.formats.magic import Shebang, read_shebang
from auditor.model.facts import ScriptFacts

__all__ = ["parse_script"]

_SHELLS = frozenset({"sh", "bash", "dash", "ash", "ksh", "ksh93", "mksh", "zsh"})
_PASS_ON = frozenset({"env", "busybox", "toybox"})
"""Programs that run another one, named in their arguments."""


def parse_script(data: bytes) -> ScriptFacts:
    """Read the first line of a file that starts with ``#!``.

    Raises ``FormatError`` where that line names no interpreter.
    """
    shebang = read_shebang(data)
    if shebang is None:
        raise FormatError("The file's first line names no interpreter.")
    posix_shell = _program(shebang) in _SHELLS
    return ScriptFacts(shebang.interpreter, shebang.argument, len(data), posix_shell)


def _program(shebang: Shebang) -> str:
    """Base name of what reads the script, looking through ``env [-S] NAME=VALUE… program``."""
    name = PurePosixPath(shebang.interpreter).name
    if name not in _PASS_ON or shebang.argument is None:
        return name
    words = shebang.argument.replace("--split-string=", "").split()
    # GNU env also takes its -S glued to the first word: -Ssh.
    words = [word.removeprefix("-S") for word in words]
    named = (word for word in words if word and not word.startswith("-") and "=" not in word)
    return PurePosixPath(next(named, name)).name
