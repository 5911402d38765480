"""The command line as a user meets it: what it prints where, and how it exits."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import jsonschema
import pytest

from auditor.cli import main

SMALL = Path(__file__).parents[3] / "fixtures" / "small"


def auditor(*arguments, stdin=None, cwd=None):
    return subprocess.run(
        [sys.executable, "-m", "auditor", *map(str, arguments)],
        capture_output=True,
        text=True,
        input=stdin,
        cwd=cwd,
        check=False,
    )


def assert_one_sentence(done, code, *parts):
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    first, *_ = done.stderr.strip().splitlines()
    assert first.startswith("auditor: ")
    for part in parts:
        assert part in done.stderr


def test_a_scan_prints_its_answer_first(small):
    done = auditor("scan", f"oci-dir:{small('hello')}")
    assert done.returncode == 0
    assert done.stderr == ""
    assert done.stdout.startswith("rebuild  ")
    assert "wasip1" in done.stdout


def test_no_escape_sequence_leaves_without_a_terminal(small):
    assert "\x1b" not in auditor("scan", f"oci-dir:{small('hello')}").stdout


def test_every_report_follows_the_schema(small, schema, capsys):
    validator = jsonschema.validators.validator_for(schema)(schema)
    for image in sorted(path.name for path in SMALL.iterdir() if (path / "index.json").exists()):
        # Packages have tests of their own, and syft takes its time for each image.
        command = ["scan", "-q", f"oci-dir:{small(image)}", "-o", "json", "--packages", "none"]
        assert main(command) == 0
        validator.validate(json.loads(capsys.readouterr().out))


def test_two_scans_give_the_same_bytes(small):
    one, two = (auditor("scan", small("shell-cmd"), "-o", "json").stdout for _ in range(2))
    assert one == two


def test_several_outputs_come_from_one_scan(small, tmp_path):
    file = tmp_path / "report.json"
    done = auditor("scan", small("hello"), "-o", "table", "-o", f"json={file}")
    assert done.stdout.startswith("rebuild")
    assert json.loads(file.read_text())["recommendation"]["verdict"] == "rebuild"


def test_an_image_without_entrypoint_gets_a_report_that_says_so(small):
    done = auditor("scan", small("whiteouts"))
    assert done.returncode == 0
    assert "the image has no ENTRYPOINT and no CMD" in done.stdout
    assert "--entrypoint" in done.stdout


def test_an_entrypoint_on_the_command_line_takes_its_place(small):
    done = auditor("scan", small("hello"), "--entrypoint", '["/nothing/here"]')
    assert done.returncode == 0
    assert "'/nothing/here' is not in the image" in done.stdout


def test_only_the_target_asked_for_is_judged(small):
    done = auditor("scan", small("hello"), "--target", "wasix", "-o", "json")
    assert [item["id"] for item in json.loads(done.stdout)["targets"]] == ["wasix"]


def test_inspect_shows_one_file(small):
    done = auditor("inspect", small("hello"), "/usr/bin/hello")
    assert done.returncode == 0
    assert "/usr/bin/hello" in done.stdout
    assert "libc.so.6" in done.stdout


def test_inspect_of_a_path_that_is_not_there(small):
    done = auditor("inspect", small("hello"), "/usr/bin/nothing")
    assert_one_sentence(done, 1, "holds nothing at /usr/bin/nothing")


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ((), "required"),
        (("scan",), "REFERENCE"),
        (("frobnicate",), "frobnicate"),
        (("scan", ".", "--frobnicate"), "--frobnicate"),
        (("scan", ".", "-o", "xml"), "there is no output format 'xml'"),
        (("scan", ".", "--target", "dos"), "there is no target 'dos'"),
        (("scan", ".", "--platform", "linux"), "linux"),
        (("scan", ".", "--env", "X"), "--env 'X' is not NAME=VALUE"),
        (("scan", ".", "--entrypoint", "[1]"), "no JSON array of strings"),
        (("scan", ".", "--cmd", "'"), "cannot be split into words"),
    ],
)
def test_wrong_usage_exits_with_64(arguments, part, tmp_path):
    done = auditor(*arguments, cwd=tmp_path)
    assert done.returncode == 64
    assert part in done.stderr
    assert done.stdout == ""


def test_a_reference_that_does_not_exist():
    assert_one_sentence(auditor("scan", "oci-dir:/no/such/place"), 1, "/no/such/place")


def test_a_directory_that_is_no_image(tmp_path):
    assert_one_sentence(auditor("scan", f"oci-dir:{tmp_path}"), 1, str(tmp_path))


def test_a_layer_with_a_wrong_digest(small, tmp_path):
    copy = damaged(small("hello"), tmp_path, lambda blob: blob[:-9] + b"\0" + blob[-8:])
    assert_one_sentence(auditor("scan", copy), 1, "sha256:")


def test_a_truncated_layer(small, tmp_path):
    copy = damaged(small("hello"), tmp_path, lambda blob: blob[: len(blob) // 2])
    assert_one_sentence(auditor("scan", copy), 1)


def test_a_config_that_is_not_json(small, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(small("hello"), copy)
    (config,) = (
        blob for blob in (copy / "blobs" / "sha256").iterdir() if b'"rootfs"' in blob.read_bytes()
    )
    config.write_bytes(b"{" * config.stat().st_size)
    assert_one_sentence(auditor("scan", copy), 1)


@contextlib.contextmanager
def nobody():
    """Give up root's right to read everything, for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_no_permission(small, capsys):
    # In this process, since an unprivileged one may not even reach the interpreter: what it
    # imports is imported first.
    assert main(["scan", str(small("hello"))]) == 0
    capsys.readouterr()
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        copy = Path(directory) / "copy"
        shutil.copytree(small("hello"), copy)
        Path(directory).chmod(0o755)
        (copy / "index.json").chmod(0)
        with nobody():
            code = main(["scan", f"oci-dir:{copy}"])
    said = capsys.readouterr()
    assert (code, said.out) == (1, "")
    assert said.err.startswith("auditor: ")
    assert "index.json" in said.err


def test_a_platform_that_is_not_there_lists_those_that_are(small):
    done = auditor("scan", small("two-platforms"), "--platform", "linux/s390x")
    assert_one_sentence(done, 1, "linux/amd64", "linux/arm64")


def test_a_report_that_cannot_be_written(small):
    done = auditor("scan", small("hello"), "-o", "json=/no/such/directory/r.json")
    assert_one_sentence(done, 1, "/no/such/directory/r.json")


def test_a_reader_that_leaves_early_is_no_error_to_shout_about(small):
    command = f"{sys.executable} -m auditor scan {small('hello')} -o json | head -c 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert done.stdout == "{"
    assert done.stderr == ""


def test_help_and_version_go_to_standard_output():
    for arguments in (("--help",), ("scan", "--help"), ("inspect", "--help"), ("--version",)):
        done = auditor(*arguments)
        assert (done.returncode, done.stderr) == (0, "")
        assert "auditor" in done.stdout


def damaged(image, tmp_path, change):
    """A copy of an image whose largest blob is changed."""
    copy = tmp_path / "copy"
    shutil.copytree(image, copy)
    blob = max((copy / "blobs" / "sha256").iterdir(), key=lambda path: path.stat().st_size)
    blob.write_bytes(change(blob.read_bytes()))
    return copy


def test_verbose_shows_what_is_reached_and_its_route(small):
    done = auditor("scan", small("shell-cmd"), "-v")
    assert "/usr/bin/dash" in done.stdout
    assert "falls away" in done.stdout


def test_what_is_in_the_way_is_shown_with_its_chain(small):
    done = auditor("scan", small("shell-cmd"), "--target", "core")
    assert "In the way on core" in done.stdout
    assert "entrypoint → /usr/bin/dash → /usr/bin/report → " in done.stdout


def test_what_could_not_be_read_is_shown(small):
    done = auditor("scan", small("static"))
    assert "Not known" in done.stdout
    assert "statically linked" in done.stdout


def test_inspect_in_json_says_what_is_missing(small):
    done = auditor("inspect", small("shell-cmd"), "/bin/sh", "-o", "json")
    document = json.loads(done.stdout)
    (wasip1,) = (item for item in document["targets"] if item["id"] == "wasip1")
    assert {"fork", "execve"} <= set(wasip1["missing"])
    assert {"dup2", "pipe"} <= set(wasip1["stubbed"])
    assert {"setjmp", "longjmp"} <= set(wasip1["flags"])
    assert document["path"] == "/usr/bin/dash"


def test_inspect_of_a_script_or_module_is_no_error(small):
    assert auditor("inspect", small("wasm"), "hello.wasm").returncode == 0


def test_inspect_of_a_text_file_says_that_it_is_nothing_to_judge(small):
    done = auditor("inspect", small("hello"), "/etc/hello.txt")
    assert_one_sentence(done, 1, "/etc/hello.txt", "no executable, library, script")


def test_names_in_an_image_cannot_steer_the_terminal(tmp_path):
    (tmp_path / "a\x1b[31mb").write_bytes(b"#!/bin/sh\nnothing-here\n")
    (tmp_path / "a\x1b[31mb").chmod(0o755)
    done = auditor("scan", f"dir:{tmp_path}", "--entrypoint", '["/a\\u001b[31mb"]')
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    assert "\\x1b[31m" in done.stdout


def test_the_catalogue_can_be_switched_off(small):
    assert auditor("scan", small("hello"), "--no-catalog").returncode == 0
