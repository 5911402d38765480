"""What Python and the launchers written in it are told to run."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.applications import Context
from auditor.applications.follow import Certainty, follow
from auditor.applications.python import make
from auditor.tables import load

SITE = "/usr/lib/python3/dist-packages"
BASE = {
    "/usr/bin/python3": b"\x7fELF python",
    "/usr/lib/python3.11/os.py": "",
    f"{SITE}/uvicorn/__init__.py": "def run(app): ...\n",
    f"{SITE}/uvicorn/__main__.py": "",
    f"{SITE}/gunicorn/__main__.py": "",
}
WRAPPER = (
    "#!/usr/bin/python3\n"
    "# -*- coding: utf-8 -*-\n"
    "import re\nimport sys\nfrom {module} import main\n"
    "if __name__ == '__main__':\n"
    "    sys.argv[0] = re.sub(r'(-script\\.pyw|\\.exe)?$', '', sys.argv[0])\n"
    "    sys.exit(main())\n"
)
FORKS = "import os\nos.fork()\n"


@pytest.fixture(scope="session")
def tables():
    return load()


@pytest.fixture
def run(root_of, tables):
    def started(tree, *words, working_dir="/app", **variables):
        rootfs = root_of(BASE | tree)
        variables = {"PATH": "/usr/bin"} | variables
        language = make(Context(rootfs, variables, working_dir, tables))
        start = language.start(("python3", *words))
        found = follow(language, start, tables.apis["python"])
        return start, found, {(a.name, a.module, a.line): a.certainty for a in found.asked.values()}

    return started


def served(start):
    return [item.capability for item in start.served]


def test_text_on_the_command_line_is_read(run):
    start, found, asked = run(
        {"/app/shop.py": FORKS},
        "-c",
        "import sys; from shop import f; import os as o; o.kill(1, 2)",
    )
    assert start.problem is None
    assert "/app/shop.py" in found.modules
    assert ("os.kill", "<string>", 1) in asked
    assert found.modules["<string>"].own


def test_text_on_the_command_line_that_is_no_python_is_an_unknown(run):
    _, found, asked = run({}, "-c", "print 'hello")
    assert [unknown.path for unknown in found.unknowns] == ["<string>"]
    assert asked == {}


@pytest.mark.parametrize("module", ["uvicorn", "uvicorn.main"])
def test_a_script_that_only_calls_a_launcher_s_entry_point_is_that_launcher(run, module):
    tree = {"/usr/bin/anything": WRAPPER.format(module=module), "/app/web.py": FORKS}
    start, _, _ = run(tree, "/usr/bin/anything", "web:app", "--host", "0.0.0.0")
    assert start.modules == ("/app/web.py",)
    assert served(start) == ["net.http.serve"]


@pytest.mark.parametrize(
    "source",
    [
        "import uvicorn\nfrom web import app\nuvicorn.run(app)\n",
        "import uvicorn\nuvicorn.run('web:app', port=80)\n",
        "import uvicorn\ndef main():\n  import web\n  uvicorn.run(web.app)\nmain()\n",
    ],
)
def test_an_application_that_starts_its_own_server_is_followed_and_asks_for_http(run, source):
    tree = {"/app/main.py": source, "/app/web.py": FORKS}
    start, found, asked = run(tree, "main.py")
    assert start.modules == ("/app/main.py",)
    assert "/app/web.py" in found.modules
    assert [name for name, _, _ in asked if name.startswith("uvicorn")] == ["uvicorn.run"]


@pytest.mark.parametrize(
    ("settings", "words", "expected"),
    [
        ("wsgi_app = 'shop.web:app'", (), "/app/shop/web.py"),
        ("chdir = '/srv'", ("web:app",), "/srv/web.py"),
        ("wsgi_app = 'gone:app'", ("shop.web:app",), "/app/shop/web.py"),
        ("wsgi_app = 'gone:' + name", ("shop.web:app",), "/app/shop/web.py"),
        ("this is no Python", ("shop.web:app",), "/app/shop/web.py"),
    ],
)
def test_gunicorn_reads_its_own_file(run, settings, words, expected):
    tree = {
        "/app/gunicorn.conf.py": f"workers = 4\n{settings}\n",
        "/app/shop/web.py": "",
        "/srv/web.py": "",
    }
    start, _, _ = run(tree, "-m", "gunicorn", *words)
    assert start.modules == (expected,)


def test_gunicorn_s_file_may_be_named(run):
    tree = {"/etc/g.py": "wsgi_app: str = 'web'", "/app/web.py": ""}
    start, _, _ = run(tree, "-m", "gunicorn", "-c", "/etc/g.py")
    assert start.modules == ("/app/web.py",)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("run", "main.py", "--port", "80"), "/app/main.py"),
        (("run", "/srv/web.py"), "/srv/web.py"),
        (("run",), "/app/main.py"),
        (("run", "--entrypoint", "main:app"), "/app/main.py"),
    ],
)
def test_fastapi_s_command_finds_the_application(run, words, expected):
    tree = {
        "/usr/bin/fastapi": WRAPPER.format(module="fastapi.cli"),
        "/app/main.py": "",
        "/srv/web.py": "",
    }
    start, _, _ = run(tree, "/usr/bin/fastapi", *words)
    assert start.modules == (expected,)
    assert served(start) == ["net.http.serve"]


def test_huey_names_an_object_inside_a_module(run):
    tree = {
        "/usr/bin/huey_consumer": WRAPPER.format(module="huey.bin.huey_consumer"),
        "/app/shop/tasks.py": "",
    }
    start, _, _ = run(tree, "/usr/bin/huey_consumer", "shop.tasks.queue", "-w", "4")
    assert start.modules == ("/app/shop/tasks.py",)
    assert start.names == ("shop.tasks.queue",)
    assert served(start) == ["thread.create"]


MANAGE = {
    f"{SITE}/django/__init__.py": "",
    f"{SITE}/django/core/management/__init__.py": "def execute_from_command_line(argv): ...\n",
    f"{SITE}/django/db/backends/sqlite3/__init__.py": "",
    f"{SITE}/django/db/backends/sqlite3/base.py": "import sqlite3\nsqlite3.connect('x')\n",
    "/app/manage.py": (
        "import os, sys\n"
        "def main():\n"
        "    os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'proj.settings')\n"
        "    from django.core.management import execute_from_command_line\n"
        "    execute_from_command_line(sys.argv)\n"
        "if __name__ == '__main__':\n"
        "    main()\n"
    ),
    "/app/proj/settings.py": (
        "INSTALLED_APPS = ['notes']\n"
        "DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3'}}\n"
    ),
    "/app/proj/production.py": FORKS,
}


def test_django_s_manage_serves_the_project(run):
    start, found, _ = run(MANAGE, "manage.py", "runserver", "0:8000")
    assert start.modules == ("/app/manage.py",)
    assert served(start) == ["net.http.serve"]
    assert "/app/proj/settings.py" in found.modules


def test_django_s_manage_may_do_something_else(run):
    start, _, _ = run(MANAGE, "manage.py", "migrate")
    assert served(start) == []


def test_a_database_engine_of_django_s_settings_is_loaded(run):
    _, found, asked = run(MANAGE, "manage.py", "migrate")
    engine = f"{SITE}/django/db/backends/sqlite3/base.py"
    assert engine in found.modules
    assert asked[("sqlite3", engine, 1)] is Certainty.LIKELY


def test_django_s_variable_names_the_settings(run):
    start, _, asked = run(MANAGE, "manage.py", "migrate", DJANGO_SETTINGS_MODULE="proj.production")
    assert start.modules == ("/app/manage.py", "/app/proj/production.py")
    assert ("os.fork", "/app/proj/production.py", 2) in asked


def test_of_two_imports_of_one_name_the_one_that_is_there_counts(run):
    tree = {
        "/app/app.py": (
            "try:\n  import subprocess32 as sp\nexcept ImportError:\n  import subprocess as sp\n"
            "sp.run(['ls'])\n"
        )
    }
    _, _, asked = run(tree, "app.py")
    assert asked[("subprocess.run", "/app/app.py", 5)] is Certainty.SURE


def test_a_module_hands_on_what_is_there(run):
    tree = {
        "/app/app.py": "from compat import sp\nsp.run(['ls'])\n",
        f"{SITE}/compat.py": (
            "try:\n  import gone as sp\nexcept ImportError:\n  import subprocess as sp\n"
        ),
    }
    _, _, asked = run(tree, "app.py")
    assert asked[("subprocess.run", "/app/app.py", 2)] is Certainty.SURE


def test_what_an_optional_module_would_do_is_only_possible_in_a_package(run):
    optional = "try:\n  import os as o\nexcept ImportError:\n  o = None\no.fork()\n"
    tree = {"/app/app.py": f"import package\n{optional}", f"{SITE}/package.py": optional}
    _, _, asked = run(tree, "app.py")
    assert asked[("os.fork", f"{SITE}/package.py", 5)] is Certainty.POSSIBLE
    # What one's own code tries and does without is still what it tries.
    assert asked[("os.fork", "/app/app.py", 6)] is Certainty.LIKELY


def test_names_that_a_star_brings_are_followed(run):
    tree = {
        "/app/app.py": "from helpers import *\nfrom os import *\nfork()\nstart()\n",
        f"{SITE}/helpers.py": (
            "import os\ndef start():\n  os.kill(1, 2)\ndef stop():\n  os.nice(1)\n"
        ),
    }
    _, _, asked = run(tree, "app.py")
    assert {name: certainty for (name, _, _), certainty in asked.items()} == {
        "os.fork": Certainty.SURE,
        "os.kill": Certainty.SURE,
    }


WORDS = st.sampled_from(
    [
        *(None, "", "-", "--", "-m", "-c", "-W", "-X", "-I", "-umgunicorn", "app.py", "/app"),
        *("gunicorn", "uvicorn", ".", "..", "a..b", "../../etc", "web:app", "web:f(", "-c=/app"),
        *("/usr/bin/fastapi", "run", "--chdir", "--chdir=\0", "--app-dir", "x" * 5000, "\udcff"),
    ]
)


@pytest.fixture
def language(root_of, tables):
    tree = BASE | {
        "/usr/bin/fastapi": WRAPPER.format(module="fastapi.cli"),
        "/app/app.py": "import loop\n",
        "/app/web.py": "\xff",
        "/app/loop": "-> loop",
        "/app/gunicorn.conf.py": "chdir = '/app\\0'\nwsgi_app = ':::'\n",
        f"{SITE}/odd.pth": "\0\n../../../../..\nimport os\n/app\n" + "x" * 5000 + "\n",
    }
    variables = {"PATH": ":/usr/bin:\0", "PYTHONPATH": ":::/app:\0:" + "y" * 5000}
    return make(Context(root_of(tree), variables, "/app", tables))


@given(words=st.lists(WORDS, max_size=6))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_command_line_gives_a_start(language, tables, words):
    start = language.start(("python3", *words))
    assert start.modules or start.problem
    follow(language, start, tables.apis["python"])
