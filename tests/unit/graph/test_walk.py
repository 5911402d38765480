"""What an image's command line leads to, with made-up programs and real shell text."""

from __future__ import annotations

import pytest

from auditor.model.graph import EdgeKind, Overrides
from auditor.model.terms import Reach, Role


@pytest.fixture
def programs(elf):
    """A small system: a shell, some tools, wrappers and two servers."""
    names = (
        "/bin/sh /bin/bash /usr/bin/env /usr/bin/find /usr/bin/sort /usr/bin/chown /usr/bin/id "
        "/usr/bin/tini /usr/sbin/gosu /usr/sbin/server /usr/sbin/nginx /usr/bin/xargs /bin/true"
    )
    return {name: elf(interpreter="/lib64/ld-linux-x86-64.so.2") for name in names.split()}


def main_of(graph):
    return [identifier.partition(":")[2] for identifier in graph.launch.main]


def edges_of(graph, kind):
    short = {
        (edge.source.partition(":")[2] or edge.source, edge.target.partition(":")[2])
        for edge in graph.edges
        if edge.kind is kind
    }
    return sorted(short)


def test_exec_form_starts_the_program_itself(graph_of, programs):
    graph = graph_of(programs, entrypoint=("/usr/sbin/server",), cmd=("-v",))
    assert graph.launch.argv == ("/usr/sbin/server", "-v")
    assert main_of(graph) == ["/usr/sbin/server"]
    assert edges_of(graph, EdgeKind.STARTS) == [("entrypoint", "/usr/sbin/server")]


def test_a_bare_name_is_found_over_the_images_path(graph_of, programs):
    graph = graph_of(programs, cmd=("server",), env=(("PATH", "/usr/bin:/usr/sbin"),))
    assert main_of(graph) == ["/usr/sbin/server"]


def test_a_relative_command_starts_at_the_working_directory(graph_of, programs):
    graph = graph_of(programs, cmd=("./server",), working_dir="/usr/sbin")
    assert main_of(graph) == ["/usr/sbin/server"]


def test_shell_form_leaves_the_program_and_not_the_shell(graph_of, programs):
    graph = graph_of(programs, cmd=("/bin/sh", "-c", "server --port 80"))
    assert main_of(graph) == ["/usr/sbin/server"]
    assert graph.roles["executable:/bin/sh"] is Role.SETUP


def test_two_commands_in_shell_form_leave_the_shell_running_too(graph_of, programs):
    graph = graph_of(programs, cmd=("/bin/sh", "-c", "id; server"))
    assert main_of(graph) == ["/bin/sh"]
    assert graph.roles["executable:/usr/sbin/server"] is Role.MAIN


def test_an_entrypoint_script_that_execs_its_arguments_hands_over(graph_of, programs):
    script = '#!/bin/sh\nset -e\nfind /etc | sort\nexec "$@"\n'
    graph = graph_of(
        programs | {"/entry.sh": script}, entrypoint=("/entry.sh",), cmd=("nginx", "-g", "x")
    )
    assert main_of(graph) == ["/usr/sbin/nginx"]
    assert edges_of(graph, EdgeKind.EXECS) == [("/entry.sh", "/usr/sbin/nginx")]
    assert edges_of(graph, EdgeKind.SPAWNS) == [
        ("/entry.sh", "/usr/bin/find"),
        ("/entry.sh", "/usr/bin/sort"),
    ]
    assert graph.roles["executable:/usr/sbin/nginx"] is Role.MAIN
    assert graph.roles["executable:/usr/bin/find"] is Role.SETUP
    assert graph.roles["script:/entry.sh"] is Role.SETUP
    assert [(c.line, c.text) for c in graph.commands] == [(3, "find /etc"), (3, "sort")]


def test_the_word_exec_in_a_comment_or_string_starts_nothing(graph_of, programs):
    script = '#!/bin/sh\n# exec nginx\necho "exec nginx"\nexec server\n'
    graph = graph_of(programs | {"/e.sh": script}, entrypoint=("/e.sh",))
    assert main_of(graph) == ["/usr/sbin/server"]
    assert graph.reach["executable:/usr/sbin/nginx"] is Reach.PRESENT


def test_arguments_put_first_by_set_are_taken_when_the_given_ones_name_no_program(
    graph_of, programs
):
    script = (
        '#!/bin/sh\nif [ "${1#-}" != "$1" ]; then\n  set -- server "$@"\nfi\n'
        'if [ "$1" = server -a "$(id -u)" = 0 ]; then\n'
        "  find . -exec chown redis {} +\n"
        '  exec gosu redis "$0" "$@"\nfi\nexec "$@"\n'
    )
    graph = graph_of(
        programs | {"/usr/local/bin/entry.sh": script},
        entrypoint=("entry.sh",),
        cmd=("--port", "1"),
    )
    assert main_of(graph) == ["/usr/sbin/server"]
    assert ("/usr/bin/find", "/usr/bin/chown") in edges_of(graph, EdgeKind.SPAWNS)
    assert ("/usr/sbin/gosu", "/usr/local/bin/entry.sh") in edges_of(graph, EdgeKind.EXECS)


def test_given_arguments_stay_as_they_are_when_they_name_a_program(graph_of, programs):
    script = '#!/bin/sh\nif [ "$X" ]; then set -- server "$@"; fi\nexec "$@"\n'
    graph = graph_of(programs | {"/e.sh": script}, entrypoint=("/e.sh",), cmd=("nginx",))
    assert main_of(graph) == ["/usr/sbin/nginx"]


@pytest.mark.parametrize(
    "argv",
    [
        ("tini", "--", "server"),
        ("tini", "-p", "SIGTERM", "-g", "server"),
        ("gosu", "www-data:www-data", "server"),
        ("env", "-i", "A=b", "server"),
        ("/usr/bin/env", "sh", "-c", "exec server"),
    ],
)
def test_wrappers_are_looked_through(graph_of, programs, argv):
    graph = graph_of(programs, entrypoint=argv)
    assert main_of(graph) == ["/usr/sbin/server"]


def test_scripts_in_a_directory_that_a_loop_runs_are_followed(graph_of, programs):
    script = (
        '#!/bin/sh\nfind "/entry.d/" -type f | sort -V | while read -r f; do\n'
        '  case "$f" in *.sh) "$f";; esac\ndone\nexec "$@"\n'
    )
    graph = graph_of(
        programs | {"/e.sh": script, "/entry.d/10-a.sh": "#!/bin/bash\nid -u\n"},
        entrypoint=("/e.sh",),
        cmd=("nginx",),
    )
    assert ("/e.sh", "/entry.d/10-a.sh") in edges_of(graph, EdgeKind.SPAWNS)
    assert ("/entry.d/10-a.sh", "/usr/bin/id") in edges_of(graph, EdgeKind.SPAWNS)
    assert graph.roles["script:/entry.d/10-a.sh"] is Role.SETUP


def test_a_sourced_file_is_part_of_the_script(graph_of, programs):
    tree = programs | {
        "/e.sh": "#!/bin/sh\n. /lib/common.sh\nexec server\n",
        "/lib/common.sh": "id\n",
    }
    graph = graph_of(tree, entrypoint=("/e.sh",))
    assert ("/e.sh", "/lib/common.sh") in edges_of(graph, EdgeKind.SOURCES)
    assert ("/lib/common.sh", "/usr/bin/id") in edges_of(graph, EdgeKind.SPAWNS)


def test_a_script_that_never_hands_over_is_the_work_itself(graph_of, programs):
    script = "#!/bin/sh\nfind / > /tmp/x\nsort /tmp/x\n"
    graph = graph_of(programs | {"/job.sh": script}, cmd=("/job.sh",))
    assert main_of(graph) == ["/job.sh"]
    assert graph.roles["executable:/usr/bin/find"] is Role.MAIN
    assert graph.roles["executable:/bin/sh"] is Role.MAIN


def test_a_hand_over_that_only_run_time_knows_is_a_problem_and_no_verdict(graph_of, programs):
    graph = graph_of(programs | {"/e.sh": '#!/bin/sh\nexec "$RUN"\n'}, entrypoint=("/e.sh",))
    assert graph.launch.main == ()
    assert "/e.sh" in (graph.launch.problem or "")
    assert any("run time" in unknown.reason for unknown in graph.unknowns)


def test_the_images_environment_decides_a_variable(graph_of, programs):
    graph = graph_of(
        programs | {"/e.sh": '#!/bin/sh\nexec "$RUN"\n'},
        entrypoint=("/e.sh",),
        env=(("RUN", "server"),),
    )
    assert main_of(graph) == ["/usr/sbin/server"]


def test_a_command_that_is_not_in_the_image_is_said(graph_of, programs):
    graph = graph_of(programs, cmd=("nothere",))
    assert graph.launch.problem == "the image's command 'nothere' is not in the image"


def test_an_image_without_a_command_is_said(graph_of, programs):
    graph = graph_of(programs)
    assert graph.launch.problem == "the image has no ENTRYPOINT and no CMD"
    assert set(graph.reach.values()) == {Reach.PRESENT}


def test_an_entrypoint_override_drops_the_images_cmd(graph_of, programs):
    graph = graph_of(
        programs,
        entrypoint=("nginx",),
        cmd=("-g", "x"),
        overrides=Overrides(entrypoint=("server",)),
    )
    assert graph.launch.argv == ("server",)


def test_a_cmd_override_keeps_the_images_entrypoint(graph_of, programs):
    graph = graph_of(programs, entrypoint=("nginx",), cmd=("-g",), overrides=Overrides(cmd=("-t",)))
    assert graph.launch.argv == ("nginx", "-t")


def test_an_environment_override_decides_the_path(graph_of, programs, elf):
    graph = graph_of(
        programs | {"/opt/server": elf()},
        cmd=("server",),
        overrides=Overrides(env=(("PATH", "/opt"),)),
    )
    assert main_of(graph) == ["/opt/server"]


def test_a_script_through_env_leads_to_env_and_to_the_interpreter(graph_of, programs):
    graph = graph_of(programs | {"/e": "#!/usr/bin/env bash\nexec server\n"}, entrypoint=("/e",))
    assert edges_of(graph, EdgeKind.INTERPRETER) == [("/e", "/bin/bash"), ("/e", "/usr/bin/env")]


def test_a_script_that_calls_itself_ends(graph_of, programs):
    graph = graph_of(
        programs | {"/e.sh": '#!/bin/sh\nexec "$0" "$@" again\n'}, entrypoint=("/e.sh",)
    )
    assert graph.launch.main == () or main_of(graph) == ["/e.sh"]


def test_chains_lead_from_the_entrypoint_to_the_library(graph_of, elf):
    tree = {
        "/e.sh": "#!/bin/sh\nexec app\n",
        "/bin/sh": elf(),
        "/usr/bin/app": elf(needed=("libz.so.1",), interpreter="/lib64/ld-linux-x86-64.so.2"),
        "/usr/lib/libz.so.1": elf(soname="libz.so.1"),
    }
    graph = graph_of(tree, entrypoint=("/e.sh",))
    assert graph.chains["shared-library:/usr/lib/libz.so.1"] == (
        "entrypoint",
        "script:/e.sh",
        "executable:/usr/bin/app",
        "shared-library:/usr/lib/libz.so.1",
    )


def test_a_missing_library_is_an_unknown_unless_a_toolchain_brings_it(graph_of, elf):
    tree = {
        "/app": elf(needed=("libc.so.6", "libfoo.so.1"), interpreter="/lib64/ld-linux-x86-64.so.2")
    }
    graph = graph_of(tree, entrypoint=("/app",))
    assert [unknown.reason for unknown in graph.unknowns] == [
        "needs libfoo.so.1, which the loader would not find in the image"
    ]


def test_a_branch_that_only_run_time_knows_does_not_hide_the_other(graph_of, programs):
    script = '#!/bin/sh\nif [ "$D" ]; then exec $D "$@"; fi\nexec "$@"\n'
    graph = graph_of(programs | {"/e.sh": script}, entrypoint=("/e.sh",), cmd=("server",))
    assert main_of(graph) == ["/usr/sbin/server"]
    assert graph.launch.problem is None
    assert any("run time" in unknown.reason for unknown in graph.unknowns)


def test_a_wrapped_program_that_is_missing_on_a_branch_does_not_hide_the_other(graph_of, programs):
    script = "#!/bin/sh\nif [ -x /opt/x ]; then exec tini -- /opt/x; fi\nexec server\n"
    graph = graph_of(programs | {"/e.sh": script}, entrypoint=("/e.sh",))
    assert main_of(graph) == ["/usr/sbin/server"]
    assert graph.launch.problem is None


def test_only_branches_that_get_lost_are_a_problem(graph_of, programs):
    script = '#!/bin/sh\nif [ "$A" ]; then exec $A; else exec $B; fi\n'
    graph = graph_of(programs | {"/e.sh": script}, entrypoint=("/e.sh",))
    assert graph.launch.main == ()
    assert "run time" in (graph.launch.problem or "")


def test_a_script_reached_twice_is_still_only_set_up(graph_of, programs):
    tree = programs | {
        "/e.sh": '#!/bin/sh\nif [ "$X" ]; then exec /inner.sh a; fi\nexec /inner.sh b\n',
        "/inner.sh": "#!/bin/sh\nid\nexec server\n",
    }
    graph = graph_of(tree, entrypoint=("/e.sh",))
    assert main_of(graph) == ["/usr/sbin/server"]
    assert graph.roles["script:/inner.sh"] is Role.SETUP


@pytest.mark.parametrize(
    "healthcheck", [("CMD", "id", "-u"), ("CMD-SHELL", "/usr/bin/id -u || exit 1")]
)
def test_a_health_check_is_a_second_process_that_does_not_count(graph_of, programs, healthcheck):
    graph = graph_of(programs, cmd=("server",), healthcheck=healthcheck)
    assert main_of(graph) == ["/usr/sbin/server"]
    assert graph.reach["executable:/usr/bin/id"] is Reach.REACHABLE
    assert graph.roles["executable:/usr/bin/id"] is Role.SETUP
    assert len(edges_of(graph, EdgeKind.CHECKS)) == 1


@pytest.mark.parametrize("healthcheck", [(), ("NONE",), ("CMD",), ("",)])
def test_no_health_check_adds_nothing(graph_of, programs, healthcheck):
    graph = graph_of(programs, cmd=("server",), healthcheck=healthcheck)
    assert edges_of(graph, EdgeKind.CHECKS) == []
    assert graph.unknowns == ()


def test_a_health_check_that_is_not_in_the_image_is_told_and_weighs_nothing(graph_of, programs):
    graph = graph_of(programs, cmd=("server",), healthcheck=("CMD", "curl", "localhost"))
    (unknown,) = graph.unknowns
    assert unknown.reason == "the image's HEALTHCHECK: 'curl' is not in the image"
    assert unknown.component is None
    assert graph.launch.problem is None


def test_what_a_script_starts_in_the_background_is_left_running_too(graph_of, programs):
    script = "#!/bin/sh\nnginx &\nid >/dev/null\nexec server\n"
    graph = graph_of(programs | {"/start.sh": script}, entrypoint=("/start.sh",))
    assert set(main_of(graph)) == {"/usr/sbin/nginx", "/usr/sbin/server"}
    assert graph.roles["executable:/usr/bin/id"] is Role.SETUP
    assert graph.launch.problem is None


def test_a_script_that_waits_for_its_background_stays_itself(graph_of, programs):
    script = "#!/bin/sh\nserver &\nwait\n"
    graph = graph_of(programs | {"/start.sh": script}, entrypoint=("/start.sh",))
    assert set(main_of(graph)) == {"/start.sh", "/usr/sbin/server"}


def test_a_background_command_that_is_not_there_does_not_hide_the_server(graph_of, programs):
    script = "#!/bin/sh\ngone &\nexec server\n"
    graph = graph_of(programs | {"/start.sh": script}, entrypoint=("/start.sh",))
    assert main_of(graph) == ["/usr/sbin/server"]
    assert graph.launch.problem is None
