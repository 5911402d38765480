"""The manual page holds all that the parser knows."""

from __future__ import annotations

from auditor.cli import describe, environment, main, manual, parser


def plain(text: str) -> str:
    return text.replace(r"\-", "-").replace(r"\fB", "").replace(r"\fI", "").replace(r"\fR", "")


def test_the_page_has_every_command_option_exit_code_and_variable(capsys):
    assert main(["manual"]) == 0
    page = plain(capsys.readouterr().out)
    program = describe.commands()
    for command in program.walk():
        if not command.commands:
            assert f'.SS "{command.name}"' in page
        for group in command.groups:
            for entry in group.entries:
                shown = f"{', '.join(entry.flags)} {entry.metavar or ''}".strip()
                assert f".TP\n{shown}\n" in page, shown
    for name in environment.VARIABLES:
        assert f".TP\n{name}\n" in page
    for code in parser.EXIT_CODES:
        assert f".TP\n{code}\n" in page


def test_the_page_is_ascii_and_no_word_of_it_is_a_request(capsys):
    assert main(["manual"]) == 0
    page = capsys.readouterr().out
    assert page.isascii()
    requests = {line.split()[0] for line in page.splitlines() if line.startswith((".", "'"))}
    assert requests <= {".TH", ".nh", ".SH", ".SS", ".TP", ".PP", ".br", ".nf", ".fi", ".RS", ".RE"}


def test_the_same_version_gives_the_same_page():
    assert manual.page("1.0", "2026-11-23") == manual.page("1.0", "2026-11-23")
