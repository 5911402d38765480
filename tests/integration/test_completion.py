"""Completion as people use it: a real shell, and the Tab key."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

PATIENCE = 30.0
"""Seconds for a shell to answer, on a busy machine."""
TYPED = {
    "auditor ins": "inspect",
    "auditor scan --min-cov": "scan --min-coverage",
    "auditor scan --fail-on rearch": "scan --fail-on rearchitect",
    "auditor scan --target wasi-": "scan --target wasi-http",
    "auditor scan --from pod": "scan --from podman",
    "auditor convert -o cyclo": "convert -o cyclonedx",
    "auditor gate repo": "gate report.json",
    "auditor rules show memory.map.sh": "rules show memory.map.shared",
    "auditor completion zs": "completion zsh",
}
"""What is typed before Tab, and the words that the command then gets."""
STARTS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], "source ./script"),
    "zsh": (
        ["zsh", "-f", "-i"],
        "autoload -U compinit; compinit -u -D; source ./script; compdef _shtab_auditor auditor",
    ),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "report.json").write_text("{}")
    return tmp_path


def written(shell: str, folder: Path) -> None:
    """Put the script where the shell finds it."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    command = [sys.executable, "-m", "auditor", "completion", shell]
    (folder / "script").write_bytes(subprocess.run(command, capture_output=True, check=True).stdout)


class Terminal:
    """An interactive shell, and what it shows."""

    def __init__(self, command: list[str], folder: Path) -> None:
        self.process, self.file = pty.fork()
        if self.process == 0:
            os.chdir(folder)
            variables = {"PATH": os.environ["PATH"], "TERM": "dumb", "PS1": "% ", "HOME": "."}
            os.execvpe(command[0], command, variables)

    def until(self, mark: str) -> str:
        """What is shown until the mark comes."""
        shown, end = "", time.monotonic() + PATIENCE
        while mark not in shown:
            assert time.monotonic() < end, shown
            if select.select([self.file], [], [], 0.1)[0]:
                shown += os.read(self.file, 1 << 16).decode(errors="replace")
        return shown

    def type(self, text: str) -> None:
        os.write(self.file, text.encode())

    def close(self) -> None:
        os.close(self.file)  # hangs up
        os.waitpid(self.process, 0)


@pytest.mark.parametrize("shell", STARTS)
def test_tab_completes_commands_options_values_and_files(shell: str, folder: Path) -> None:
    written(shell, folder)
    command, load = STARTS[shell]
    terminal = Terminal(command, folder)
    try:
        # The marks are put together by the shell, so that the echo of what is typed holds none.
        terminal.type('auditor() { echo "GOT""[$*]"; }; ' + load + "; echo REA''DY\n")
        terminal.until("READY")
        for typed, words in TYPED.items():
            terminal.type(f"{typed}\t\n")
            shown = terminal.until("]\r\n")
            assert f"GOT[{words}]" in shown.replace(" ]", "]"), typed
    finally:
        terminal.close()


def test_fish_completes_commands_options_values_and_files(folder: Path) -> None:
    written("fish", folder)
    for typed, words in TYPED.items():
        done = subprocess.run(
            ["fish", "--no-config", "-c", f"source ./script; complete -C '{typed}'"],
            capture_output=True,
            text=True,
            cwd=folder,
            env={"PATH": os.environ["PATH"], "HOME": str(folder)},
            check=True,
        )
        offered = [line.split("\t")[0] for line in done.stdout.splitlines()]
        assert offered == [words.split()[-1]], typed


def test_fish_says_what_a_command_is_for(folder: Path) -> None:
    written("fish", folder)
    done = subprocess.run(
        ["fish", "--no-config", "-c", "source ./script; complete -C 'auditor g'"],
        capture_output=True,
        text=True,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        check=True,
    )
    assert done.stdout == "gate\task something of a saved report\n"
