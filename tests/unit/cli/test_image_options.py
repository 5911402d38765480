"""--exclude and --limit as a user meets them."""

from __future__ import annotations

import json
from dataclasses import fields

import jsonschema
import pytest

from auditor.cli import main
from auditor.image import Bounds


def test_the_report_says_what_was_left_out(small, schema, capsys):
    arguments = ["--exclude", "/etc/*", "--exclude", "*.nothing"]
    assert main(["scan", str(small("hello")), "-o", "json", *arguments]) == 0
    printed = capsys.readouterr()
    report = json.loads(printed.out)
    jsonschema.validate(report, schema)
    assert report["image"]["excluded"] == [
        {"glob": "/etc/*", "files": 1},
        {"glob": "*.nothing", "files": 0},
    ]
    assert printed.err == "auditor: warning: --exclude *.nothing matches no file of the image\n"


def test_the_table_says_what_was_left_out(small, capsys):
    assert main(["scan", str(small("hello")), "--exclude", "hello.txt"]) == 0
    printed = capsys.readouterr()
    assert "without hello.txt (1 file left out)" in printed.out
    assert printed.err == ""


def test_nothing_is_left_out_unless_asked(small, capsys):
    main(["scan", str(small("hello")), "-o", "json"])
    assert json.loads(capsys.readouterr().out)["image"]["excluded"] == []


def test_a_program_that_is_left_out_is_not_in_the_report(small, capsys):
    assert main(["scan", str(small("hello")), "-o", "json", "--exclude", "/usr/bin/hello"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert "/usr/bin/hello" not in [component["path"] for component in report["components"]]
    assert report["recommendation"]["verdict"] == "insufficient-evidence"


def test_escape_sequences_in_a_glob_do_not_reach_the_terminal(small, capsys):
    main(["scan", str(small("hello")), "--exclude", "\x1b[31mx".replace("[", "\\[")])
    printed = capsys.readouterr()
    assert "\x1b" not in printed.out + printed.err


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("--exclude", ""), "--exclude '' is no glob"),
        (("--exclude", "["), "--exclude '[' makes no sense"),
        (("--limit", "nothing=1"), "there is no limit 'nothing'"),
        (("--limit", "files"), "--limit 'files' is not NAME=VALUE"),
        (("--limit", "time=soon"), "--limit 'time=soon'"),
    ],
)
def test_wrong_usage_exits_with_64(small, capsys, arguments, part):
    assert main(["scan", str(small("hello")), *arguments]) == 64
    printed = capsys.readouterr()
    assert printed.err.startswith("auditor: ")
    assert part in printed.err
    assert printed.out == ""


@pytest.mark.parametrize(
    ("limit", "name"),
    [("files=1", "files"), ("json-size=10", "json-size"), ("total-size=1K", "total-size")],
)
@pytest.mark.parametrize("command", [("scan",), ("inspect", "/usr/bin/hello")])
def test_an_image_over_a_limit_is_refused_and_the_option_named(small, capsys, command, limit, name):
    name_of, *path = command
    assert main([name_of, str(small("hello")), *path, "--limit", limit]) == 1
    printed = capsys.readouterr()
    assert f"exceeds the bound {name}:" in printed.err
    assert f"--limit {name}=N" in printed.err
    assert printed.out == ""


@pytest.mark.parametrize("command", ["scan", "inspect"])
def test_help_lists_every_bound_with_its_default(capsys, command):
    with pytest.raises(SystemExit) as left:
        main([command, "--help"])
    assert left.value.code == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    shown = {line[0]: line[1] for line in lines if len(line) > 2}
    assert shown["total-size"] == "64GiB"
    assert shown["time"] == "1h"
    for one in fields(Bounds):
        assert one.name.replace("_", "-") in shown
