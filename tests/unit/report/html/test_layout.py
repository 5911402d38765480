"""Where the graph's nodes stand."""

from __future__ import annotations

import time

from auditor.report.html import layout


def test_the_entrypoint_is_first_and_what_it_starts_stands_to_its_right():
    places = layout.layered("abcd", [(0, 1), (1, 2), (0, 3), (2, 0)])
    assert places[0][0] < places[1][0] == places[3][0] < places[2][0]


def test_libraries_stand_to_the_right_of_all_that_loads_them():
    edges = [(0, 1), (1, 4), (1, 2), (2, 3), (3, 4), (4, 5)]
    places = layout.layered("abcdef", edges, {4, 5})
    assert [places[node][0] for node in range(6)] == sorted({x for x, _ in places.values()})


def test_no_two_nodes_share_a_place():
    edges = [(node // 7, node) for node in range(1, 500)]
    places = layout.layered(["name"] * 500, edges, range(400, 500))
    below = layout.block(range(500, 900), places)
    assert len({*places.values(), *below.values()}) == 900
    assert min(y for _, y in below.values()) > max(y for _, y in places.values())


def test_what_nothing_leads_to_is_still_drawn():
    assert set(layout.layered("abcd", [(0, 1)], {3})) == {0, 1, 2, 3}


def test_a_long_layer_is_folded_to_the_shape_of_a_screen():
    places = layout.layered(["lib.so"] * 5001, [(0, node) for node in range(1, 5001)])
    wide = max(x for x, _ in places.values())
    high = max(y for _, y in places.values()) - min(y for _, y in places.values())
    assert 1 < wide / high < 3


def test_a_chain_and_a_clique_cost_little():
    started = time.process_time()
    layout.layered("a" * 5000, [(node, node + 1) for node in range(4999)])
    clique = [(a, b) for a in range(300) for b in range(300)]
    layout.layered("a" * 300, clique)
    assert time.process_time() - started < 2
