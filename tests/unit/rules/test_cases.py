"""Case files: what they may hold, and the sentence for what makes no sense."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.errors import TableError
from auditor.model.terms import Support
from auditor.rules import read
from auditor.rules.cases import Kind
from auditor.tables import load


@pytest.fixture(scope="session")
def tables():
    """The tables as they are shipped."""
    return load()


def lay(directory: Path, text: str, name: str = "case.yaml") -> Path:
    (directory / name).write_text(text, encoding="utf-8")
    return directory


def test_a_case_is_read_with_all_it_says(tables, tmp_path):
    (case,) = read(
        lay(
            tmp_path,
            """
- name: a server that forks
  component: {imports: [fork, open, printf]}
  expect:
    wasip1: {process.fork: none}
    wasix: {process.fork: partial}
  absent: [net.tcp.listen]
""",
        ),
        tables,
    )
    assert (case.file, case.name, case.kind) == (
        "case.yaml",
        "a server that forks",
        Kind.EXECUTABLE,
    )
    assert case.component.imports == ("fork", "open", "printf")
    assert case.expect == (
        ("wasip1", "process.fork", Support.NONE),
        ("wasix", "process.fork", Support.PARTIAL),
    )
    assert case.absent == ("net.tcp.listen",)


@pytest.mark.parametrize(
    ("component", "kind"),
    [
        ("{imports: [fork]}", Kind.EXECUTABLE),
        ("{kind: library, imports: [fork]}", Kind.LIBRARY),
        ("{asks: [cpu.asm]}", Kind.EXECUTABLE),
        ('{wasm_imports: ["a#b"]}', Kind.WASM),
        ("{kind: wasm}", Kind.WASM),
        ("{commands: [id]}", Kind.SCRIPT),
        ("{}", Kind.EXECUTABLE),
    ],
)
def test_the_facts_tell_what_a_component_is(tables, tmp_path, component, kind):
    text = f"- {{name: x, component: {component}, absent: [process.fork]}}\n"
    (case,) = read(lay(tmp_path, text), tables)
    assert case.kind is kind


CASE = "- {name: x, component: {imports: [fork]}, absent: [io.poll]}\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name: x\n", "is no list of cases"),
        ("", "is no list of cases"),
        ("- [\n", "is no YAML: line "),
        ("- {name: x, name: y}\n", "line 1: the key 'name' stands there twice"),
        ("- {name: x, component: {imports: fork}}\n", "Expected `array`"),
        ("- {name: x, component: {}, colour: red}\n", "case 'x': Object contains unknown field"),
        ("- {component: {}}\n", "case 1: Object missing required field `name`"),
        ("- 3\n", "case 1: Expected `object`"),
        ("- {name: x, component: {imports: [fork]}}\n", "case 'x': it expects nothing"),
        (CASE + CASE, "case 'x': another case has that name"),
        (CASE.replace("io.poll", "io.pool"), "there is no capability 'io.pool'"),
        ("- {name: x, component: {asks: [a.b]}, absent: [io.poll]}\n", "no capability 'a.b'"),
        (
            "- {name: x, component: {}, expect: {dos: {io.poll: none}}}\n",
            "case 'x': there is no target 'dos'",
        ),
        (
            "- {name: x, component: {}, expect: {core: {io.poll: half}}}\n",
            "case 'x': Invalid enum value 'half'",
        ),
        (
            "- {name: x, component: {}, expect: {core: {io.poll: none}}, absent: [io.poll]}\n",
            "io.poll is both expected and absent",
        ),
        (
            "- {name: x, component: {imports: [a], commands: [b]}, absent: [io.poll]}\n",
            "a component cannot be executable and script at once",
        ),
        (
            "- {name: x, component: {kind: wasm, imports: [a]}, absent: [io.poll]}\n",
            "a component of kind wasm has no facts of kind executable",
        ),
        ("- !!python/object:os.system {}\n", "is no YAML: line 1"),
        ("# " + "x" * (1 << 20), "is larger than 1048576 bytes"),
    ],
)
def test_a_case_that_makes_no_sense_is_refused_with_its_place(tables, tmp_path, text, says):
    with pytest.raises(TableError) as caught:
        read(lay(tmp_path, text), tables)
    assert str(caught.value).startswith(str(tmp_path / "case.yaml"))
    assert says in str(caught.value)


def test_a_file_that_is_no_text_is_refused(tables, tmp_path):
    (tmp_path / "case.yml").write_bytes(b"\xff\xfe")
    with pytest.raises(TableError, match=r"case\.yml is not UTF-8"):
        read(tmp_path, tables)


def test_a_directory_without_cases_is_refused(tables, tmp_path):
    with pytest.raises(TableError, match="holds no rule tests"):
        read(tmp_path, tables)
    with pytest.raises(TableError, match="there is no directory"):
        read(tmp_path / "nothing", tables)
