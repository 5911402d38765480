from __future__ import annotations

import pytest

from auditor.formats.magic import FileFormat, Shebang, read_shebang, sniff


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"\x7fELF\x02\x01\x01", FileFormat.ELF),
        (b"\0asm\x01\0\0\0", FileFormat.WASM),
        (b"#!/bin/sh\n", FileFormat.SCRIPT),
        (b"#! /bin/sh", FileFormat.SCRIPT),
        (b"", None),
        (b"#!", None),
        (b"#! \t \n/bin/sh", None),
        (b"\n#!/bin/sh\n", None),
        (b"#![no_std]\n", None),
        (b"\x7fEL", None),
        (b"\x89PNG", None),
    ],
)
def test_a_file_is_what_its_first_bytes_say(head: bytes, expected: FileFormat | None) -> None:
    assert sniff(head) is expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"#!/bin/sh\n", Shebang("/bin/sh", None)),
        (b"#!  \t/bin/sh  \n", Shebang("/bin/sh", None)),
        (b"#!/bin/sh -e -u \t\nexit", Shebang("/bin/sh", "-e -u")),
        (b"#!/usr/bin/env -S sh -e\n", Shebang("/usr/bin/env", "-S sh -e")),
        (b"#!/bin/sh\0x\n", Shebang("/bin/sh", None)),
        (b"#!/bin/sh\r\n", Shebang("/bin/sh\r", None)),
    ],
)
def test_the_rest_of_the_first_line_is_one_argument(line: bytes, expected: Shebang) -> None:
    assert read_shebang(line) == expected


def test_an_interpreter_path_cut_off_by_the_kernel_s_buffer_is_refused() -> None:
    assert read_shebang(b"#!/" + b"a" * 300 + b"\n") is None


def test_an_argument_cut_off_by_the_kernel_s_buffer_is_passed_cut() -> None:
    shebang = read_shebang(b"#!/bin/sh " + b"a" * 300 + b"\n")
    assert shebang == Shebang("/bin/sh", "a" * 246)
