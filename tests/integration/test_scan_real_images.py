"""What the auditor says of real Debian images: right about both ends, and from the bytes."""

from __future__ import annotations

import json
import subprocess
import sys

import jsonschema
import pytest

import auditor
from auditor.report.json import render
from auditor.report.schema import schema

SCHEMA = schema()
STAYS = {"keep-in-container", "rearchitect"}
APART_FROM_WASIX = ("wasip1", "wasip2", "wasip3", "wasi-http", "core")


@pytest.fixture(scope="module")
def report_of(real_image):
    """Scan a real image once for all tests of this module."""
    made = {}

    def scan(name):
        if name not in made:
            made[name] = auditor.scan(f"oci-dir:{real_image(name)}")
            jsonschema.validate(json.loads(render(made[name])), SCHEMA)
        return made[name]

    return scan


def targets_of(report):
    return {target.id: target for target in report.targets}


def finding(report, capability, target, path):
    found = [
        item
        for item in report.findings
        if (item.capability, item.target) == (capability, target)
        and item.component.partition(":")[2] == path
    ]
    return found[0] if found else None


def components_of(report):
    return {component.path: component for component in report.components}


def test_nginx_is_reached_through_the_entrypoint_script(report_of):
    report = report_of("nginx")
    nginx = components_of(report)["/usr/sbin/nginx"]
    assert (nginx.reach, nginx.role) == ("reachable", "main")
    fork = finding(report, "process.fork", "wasip1", "/usr/sbin/nginx")
    imported = [item for item in fork.evidence if item.kind == "import"]
    assert all(int(item.address or "", 16) for item in imported)
    assert fork.chain == [
        "entrypoint",
        "script:/docker-entrypoint.sh",
        "executable:/usr/sbin/nginx",
    ]


@pytest.mark.parametrize(
    ("capability", "target", "support"),
    [
        ("process.fork", "wasip1", "none"),
        ("process.fork", "wasip2", "none"),
        ("process.fork", "wasip3", "none"),
        ("process.fork", "emscripten", "stub"),
        ("process.fork", "wasix", "partial"),
        ("io.epoll", "wasip1", "none"),
        ("io.epoll", "wasip2", "none"),
        ("process.signal", "wasip1", "none"),
        ("identity.setuid", "wasip2", "none"),
        ("net.fdpass", "wasip2", "none"),
        ("net.tcp.listen", "wasip1", "none"),
        ("net.tcp.listen", "wasi-http", "none"),
        ("net.tcp.listen", "core", "none"),
    ],
)
def test_nginx_needs_what_a_server_needs(report_of, capability, target, support):
    found = finding(report_of("nginx"), capability, target, "/usr/sbin/nginx")
    assert found is not None
    assert found.support == support
    assert found.reach == "reachable"
    assert found.table.source
    assert found.table.as_of


def test_listening_is_there_on_wasip2(report_of):
    report = report_of("nginx")
    (listen,) = (item for item in report.capabilities if item.name == "net.tcp.listen")
    assert listen.support["wasip2"] == "full"
    assert listen.support["wasip1"] == "none"
    assert finding(report, "net.tcp.listen", "wasip2", "/usr/sbin/nginx") is None


@pytest.mark.parametrize("image", ["nginx", "redis", "postgres", "httpd"])
@pytest.mark.parametrize("target", APART_FROM_WASIX)
def test_servers_stay_in_their_containers(report_of, image, target):
    judged = targets_of(report_of(image))[target]
    assert judged.verdict in STAYS
    assert judged.score < 30


def test_what_is_merely_present_is_listed_and_does_not_count(report_of):
    report = report_of("nginx")
    components = components_of(report)
    for path in ("/usr/bin/apt", "/usr/bin/perl", "/usr/bin/dpkg"):
        assert components[path].reach == "present"
        assert components[path].role is None
    assert not {item.component for item in report.findings if item.reach == "present"}


def test_a_dynamic_program_that_reads_and_prints_can_be_rebuilt(report_of):
    for image in ("report", "report-shell", "tini"):
        wasip1 = targets_of(report_of(image))["wasip1"]
        assert wasip1.score >= 95, image
    assert targets_of(report_of("report"))["wasip1"].verdict == "rebuild"
    assert report_of("report").recommendation.verdict == "rebuild"


def test_a_musl_program_is_bound_by_musls_rules(report_of):
    report = report_of("report-musl")
    assert components_of(report)["/usr/lib/x86_64-linux-musl/libc.so"].reach == "reachable"
    assert targets_of(report)["wasip1"].verdict == "rebuild"
    # musl's library has no soname: its calls are asks of the platform all the same.
    assert targets_of(report)["wasi-http"].verdict == "rearchitect"


def test_the_same_program_static_and_stripped_has_too_little_evidence(report_of):
    report = report_of("report-static")
    assert {target.verdict for target in report.targets} == {"insufficient-evidence"}
    assert report.unknowns[0].path == "/usr/bin/report"


@pytest.mark.parametrize(
    ("static", "dynamic"), [("redis-static", "redis"), ("nginx-static", "nginx")]
)
def test_a_static_server_never_scores_above_the_dynamic_one(report_of, static, dynamic):
    of_static, of_dynamic = targets_of(report_of(static)), targets_of(report_of(dynamic))
    for target, judged in of_static.items():
        assert judged.score <= of_dynamic[target].score
        assert judged.verdict == "insufficient-evidence" or judged.verdict in STAYS


def test_a_wasm_module_is_already_there(report_of):
    report = report_of("wasm")
    wasip1 = targets_of(report)["wasip1"]
    assert (wasip1.verdict, wasip1.score) == ("already-wasm", 100)
    assert report.recommendation.verdict == "already-wasm"
    assert any("already holds WebAssembly" in note for note in report.notes)


def test_a_python_application_is_not_judged_by_its_interpreter(report_of):
    report = report_of("python-app")
    assert report.recommendation.verdict == "adapt"
    python = next(item for item in report.components if item.runtime == "cpython" and item.role)
    assert python.role == "runtime"


def test_redis_is_reached_through_its_wrapper(report_of):
    report = report_of("redis")
    main = {c.path for c in report.components if c.role == "main" and c.kind == "executable"}
    # Debian's redis-server is a symbolic link to redis-check-rdb: one program, two names.
    assert main == {"/usr/bin/redis-check-rdb"}


def test_postgres_is_reached_through_its_long_script(report_of):
    main = {
        c.path
        for c in report_of("postgres").components
        if c.role == "main" and c.kind == "executable"
    }
    assert main == {"/usr/lib/postgresql/15/bin/postgres"}


def test_two_scans_give_the_same_bytes(real_image):
    command = [
        sys.executable,
        "-m",
        "auditor",
        "scan",
        f"oci-dir:{real_image('nginx')}",
        "-o",
        "json",
    ]
    one, two = (subprocess.run(command, capture_output=True, check=True).stdout for _ in range(2))
    assert one == two
    assert json.loads(one)["schema_version"]


def test_inspect_lists_what_nginx_lacks_on_wasip1(real_image):
    command = [sys.executable, "-m", "auditor", "inspect", f"oci-dir:{real_image('nginx')}"]
    done = subprocess.run(
        [*command, "/usr/sbin/nginx", "-o", "json"], capture_output=True, check=True
    )
    document = json.loads(done.stdout)
    (wasip1,) = (item for item in document["targets"] if item["id"] == "wasip1")
    assert {"fork", "epoll_create", "epoll_ctl", "listen", "setuid"} <= set(wasip1["missing"])
    assert "open" not in wasip1["missing"]
    assert {"libssl.so.3", "libpcre2-8.so.0"} <= {item["soname"] for item in document["libraries"]}


@pytest.mark.parametrize(
    ("image", "server"),
    [
        ("nginx", "nginx"),
        ("redis", "redis"),
        ("postgres", "postgresql"),
        ("httpd", "apache-httpd"),
        ("sqlite3", None),
        ("jq", None),
    ],
)
def test_the_catalogue_adds_to_the_evidence_of_known_servers(report_of, image, server):
    known = report_of(image).catalog
    assert [item.id for item in known] == ([server] if server else [])
    assert all(item.agrees for item in known)


def test_without_the_catalogue_the_verdict_is_the_same(report_of, real_image):
    image = f"oci-dir:{real_image('redis')}"
    report = auditor.scan(image, auditor.Options(catalog=False))
    assert report.catalog == []
    assert report.targets == report_of("redis").targets
