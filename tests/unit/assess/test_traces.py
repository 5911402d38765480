"""What a trace adds to a judgement, and where it contradicts what was read."""

from __future__ import annotations

import pytest

from auditor.model.graph import Observed
from auditor.model.inventory import Unknown
from auditor.model.terms import Need, Reach, Role

APP = "executable:/app"


def seen(name, capability, need=Need.ESSENTIAL):
    return Observed(APP, name, capability, need, "app.strace")


@pytest.fixture
def app(component, elf):
    """A program with some imports."""

    def make(*imports):
        return component("/app", elf(imports=("read", *imports)))

    return make


def finding(assessment, capability, target="wasip1"):
    return next(
        item
        for item in assessment.findings
        if (item.capability, item.target) == (capability, target)
    )


def test_a_call_that_was_seen_is_evidence_and_its_finding_observed(judged, app):
    assessment = judged((app("fork"), Role.MAIN), observed=(seen("clone", "process.fork"),))
    found = finding(assessment, "process.fork")
    assert found.reach is Reach.OBSERVED
    assert {(item.kind, item.detail) for item in found.evidence} == {
        ("import", "fork"),
        ("syscall", "clone"),
    }
    assert not assessment.denied


def test_what_was_not_seen_stays_reachable(judged, app):
    assessment = judged(
        (app("fork", "setuid"), Role.MAIN), observed=(seen("clone", "process.fork"),)
    )
    assert finding(assessment, "identity.setuid").reach is Reach.REACHABLE


def test_a_call_that_nothing_asks_for_is_our_defect_and_counts(judged, app):
    observed = (seen("epoll_create1", "io.epoll"), seen("epoll_wait", "io.epoll"))
    (denied,) = judged((app(), Role.MAIN), observed=observed).denied
    assert (denied.component, denied.capability) == (APP, "io.epoll")
    assert denied.calls == ("epoll_create1", "epoll_wait")
    assessment = judged((app(), Role.MAIN), observed=observed)
    assert finding(assessment, "io.epoll").severity == "error"


def test_what_cannot_be_read_cannot_deny(judged, app):
    unread = Unknown("/app", "elf", "packed", APP, 900)
    observed = (seen("epoll_wait", "io.epoll"),)
    assert not judged((app(), Role.MAIN), observed=observed, unknowns=(unread,)).denied


@pytest.mark.parametrize(
    ("imports", "call", "capability"),
    [
        (("getpwnam",), "connect", "net.tcp.connect"),
        (("popen",), "vfork", "process.fork"),
        (("pthread_create",), "mprotect", "memory.protect"),
        (("prctl",), "prctl", "identity.capabilities"),
        (("syscall",), "io_uring_setup", "io.uring"),
    ],
)
def test_what_the_c_library_does_for_the_program_is_no_defect(
    judged, app, imports, call, capability
):
    observed = (seen(call, capability, Need.TYPICAL),)
    assert not judged((app(*imports), Role.MAIN), observed=observed).denied


def test_a_look_up_of_users_makes_no_network_program(judged, app):
    observed = (seen("connect", "net.tcp.connect"),)
    found = finding(judged((app("getpwnam"), Role.MAIN), observed=observed), "net.tcp.connect")
    assert found.need is Need.INCIDENTAL


def test_that_a_call_is_made_does_not_make_it_needed(judged, app, tables):
    assert tables.symbol("waitpid").need is Need.TYPICAL
    observed = (seen("wait4", "process.wait"),)
    found = finding(judged((app("waitpid"), Role.MAIN), observed=observed), "process.wait")
    assert found.need is Need.TYPICAL


def test_what_only_prepares_is_seen_without_weight(judged, app, component, elf):
    setup = Observed("executable:/tini", "epoll_wait", "io.epoll", Need.ESSENTIAL, "x")
    assessment = judged(
        (app(), Role.MAIN), (component("/tini", elf()), Role.SETUP), observed=(setup,)
    )
    assert not assessment.denied
    assert finding(assessment, "io.epoll").severity == "note"


@pytest.mark.parametrize(
    ("capability", "denied"), [("io.epoll", False), ("process.exec", True), ("net.udp", True)]
)
def test_an_interpreters_own_calls_are_not_held_against_the_application(
    judged, app, capability, denied
):
    assessment = judged(
        (app(), Role.MAIN), languages={APP: "python"}, observed=(seen("x", capability),)
    )
    assert bool(assessment.denied) is denied
