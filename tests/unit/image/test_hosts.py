from __future__ import annotations

import pytest

from auditor.image.hosts import is_loopback


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:5000", "127.0.0.1", "127.8.8.8:1", "[::1]:5000", "[::1]", "::1"],
)
def test_this_machine_is_known_by_its_names(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["", "example.org", "localhost.example.org:80", "10.0.0.1", "[2001:db8::1]:5000", ":"]
)
def test_other_machines_are_not(host: str) -> None:
    assert not is_loopback(host)
