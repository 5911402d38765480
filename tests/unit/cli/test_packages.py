"""--packages and --syft as a user meets them."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest

from auditor.cli import main

INTERRUPTIBLE = """
import signal, sys
from auditor.cli import main
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
sys.exit(main(sys.argv[1:]))
"""
RECORDED = Path(__file__).parents[3] / "fixtures" / "recorded" / "syft"


@pytest.fixture
def tree(tmp_path):
    """A root file system with a real program, owned by a package, and another that is not."""
    root = tmp_path / "root"
    for name in ("usr/sbin/nginx", "usr/local/bin/app"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"#!/bin/sh\n:\n")
        (root / name).chmod(0o755)
    (root / "var/lib/dpkg").mkdir(parents=True)
    (root / "var/lib/dpkg/status").write_text("Package: nginx\n")
    return root


@pytest.fixture
def syft(tmp_path):
    """A program in syft's place, which runs a line of shell."""

    def make(line):
        path = tmp_path / "syft"
        path.write_text(f"#!/bin/sh\n{line}\n")
        path.chmod(0o755)
        return str(path)

    return make


def scan(tree, *arguments):
    return main(["scan", f"dir:{tree}", "--entrypoint", "/usr/sbin/nginx", *arguments])


def test_packages_and_owners_are_in_the_report(tree, syft, schema, capsys):
    assert scan(tree, "--syft", syft(f"cat {RECORDED}/debian.json"), "-o", "json") == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    report = json.loads(printed.out)
    jsonschema.validate(report, schema)
    assert report["tool"]["packages_by"] == "syft 1.18.1"
    nginx = next(item for item in report["packages"] if item["name"] == "nginx")
    assert nginx["purl"].startswith("pkg:deb/debian/nginx@")
    assert nginx["licences"]
    owners = {item["path"]: item["package"] for item in report["components"]}
    assert owners["/usr/sbin/nginx"] == "nginx"
    assert owners["/usr/local/bin/app"] is None


def test_the_table_names_programs_that_no_package_owns(tree, capsys):
    assert scan(tree, "--packages", str(RECORDED / "debian.json"), "-v") == 0
    printed = capsys.readouterr().out
    assert "5 packages, named by syft 1.18.1" in printed
    assert "1 executable that no package owns: /usr/local/bin/app" in printed
    assert scan(tree, "--packages", str(RECORDED / "debian.json")) == 0
    assert "no package owns" not in capsys.readouterr().out


def test_a_bill_of_materials_takes_syft_s_place(tree, syft, tmp_path, capsys):
    mark = tmp_path / "ran"
    program = syft(f"touch {mark}")
    bill = str(RECORDED / "cyclonedx.json")
    assert scan(tree, "--packages", bill, "--syft", program, "-o", "json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["tool"]["packages_by"] == "CycloneDX 1.6"
    assert "nginx" in [item["name"] for item in report["packages"]]
    assert not mark.exists()


def test_none_asks_nobody(tree, syft, tmp_path, capsys):
    mark = tmp_path / "ran"
    assert scan(tree, "--packages", "none", "--syft", syft(f"touch {mark}"), "-o", "json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["packages"] == []
    assert report["tool"]["packages_by"] is None
    assert not mark.exists()


def test_a_syft_that_fails_costs_a_sentence_and_no_coverage(tree, syft, capsys):
    assert scan(tree, "--packages", "none", "-o", "json") == 0
    whole = json.loads(capsys.readouterr().out)
    assert scan(tree, "--syft", syft("exit 7"), "-o", "json") == 0
    printed = capsys.readouterr()
    report = json.loads(printed.out)
    sentence = "packages are not known: syft ended with exit code 7"
    assert printed.err == f"auditor: warning: {sentence}\n"
    assert {"path": "/", "stage": "packages", "reason": sentence, "component": None} in report[
        "unknowns"
    ]
    assert report["targets"] == whole["targets"]
    assert scan(tree, "--syft", syft("exit 7")) == 0
    assert sentence in capsys.readouterr().out


def test_a_file_that_is_no_bill_of_materials_is_wrong_usage(tree, tmp_path, capsys):
    other = tmp_path / "other.json"
    other.write_text("{}")
    assert scan(tree, "--packages", str(other)) == 64
    assert "is no bill of materials" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_scan_that_is_stopped_takes_syft_with_it(tree, syft, tmp_path, number):
    note, temporary = tmp_path / "pid", tmp_path / "temporary"
    temporary.mkdir()
    program = syft(f"echo $$ > {note}.new; mv {note}.new {note}; exec {shutil.which('sleep')} 60")
    command = [sys.executable, "-c", INTERRUPTIBLE, "scan", f"dir:{tree}", "--syft", program]
    process = subprocess.Popen(
        command, env={"TMPDIR": str(temporary), "PATH": "/usr/bin:/bin"}, stderr=subprocess.PIPE
    )
    until = time.monotonic() + 60
    while not note.exists() and time.monotonic() < until:
        time.sleep(0.02)
    time.sleep(0.2)
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert not Path(f"/proc/{note.read_text().strip()}").exists()
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("name", ["debian.json", "cyclonedx.json", "spdx.json"])
def test_a_bill_of_materials_alone_gives_packages_and_no_verdict(name, schema, capsys):
    assert main(["scan", f"sbom:{RECORDED / name}", "-o", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    jsonschema.validate(report, schema)
    assert len(report["packages"]) > 1
    assert {target["verdict"] for target in report["targets"]} == {"insufficient-evidence"}
    assert {target["coverage"] for target in report["targets"]} == {0.0}
    assert report["recommendation"]["next_step"].startswith("Scan the image itself")


def test_what_is_no_bill_of_materials_is_an_error_with_a_sentence(tmp_path, capsys):
    file = tmp_path / "bom.json"
    file.write_text("{}")
    assert main(["scan", f"sbom:{file}"]) == 1
    assert "no bill of materials that can be read" in capsys.readouterr().err
    assert main(["scan", f"sbom:{file}.not"]) == 1
    assert main(["inspect", f"sbom:{file}", "/bin/sh"]) == 64
