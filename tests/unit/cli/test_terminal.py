"""Terminals that are narrow, colourless, dumb, no terminal at all, or short of characters."""

from __future__ import annotations

import fcntl
import io
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from rich.cells import cell_len

from auditor.cli import main

ROOT = Path(__file__).parents[3]
HELLO = f"oci-dir:{ROOT}/fixtures/small/shell-cmd"
FINDING = "core:fs.read:/usr/bin/report"
VIEWS = {
    "scan": ["convert", "REPORT"],
    "verbose": ["convert", "-v", "--target", "core", "REPORT"],
    "gate": ["gate", "--target", "core", "--min-score", "50", "-o", "table", "REPORT"],
    "explain": ["explain", FINDING, "REPORT"],
    "diff": ["diff", "OTHER", "REPORT"],
    "inspect": ["inspect", "-q", HELLO, "/usr/bin/report"],
    "targets": ["targets"],
    "tables": ["tables"],
    "rules": ["rules", "list"],
    "rule": ["rules", "show", "fopen"],
    "config": ["config"],
}
SGR = re.compile(r"\x1b\[([\d;]*)m")


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Two saved reports; the program of one has a name that few encodings can write."""
    folder = tmp_path_factory.mktemp("reports")
    report, other = folder / "report.json", folder / "other.json"
    assert main(["scan", "-q", "--packages", "none", HELLO, "-o", f"json={report}"]) == 0
    other.write_text(report.read_text().replace("/usr/bin/report", "/opt/приложение"))
    return {"REPORT": str(report), "OTHER": str(other)}


class Screen(io.StringIO):
    """A terminal in place of standard output; rich takes its width from COLUMNS."""

    def isatty(self) -> bool:
        return True

    def text(self) -> str:
        return SGR.sub("", self.getvalue())


def seen(words: list[str], width: int, monkeypatch: pytest.MonkeyPatch) -> str:
    """What a command shows on a terminal of that width."""
    screen = Screen()
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr(sys, "stdout", screen)
    main(words)
    return screen.text()


def command(view: str, reports: dict[str, str]) -> list[str]:
    return [reports.get(word, word) for word in VIEWS[view]]


@pytest.mark.parametrize("width", [40, 60, 80])
@pytest.mark.parametrize("view", VIEWS)
def test_no_line_is_wider_than_the_terminal(view, width, reports, monkeypatch):
    shown = seen(command(view, reports), width, monkeypatch)
    assert shown
    assert [line for line in shown.splitlines() if cell_len(line.rstrip()) > width] == []


@pytest.mark.parametrize("width", [40, 60, 80])
def test_a_narrow_report_still_has_every_verdict_and_score(width, reports, monkeypatch):
    shown = seen(command("scan", reports), width, monkeypatch)
    document = json.loads(Path(reports["REPORT"]).read_text())
    for target in document["targets"]:
        row = rf"^[> ] {target['id']} +{target['verdict']} +{target['score']}\b"
        assert re.search(row, shown, re.MULTILINE), target["id"]


@pytest.mark.parametrize("width", [40, 60, 80])
def test_a_narrow_list_of_rules_names_every_rule_whole(width, capsys, monkeypatch):
    main(["rules", "list", "-o", "json"])
    names = [item["capability"] for item in json.loads(capsys.readouterr().out)["rules"]]
    shown = seen(["rules", "list"], width, monkeypatch)
    assert [name for name in names if f"\n{name} " not in shown] == []


def on_a_terminal(words: list[str], width: int, **variables: str) -> str:
    """What is shown on a real pseudo-terminal of that width."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    environment = {key: os.environ[key] for key in os.environ if key != "COLUMNS"}
    with subprocess.Popen(
        [sys.executable, "-m", "auditor", *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**environment, "TERM": "xterm-256color", **variables},
    ):
        os.close(theirs)
        shown = b""
        while True:
            try:
                data = os.read(ours, 1 << 16)
            except OSError:  # Linux says so where the last one has hung up
                break
            if not data:
                break
            shown += data
    os.close(ours)
    return shown.decode()


def test_a_terminal_tells_its_width_and_gets_colours(reports):
    shown = on_a_terminal(command("scan", reports), 40)
    lines = SGR.sub("", shown).splitlines()
    assert max(map(cell_len, lines)) <= 40
    assert "\x1b[32m" in shown


def test_no_color_leaves_no_colour(reports):
    shown = on_a_terminal(command("scan", reports), 80, NO_COLOR="1")
    codes = {code for found in SGR.findall(shown) for code in found.split(";")}
    assert codes <= {"", "0", "1", "2"}  # bold and dim are none


def test_a_dumb_terminal_gets_text_alone(reports):
    assert "\x1b" not in on_a_terminal(command("scan", reports), 80, TERM="dumb")


def run(words: list[str], encoding: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "auditor", *words],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"},
    )


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp437"])
def test_what_an_encoding_lacks_is_shown_by_something_near(encoding, reports):
    done = run(["diff", reports["REPORT"], reports["OTHER"]], encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    shown = done.stdout.decode(encoding)
    assert " -> " in shown
    assert "/opt/\\u043f\\u0440\\u0438" in shown
    assert "\\u2" not in shown


def test_help_is_shown_in_any_encoding():
    done = run(["scan", "--help"], "ascii")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"wasip3, ..." in done.stdout


def test_errors_are_shown_in_any_encoding():
    done = run(["scan", "oci-dir:/no/файл → …"], "ascii")
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert b"\\u0444" in done.stderr
    assert b" -> ..." in done.stderr


@pytest.mark.parametrize("format_", ["json", "csv"])
def test_what_programs_read_is_utf8_in_any_encoding(format_, reports):
    words = ["convert", reports["OTHER"], "-o", format_]
    plain = run(words, "utf-8")
    assert "приложение" in plain.stdout.decode()
    assert run(words, "cp1252").stdout == plain.stdout
