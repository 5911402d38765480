"""Settings that decide are found where they stand, with the value that they stand for."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.image.rootfs import RootFS
from auditor.inventory.numbers import parse_number
from auditor.inventory.settings import CommandLine, is_wanted, settings
from auditor.model.image import ImageConfig
from auditor.model.settings import Unit
from auditor.tables import load
from auditor.tables.settings import Number

ROWS = load().settings
GIB = 1 << 30


@pytest.fixture
def found(root_of):
    """Settings of a command line, an environment and a tree: name, value, place, capability."""

    def find(argv=(), env=None, files=None, *, entrypoint=(), running=None):
        config = ImageConfig(
            entrypoint=tuple(entrypoint), cmd=tuple(argv), env=tuple((env or {}).items())
        )
        root = root_of(files or {"/empty": ""})
        every = settings(root, config, (*entrypoint, *argv), ROWS, running=running)
        return [(item.name, item.value, item.where, item.capability) for item in every]

    return find


def test_a_heap_beyond_four_gib_asks_for_large_memory(found):
    assert found(["java", "-Xmx6g", "-jar", "a.jar"]) == [
        ("jvm.heap", 6 * GIB, "CMD", "memory.large")
    ]


def test_a_heap_of_four_gib_does_not(found):
    assert found(["java", "-Xmx4096m"]) == [("jvm.heap", 4 * GIB, "CMD", None)]


def test_the_last_heap_on_a_command_line_is_in_force(found):
    assert found(["java", "-Xmx8g", "-Xmx1g"]) == [("jvm.heap", GIB, "CMD", None)]


def test_entrypoint_and_cmd_are_told_apart(found):
    assert found(["-w", "3"], entrypoint=["gunicorn", "app:app"]) == [
        ("gunicorn.workers", 3, "CMD", "process.fork")
    ]
    assert found(["app:app"], entrypoint=["gunicorn", "-w3"]) == [
        ("gunicorn.workers", 3, "ENTRYPOINT", "process.fork")
    ]


@pytest.mark.parametrize(
    "variable", ["JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "JAVA_OPTS", "CATALINA_OPTS"]
)
def test_a_heap_in_the_environment(found, variable):
    text = "-Dsecret=hidden -XX:MaxRAMPercentage=75.0 '-Xmx5000m'"
    assert found(env={variable: text}) == [
        ("jvm.heap", 5000 << 20, f"ENV {variable}", "memory.large"),
        ("jvm.heap.share", 75, f"ENV {variable}", None),
    ]


def test_the_text_of_a_setting_holds_no_other_option(root_of):
    config = ImageConfig(env=(("JAVA_OPTS", "-Dpassword=hidden -Xmx2g"),))
    (setting,) = settings(root_of({"/e": ""}), config, (), ROWS)
    assert setting.text == "-Xmx2g"
    assert setting.unit is Unit.BYTES


def test_a_shells_command_is_read_with_the_environment(found):
    env = {"JAVA_OPTS": "-Xms64m", "HEAP": "9g"}
    assert found(
        ["/bin/sh", "-c", 'exec java $JAVA_OPTS "-Xmx${HEAP}" -jar ${JAR:-a.jar}'], env
    ) == [
        ("jvm.heap", 9 * GIB, "CMD", "memory.large"),
        ("jvm.heap.initial", 64 << 20, "CMD", None),
        ("jvm.heap.initial", 64 << 20, "ENV JAVA_OPTS", None),
    ]


def test_node_counts_in_mebibytes(found):
    assert found(["node", "--max-old-space-size=8192", "a.js"]) == [
        ("node.heap", 8 * GIB, "CMD", "memory.large")
    ]
    assert found(env={"NODE_OPTIONS": "--max_old_space_size=512"}) == [
        ("node.heap", 512 << 20, "ENV NODE_OPTIONS", None)
    ]


def test_options_count_behind_their_own_program(found):
    assert found(["head", "-w", "4"]) == []
    assert found(["celery", "--workers", "4"]) == []
    assert found(["python", "-m", "gunicorn", "a:b", "--threads=8", "--workers", "1"]) == [
        ("gunicorn.threads", 8, "CMD", "thread.create"),
        ("gunicorn.workers", 1, "CMD", None),
    ]


def test_worker_counts_of_the_environment_count_for_what_runs(found):
    env = {"WEB_CONCURRENCY": "4"}
    assert found(env=env, running={"gunicorn"}) == [
        ("gunicorn.workers", 4, "ENV WEB_CONCURRENCY", "process.fork")
    ]
    assert found(env=env, running={"nginx"}) == []


def test_what_a_script_runs_counts_with_its_line(root_of):
    lines = [
        CommandLine("/run.sh", 7, ("gunicorn", "-w", None)),
        CommandLine("/run.sh", 9, ("/opt/bin/gunicorn", "app:app", "--workers", "5")),
        CommandLine("/run.sh", 11, ("tail", "-w", "9")),
    ]
    (setting,) = settings(root_of({"/e": ""}), ImageConfig(), (), ROWS, running=set(), lines=lines)
    assert (setting.value, setting.where, setting.line) == (5, "/run.sh", 9)


def test_a_module_that_python_is_told_to_run_counts_as_running(found):
    argv = ["python3", "-m", "gunicorn", "-w", "2", "a:b"]
    assert found(argv, running={"python3.11"}) == [("gunicorn.workers", 2, "CMD", "process.fork")]


def test_files_say_line_and_value(root_of):
    tree = {
        "/etc/redis/redis.conf": "# maxmemory 9gb\nport 1\nmaxmemory 5gb\n",
        "/var/lib/pg/postgresql.conf": "#shared_buffers = 9GB\nshared_buffers = '6GB' # kB\n",
        "/etc/nginx/nginx.conf": "user x;\nworker_processes auto;\n",
        "/etc/php/8.2/fpm/pool.d/www.conf": ";pm.max_children = 9\npm.max_children = 5\n",
        "/usr/share/es/config/jvm.options": "# -Xmx9g\n8-13:-Xmx1g\n-Xmx31g\n",
        "/app/gunicorn.conf.py": "workers = 4\nworkers_per_core = 9\n",
        "/etc/uwsgi/app.ini": "[uwsgi]\nprocesses = 3\nthreads = 2\n",
        "/usr/tomcat/bin/setenv.sh": '# -Xmx9g\nexport CATALINA_OPTS="-server -Xmx512m"\n',
    }
    every = settings(root_of(tree), ImageConfig(), (), ROWS)
    assert [(item.name, item.value, item.where, item.line) for item in every] == [
        ("gunicorn.workers", 4, "/app/gunicorn.conf.py", 1),
        ("jvm.heap", 31 * GIB, "/usr/share/es/config/jvm.options", 3),
        ("jvm.heap", 512 << 20, "/usr/tomcat/bin/setenv.sh", 2),
        ("nginx.worker_processes", None, "/etc/nginx/nginx.conf", 2),
        ("php-fpm.max_children", 5, "/etc/php/8.2/fpm/pool.d/www.conf", 2),
        ("postgresql.shared_buffers", 6 * GIB, "/var/lib/pg/postgresql.conf", 2),
        ("redis.maxmemory", 5 * GIB, "/etc/redis/redis.conf", 3),
        ("uwsgi.processes", 3, "/etc/uwsgi/app.ini", 2),
        ("uwsgi.threads", 2, "/etc/uwsgi/app.ini", 3),
    ]
    asks = {item.name: item.capability for item in every if item.capability is not None}
    assert asks["nginx.worker_processes"] == "process.fork"
    assert asks["redis.maxmemory"] == "memory.large"


def test_apaches_workers_are_those_of_the_module_that_is_enabled(found):
    text = "<IfModule x>\n\tMaxRequestWorkers  150\n</IfModule>\n"
    tree = {
        "/etc/apache2/mods-available/mpm_prefork.conf": text,
        "/etc/apache2/mods-available/mpm_event.conf": text,
        "/etc/apache2/mods-enabled/mpm_event.conf": "-> ../mods-available/mpm_event.conf",
    }
    where = "/etc/apache2/mods-enabled/mpm_event.conf"
    assert found(files=tree) == [("apache.workers", 150, where, "thread.create")]


def test_redis_and_postgresql_on_the_command_line(found):
    assert found(["redis-server", "--maxmemory", "2gb"]) == [
        ("redis.maxmemory", 2 * GIB, "CMD", None)
    ]
    assert found(["postgres", "-c", "shared_buffers=655360"]) == [
        ("postgresql.shared_buffers", 5 * GIB, "CMD", "memory.large")
    ]


@pytest.mark.parametrize(
    ("text", "number", "value"),
    [
        ("512k", Number.JVM, 512 << 10),
        ("1T", Number.JVM, 1 << 40),
        ("100", Number.JVM, 100),
        ("1gb", Number.REDIS, GIB),
        ("1g", Number.REDIS, 10**9),
        ("128MB", Number.POSTGRESQL, 128 << 20),
        ("128mb", Number.POSTGRESQL, None),
        ("75.5", Number.PERCENT, 75),
        ("4x", Number.COUNT, None),
        ("-4", Number.COUNT, None),
        ("$(nproc)", Number.COUNT, None),
        ("", Number.COUNT, None),
        ("9" * 19, Number.COUNT, None),
        ("٣", Number.COUNT, None),
    ],
)
def test_numbers_are_read_as_their_program_reads_them(text, number, value):
    assert parse_number(text, number) == value


def test_a_value_that_run_time_decides_is_left_out(found):
    assert found(["java", "-Xmx${HEAP}"]) == []
    assert found(["gunicorn", "-w", "$(nproc)"]) == []


def test_every_file_that_a_row_names_is_kept():
    globs = {glob for row in ROWS for glob in row.files}
    assert globs
    for glob in globs:
        path = glob.replace("*", "/etc", 1).replace("*", "x")
        assert fnmatchcase(path, glob)
        assert is_wanted(path), path


@given(
    argv=st.lists(st.text(max_size=40), max_size=8),
    env=st.dictionaries(st.sampled_from(["JAVA_OPTS", "WEB_CONCURRENCY"]), st.text(max_size=200)),
)
def test_any_words_give_an_answer(argv, env):
    config = ImageConfig(cmd=tuple(argv), env=tuple(env.items()))
    for item in settings(cast("RootFS", _Nothing()), config, ("sh", "-c", *argv), ROWS):
        assert item.value is None or item.value >= 0


def test_a_hostile_file_takes_no_time(found):
    spaces = "shared_buffers" + " " * 1_000_000
    lines = "maxmemory 1gb\n" * 50_000
    every = found(
        files={"/a/postgresql.conf": spaces, "/b/redis.conf": lines, "/c/jvm.options": "=" * 9**6}
    )
    assert every == [("redis.maxmemory", GIB, "/b/redis.conf", None)]


class _Nothing:
    """A root without files."""

    def entries(self):
        return iter(())
