"""What ``auditor inspect`` says of a program, held against what its port lacked."""

from __future__ import annotations

import pytest

from bench.symbols import PARTS, Port, Score, Told, read_ports, score, share


def port(**sets: str) -> Port:
    """A port with functions given in words."""
    names = ("needed", "flags", "defined", "unused", "absent")
    words = {name: frozenset(sets.get(name, "").split()) for name in names}
    return Port("program", "1", ("/usr/bin/program",), **words)


def told(**sets: str) -> Told:
    """What was said, in words."""
    names = ("missing", "stubbed", "flags", "imported")
    return Told(**{name: frozenset(sets.get(name, "").split()) for name in names})


def test_a_function_that_was_not_told_and_one_told_wrongly_are_counted_apart() -> None:
    found = score(port(needed="fork exec", defined="read"), told(missing="fork read"))

    assert (found.needed, found.not_told) == (2, ["exec"])
    assert (found.missing, found.not_lacking) == (2, ["read"])


def test_what_the_port_did_not_use_is_neither_right_nor_wrong() -> None:
    found = score(port(needed="fork", unused="epoll_wait"), told(missing="fork epoll_wait"))

    assert (found.missing, found.not_lacking, found.not_measured) == (1, [], [])


def test_a_name_that_was_not_measured_is_shown_and_not_counted() -> None:
    found = score(port(needed="fork"), told(missing="fork unheard_of"))

    assert (found.missing, found.not_measured) == (1, ["unheard_of"])


def test_setjmp_in_missing_is_wrong_twice() -> None:
    found = score(port(flags="setjmp"), told(missing="setjmp"))

    assert found.not_lacking == ["setjmp"]
    assert found.not_in_flags == ["setjmp"]


def test_an_imported_function_that_always_fails_has_to_be_called_a_stub() -> None:
    found = score(port(defined="chmod fchmod"), told(imported="chmod fchmod", stubbed="chmod"))

    assert (found.stubbed, found.not_in_stubbed) == (2, ["fchmod"])


def test_shares_are_over_the_functions_of_all_programs() -> None:
    rows: list[Score] = [
        score(port(needed="a b c"), told(missing="a b c")),
        score(port(needed="d"), told()),
    ]

    assert share(rows, "needed", PARTS["needed"]) == pytest.approx(0.75)
    assert share(rows, "flags", PARTS["flags"]) == 1.0


def test_the_ports_are_read_with_the_names_of_the_source() -> None:
    ports, packages = read_ports(lambda name: name.removeprefix("__").removesuffix("_chk"))

    assert len(ports) == 18  # the nineteenth, zlib, has no binary in a package
    assert packages["nginx"].startswith("1.22.1")
    (nginx,) = (one for one in ports if one.program == "nginx")
    assert {"fork", "epoll_wait", "sendmsg"} <= nginx.needed
    assert not nginx.needed & nginx.defined
