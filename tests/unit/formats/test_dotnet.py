"""Managed assemblies as facts, over two that a compiler made."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.formats import FormatError
from auditor.formats.dotnet import parse_assembly

SMALL = Path(__file__).parents[3] / "fixtures/small/dotnet"
ORDERS = (SMALL / "orders.dll").read_bytes()


@pytest.fixture(scope="module")
def orders():
    return parse_assembly(ORDERS)


def uses(found, unit):
    (wanted,) = [one for one in found.facts.units if one.name == unit]
    return {(use.kind.value, use.name, use.called) for use in wanted.uses}


def test_name_entry_and_references(orders):
    assert (orders.name, orders.entry) == ("orders", "Acme.Orders.Program.Main")
    assert {"Acme.Store", "System.Net.Sockets"} <= set(orders.references)
    library = parse_assembly((SMALL / "Acme.Store.dll").read_bytes())
    assert (library.name, library.entry) == ("Acme.Store", "")
    assert orders.facts.errors == 0


def test_a_method_calls_what_its_code_says(orders):
    main = uses(orders, "Acme.Orders.Program.Main")
    assert ("name", "System.Net.Sockets!System.Net.Sockets.TcpListener.Start", True) in main
    assert ("name", "Acme.Store!Acme.Store.OrderBook.new", True) in main
    closure = [name for kind, name, called in main if kind == "local" and not called]
    assert closure == ["Acme.Orders.Program+<Main>c__AnonStorey0.<>m__0"]
    assert ("local", "Acme.Orders.Program.Serve", True) in uses(orders, closure[0])


def test_native_functions_count_where_they_are_called(orders):
    serve = uses(orders, "Acme.Orders.Program.Serve")
    assert ("name", "native!libc.kill", True) in serve
    names = {use.name for unit in orders.facts.units for use in unit.uses}
    assert "native!libc.fork" not in names  # declared, and called in a dead branch only


def test_words_in_text_are_no_calls(orders):
    main = uses(orders, "Acme.Orders.Program.Main")
    assert not [name for _, name, _ in main if "Process" in name]


def test_sizes_are_those_of_the_code(orders):
    sizes = {unit.name: unit.size for unit in orders.facts.units}
    assert sizes["Acme.Orders.Program.Main"] > sizes["Acme.Orders.Native.kill"] == 0
    assert sum(sizes.values()) == len(ORDERS)


@pytest.mark.parametrize("data", [b"", b"MZ" + b"\0" * 200, b"\x7fELF", ORDERS[:600]])
def test_what_is_no_assembly_is_refused(data):
    with pytest.raises(FormatError):
        parse_assembly(data)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, len(ORDERS) - 1), st.binary(min_size=1, max_size=4)), max_size=12
    ),
    st.integers(0, len(ORDERS)),
)
def test_damage_gives_facts_or_a_format_error(changes, length):
    data = bytearray(ORDERS)
    for at, new in changes:
        data[at : at + len(new)] = new
    with contextlib.suppress(FormatError):
        parse_assembly(bytes(data))
    with contextlib.suppress(FormatError):
        parse_assembly(bytes(data[:length]))
