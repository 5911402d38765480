"""``-o FORMAT[=FILE]``."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.cli.output import Output, parse
from auditor.errors import UsageError

FORMATS = ("table", "json")


def test_a_table_on_standard_output_is_the_default():
    assert parse([], FORMATS) == (Output("table", None),)


def test_a_dash_is_standard_output():
    assert parse(["json=-"], FORMATS) == (Output("json", None),)


def test_several_outputs_in_one_run():
    assert parse(["table", "json=a=b.json"], FORMATS) == (
        Output("table", None),
        Output("json", Path("a=b.json")),
    )


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        (["xml"], "there is no output format 'xml'"),
        (["json="], "-o 'json=' names no file"),
        (["json", "table"], "more than one output would go to standard output"),
    ],
)
def test_what_makes_no_sense_is_said(texts, sentence):
    with pytest.raises(UsageError) as caught:
        parse(texts, FORMATS)
    assert str(caught.value) == sentence
