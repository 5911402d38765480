"""Splits: what moves, what stays, what crosses."""

from __future__ import annotations

import pytest

from auditor.assess.asks import Ask
from auditor.assess.split import split
from auditor.model.assessment import EvidenceKind, Side
from auditor.model.graph import ENTRYPOINT, DependencyGraph, Edge, EdgeKind, Launch
from auditor.model.terms import Need, Role, Verdict


def graph(main, edges, **roles):
    ends = {name for edge in edges for name in (edge.source, edge.target)} - {ENTRYPOINT}
    return DependencyGraph(
        launch=Launch(("x",), tuple(main)),
        edges=tuple(edges),
        reach={},
        roles={name: roles.get(name, Role.MAIN) for name in sorted(ends | set(main))},
        chains={},
        bindings={},
        commands=(),
        unknowns=(),
    )


def links(source, target):
    return Edge(source, target, EdgeKind.LINKS)


def spawns(source, target):
    return Edge(source, target, EdgeKind.SPAWNS, f"{target} --now")


def found(made, heavy=(), asks=None):
    """The split where whatever loads one of ``heavy`` has to stay."""

    def verdict(members):
        return Verdict.KEEP_IN_CONTAINER if set(members) & set(heavy) else Verdict.REBUILD

    known = dict.fromkeys(made.roles, ()) | (asks or {})
    return split("wasip2", made, known, verdict)


def sides(result):
    return {part.start: part.side for part in result.parts}


def test_nothing_left_running_is_no_split():
    assert found(graph([], [])) is None


def test_a_library_goes_where_its_program_goes():
    made = graph(["app"], [Edge(ENTRYPOINT, "app", EdgeKind.STARTS), links("app", "lib")])
    assert sides(found(made)) == {"app": Side.MOVES}
    result = found(made, heavy=["lib"])
    assert sides(result) == {"app": Side.STAYS}
    assert result.parts[0].components == ("lib",)


def test_a_program_that_is_started_is_a_process_of_its_own():
    made = graph(["app"], [links("app", "lib"), spawns("app", "tool"), links("tool", "heavy")])
    result = found(made, heavy=["heavy"])
    assert sides(result) == {"app": Side.MOVES, "tool": Side.STAYS}
    (crossing,) = result.crossings
    assert (crossing.source, crossing.to, crossing.capability) == ("app", "tool", "process.spawn")
    assert crossing.evidence == ("tool --now",)


def test_what_moves_together_crosses_nothing():
    made = graph(["app"], [spawns("app", "tool")])
    assert found(made).crossings == ()
    assert found(made, heavy=["app", "tool"]).crossings == ()


def test_what_only_launches_falls_away_with_its_libraries_unnamed():
    made = graph(
        ["app"],
        [
            Edge(ENTRYPOINT, "launcher", EdgeKind.STARTS),
            Edge("launcher", "app", EdgeKind.RUNS),
            links("launcher", "libpython"),
        ],
        launcher=Role.RUNTIME,
        libpython=Role.RUNTIME,
    )
    assert found(made).falls_away == ("launcher",)


@pytest.mark.parametrize(
    ("need", "heavy", "count"),
    [(Need.TYPICAL, [], 1), (Need.INCIDENTAL, [], 0), (Need.ESSENTIAL, ["app"], 0)],
)
def test_what_moves_and_calls_out_is_told(need, heavy, count):
    ask = Ask("net.tcp.connect", EvidenceKind.CALL, "psycopg.connect", need)
    result = found(graph(["app"], []), heavy, {"app": (ask,)})
    assert len(result.crossings) == count
    for crossing in result.crossings:
        assert crossing.to is None
        assert crossing.evidence == ("psycopg.connect",)


def test_processes_that_start_each_other_end():
    made = graph(["a"], [spawns("a", "b"), spawns("b", "a"), links("a", "l"), links("l", "a")])
    assert set(sides(found(made))) == {"a", "b"}
