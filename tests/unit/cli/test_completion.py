"""Completion scripts are made from the parser, so they know all that it knows."""

from __future__ import annotations

import subprocess
import sys

import pytest

from auditor.cli import completion, main, output, parser
from auditor.model.terms import Severity, Verdict
from auditor.tables import load


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_a_script_holds_every_command_and_option_and_the_words_they_take(shell, capsys):
    assert main(["completion", shell]) == 0
    text = capsys.readouterr().out
    _, commands = parser.build()
    options = {
        name.lstrip("-")
        for command in commands.values()
        for action in command._actions
        for name in action.option_strings
    }
    words = {*commands, *options, *output.REPORT_FORMATS, *Verdict, *Severity}
    words |= {*load().targets, *load().capabilities, "podman", "oci-dir"}
    assert [word for word in sorted(words) if word not in text] == []


def test_an_unknown_shell_is_wrong_usage(capsys):
    with pytest.raises(SystemExit) as left:
        main(["completion", "cmd.exe"])
    assert left.value.code == 64
    assert "bash" in capsys.readouterr().err


def test_other_commands_do_not_pay_for_it():
    code = (
        "import sys; from auditor.cli import parser; parser.build(); "
        "print(sorted({'shtab', 'rich', 'msgspec'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
