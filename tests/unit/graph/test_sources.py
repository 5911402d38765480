"""From a runtime to its application: roles, edges and calls, over made-up images."""

from __future__ import annotations

import pytest

from auditor.model.graph import EdgeKind
from auditor.model.terms import Need, Role

SITE = "/usr/local/lib/python3.11/dist-packages"


APP = "source:/app/app.py"
PACKAGE = f"source:{SITE}/pkg/__init__.py"
FAST = f"shared-library:{SITE}/pkg/_fast.abi3.so"
PYTHON = "executable:/usr/bin/python3"


@pytest.fixture
def tree(elf, component):
    """Python, a shell, and an application with a package and a compiled extension."""
    loader = "/lib64/ld.so"
    return {
        "/usr/bin/python3": component(
            "/usr/bin/python3", elf(interpreter=loader), runtime="cpython"
        ),
        "/bin/sh": elf(interpreter=loader),
        "/usr/bin/env": elf(interpreter=loader),
        "/usr/lib/python3.11/os.py": "",
        "/app/app.py": "import os\nimport pkg\ndef f():\n  os.fork()\npkg.used()\n",
        f"{SITE}/pkg/__init__.py": (
            "from . import _fast\nimport os\n"
            "def used():\n  os.kill()\ndef unused(x):\n  os.execv()\n"
        ),
        f"{SITE}/pkg/_fast.abi3.so": elf(
            soname="_fast.abi3.so", needed=("libc.so.6",), imports=("fork",)
        ),
        "/usr/lib/libc.so.6": elf(soname="libc.so.6", exports=("fork",)),
    }


@pytest.fixture
def graph(graph_of, tree):
    return lambda more=None, **options: graph_of(tree | (more or {}), working_dir="/app", **options)


def edge(graph, source, target):
    return next((e for e in graph.edges if (e.source, e.target) == (source, target)), None)


def test_the_application_is_main_and_its_interpreter_a_runtime(graph):
    found = graph(cmd=("python3", "app.py"))
    assert found.launch.main == (APP,)
    assert found.languages == {APP: "cpython"}
    assert found.roles == {
        APP: Role.MAIN,
        PACKAGE: Role.MAIN,
        FAST: Role.MAIN,
        "shared-library:/usr/lib/libc.so.6": Role.MAIN,
        PYTHON: Role.RUNTIME,
    }
    assert found.chains[FAST] == ("entrypoint", PYTHON, APP, PACKAGE, FAST)
    assert edge(found, PYTHON, APP).kind is EdgeKind.RUNS
    assert (edge(found, APP, PACKAGE).kind, edge(found, APP, PACKAGE).line) == (EdgeKind.IMPORTS, 2)
    assert [component.id for component in found.sources] == [APP, PACKAGE]


def test_calls_carry_line_function_and_how_much_they_are_needed(graph):
    calls = {call.name: call for call in graph(cmd=("python3", "app.py")).calls}
    fork = calls["os.fork"]
    assert (fork.component, fork.line, fork.member, fork.need) == (APP, 4, "f", Need.ESSENTIAL)
    assert calls["os.kill"].component == PACKAGE
    assert "os.execv" not in calls


def test_a_compiled_extension_is_linked_as_any_library(graph):
    found = graph(cmd=("python3", "app.py"))
    (binding,) = found.bindings[FAST]
    assert binding.provider == "shared-library:/usr/lib/libc.so.6"


@pytest.mark.parametrize(
    "first", ["#!/usr/bin/python3", "#!/usr/bin/env python3", "#!/usr/bin/env -S python3 -u"]
)
def test_a_script_of_its_own_is_main(graph, first):
    found = graph({"/app/run": f"{first}\nimport os\nos.fork()\n"}, entrypoint=("/app/run",))
    assert found.launch.main == ("script:/app/run",)
    assert found.roles["script:/app/run"] is Role.MAIN
    assert found.roles[PYTHON] is Role.RUNTIME
    assert [call.component for call in found.calls] == ["script:/app/run"]
    assert found.unknowns == ()


def test_a_launcher_falls_away_and_what_it_served_is_asked_for(graph):
    launcher = {
        "/usr/local/bin/gunicorn": "#!/usr/bin/python3\nfrom gunicorn.app.wsgiapp import run\n",
        f"{SITE}/gunicorn/__init__.py": "",
        f"{SITE}/gunicorn/app/wsgiapp.py": "import os\nos.fork()\n",
    }
    found = graph(launcher, cmd=("/usr/local/bin/gunicorn", "app:app"))
    assert found.launch.main == (APP,)
    assert found.roles["script:/usr/local/bin/gunicorn"] is Role.RUNTIME
    (served,) = [call for call in found.calls if call.capability == "net.http.serve"]
    assert (served.component, served.name) == (APP, "Gunicorn")


def test_what_a_shell_script_hands_over_to_is_followed(graph):
    script = {"/start.sh": '#!/bin/sh\npython3 /app/setup.py\nexec python3 "$@"\n'}
    script["/app/setup.py"] = "import os\nos.symlink('a', 'b')\n"
    found = graph(script, entrypoint=("/start.sh",), cmd=("/app/app.py",))
    assert found.launch.main == (APP,)
    assert found.roles["source:/app/setup.py"] is Role.SETUP
    assert found.roles["script:/start.sh"] is Role.SETUP


def test_a_script_that_stays_has_its_application_as_part_of_the_work(graph):
    found = graph(
        {"/start.sh": "#!/bin/sh\npython3 /app/app.py\necho done\n"}, entrypoint=("/start.sh",)
    )
    assert found.roles[APP] is Role.MAIN
    assert found.roles[PACKAGE] is Role.MAIN
    assert found.roles[PYTHON] is Role.RUNTIME


def test_an_application_that_cannot_be_told_is_unknown_and_covers_nothing(graph):
    found = graph(cmd=("python3", "gone.py"))
    assert found.launch.main == (PYTHON,)
    (unknown,) = found.unknowns
    assert unknown.reason == "the script gone.py is not in the image"
    assert (unknown.component, unknown.weight) == (PYTHON, 1)


def test_source_that_cannot_be_read_is_an_unknown_of_its_file(graph):
    found = graph(
        {"/app/app.py": "import old\n", "/app/old.py": "print 'x'\n"}, cmd=("python3", "app.py")
    )
    (unknown,) = found.unknowns
    assert (unknown.path, unknown.component, unknown.weight) == ("/app/old.py", PYTHON, 10)


def test_a_script_in_a_language_that_is_not_followed_is_unknown(graph):
    found = graph({"/run": "#!/usr/bin/awk -f\n{ print }\n"}, entrypoint=("/run",))
    assert found.launch.main == ("script:/run",)
    reasons = {unknown.reason for unknown in found.unknowns}
    assert "a script for /usr/bin/awk, whose language is not followed" in reasons


def test_a_program_that_run_time_names_is_told_by_its_words(graph):
    """As catalina.sh starts java: of the image's interpreters just one can run these words."""
    script = {"/start.sh": '#!/bin/sh\nexec "$(locate python)" -u /app/app.py\n'}
    found = graph(script, entrypoint=("/start.sh",))
    assert found.launch.problem is None
    assert found.launch.main == (APP,)
    assert found.roles[PYTHON] is Role.RUNTIME


def test_a_program_that_run_time_names_stays_unknown_where_no_words_tell(graph):
    script = {"/start.sh": '#!/bin/sh\nexec "$(locate program)" --serve\n'}
    found = graph(script, entrypoint=("/start.sh",))
    assert found.launch.problem is not None
    assert found.launch.main == ()


def test_a_branch_that_gets_lost_does_not_hide_an_application(graph):
    script = {"/start.sh": '#!/bin/sh\n[ -n "$X" ] && exec "$X"\nexec python3 /app/app.py\n'}
    found = graph(script, entrypoint=("/start.sh",))
    assert found.launch.problem is None
    assert found.launch.main == (APP,)
