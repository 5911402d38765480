"""The tables of settings and runtimes refuse what they could not hold an image against."""

from __future__ import annotations

import pytest

from auditor.errors import TableError
from auditor.tables import load

SETTING = """
["made.up"]
title = "Made up"
programs = ["made"]
options = ["--up"]
number = "count"
source = "judgement"
"""
RUNTIME = """
[made]
title = "Made"
language = "Made"
entry_functions = ["made_main"]
source = "judgement"
"""


@pytest.fixture
def with_rows(tmp_path):
    """Load the shipped tables with one more file over them."""

    def loaded(name, text):
        (tmp_path / name).write_text(text)
        return load(overlay=tmp_path)

    return loaded


def test_a_row_of_ones_own_is_read(with_rows):
    assert "made.up" in {row.name for row in with_rows("settings.toml", SETTING).settings}
    (made,) = [row for row in with_rows("runtimes.toml", RUNTIME).runtimes if row.id == "made"]
    assert made.swap == "made"


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("settings.toml", SETTING + "above = 1\n", "above, capability and need go together"),
        ("settings.toml", SETTING + 'files = ["*/x"]\n', "files and line go together"),
        ("settings.toml", SETTING + 'files = ["*/x"]\nline = "x"\n', "line has not one group"),
        ("settings.toml", SETTING + 'files = ["*/x"]\nline = "("\n', "line: missing )"),
        ("settings.toml", SETTING.replace('["made"]', "[]"), "programs is empty"),
        ("settings.toml", SETTING.replace("judgement", "hearsay"), "not in sources.toml"),
        ("settings.toml", SETTING.replace("count", "dozen"), "Invalid enum value"),
        (
            "settings.toml",
            SETTING + 'above = 1\nneed = "typical"\ncapability = "made.up"\n',
            "not in capabilities.toml",
        ),
        ("runtimes.toml", RUNTIME + 'version = ["("]\n', "missing )"),
        ("runtimes.toml", RUNTIME + 'marks = ["\\u4e2d"]\n', "latin-1"),
        ("runtimes.toml", RUNTIME + 'files = ["*/x"]\n', "files without marks"),
        (
            "runtimes.toml",
            RUNTIME.replace('entry_functions = ["made_main"]\n', ""),
            "nothing tells how it is recognised",
        ),
    ],
)
def test_a_wrong_row_is_refused_with_its_reason(with_rows, name, text, reason):
    with pytest.raises(TableError, match=r"made") as refused:
        with_rows(name, text)
    assert reason in str(refused.value)
