"""What an image's configuration starts, and command lines that hold other command lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from auditor.image.rootfs import RootFS
from auditor.model.graph import Overrides
from auditor.model.image import Entry, EntryKind, ImageConfig
from auditor.tables.rows import WrapperRow

__all__ = ["SHELLS", "Environment", "Words", "command_line", "shell_script", "unwrap"]

Words = tuple[str | None, ...]
"""A command line; ``None`` stands for a word that only run time knows."""

SHELLS = frozenset({"sh", "bash", "dash", "ash", "ksh", "mksh", "zsh"})

_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""What container runtimes set where the image sets none (moby ``DefaultPathEnvUnix``)."""


def command_line(config: ImageConfig, overrides: Overrides) -> tuple[str, ...]:
    """ENTRYPOINT and CMD joined (OCI image spec, "Conversion to runtime configuration").

    An overriding entrypoint drops the image's CMD, as Kubernetes and ``docker run`` do.
    """
    if overrides.entrypoint is not None:
        return (*overrides.entrypoint, *(overrides.cmd or ()))
    cmd = config.cmd if overrides.cmd is None else overrides.cmd
    return (*config.entrypoint, *cmd)


@dataclass(frozen=True, slots=True)
class Environment:
    """The process environment of the container, and where a command name leads."""

    rootfs: RootFS
    variables: Mapping[str, str]
    working_dir: str

    @classmethod
    def of(cls, rootfs: RootFS, config: ImageConfig, overrides: Overrides) -> Environment:
        """The image's ENV with overrides on top."""
        variables = {"PATH": _DEFAULT_PATH} | dict(config.env) | dict(overrides.env)
        return cls(rootfs, variables, config.working_dir or "/")

    def find(self, name: str) -> Entry | None:
        """The file that ``execvp`` would run for a name: over PATH, unless it has a slash."""
        if "/" in name:
            path = name if name.startswith("/") else f"{self.working_dir.rstrip('/')}/{name}"
            return self._file(path)
        for directory in self.variables.get("PATH", "").split(":"):
            base = directory or self.working_dir
            absolute = base if base.startswith("/") else f"{self.working_dir}/{base}"
            entry = self._file(f"{absolute.rstrip('/')}/{name}")
            if entry is not None and entry.executable:
                return entry
        return None

    def _file(self, path: str) -> Entry | None:
        entry = self.rootfs.resolve(path)
        return entry if entry is not None and entry.kind is EntryKind.FILE else None


def unwrap(wrapper: WrapperRow, words: Words) -> Words:
    """The command line inside a wrapper's; empty where it holds none."""
    if wrapper.after:
        for position, word in enumerate(words[1:], start=1):
            if word in wrapper.after:
                return words[position + 1 :]
        return ()
    rest = list(words[1:])
    while rest and rest[0] is not None and rest[0].startswith("-"):
        option = rest.pop(0)
        if option == "--":
            break
        if option in wrapper.value_options and rest:
            rest.pop(0)
    while wrapper.assignments and rest and rest[0] is not None and "=" in rest[0]:
        rest.pop(0)
    return tuple(rest[wrapper.operands :])


@dataclass(frozen=True, slots=True)
class _ShellCall:
    """What a shell was told to run: a string, a file, or nothing (interactive)."""

    text: str | None
    file: str | None
    arguments: Words
    unclear: bool = False


def shell_script(words: Words) -> _ShellCall:
    """Read a shell's own command line (POSIX ``sh``: ``-c string [name [arg...]]``, ``file``)."""
    rest = list(words[1:])
    inline = False
    while rest and rest[0] is not None and rest[0][:1] in {"-", "+"} and len(rest[0]) > 1:
        option = rest.pop(0) or ""
        if option == "--":
            break
        if option.startswith("--"):
            continue
        inline = inline or ("c" in option and option.startswith("-"))
        if option[-1:] in {"o", "O"} and rest:
            rest.pop(0)
    if not rest:
        return _ShellCall(None, None, ())
    first, *others = rest
    if first is None:
        return _ShellCall(None, None, (), unclear=True)
    if inline:
        return _ShellCall(first, None, tuple(others[1:]))
    return _ShellCall(None, first, tuple(others))


def base_name(name: str) -> str:
    """The last part of a command's name, which multi-call programs go by."""
    return PurePosixPath(name).name
