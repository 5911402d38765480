"""``auditor tables``, the warning about their age, and ``--tables``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta

import jsonschema
import pytest

from auditor.tables import load

SOURCE = """\
[ours]
title = "Our own fork"
url = "https://example.org/fork"
as_of = "2026-01-02"
licence = "n/a"
"""


def auditor(*arguments, on: date | None = None):
    env = dict(os.environ)
    if on is not None:
        moment = datetime(on.year, on.month, on.day, tzinfo=UTC)
        env["SOURCE_DATE_EPOCH"] = str(int(moment.timestamp()))
    return subprocess.run(
        [sys.executable, "-m", "auditor", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=env,
        check=False,
    )


@pytest.fixture(scope="session")
def newest():
    """The day of the newest source."""
    return date.fromisoformat(load().as_of)


@pytest.fixture
def overlay(tmp_path):
    """Rows that make fork a matter of flags on wasip1."""
    (tmp_path / "sources.toml").write_text(SOURCE)
    (tmp_path / "libc" / "support").mkdir(parents=True)
    (tmp_path / "libc" / "support" / "wasip1.csv").write_text(
        "symbol,level,flags,note,source\nfork,flags,-lourfork,,ours\n"
    )
    return tmp_path


def test_counts_dates_and_digest_are_shown(newest):
    done = auditor("tables", on=newest + timedelta(days=3))
    assert (done.returncode, done.stderr) == (0, "")
    told = " ".join(done.stdout.split())
    tables = load()
    assert f"of {tables.as_of}, 3 days old" in told
    assert tables.digest in told
    assert f"{len(tables.capabilities)} capabilities, by {len(tables.symbols)} libc" in told


def test_the_document_counts_what_the_tables_hold(newest):
    document = json.loads(auditor("tables", "-o", "json", on=newest).stdout)
    tables = load()
    assert (document["age_days"], document["stale"]) == (0, False)
    assert document["counts"]["symbols"] == len(tables.symbols)
    assert document["counts"]["sources"] == len(document["sources"]) == len(tables.sources)
    assert document["newest"]["as_of"] == tables.as_of
    assert document["oldest"]["as_of"] == min(item["as_of"] for item in document["sources"])
    for rows in document["targets"].values():
        assert sum(rows["symbols"].values()) + rows["symbols_without_row"] == len(tables.symbols)
        assert sum(rows["capabilities"].values()) == len(tables.capabilities)


def test_a_year_is_not_old_and_a_day_more_is(newest):
    for arguments in (("tables",), ("targets",), ("rules", "list"), ("rules", "show", "fork")):
        assert auditor(*arguments, on=newest + timedelta(days=365)).stderr == ""
        done = auditor(*arguments, on=newest + timedelta(days=366))
        assert done.returncode == 0
        assert done.stderr.startswith(f"auditor: warning: The tables are of {newest}")


def test_a_clock_that_makes_no_sense_is_wrong_usage():
    done = subprocess.run(
        [sys.executable, "-m", "auditor", "tables"],
        capture_output=True,
        text=True,
        env={**os.environ, "SOURCE_DATE_EPOCH": "soon"},
        check=False,
    )
    assert done.returncode == 64
    assert "SOURCE_DATE_EPOCH 'soon' is no number of seconds" in done.stderr


def test_a_scan_with_old_tables_warns_and_its_report_says_so(small, newest, schema):
    one, two = (
        auditor("scan", small("hello"), "-o", "json", on=newest + timedelta(days=days))
        for days in (400, 500)
    )
    assert one.returncode == 0
    assert one.stderr.startswith("auditor: warning: The tables are of")
    document = json.loads(one.stdout)
    jsonschema.validate(document, schema)
    assert document["tool"]["tables_as_of"] == str(newest)
    assert [note for note in document["notes"] if str(newest) in note]
    assert one.stdout == two.stdout, "a report does not tell the day on which it was made"


def test_a_scan_with_fresh_tables_says_nothing_of_their_age(small, newest):
    done = auditor("scan", small("hello"), "-o", "json", on=newest)
    assert done.stderr == ""
    assert json.loads(done.stdout)["notes"] == []


def test_a_scan_takes_rows_of_ones_own_and_says_so(small, overlay, newest, schema):
    done = auditor("scan", small("shell-cmd"), "-o", "json", "--tables", overlay, on=newest)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    jsonschema.validate(document, schema)
    assert any("libc/support/wasip1.csv" in note for note in document["notes"])
    assert document["tool"]["tables_digest"] != load().digest
    assert not any(str(overlay) in note for note in document["notes"])
    levels = {
        evidence["support"]
        for finding in document["findings"]
        if finding["target"] == "wasip1"
        for evidence in finding["evidence"]
        if evidence["detail"] == "fork"
    }
    assert levels == {"flags"}


def test_inspect_and_rules_take_them_as_well(small, overlay):
    done = auditor("inspect", small("shell-cmd"), "/bin/sh", "-o", "json", "--tables", overlay)
    (wasip1,) = (item for item in json.loads(done.stdout)["targets"] if item["id"] == "wasip1")
    assert "fork" in wasip1["flags"]
    shown = auditor("rules", "show", "fork", "--tables", overlay).stdout
    assert "-lourfork" in shown
    assert "https://example.org/fork" in shown
    failed = auditor("rules", "test", "--tables", overlay)
    assert failed.returncode == 1
    assert "process.fork on wasip1: expected none, found flags" in failed.stdout
    told = json.loads(auditor("tables", "-o", "json", "--tables", overlay).stdout)
    assert told["overlay"] == ["libc/support/wasip1.csv", "sources.toml"]


@pytest.mark.parametrize(
    "arguments", [("scan", "."), ("tables",), ("targets",), ("rules", "list"), ("rules", "test")]
)
def test_a_wrong_row_of_ones_own_is_named_with_its_file(arguments, overlay):
    file = overlay / "libc" / "support" / "wasip1.csv"
    file.write_text("symbol,level,flags,note,source\nfork,half,,,ours\n")
    done = auditor(*arguments, "--tables", overlay)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{file}, line 2: level 'half' is none of" in done.stderr
    assert "Traceback" not in done.stderr


def test_tables_that_are_not_there_are_a_sentence(tmp_path):
    done = auditor("tables", "--tables", tmp_path / "nothing")
    assert done.returncode == 1
    assert "there is no directory" in done.stderr
