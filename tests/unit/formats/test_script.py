from __future__ import annotations

import pytest

from auditor.formats import FormatError
from auditor.formats.script import parse_script
from auditor.model.facts import ScriptFacts


@pytest.mark.parametrize(
    ("first_line", "is_shell"),
    [
        (b"#!/bin/sh", True),
        (b"#!/bin/sh -e", True),
        (b"#!/usr/bin/env bash", True),
        (b"#!/usr/bin/env -S bash -eu", True),
        (b"#!/usr/bin/env -S FOO=1 dash", True),
        (b"#!/usr/bin/env -Sksh -e", True),
        (b"#!/bin/busybox sh", True),
        (b"#!/usr/bin/python3", False),
        (b"#!/usr/bin/env python3", False),
        (b"#!/bin/busybox awk -f", False),
        (b"#!/usr/bin/env", False),
        (b"#!/usr/bin/fish", False),
    ],
)
def test_shells_are_told_from_other_interpreters(first_line: bytes, *, is_shell: bool) -> None:
    assert parse_script(first_line + b"\ntrue\n").posix_shell is is_shell


def test_interpreter_and_argument_stand_as_written() -> None:
    text = b"#! /usr/bin/env  -S node --no-warnings \nx()\n"
    expected = ScriptFacts("/usr/bin/env", "-S node --no-warnings", len(text))
    assert parse_script(text) == expected


def test_text_without_an_interpreter_line_is_refused() -> None:
    with pytest.raises(FormatError, match="names no interpreter"):
        parse_script(b"echo hello\n")
