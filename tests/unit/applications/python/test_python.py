"""Python's command lines, ``sys.path`` and names, over made-up images."""

from __future__ import annotations

import pytest

from auditor.applications import Context
from auditor.applications.follow import Certainty, follow
from auditor.applications.python import make
from auditor.tables import load

LIBRARY = "/usr/lib/python3.11"
SITE = "/usr/local/lib/python3.11/dist-packages"
BASE = {
    "/usr/bin/python3": "-> python3.11",
    "/usr/bin/python3.11": b"\x7fELF python",
    f"{LIBRARY}/os.py": "",
    f"{LIBRARY}/json/__init__.py": "",
    f"{SITE}/gunicorn/__init__.py": "",
    f"{SITE}/gunicorn/__main__.py": "from gunicorn.app.wsgiapp import run\nrun()\n",
    f"{SITE}/gunicorn/app/wsgiapp.py": "import os\ndef run():\n    os.fork()\n",
    "/usr/local/bin/serve": "#!/usr/bin/python3\nfrom gunicorn.app.wsgiapp import run\nrun()\n",
}
PATH = "/usr/local/bin:/usr/bin"


@pytest.fixture(scope="session")
def tables():
    return load()


@pytest.fixture
def language_of(root_of, tables):
    def build(tree, *, working_dir="/app", **variables):
        rootfs = root_of(BASE | tree)
        return make(Context(rootfs, {"PATH": PATH} | variables, working_dir, tables))

    return build


@pytest.fixture
def followed(language_of, tables):
    """Follow a command line; the start, what is asked, and the modules."""

    def run(tree, *words, **options):
        language = language_of(tree, **options)
        start = language.start(words)
        found = follow(language, start, tables.apis["python"])
        asked = {(item.name, item.line): item.certainty for item in found.asked.values()}
        return start, asked, found

    return run


APP = {"/app/app.py": "import subprocess as sp\nsp.run(['ls'])\n"}


@pytest.mark.parametrize(
    "words",
    [
        ("python3", "app.py"),
        ("python3", "/app/app.py", "--flag"),
        ("/usr/bin/python3.11", "-u", "-W", "ignore", "-Xdev", "app.py"),
        ("python3", "-m", "app"),
        ("python3", "-um", "app"),
        ("python3", "--", "app.py"),
    ],
)
def test_the_interpreter_is_told_what_to_run(followed, words):
    start, asked, _ = followed(APP, *words)
    assert start.modules == ("/app/app.py",)
    assert asked[("subprocess.run", 2)] is Certainty.SURE


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("python3",), "without a script"),
        (("python3", None), "run time"),
        (("python3", "-m", None), "run time"),
        (("python3", "gone.py"), "gone.py is not in the image"),
        (("python3", "-m", "gone"), "gone is not in the image"),
        (("python3", "-m", "json"), "Python's own library"),
    ],
)
def test_what_is_not_followed_is_told(language_of, words, problem):
    start = language_of({}).start(words)
    assert start.modules == ()
    assert problem in start.problem


@pytest.mark.parametrize(
    "words",
    [
        ("python3", "/usr/local/bin/serve", "-b", ":80", "shop.web:app"),
        ("python3", "-m", "gunicorn", "--workers=3", "shop.web:app"),
        ("python3", "-m", "gunicorn", "-w3", "--chdir", "/app", "shop.web"),
        ("python3", "-m", "gunicorn", "shop.web:make()"),
    ],
)
def test_a_launcher_falls_away_and_its_application_is_followed(followed, words):
    tree = {
        "/app/shop/__init__.py": "",
        "/app/shop/web.py": "import os\ndef make():\n  os.kill()\n",
    }
    start, asked, found = followed(tree, *words)
    assert start.modules == ("/app/shop/web.py",)
    assert [(item.launcher, item.capability) for item in start.served] == [
        ("Gunicorn", "net.http.serve")
    ]
    assert ("os.kill", 3) in asked
    assert not [key for key in found.modules if "gunicorn" in key]


def test_a_launcher_s_arguments_may_stand_in_the_environment(followed):
    tree = {"/srv/web.py": ""}
    start, _, _ = followed(
        tree, "python3", "-m", "gunicorn", "web:app", GUNICORN_CMD_ARGS="--chdir /srv -w 2"
    )
    assert start.modules == ("/srv/web.py",)


def test_a_launcher_that_names_nothing_is_a_problem(language_of):
    start = language_of({}).start(("python3", "-m", "gunicorn"))
    assert start.problem == "Gunicorn is not told which application to run"


def test_a_script_that_only_mentions_a_launcher_is_none(followed):
    tree = {"/app/app.py": "'''from gunicorn.app.wsgiapp import run'''\nx = 'import gunicorn'\n"}
    start, _, _ = followed(tree, "python3", "app.py")
    assert start.served == ()


def test_packages_are_found_where_the_interpreter_looks(followed):
    tree = {
        "/app/app.py": "import flat, pkg.inner, space.part, added\nimport json, sys\n",
        f"{SITE}/flat.py": "",
        f"{SITE}/pkg/__init__.py": "from . import other\n",
        f"{SITE}/pkg/inner.py": "from ..pkg.other import x\n",
        f"{SITE}/pkg/other.py": "",
        f"{SITE}/space/part.py": "",
        f"{SITE}/more.pth": "# here\n../elsewhere\nimport os; os.system('no')\n",
        "/usr/local/lib/python3.11/elsewhere/added.py": "",
    }
    _, _, found = followed(tree, "python3", "app.py")
    assert set(found.modules) == {
        "/app/app.py",
        f"{SITE}/flat.py",
        f"{SITE}/pkg/__init__.py",
        f"{SITE}/pkg/inner.py",
        f"{SITE}/pkg/other.py",
        f"{SITE}/space/part.py",
        "/usr/local/lib/python3.11/elsewhere/added.py",
    }
    assert found.unknowns == set()
    assert not found.modules[f"{SITE}/flat.py"].own
    assert found.modules["/app/app.py"].own


def test_a_module_of_one_s_own_hides_one_of_the_library(followed):
    tree = {
        "/app/app.py": "import json\njson.f()\n",
        "/app/json.py": "import os\ndef f(): os.fork()",
    }
    _, asked, _ = followed(tree, "python3", "app.py")
    assert asked == {("os.fork", 2): Certainty.SURE}


def test_a_virtual_environment_hides_the_packages_outside(followed):
    venv = "/opt/venv"
    tree = {
        f"{venv}/bin/python": "-> /usr/bin/python3",
        f"{venv}/pyvenv.cfg": "home = /usr/bin\ninclude-system-site-packages = false\n",
        f"{venv}/lib/python3.11/site-packages/inside.py": "",
        f"{SITE}/outside.py": "",
        "/app/app.py": "import inside\ntry:\n  import outside\nexcept ImportError: pass\n",
    }
    _, _, found = followed(tree, f"{venv}/bin/python", "app.py")
    assert [key for key in found.modules if "side" in key] == [
        f"{venv}/lib/python3.11/site-packages/inside.py"
    ]


def test_a_renamed_interpreter_finds_its_library(followed):
    tree = APP | {"/opt/x": b"\x7fELF python"}
    start, asked, _ = followed(tree, "/opt/x", "app.py")
    assert start.modules == ("/app/app.py",)
    assert asked


def test_compiled_modules_are_native(followed):
    tree = {
        "/app/app.py": "import fast\n",
        f"{SITE}/fast/__init__.py": "from ._fast import go\n",
        f"{SITE}/fast/_fast.cpython-311-x86_64-linux-gnu.so": b"\x7fELF",
    }
    _, _, found = followed(tree, "python3", "app.py")
    natives = {item.target for item in found.imports if item.native}
    assert natives == {f"{SITE}/fast/_fast.cpython-311-x86_64-linux-gnu.so"}


def test_settings_that_name_modules_lead_to_them(followed):
    tree = {
        "/app/app.py": "SETTINGS = 'shop.settings'\n",
        "/app/shop/__init__.py": "",
        "/app/shop/settings.py": "import os\nos.fork()\n",
    }
    _, asked, _ = followed(tree, "python3", "app.py")
    assert asked == {("os.fork", 2): Certainty.SURE}


def test_what_a_package_could_do_is_not_what_it_does(followed):
    tree = {
        "/app/app.py": "import pkg\npkg.used()\n",
        f"{SITE}/pkg.py": (
            "import os\n"
            "def used():\n"
            "  if os.environ.get('X'):\n"
            "    os.fork()\n"
            "def unused():\n"
            "  os.system('x')\n"
        ),
    }
    _, asked, _ = followed(tree, "python3", "app.py")
    assert asked == {("os.fork", 4): Certainty.LIKELY}


def test_members_of_what_a_function_gives_go_by_their_class(followed):
    tree = {
        "/app/app.py": (
            "import asyncio, socket\n"
            "asyncio.get_running_loop().create_server(f)\n"
            "socket.create_server(('', 1)).accept()\n"
        )
    }
    _, asked, _ = followed(tree, "python3", "app.py")
    assert ("asyncio.loop.create_server", 2) in asked
    assert ("socket.socket.accept", 3) in asked


def test_source_that_cannot_be_parsed_is_an_unknown_of_its_size(followed):
    text = "print 'python 2'\n"
    _, _, found = followed(
        {"/app/app.py": "import old\n", "/app/old.py": text}, "python3", "app.py"
    )
    (unknown,) = found.unknowns
    assert (unknown.path, unknown.weight) == ("/app/old.py", len(text))


@pytest.mark.parametrize(
    ("words", "variables", "module"),
    [
        (("-A", "proj", "worker"), {}, "/app/proj/celery.py"),
        (("--app=proj.tasks", "worker", "-c", "4"), {}, "/app/proj/tasks.py"),
    ],
)
def test_celery_asks_for_what_its_pool_needs(followed, words, variables, module):
    tree = {
        f"{SITE}/celery/__init__.py": "",
        f"{SITE}/celery/__main__.py": "",
        "/app/proj/__init__.py": "",
        "/app/proj/celery.py": "",
        "/app/proj/tasks.py": "",
    }
    start, _, _ = followed(tree, "python3", "-m", "celery", *words, **variables)
    assert start.modules == (module,)
    assert "process.fork" in {item.capability for item in start.served}


@pytest.mark.parametrize("variables", [{"FLASK_APP": "shop.py"}, {"FLASK_APP": "shop:app"}, {}])
def test_flask_s_command_finds_the_application_as_flask_does(followed, variables):
    tree = {
        f"{SITE}/flask/__init__.py": "",
        f"{SITE}/flask/cli.py": "",
        "/usr/local/bin/flask": "#!/usr/bin/python3\nfrom flask.cli import main\nmain()\n",
        ("/app/shop.py" if variables else "/app/app.py"): "",
    }
    start, _, _ = followed(tree, "python3", "/usr/local/bin/flask", "run", **variables)
    assert len(start.modules) == 1
    assert start.served[0].capability == "net.http.serve"
