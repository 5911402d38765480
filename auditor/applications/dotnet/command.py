"""The command line of the host: ``dotnet [exec] [options] app.dll``, or the application's own."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.applications.language import Words

__all__ = ["Command", "parse_command"]

_VALUED = frozenset(
    {
        *("--additional-deps", "--additionalprobingpath", "--config", "--depsfile"),
        *("--fx-version", "--roll-forward", "--roll-forward-on-no-candidate-fx"),
        "--runtimeconfig",
    }
)
_TOOLS = frozenset({"build", "msbuild", "new", "publish", "restore", "run", "test", "watch"})


@dataclass(frozen=True, slots=True)
class Command:
    """What the host is told to run."""

    assembly: str | None = None
    problem: str | None = None


def parse_command(words: Words) -> Command:
    """Read the host's options ("dotnet command", runtime options)."""
    rest = list(words[1:])
    while rest:
        word = rest.pop(0)
        if word is None:
            return Command(problem="what .NET runs depends on run time")
        if word in _VALUED:
            rest = rest[1:]
        elif word == "exec" or word.startswith("-"):
            continue
        elif word in _TOOLS:
            return Command(problem=f"dotnet {word} makes the application before it runs")
        else:
            return Command(word)
    return Command(problem=".NET is started without an assembly")
