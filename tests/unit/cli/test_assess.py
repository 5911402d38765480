"""``-o inventory``, ``auditor assess``, ``--replace`` and ``--runtime`` at the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from auditor.cli import main
from auditor.report.inventory import schema_text

ROOT = Path(__file__).parents[3]
HELLO = f"oci-dir:{ROOT / 'fixtures' / 'small' / 'hello'}"


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Inventory and report of a small image, as files."""
    folder = tmp_path_factory.mktemp("saved")
    inventory, report = folder / "inventory.json", folder / "report.json"
    outputs = ["-o", f"inventory={inventory}", "-o", f"json={report}"]
    assert main(["scan", "-q", "--packages", "none", HELLO, *outputs]) == 0
    return inventory, report


def verdicts(text):
    return {item["id"]: item["verdict"] for item in json.loads(text)["targets"]}


def test_the_schema_of_the_inventory_is_the_one_that_is_kept():
    kept = (ROOT / "auditor/report/inventory.schema.json").read_text()
    assert kept == schema_text(), (
        "raise INVENTORY_VERSION, and write python -m auditor.report.inventory to the file"
    )


def test_a_saved_inventory_gives_the_report_of_its_scan(saved, tmp_path, capsys):
    inventory, report = saved
    again = tmp_path / "again.json"
    assert main(["assess", str(inventory), "-o", "json", "-o", f"inventory={again}"]) == 0
    assert capsys.readouterr().out == report.read_text()
    assert again.read_text() == inventory.read_text()


def test_other_tables_need_no_second_scan(saved, tmp_path, capsys):
    inventory, report = saved
    targets = tmp_path / "targets"
    targets.mkdir()
    met = {name["name"] for name in json.loads(report.read_text())["capabilities"]}
    rows = "".join(
        f'"{name}" = {{ level = "none", source = "judgement" }}\n' for name in sorted(met)
    )
    (targets / "core.toml").write_text(f"[support]\n{rows}")
    assert main(["assess", str(inventory), "--tables", str(tmp_path), "-o", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert any("Assessed again with other tables" in note for note in document["notes"])


def test_what_is_replaced_is_said_and_counts(saved, capsys):
    inventory, _ = saved
    reached = (item for item in json.loads(saved[1].read_text())["components"] if item["role"])
    program = next(item["path"] for item in reached if item["kind"] == "executable")
    assert main(["assess", str(inventory), "--replace", f"{program}=wasm", "-o", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert f"a WebAssembly build takes the place of {program}" in document["notes"][-1]
    assert not [item for item in document["findings"] if item["component"].endswith(program)]


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (["--replace", "/nowhere=wasm"], "nothing that is reached is called '/nowhere'"),
        (["--replace", "/hello=magic"], "is not COMPONENT=WAY"),
        (["--runtime", "netscape@4"], "there is no runtime 'netscape'"),
        (["--runtime", "wasmtime@new"], "'new' is no version"),
        (["--runtime", "wasmtime@45", "--target", "wasip3"], "not known to run wasip3"),
        (["--target", "wasip9"], "there is no target 'wasip9'"),
    ],
)
def test_a_wrong_name_is_wrong_usage(saved, capsys, option, words):
    assert main(["assess", str(saved[0]), *option]) == 64
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("runtime", "runs"),
    [
        ("wasmtime", {"wasip1", "wasip2", "wasip3", "wasi-http", "emscripten", "core"}),
        ("wasmtime@46", {"wasip1", "wasip2", "wasip3", "wasi-http", "core"}),
        ("wasmtime@36.0.6", {"wasip1", "wasip2", "wasi-http", "core"}),
        ("wasmtime@17", {"wasip1", "core"}),
        ("wazero", {"wasip1", "core"}),
        ("runwasi", {"wasip1", "wasip2", "wasi-http", "wasix"}),
    ],
)
def test_a_runtime_narrows_the_targets_to_what_that_version_runs(saved, capsys, runtime, runs):
    assert main(["assess", str(saved[0]), "--runtime", runtime, "-o", "json"]) == 0
    text = capsys.readouterr().out
    assert set(verdicts(text)) == runs
    assert json.loads(text)["recommendation"]["target"] in runs
    assert "runs wasip1" in " ".join(json.loads(text)["notes"])


def test_an_older_version_that_nobody_checked_is_not_taken_to_run(saved, capsys):
    assert main(["assess", str(saved[0]), "--runtime", "wasmer@5"]) == 64
    assert "not known to run any target" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: "nonsense", "is no inventory"),
        (lambda text: "{}", "no inventory_version"),
        (lambda text: text.replace('"inventory_version":"1', '"inventory_version":"7'), "7.0.0"),
        (lambda text: text.replace('"roles":{', '"roles":{"executable:/x":"main",'), "lacks"),
        (lambda text: text[:-40], "is no inventory"),
    ],
)
def test_what_is_no_inventory_is_refused(saved, tmp_path, capsys, change, words):
    file = tmp_path / "wrong.json"
    file.write_text(change(saved[0].read_text()))
    assert main(["assess", str(file)]) == 1
    assert words in capsys.readouterr().err


def test_a_report_is_no_inventory_and_cannot_be_converted_to_one(saved, capsys):
    assert main(["assess", str(saved[1])]) == 1
    assert "-o inventory=FILE" in capsys.readouterr().err
    assert main(["convert", str(saved[1]), "-o", "inventory=x"]) == 64
