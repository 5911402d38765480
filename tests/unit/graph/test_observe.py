"""A trace over the graph: who asked for what, what ran, and how much a recording shows."""

from __future__ import annotations

import pytest

from auditor.graph.observe import ONE_RUN, PARTLY, alone, observe, sampled
from auditor.model.graph import ENTRYPOINT, DependencyGraph, Edge, EdgeKind, Launch
from auditor.model.inventory import Inventory
from auditor.model.terms import Need, Reach, Role
from auditor.model.trace import Trace, TracedCall, TraceForm
from auditor.tables import load

APP, PYTHON, SOURCE = "executable:/bin/app", "executable:/bin/python3", "source:/srv/app.py"


@pytest.fixture(scope="module")
def calls():
    return load().syscalls


def call(name, *arguments, executable="/bin/app", **more):
    return TracedCall(executable, name, arguments, **more)


def trace(*made, form=TraceForm.STRACE, **more):
    executables = tuple(dict.fromkeys(item.executable for item in made if item.executable))
    return Trace(form, tuple(sorted(made)), executables, **more)


def graph(roles, main, edges=(), languages=None):
    return DependencyGraph(
        launch=Launch(("x",), main),
        edges=edges,
        reach=dict.fromkeys(roles, Reach.REACHABLE),
        roles=roles,
        chains={identifier: (ENTRYPOINT, identifier) for identifier in roles},
        bindings={},
        commands=(),
        unknowns=(),
        languages=languages or {},
    )


@pytest.mark.parametrize(
    ("made", "asked"),
    [
        (call("clone", "CLONE_VM|CLONE_FS|CLONE_THREAD"), ("thread.create", Need.ESSENTIAL)),
        (call("clone", "CLONE_CHILD_SETTID|SIGCHLD"), ("process.fork", Need.ESSENTIAL)),
        (call("clone"), ("process.fork", Need.TYPICAL)),
        (call("clone3", pointed=("CLONE_VM|CLONE_VFORK",)), ("process.spawn", None)),
        (call("socket", "AF_INET", "SOCK_STREAM|SOCK_CLOEXEC", "0"), ("net.socket", None)),
        (call("socket", "0x2", "0x80002", "0x0"), ("net.udp", None)),
        (call("mmap", "0", "", "PROT_READ", "MAP_SHARED", "", "0"), ("memory.map.shared", None)),
        (call("epoll_create1", "0", refused=True), ("io.epoll", Need.INCIDENTAL)),
    ],
)
def test_arguments_decide_what_a_call_asks_for(calls, component, elf, made, asked):
    inventory = Inventory((component("/bin/app", elf()),), (), 1)
    seen = observe(
        graph({APP: Role.MAIN}, (APP,)), inventory, trace(made), calls, lambda path: path
    )
    (item,) = seen.observed
    capability, need = asked
    assert item.capability == capability
    assert need is None or item.need is need
    assert seen.reach[APP] is Reach.OBSERVED


def test_what_an_interpreter_calls_is_the_applications(calls, component, elf):
    inventory = Inventory((component("/bin/python3", elf()),), (), 1)
    before = graph(
        {PYTHON: Role.RUNTIME, SOURCE: Role.MAIN},
        (SOURCE,),
        (Edge(PYTHON, SOURCE, EdgeKind.RUNS),),
        {SOURCE: "python"},
    )
    made = trace(call("listen", executable="/bin/python3"))
    seen = observe(before, inventory, made, calls, lambda path: path)
    assert [item.component for item in seen.observed] == [SOURCE]


def test_a_program_that_nothing_led_to_becomes_part_of_the_work(calls, component, elf):
    inventory = Inventory((component("/bin/app", elf()), component("/bin/id", elf())), (), 2)
    made = trace(
        call("write"),
        call("getuid", executable="/bin/id"),
        spawned=(("/bin/app", "/bin/id"),),
    )
    seen = observe(graph({APP: Role.MAIN}, (APP,)), inventory, made, calls, lambda path: path)
    assert seen.roles["executable:/bin/id"] is Role.MAIN
    assert seen.chains["executable:/bin/id"] == (ENTRYPOINT, APP, "executable:/bin/id")
    assert [(item.path, item.stage) for item in seen.unknowns] == [("/bin/id", "observed")]
    by_itself = observe(
        graph({APP: Role.MAIN}, (APP,)),
        inventory,
        trace(call("getuid", executable="/bin/id")),
        calls,
        lambda path: path,
    )
    assert [item.stage for item in by_itself.unknowns] == ["trace"]


def test_a_trace_of_something_else_says_so(calls):
    made = trace(call("listen", executable="/opt/other"))
    seen = observe(graph({}, ()), Inventory((), (), 0), made, calls, lambda _: None)
    assert "/opt/other, which the image does not hold" in seen.unknowns[0].reason
    assert not seen.observed


def test_a_trace_alone_has_a_component_for_each_program(calls):
    made = trace(
        call("execve", executable="/entry.sh"),
        call("listen", executable="/bin/app"),
        handed=frozenset({"/entry.sh"}),
        spawned=(("/entry.sh", "/bin/app"),),
    )
    inventory, seen = alone(made, calls)
    assert {item.path for item in inventory.components} == {"/entry.sh", "/bin/app"}
    assert seen.roles == {APP: Role.MAIN, "executable:/entry.sh": Role.SETUP}
    assert seen.launch.main == (APP,)


def test_coverage_grows_with_what_a_recording_repeats():
    often = [call(name, count=9) for name in ("read", "write", "listen", "futex")]
    rare = [call(name) for name in ("chown", "fork", "setuid")]
    assert sampled(trace(*often)) == ONE_RUN
    assert sampled(trace(*often, *rare)) < ONE_RUN
    assert sampled(trace(*rare)) < 0.6
    assert sampled(trace(*often, form=TraceForm.LIST)) == PARTLY < 0.6
    attached = [call(name, executable="", count=9) for name in ("read", "write")]
    assert sampled(trace(*attached)) == PARTLY
