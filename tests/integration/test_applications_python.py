"""Real Python applications: what deciding evidence they have, and what must not be found."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

FILES = Path(__file__).parents[2] / "fixtures" / "images" / "files"
SITE = "/usr/local/lib/python3.11/dist-packages"

Json = dict[str, Any]


@pytest.fixture(scope="module")
def report(real_image: Callable[[str], Path]) -> Callable[[str], Json]:
    @cache
    def scan(name: str) -> Json:
        options = ("--packages", "none", "--no-progress", "-o", "json")
        command = [sys.executable, "-m", "auditor", "scan", f"oci-dir:{real_image(name)}", *options]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        document: Json = json.loads(done.stdout)
        return document

    return scan


def line_of(file: str, text: str) -> int:
    lines = (FILES / file).read_text().splitlines()
    (found,) = [number for number, line in enumerate(lines, 1) if text in line]
    return found


def roles(document: Json) -> dict[str, str]:
    return {item["path"]: item["role"] for item in document["components"] if item["role"]}


def verdict(document: Json, target: str) -> str:
    (found,) = [item["verdict"] for item in document["targets"] if item["id"] == target]
    return str(found)


def evidence(document: Json, capability: str, target: str = "wasip1") -> list[Json]:
    """What counts against a target, notes left out."""
    return [
        {**item, "severity": finding["severity"], "chain": finding["chain"]}
        for finding in document["findings"]
        if (finding["capability"], finding["target"]) == (capability, target)
        and finding["severity"] != "note"
        for item in finding["evidence"]
        if item["need"] != "incidental"
    ]


def test_a_flask_service_asks_for_http_and_for_nothing_that_blocks(report):
    document = report("flask-app")
    found = roles(document)
    assert found["/app/shop/web.py"] == "main"
    assert found["/usr/local/bin/gunicorn"] == "runtime"
    assert found["/usr/bin/python3.11"] == "runtime"
    assert not [path for path in found if path.startswith(f"{SITE}/gunicorn/")]
    (served,) = evidence(document, "net.http.serve")
    assert (served["detail"], served["path"]) == ("Gunicorn", "/app/shop/web.py")
    assert verdict(document, "wasip2") == verdict(document, "wasi-http") == "adapt"
    assert verdict(document, "wasip1") == "rearchitect"


@pytest.mark.parametrize(
    "capability", ["process.fork", "process.spawn", "process.exec", "thread.create", "net.unix"]
)
def test_a_flask_service_does_not_need_what_its_interpreter_and_its_server_do(report, capability):
    for target in ("wasip1", "wasip2", "wasip3", "wasi-http"):
        assert evidence(report("flask-app"), capability, target) == []


def test_a_guarded_import_is_incidental(report):
    needs = {
        item["need"]
        for finding in report("flask-app")["findings"]
        if finding["target"] == "wasip1"
        for item in finding["evidence"]
        if item["detail"] == "resource" and item["path"] == "/app/shop/web.py"
    }
    assert needs == {"incidental"}


def test_an_aliased_call_of_the_application_blocks_with_its_line(report):
    document = report("fastapi-app")
    (call,) = [
        item for item in evidence(document, "process.spawn") if item["path"] == "/srv/main.py"
    ]
    assert call["detail"] == "subprocess.run"
    assert call["line"] == line_of("fastapi-app/main.py", "return call(")
    assert call["member"] == "main.picture"
    assert call["severity"] == "error"


def test_a_vendored_copy_is_read_as_what_it_is(report):
    path = "/srv/vendored/quiet.py"
    (call,) = [
        item for item in evidence(report("fastapi-app"), "process.fork") if item["path"] == path
    ]
    assert call["detail"] == "concurrent.futures.ProcessPoolExecutor"
    assert call["line"] == line_of("fastapi-app/vendored/quiet.py", "return later")
    assert call["chain"][-2:] == ["source:/srv/main.py", f"source:{path}"]


def test_compiled_extensions_are_reached_and_linked(report):
    document = report("fastapi-app")
    main = [path for path, role in roles(document).items() if role == "main"]
    assert any("numpy/_core/_multiarray_umath" in path for path in main)
    assert any("psycopg_binary/pq" in path for path in main)
    assert any("psycopg_binary.libs/libpq" in path for path in main)
    assert any("pydantic_core/_pydantic_core" in path for path in main)


def test_django_is_followed_through_its_settings_under_a_renamed_interpreter(report):
    document = report("django-app")
    found = roles(document)
    assert found["/opt/runtime"] == "runtime"
    project = ("site_of_notes/wsgi", "site_of_notes/settings", "site_of_notes/urls")
    own = (*project, "notes/apps", "notes/views", "notes/models")
    assert {found[f"/app/{name}.py"] for name in own} == {"main"}
    assert document["image"]["entrypoint"][0] == "/opt/runtime"
    threads = evidence(document, "thread.create")
    assert {(item["path"], item["line"]) for item in threads if item["severity"] == "error"} == {
        ("/app/notes/apps.py", line_of("django-app/notes/apps.py", "threading.Thread("))
    }


@pytest.mark.parametrize("capability", ["process.fork", "process.exec", "net.tcp.listen"])
def test_django_does_not_fork_or_listen_by_itself(report, capability):
    assert evidence(report("django-app"), capability) == []


def test_a_program_of_the_library_alone_moves_with_cpython_s_own_build(report):
    document = report("python-app")
    assert verdict(document, "wasip1") == "adapt"
    assert document["recommendation"]["target"] == "wasip1"
    assert "CPython" in document["recommendation"]["next_step"]


def test_the_database_engine_that_django_s_settings_name_is_loaded(report):
    engine = f"{SITE}/django/db/backends/sqlite3/base.py"
    (loaded,) = [
        item for item in evidence(report("django-app"), "fs.write") if item["path"] == engine
    ]
    assert loaded["detail"] == "sqlite3"
    assert loaded["need"] == "typical"
    assert "source:/app/site_of_notes/settings.py" in loaded["chain"]


def test_text_on_the_command_line_is_the_application(real_image):
    command = "python3 -c 'from shop.web import create_app; import subprocess as s; s.run([1])'"
    options = ("--packages", "none", "--no-progress", "-o", "json", "--entrypoint", command)
    scan = [sys.executable, "-m", "auditor", "scan", f"oci-dir:{real_image('flask-app')}"]
    done = subprocess.run([*scan, *options], capture_output=True, text=True, check=True)
    document = json.loads(done.stdout)
    assert roles(document)["<string>"] == roles(document)["/app/shop/web.py"] == "main"
    (call,) = [item for item in evidence(document, "process.spawn") if item["path"] == "<string>"]
    assert (call["detail"], call["line"]) == ("subprocess.run", 1)
