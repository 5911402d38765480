"""A wrong row on system calls is refused with a sentence that says where it stands and why."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from auditor.errors import TableError
from auditor.tables import load
from auditor.tables.files import Files
from auditor.tables.syscalls import SyscallTables, load_syscalls

SIGNATURES = Path(__file__).parents[3] / "signatures"
TABLES = load(SIGNATURES)

Break = Callable[[Path], object]


def read(directory: Path) -> SyscallTables:
    return load_syscalls(Files(directory), TABLES.sources, TABLES.capabilities, TABLES.targets)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Lay out a copy of the shipped tables, to be broken."""
    shutil.copytree(SIGNATURES / "syscalls", tmp_path / "syscalls")
    return tmp_path


def replace(file: str, old: str, new: str) -> Break:
    def act(root: Path) -> None:
        path = root / "syscalls" / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return act


def append(file: str, text: str) -> Break:
    def act(root: Path) -> None:
        with (root / "syscalls" / file).open("a", encoding="utf-8") as stream:
            stream.write(text)

    return act


def without(file: str, start: str) -> Break:
    """Take the row away that begins so."""

    def act(root: Path) -> None:
        path = root / "syscalls" / file
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if not line.startswith(start)]
        assert len(kept) == len(lines) - 1
        path.write_text("".join(kept), encoding="utf-8")

    return act


RULE = """
[[rule]]
call = "dup"
when = [{ argument = 0, equals = "0" }]
capability = "io.dup"
reason = "because"
"""

BROKEN = [
    pytest.param(
        append("syscalls.csv", "made_up,9999,,io.stdio,,,hearsay\n"),
        ["syscalls/syscalls.csv, line ", "'hearsay' is not in sources.toml"],
        id="a call's source is not listed",
    ),
    pytest.param(
        append("syscalls.csv", "made_up,9999,,made.up,,,linux-uapi\n"),
        ["syscalls/syscalls.csv, line ", "'made.up' is not in capabilities.toml"],
        id="a call of no known capability",
    ),
    pytest.param(
        append("syscalls.csv", "made_up,9999,,io.stdio,urgent,because,linux-uapi\n"),
        ["syscalls/syscalls.csv, line ", "need 'urgent' is none of"],
        id="wrong need",
    ),
    pytest.param(
        append("syscalls.csv", "made_up,9999,,io.stdio,typical,,linux-uapi\n"),
        ["syscalls/syscalls.csv, line ", "a need of its own without a reason"],
        id="a need without a reason",
    ),
    pytest.param(
        append("syscalls.csv", "made_up,9999,,io.stdio,,because,linux-uapi\n"),
        ["syscalls/syscalls.csv, line ", "a need of its own is missing"],
        id="a reason without a need",
    ),
    pytest.param(
        append("syscalls.csv", "made_up,-1,,io.stdio,,,linux-uapi\n"),
        ["syscalls/syscalls.csv, line ", "'-1' is no number"],
        id="a number that is none",
    ),
    pytest.param(
        append("syscalls.csv", "made_up,,,io.stdio,,,linux-uapi\n"),
        ["syscalls/syscalls.csv, line ", "no architecture has a number for it"],
        id="a call without a number",
    ),
    pytest.param(
        append("syscalls.csv", "made_up,,220,io.stdio,,,linux-uapi\n"),
        ["syscalls/syscalls.csv, line ", "number 220 of arm64 stands there twice"],
        id="a number twice",
    ),
    pytest.param(
        append("syscalls.csv", "clone,9999,,process.fork,,,linux-uapi\n"),
        ["syscalls/syscalls.csv, line ", "clone stands there twice"],
        id="a call twice",
    ),
    pytest.param(
        replace("syscalls.csv", "name,x86_64", "name,amd64"),
        ["syscalls/syscalls.csv, line 2", "the header is not name,x86_64,aarch64"],
        id="another header",
    ),
    pytest.param(
        append("syscalls.csv", "made_up,9999\n"),
        ["syscalls/syscalls.csv, line ", "2 columns, not 7"],
        id="a call with too few columns",
    ),
    pytest.param(
        append("syscalls.csv", "made_up,9999,,io.stdio,,,linux-uapi\n"),
        ["syscalls/support/", "no row for made_up"],
        id="a call that no target has a row for",
    ),
    pytest.param(
        without("support/wasix.csv", "clone,"),
        ["syscalls/support/wasix.csv", "no row for clone"],
        id="a target without a row for a call",
    ),
    pytest.param(
        append("support/wasix.csv", "made_up,none,,,wasix-libc\n"),
        ["syscalls/support/wasix.csv, line ", "'made_up' is not in syscalls/syscalls.csv"],
        id="a support row for no known call",
    ),
    pytest.param(
        append("support/wasix.csv", "clone,none,,,wasix-libc\n"),
        ["syscalls/support/wasix.csv, line ", "clone stands there twice"],
        id="a support row twice",
    ),
    pytest.param(
        replace("support/core.csv", ",none,", ",half,"),
        ["syscalls/support/core.csv, line ", "level 'half' is none of"],
        id="wrong level",
    ),
    pytest.param(
        replace("support/wasip2.csv", ",wasi-libc\n", ",hearsay\n"),
        ["syscalls/support/wasip2.csv, line ", "'hearsay' is not in sources.toml"],
        id="a support row's source is not listed",
    ),
    pytest.param(
        replace("support/wasip2.csv", ",wasi-libc\n", ",wasi-libc,again\n"),
        ["syscalls/support/wasip2.csv, line ", "6 columns, not 5"],
        id="a support row with too many columns",
    ),
    pytest.param(
        replace("support/wasip2.csv", ",wasi-libc\n", ',"wasi-libc\n'),
        ["syscalls/support/wasip2.csv, line ", "unexpected end of data"],
        id="a support row with an open quote",
    ),
    pytest.param(
        lambda root: (root / "syscalls/support/wasip3.csv").unlink(),
        ["syscalls/support/wasip3.csv, the whole file", "cannot be read: No such file"],
        id="a target without its support file",
    ),
    pytest.param(
        append("constants.csv", "MADE_UP,0x1,0x2,linux/fs.h,linux-uapi\n"),
        ["syscalls/constants.csv, line ", "MADE_UP needs one value"],
        id="a constant that differs between architectures",
    ),
    pytest.param(
        append("constants.csv", "MADE_UP,,,linux/fs.h,linux-uapi\n"),
        ["syscalls/constants.csv, line ", "MADE_UP needs one value"],
        id="a constant without a value",
    ),
    pytest.param(
        append("constants.csv", "MADE_UP,many,,linux/fs.h,linux-uapi\n"),
        ["syscalls/constants.csv, line ", "'many' is neither a constant nor a number"],
        id="a constant that is no number",
    ),
    pytest.param(
        append("constants.csv", "MADE_UP,0x1,0x1,linux/fs.h,hearsay\n"),
        ["syscalls/constants.csv, line ", "'hearsay' is not in sources.toml"],
        id="a constant's source is not listed",
    ),
    pytest.param(
        replace("arguments.toml", 'source = "linux-man"', 'source = "hearsay"'),
        ["syscalls/arguments.toml, source", "'hearsay' is not in sources.toml"],
        id="the rules' source is not listed",
    ),
    pytest.param(
        append("arguments.toml", RULE.replace('"dup"', '"made_up"')),
        ["syscalls/arguments.toml, rule ", "no call 'made_up'"],
        id="a rule for no known call",
    ),
    pytest.param(
        append("arguments.toml", RULE.replace('"io.dup"', '"made.up"')),
        ["syscalls/arguments.toml, rule ", "'made.up' is not in capabilities.toml"],
        id="a rule that gives no known capability",
    ),
    pytest.param(
        append("arguments.toml", RULE.replace('"0"', '"MADE_UP"')),
        ["syscalls/arguments.toml, rule ", "(dup)", "'MADE_UP' is neither a constant"],
        id="a rule with an unknown constant",
    ),
    pytest.param(
        append("arguments.toml", RULE.replace('"0"', '"0x100000000"')),
        ["syscalls/arguments.toml, rule ", "nor a number of 32 bits"],
        id="a rule with a number that is never compared",
    ),
    pytest.param(
        append("arguments.toml", RULE.replace("argument = 0", "argument = 6")),
        ["syscalls/arguments.toml, rule ", "there is no argument 6"],
        id="a rule for an argument that no call has",
    ),
    pytest.param(
        append("arguments.toml", RULE.replace(', equals = "0"', "")),
        ["syscalls/arguments.toml, rule ", "a condition that asks nothing"],
        id="a condition that asks nothing",
    ),
    pytest.param(
        append("arguments.toml", RULE.replace('[{ argument = 0, equals = "0" }]', "[]")),
        ["syscalls/arguments.toml, rule ", "a rule without a condition"],
        id="a rule without a condition",
    ),
    pytest.param(
        append("arguments.toml", RULE.replace('"because"', '""')),
        ["syscalls/arguments.toml, rule ", "a rule without a reason"],
        id="a rule without a reason",
    ),
    pytest.param(
        append("arguments.toml", RULE + RULE),
        ["syscalls/arguments.toml, rule ", "an earlier rule always holds"],
        id="a rule that is never reached",
    ),
    pytest.param(
        append("arguments.toml", RULE + 'colour = "red"\n'),
        ["syscalls/arguments.toml", "unknown field", "colour"],
        id="unknown key of a rule",
    ),
    pytest.param(
        append("arguments.toml", RULE + 'need = "urgent"\n'),
        ["syscalls/arguments.toml", "'urgent'"],
        id="wrong need of a rule",
    ),
    pytest.param(
        append("arguments.toml", "[half\n"),
        ["syscalls/arguments.toml, TOML", "line"],
        id="TOML that is none",
    ),
]


@pytest.mark.parametrize(("act", "says"), BROKEN)
def test_a_broken_table_is_refused_with_file_place_and_reason(
    copy: Path, act: Break, says: list[str]
) -> None:
    act(copy)

    with pytest.raises(TableError) as caught:
        read(copy)

    for words in says:
        assert words in str(caught.value)
    assert caught.value.hint


def test_the_copy_is_read_where_nothing_is_broken(copy: Path) -> None:
    assert read(copy).rows == read(SIGNATURES).rows
