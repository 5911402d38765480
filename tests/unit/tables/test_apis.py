"""What the names of libraries ask for, and the launchers of applications."""

from __future__ import annotations

import pytest

from auditor.errors import TableError
from auditor.model.terms import Need
from auditor.tables import load
from auditor.tables.apis import Api, Apis, ApiUse

HEADER = "name,use,capability,need,note,source\n"


def row(name, use=ApiUse.CALL):
    return Api(name, use, "process.spawn", Need.ESSENTIAL, "", "judgement", "apis/made.csv")


def apis(*rows):
    found: dict[str, tuple[Api, ...]] = {}
    for item in rows:
        found[item.name] = (*found.get(item.name, ()), item)
    return Apis(found)


def test_a_name_s_own_rows_come_before_those_above_it():
    table = apis(row("os.exec.*"), row("os.exec.v"), row("os.*"))
    assert [item.name for item in table.of("os.exec.v")] == ["os.exec.v"]
    assert [item.name for item in table.of("os.exec.l")] == ["os.exec.*"]
    assert [item.name for item in table.of("os.fork")] == ["os.*"]
    assert [item.name for item in table.of("os")] == ["os.*"]
    assert table.of("osx.fork") == ()


def test_loading_a_module_and_using_it_are_apart():
    table = apis(row("fcntl", ApiUse.IMPORT), row("fcntl.flock"))
    assert [item.use for item in table.of("fcntl", imported=True)] == [ApiUse.IMPORT]
    assert table.of("fcntl") == ()
    assert table.of("fcntl.flock", imported=True) == ()


@pytest.fixture
def over(tmp_path):
    def write(name, text):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return load(overlay=tmp_path)

    return write


def test_a_language_of_one_s_own_is_read(over):
    tables = over("apis/cobol.csv", HEADER + "CALL,call,process.spawn,,by name,judgement\n")
    (found,) = tables.apis["cobol"].of("CALL")
    assert found.need is tables.capabilities["process.spawn"].need
    assert found.file == "apis/cobol.csv"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("f,call,process.nothing,,,judgement", "process.nothing"),
        ("f,calls,process.spawn,,,judgement", "use 'calls'"),
        ("f,call,process.spawn,much,,judgement", "need 'much'"),
        ("f,call,process.spawn,,,nowhere", "nowhere"),
        ("f,call,process.spawn,,", "5 columns"),
        ("f,call,process.spawn,,,judgement\nf,call,process.spawn,,,judgement", "twice"),
    ],
)
def test_a_wrong_row_is_refused_with_file_line_and_reason(over, line, reason):
    with pytest.raises(TableError, match=reason) as raised:
        over("apis/cobol.csv", f"{HEADER}{line}\n")
    assert "apis/cobol.csv" in str(raised.value)


def test_a_launcher_is_read(over):
    tables = over(
        "launchers/cobol.toml",
        '[run]\ntitle = "Run"\nmodules = ["runner"]\noperand = true\nserves = "net.http.serve"\n'
        'source = "judgement"\n',
    )
    launcher = tables.launchers["cobol"]["run"]
    assert (launcher.operand, launcher.serves, launcher.asks) == (True, "net.http.serve", ())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[run]\ntitle = "Run"\nsource = "nowhere"\n', "nowhere"),
        ('[run]\ntitle = " "\nsource = "judgement"\n', "title is empty"),
        ('[run]\ntitle = "Run"\nserves = "x"\nsource = "judgement"\n', "capability 'x'"),
        ('[run]\ntitle = "Run"\nasks = ["y"]\nsource = "judgement"\n', "capability 'y'"),
        ('[run]\ntitle = "Run"\nmore = 1\nsource = "judgement"\n', "more"),
    ],
)
def test_a_wrong_launcher_is_refused(over, text, reason):
    with pytest.raises(TableError, match=reason) as raised:
        over("launchers/cobol.toml", text)
    assert "launchers/cobol.toml" in str(raised.value)
