"""``auditor targets``."""

from __future__ import annotations

import json
import subprocess
import sys

from auditor.tables import load


def auditor(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "auditor", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_target_is_shown_with_what_runs_and_builds_it():
    done = auditor("targets")
    assert (done.returncode, done.stderr) == (0, "")
    told = " ".join(done.stdout.split())
    for row in load().targets.values():
        assert f"{row.id} {row.title}" in told
        assert row.toolchain in told
        assert row.summary in told
    assert "Wasmtime" in told
    assert "https://github.com/WebAssembly/wasi-libc" in told


def test_targets_beside_the_headline_are_told_apart():
    lines = auditor("targets").stdout.splitlines()
    beside = {line.split()[0] for line in lines if line.endswith("(beside the headline)")}
    assert beside == {row.id for row in load().targets.values() if not row.headline}


def test_ways_that_are_no_target_stand_below():
    told = auditor("targets").stdout
    for route in load().hosts.routes.values():
        assert route.title in told


def test_the_levels_of_a_target_add_up_to_all_capabilities():
    document = json.loads(auditor("targets", "-o", "json").stdout)
    tables = load()
    assert [target["id"] for target in document["targets"]] == list(tables.targets)
    for target in document["targets"]:
        assert sum(target["levels"].values()) == len(tables.capabilities)
        assert target["as_of"] == tables.sources[target["source"]].as_of
        assert target["hosts"]


def test_rows_of_ones_own_change_the_counts(tmp_path):
    (tmp_path / "targets").mkdir()
    (tmp_path / "targets" / "core.toml").write_text(
        '[support]\n"device.gpu" = { level = "full", source = "judgement" }\n'
    )
    before, after = (
        {target["id"]: target["levels"] for target in json.loads(done.stdout)["targets"]}
        for done in (
            auditor("targets", "-o", "json"),
            auditor("targets", "-o", "json", "--tables", tmp_path),
        )
    )
    assert after["core"]["full"] == before["core"]["full"] + 1
    assert after["wasip1"] == before["wasip1"]


def test_what_runs_targets_is_shown_with_version_and_shortcomings():
    told = " ".join(auditor("targets").stdout.split())
    for host in load().hosts.hosts.values():
        assert f"{host.title} {host.version}" in told
        for text in host.short:
            assert text in told
