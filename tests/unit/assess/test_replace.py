"""What a replaced component takes with it, and what it leaves to do."""

from __future__ import annotations

from auditor.assess.replace import Way, replaced
from auditor.model.graph import ENTRYPOINT, DependencyGraph, Edge, EdgeKind, Launch
from auditor.model.terms import Reach, Role

EDGES = (
    Edge(ENTRYPOINT, "a", EdgeKind.STARTS),
    Edge("a", "b", EdgeKind.LINKS),
    Edge("a", "shared", EdgeKind.LINKS),
    Edge("b", "only", EdgeKind.LINKS),
    Edge("b", "shared", EdgeKind.LINKS),
)


def graph():
    ids = ("a", "b", "only", "shared")
    return DependencyGraph(
        launch=Launch(("a",), ("a",)),
        edges=EDGES,
        reach=dict.fromkeys(ids, Reach.REACHABLE),
        roles=dict.fromkeys(ids, Role.MAIN),
        chains={"a": (ENTRYPOINT, "a"), "shared": (ENTRYPOINT, "a", "shared")},
        bindings={},
        commands=(),
        unknowns=(),
    )


def test_what_only_it_led_to_goes_with_it():
    left = replaced(graph(), {"b": Way.HOST})
    assert set(left.roles) == {"a", "shared"}
    assert left.reach["only"] is Reach.PRESENT
    assert left.chains["shared"] == (ENTRYPOINT, "a", "shared")
    assert not left.calls


def test_what_stays_in_its_container_is_called():
    left = replaced(graph(), {"b": Way.NETWORK})
    (call,) = left.calls
    assert (call.component, call.capability, call.need) == ("a", "net.tcp.connect", "essential")


def test_a_build_of_its_own_keeps_its_place_and_asks_for_nothing():
    left = replaced(graph(), {"b": Way.WASM})
    assert set(left.roles) == {"a", "b", "only", "shared"}
    assert left.met == {"b"}


def test_without_its_main_program_nothing_is_judged():
    left = replaced(graph(), {"a": Way.NETWORK})
    assert left.launch.main == ()
    assert left.launch.problem is not None
    assert not left.roles
