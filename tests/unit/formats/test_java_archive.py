"""Java archives: manifests, providers, deployment descriptors, and archives made to harm."""

from __future__ import annotations

import contextlib
import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.formats import FormatError
from auditor.formats.java_archive import (
    JavaArchive,
    parse_manifest,
    parse_services,
    parse_web_classes,
)


def packed(content: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return out.getvalue()


def test_files_are_listed_and_read() -> None:
    archive = JavaArchive(packed({"a/B.class": b"bytes", "a/": b""}))
    assert archive.sizes == {"a/B.class": 5}
    assert archive.read("a/B.class", 5) == b"bytes"
    assert archive.head("a/B.class", 2) == b"by"


def test_a_script_before_an_archive_is_no_harm() -> None:
    """Spring Boot's "fully executable" archives start with one."""
    archive = JavaArchive(b"#!/bin/sh\nexec java -jar $0\n" + packed({"x": b"1"}))
    assert archive.read("x", 1) == b"1"


def test_no_more_is_inflated_than_is_wanted() -> None:
    archive = JavaArchive(packed({"bomb": bytes(8 << 20)}))
    with pytest.raises(FormatError, match="larger than 1 MiB"):
        archive.read("bomb", 1 << 20)


def test_a_lie_about_a_size_is_found_out() -> None:
    data = bytearray(packed({"x": b"y" * 100}, zipfile.ZIP_STORED))
    central = data.rfind(b"PK\x01\x02")
    data[central + 24 : central + 28] = (10**9).to_bytes(4, "little")
    with contextlib.suppress(FormatError):
        assert len(JavaArchive(bytes(data)).read("x", 1 << 20)) <= 100


def test_a_directory_that_is_too_large_is_not_parsed() -> None:
    data = bytearray(packed({"x": b"y"}))
    end = data.rfind(b"PK\x05\x06")
    data[end + 12 : end + 16] = (1 << 30).to_bytes(4, "little")
    with pytest.raises(FormatError, match="lists more files"):
        JavaArchive(bytes(data))


def test_an_encrypted_entry_is_refused_in_a_sentence() -> None:
    data = bytearray(packed({"x": b"y"}))
    data[data.rfind(b"PK\x01\x02") + 8] |= 1
    data[data.find(b"PK\x03\x04") + 6] |= 1
    with pytest.raises(FormatError, match="x in the archive is damaged"):
        JavaArchive(bytes(data)).read("x", 10)


@given(st.lists(st.tuples(st.integers(0, 400), st.binary(max_size=4)), max_size=6))
def test_damaged_archives_do_no_harm(changes: list[tuple[int, bytes]]) -> None:
    data = bytearray(packed({"a/B.class": b"bytes" * 9, "c": b""}))
    for position, replacement in changes:
        at = position % len(data)
        data[at : at + len(replacement)] = replacement
    with contextlib.suppress(FormatError):
        archive = JavaArchive(bytes(data))
        for name in archive.sizes:
            with contextlib.suppress(FormatError):
                assert len(archive.read(name, 1000)) <= 1000


@given(st.binary(max_size=200))
def test_random_bytes_do_no_harm(data: bytes) -> None:
    parse_manifest(data)
    parse_services(data)
    with contextlib.suppress(FormatError):
        parse_web_classes(data)
    with contextlib.suppress(FormatError):
        JavaArchive(data)


def test_a_manifest_has_long_lines_and_sections() -> None:
    main = b"Main-Class: com.exam\r\n ple.Main\r\nclass-path: a.jar\r\n"
    data = main + b"\r\nName: x\r\nMain-Class: com.other.Main\r\n"
    assert parse_manifest(data) == {"main-class": "com.example.Main", "class-path": "a.jar"}


def test_providers_are_listed_without_comments() -> None:
    data = b"# the first\ncom.a.One # best\n\n com.a.Two\ncom.a.One\n"
    assert parse_services(data) == ("com.a.One", "com.a.Two")


def test_a_deployment_descriptor_names_classes_of_any_version() -> None:
    data = b"""<?xml version="1.0"?>
<web-app xmlns="https://jakarta.ee/xml/ns/jakartaee">
  <!-- <servlet><servlet-class>com.no.Comment</servlet-class></servlet> -->
  <servlet><servlet-name>a</servlet-name><servlet-class> com.a.Front </servlet-class></servlet>
  <filter><filter-class>com.a.Gate</filter-class></filter>
  <listener><listener-class>com.a.Ear</listener-class></listener>
</web-app>"""
    assert parse_web_classes(data) == ("com.a.Front", "com.a.Gate", "com.a.Ear")


def test_a_descriptor_with_entities_is_refused() -> None:
    data = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>'
    with pytest.raises(FormatError, match="entities"):
        parse_web_classes(data)
