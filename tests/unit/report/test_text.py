"""Names from an image cannot steer the terminal."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from auditor.report.text import printable


@given(st.text())
def test_no_control_character_survives(text):
    assert not any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in printable(text))


@given(st.binary())
def test_any_bytes_can_be_shown(data):
    printable(data.decode("utf-8", "surrogateescape")).encode("utf-8")


def test_escapes_and_line_breaks_are_shown_as_what_they_are():
    assert printable("a\x1b[31mb\nc") == "a\\x1b[31mb\\x0ac"


def test_right_to_left_overrides_are_shown():
    assert printable("x\u202ey") == "x\\u202ey"


def test_ordinary_names_stay_as_they_are():
    assert printable("/usr/bin/größe – 100 %") == "/usr/bin/größe – 100 %"


def test_a_byte_that_is_no_utf8_is_shown_as_a_byte():
    assert printable(b"a\xffb".decode("utf-8", "surrogateescape")) == "a\\xffb"
