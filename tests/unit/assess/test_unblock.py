"""Unblock sets: small, sufficient, and nothing in them to spare."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from auditor.assess.score import Unmet, verdict_of, worst
from auditor.assess.support import severity
from auditor.assess.unblock import unblock_sets
from auditor.model.terms import Need, Support, Verdict

EFFORTS = {"fork": 8, "exec": 8, "listen": 5, "locks": 3, "poll": 1, "shm": 8}


def unmet(capability, need=Need.ESSENTIAL, support=Support.NONE):
    return Unmet(capability, need, support, severity(support, need), EFFORTS[capability])


def judge(items):
    return verdict_of(items, 1.0)


def of(lacks):
    return judge(worst(item for found in lacks.values() for item in found.values()))


def sets(lacks):
    return unblock_sets("wasip1", of(lacks), lacks, judge, EFFORTS.__getitem__)


def lacking(**components):
    return {
        component: {name: unmet(name) for name in names.split()}
        for component, names in components.items()
    }


def test_one_component_in_the_way_is_one_change():
    (found,) = sets(lacking(a="fork", b=""))
    assert (found.before, found.after) == (Verdict.REARCHITECT, Verdict.REBUILD)
    assert [(item.component, item.capabilities) for item in found.changes] == [("a", ("fork",))]
    assert found.effort == 8


def test_what_two_components_ask_for_takes_both():
    (found,) = sets(lacking(a="fork", b="fork"))
    assert [item.component for item in found.changes] == ["a", "b"]
    assert found.effort == 8  # one distinct change


def test_only_what_has_to_go_is_named():
    (found,) = sets(lacking(a="fork exec listen"))
    assert found.before is Verdict.KEEP_IN_CONTAINER
    assert found.after is Verdict.REBUILD
    (found,) = sets(lacking(a="fork exec", b="listen"))[:1]
    assert found.after is Verdict.REARCHITECT
    assert sum(len(item.capabilities) for item in found.changes) == 1


def test_a_set_of_fewer_components_comes_first():
    many = lacking(a="fork", b="fork", c="listen", d="exec")
    assert [[change.component for change in item.changes] for item in sets(many)] == [["d"]]


def test_more_than_three_components_are_found_as_well():
    many = {f"c{number}": {"fork": unmet("fork")} for number in range(9)}
    (found,) = sets(many)
    assert len(found.changes) == 9


def test_nothing_lifts_what_is_best_already():
    assert sets({}) == ()
    assert unblock_sets("t", Verdict.INSUFFICIENT_EVIDENCE, {}, judge, EFFORTS.__getitem__) == ()


def test_a_note_alone_keeps_the_verdict_at_adapt():
    lacks = lacking(a="fork")
    lacks["b"] = {"poll": unmet("poll", Need.INCIDENTAL)}
    (found,) = sets(lacks)
    assert found.after is Verdict.ADAPT


ITEMS = st.builds(
    unmet,
    st.sampled_from(sorted(EFFORTS)),
    st.sampled_from(Need),
    st.sampled_from([level for level in Support if level is not Support.FULL]),
)
LACKS = st.dictionaries(
    st.sampled_from("abcdefgh"),
    st.lists(ITEMS, max_size=5).map(lambda items: {item.capability: item for item in items}),
    max_size=8,
)


HIDDEN = {
    "a": {
        "exec": unmet("exec", Need.TYPICAL, Support.STUB),
        "fork": unmet("fork", Need.TYPICAL, Support.STUB),
        "listen": unmet("listen", support=Support.PARTIAL),
    },
    "b": {
        "exec": unmet("exec", support=Support.PARTIAL),
        "listen": unmet("listen", Need.TYPICAL, Support.STUB),
        "locks": unmet("locks", Need.TYPICAL, Support.STUB),
    },
}


def test_a_further_need_of_a_capability_never_makes_a_verdict_better():
    stub = unmet("fork", Need.TYPICAL, Support.STUB)
    other = unmet("exec", Need.TYPICAL, Support.STUB)
    partial = unmet("fork", support=Support.UNKNOWN)
    assert judge(worst([stub, other])) is Verdict.REARCHITECT
    assert judge(worst([stub, partial, other])) is Verdict.REARCHITECT


@example(HIDDEN)
@given(LACKS)
def test_a_set_keeps_its_promise_and_has_nothing_to_spare(lacks):
    for found in sets(lacks):
        gone = {(item.component, name) for item in found.changes for name in item.capabilities}
        assert of(without(lacks, gone)) is found.after
        assert found.after.rank < found.before.rank
        for pair in gone:
            assert of(without(lacks, gone - {pair})).rank > found.after.rank


def without(lacks, gone):
    return {
        component: {name: item for name, item in found.items() if (component, name) not in gone}
        for component, found in lacks.items()
    }
