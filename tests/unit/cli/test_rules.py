"""``auditor rules``: a person asks what is looked for, and why."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from auditor.tables import load


def auditor(*arguments, env=None):
    return subprocess.run(
        [sys.executable, "-m", "auditor", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=env,
        check=False,
    )


def test_the_list_has_every_capability_with_need_effort_and_levels():
    done = auditor("rules", "list")
    assert (done.returncode, done.stderr) == (0, "")
    lines = {line.split()[0]: line.split() for line in done.stdout.splitlines()}
    assert set(load().capabilities) <= set(lines)
    assert lines["process.fork"][1:6] == ["essential", "8", "none", "none", "none"]


def test_the_list_in_json_gives_a_level_for_each_target():
    document = json.loads(auditor("rules", "list", "-o", "json").stdout)
    tables = load()
    assert [line["capability"] for line in document["rules"]] == list(tables.capabilities)
    assert all(list(line["levels"]) == list(tables.targets) for line in document["rules"])


def test_fork_is_explained_to_someone_who_has_never_heard_of_wasi():
    done = auditor("rules", "show", "process.fork")
    assert (done.returncode, done.stderr) == (0, "")
    told = " ".join(done.stdout.split())
    assert "Programs copy themselves" in told
    assert "can't be duplicated while it runs" in told
    assert "Use posix_spawn where a program is started" in told
    assert "Need essential." in told
    assert "8 of 13 points to do without it: re-architecture" in told
    for target in load().targets:
        assert target in told
    assert "links, then always fails when it is called" in told
    assert "clone, fork, fork1" in told
    assert "https://github.com/WebAssembly/wasi-libc" in told


def test_a_function_is_shown_with_its_capability_and_its_own_levels():
    done = auditor("rules", "show", "fork")
    assert "fork is a function of the C library; it asks for process.fork." in done.stdout
    assert "fork on each target" in done.stdout
    assert "process.fork on each target" in done.stdout


def test_another_name_of_a_function_leads_to_it():
    done = auditor("rules", "show", "fopen64")
    assert "another name of fopen; it asks for fs.read." in done.stdout


def test_a_capability_that_no_function_shows_says_so():
    told = auditor("rules", "show", "jit.exec").stdout
    assert "No function of the C library shows it" in told


def test_show_in_json_has_every_source_that_is_named():
    document = json.loads(auditor("rules", "show", "process.fork", "-o", "json").stdout)
    named = {document["source"], *(level["source"] for level in document["levels"])}
    assert named == {source["id"] for source in document["sources"]}
    assert all(source["url"] for source in document["sources"])
    assert document["functions"]["count"] >= len(document["functions"]["first"]) > 0
    assert document["function"] is None


def test_of_many_functions_the_first_twenty_are_named():
    document = json.loads(auditor("rules", "show", "io.stdio", "-o", "json").stdout)
    assert len(document["functions"]["first"]) == 20
    assert f"and {document['functions']['count'] - 20} more" in " ".join(
        auditor("rules", "show", "io.stdio").stdout.split()
    )


@pytest.mark.parametrize(
    ("name", "near"), [("process.frok", "process.fork"), ("epol_wait", "epoll_wait")]
)
def test_a_name_that_is_not_there_gets_those_that_come_near(name, near):
    done = auditor("rules", "show", name)
    assert (done.returncode, done.stdout) == (64, "")
    assert f"named {name!r}" in done.stderr
    assert near in done.stderr


def test_a_name_like_no_other_is_refused_all_the_same():
    done = auditor("rules", "show", "\x1b[31m!!")
    assert done.returncode == 64
    assert "\x1b" not in done.stderr
    assert "auditor rules list" in done.stderr


def test_the_shipped_rule_tests_run_without_a_directory():
    done = auditor("rules", "test")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip().endswith("all passed")


def test_a_rule_test_that_fails_says_where_and_what(tmp_path):
    (tmp_path / "mine.yaml").write_text(
        "- name: a server that forks\n"
        "  component: {imports: [fork, printf]}\n"
        "  expect: {wasip1: {process.fork: full}}\n"
        "- name: a program that prints\n"
        "  component: {imports: [printf]}\n"
        "  absent: [process.fork]\n"
    )
    done = auditor("rules", "test", tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines() == [
        "mine.yaml: a server that forks: process.fork on wasip1: expected full, found none",
        "2 cases in 1 file, 2 expectations: 1 failed",
    ]


def test_a_rule_test_that_makes_no_sense_is_a_sentence(tmp_path):
    (tmp_path / "mine.yaml").write_text("- {name: x}\n")
    done = auditor("rules", "test", tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "mine.yaml, case 'x': Object missing required field `component`" in done.stderr
    assert "Traceback" not in done.stderr


def test_rules_alone_is_wrong_usage():
    done = auditor("rules")
    assert done.returncode == 64
    assert "ACTION" in done.stderr


def test_help_explains_the_format_of_the_cases():
    done = auditor("rules", "test", "--help")
    assert done.returncode == 0
    assert "- name: a server that forks" in done.stdout


def test_help_loads_neither_tables_nor_yaml():
    script = (
        "import sys\nfrom auditor.cli import main\n"
        "try: main(['rules', '--help'])\nexcept SystemExit: pass\n"
        "assert not {'yaml', 'rich', 'auditor.tables', 'auditor.rules'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
