"""Simple commands, once their words are known: which of them start a program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from auditor.formats.shell_words import ARGUMENTS
from auditor.model.facts import ShellCommand

__all__ = ["Calls", "Context", "Sink"]

Line = tuple[str | None, ...]

_KEYWORDS = frozenset({"!", "{", "}", "if", "then", "else", "elif", "fi", "do", "done"}) | {
    "while",
    "until",
    "esac",
    "time",
    "coproc",
}
"""Reserved words that the grammar takes for commands, after ``time`` or its own mistakes."""

_POSIX_BUILTINS = """
    : . break continue eval exec exit export readonly return set shift times trap unset
    alias bg cd command false fc fg getopts hash jobs kill pwd read true type ulimit umask
    unalias wait echo printf test [ [[ local chdir
"""
"""POSIX.1-2024 XCU 2.15 (special) and 1.7 (intrinsic) utilities, and what dash(1) adds."""

_OTHER_BUILTINS = """
    bind builtin caller compgen complete compopt declare dirs disown enable help history
    let logout mapfile popd pushd readarray shopt source suspend typeset
    print whence setopt unsetopt emulate
"""
"""bash(1), "SHELL BUILTIN COMMANDS"; the last line is of ksh(1) and zshbuiltins(1)."""

_BUILTINS = frozenset((_POSIX_BUILTINS + _OTHER_BUILTINS).split())

_CALLS_KEPT = 32
"""Different argument lists of one function that are followed."""
_CALL_DEPTH = 6
"""Functions that pass their arguments on to functions."""


@dataclass(frozen=True, slots=True)
class Context:
    """Where a command stands."""

    conditional: bool = False
    apart: bool = False
    """In a process that the shell forked for it, so that ``exec`` does not end the script."""
    background: bool = False
    function: str | None = None
    line: int = 0
    text: str = ""


@dataclass(slots=True)
class Sink:
    """Collects what the walk finds."""

    functions: frozenset[str]
    commands: list[tuple[ShellCommand, str | None]] = field(default_factory=list)
    """Each with the function that it stands in."""
    sources: list[ShellCommand] = field(default_factory=list)
    positional: list[tuple[ShellCommand, str | None]] = field(default_factory=list)
    calls: dict[str, dict[tuple[Line, str | None], None]] = field(default_factory=dict)
    """Function → arguments it is called with, and the function that calls it."""

    def resolved(self) -> tuple[ShellCommand, ...]:
        """The commands, ``"$@"`` of each function replaced by what the function is given."""
        found: dict[ShellCommand, None] = {}
        for command, function in self.commands:
            for words in self._given(command.words, function, _CALL_DEPTH):
                found[replace(command, words=words)] = None
        return tuple(found)

    def changes(self) -> tuple[ShellCommand, ...]:
        """``set --`` where it changes the script's own arguments.

        In a function, where that got just these; any other function's are its own.
        """
        return tuple(
            command for command, function in self.positional if self._passed(function, _CALL_DEPTH)
        )

    def _passed(self, function: str | None, depth: int) -> bool:
        """Whether ``"$@"`` in a function is the script's own."""
        if function is None:
            return True
        calls = self.calls.get(function, {})
        if depth == 0 or not calls or len(calls) > _CALLS_KEPT:
            return False
        return all(
            arguments == (ARGUMENTS,) and self._passed(caller, depth - 1)
            for arguments, caller in calls
        )

    def _given(self, words: Line, function: str | None, depth: int) -> list[Line]:
        if ARGUMENTS not in words or self._passed(function, depth):
            return [words]
        calls = self.calls.get(function or "", {})
        own = any(function == setter for _, setter in self.positional)
        if own or not calls or depth == 0 or len(calls) > _CALLS_KEPT:
            return [_spliced(words, (None,))]
        found: dict[Line, None] = {}
        for arguments, caller in calls:
            for given in self._given(arguments, caller, depth - 1)[:_CALLS_KEPT]:
                found[_spliced(words, given)] = None
        return list(found)[:_CALLS_KEPT]


def _spliced(words: Line, arguments: Line) -> Line:
    result: list[str | None] = []
    for word in words:
        result.extend(arguments if word == ARGUMENTS else (word,))
    return tuple(result)


@dataclass(frozen=True, slots=True)
class Calls:
    """Looks through builtins that run other commands. ``nested`` reads a string as a script."""

    sink: Sink
    nested: Callable[[str, Context], bool]

    def run(self, words: Line, context: Context, *, functions: bool = True) -> None:
        """Take in one command line, its keywords and builtins looked through."""
        while words and words[0] in _KEYWORDS:
            if words[0] == "coproc":
                context = replace(context, apart=True, background=True)
            words = _after_options(words[1:], "p") if words[0] == "time" else words[1:]
        if not words:
            return
        name, rest = words[0], words[1:]
        if functions and name is not None and name in self.sink.functions:
            self.sink.calls.setdefault(name, {})[(rest, context.function)] = None
        elif name == "command":
            self._command(rest, context)
        elif name == "builtin":
            if rest and rest[0] in _BUILTINS:
                self.run(rest, context, functions=False)
        elif name in _BUILTINS:
            self._builtin(name or "", rest, context)
        else:
            self._emit(words, context)

    def _command(self, rest: Line, context: Context) -> None:
        if not any(word is not None and word.startswith(("-v", "-V", "-pv")) for word in rest[:1]):
            self.run(_after_options(rest, "p"), context, functions=False)

    def _builtin(self, name: str, rest: Line, context: Context) -> None:
        match name:
            case "exec":
                rest = _after_options(rest, "cl", with_value="a")
                if rest:
                    self._emit(rest, context, replaces=not context.apart)
            case "eval":
                self._text(_after_options(rest, ""), context)
            case "trap":
                self._trap(_after_options(rest, ""), context)
            case "." | "source":
                rest = _after_options(rest, "")
                if rest:
                    self.sink.sources.append(_shell_command(rest, context))
            case "set":
                self._set(rest, context)
            case "shift" if context.function is None:
                self._positional((None,), context)

    def _trap(self, rest: Line, context: Context) -> None:
        if len(rest) > 1 and rest[0] not in {"-", "", "-p", "-l", "-P"}:
            self._text(rest[:1], replace(context, conditional=True))

    def _text(self, words: Line, context: Context) -> None:
        """Words that the shell joins and reads again."""
        known = [word for word in words if word is not None]
        if ARGUMENTS in known:
            # ``eval "$@"``: near enough to running them, since they hardly hold shell syntax.
            self.run(words, context)
        elif len(known) < len(words) or not self.nested(" ".join(known), context):
            self._emit((None,), context)

    def _set(self, rest: Line, context: Context) -> None:
        """``set [-options] [--] [words]``: without words, and without ``--``, no change."""
        for position, word in enumerate(rest):
            if word in {"--", "-"}:
                if word == "--" or position + 1 < len(rest):
                    self._positional(rest[position + 1 :], context)
                return
            is_option = word is not None and word[:1] in {"-", "+"}
            is_value = position > 0 and (rest[position - 1] or "")[:1] in {"-", "+"}
            is_value = is_value and (rest[position - 1] or "").endswith("o")
            if not is_option and not is_value:
                self._positional(rest[position:], context)
                return

    def _positional(self, words: Line, context: Context) -> None:
        if not context.apart:
            self.sink.positional.append((_shell_command(words, context), context.function))

    def _emit(self, words: Line, context: Context, *, replaces: bool = False) -> None:
        command = replace(_shell_command(words, context), replaces=replaces)
        self.sink.commands.append((command, context.function))


def _shell_command(words: Line, context: Context) -> ShellCommand:
    return ShellCommand(
        words=words,
        line=context.line,
        text=context.text,
        conditional=context.conditional,
        background=context.background,
    )


def _after_options(words: Line, flags: str, *, with_value: str = "") -> Line:
    """What follows a builtin's own options."""
    position = 0
    while position < len(words):
        word = words[position]
        if word == "--":
            return words[position + 1 :]
        if word is None or len(word) < 2 or word[0] != "-":  # noqa: PLR2004
            break
        if not set(word[1:]) <= set(flags + with_value):
            break
        position += 2 if word[-1] in with_value else 1
    return words[position:]
