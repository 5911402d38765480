"""Real Ruby and PHP applications: what deciding evidence they have, and what must not be found."""

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
TALLY = "/srv/words/lib/tally.rb"
HTML = "/var/www/html"
GEMS = "/usr/share/rubygems-integration/all/gems"
BLOCKED = ("wasip1", "wasip2", "wasip3", "wasi-http")

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


def runtimes(document: Json) -> dict[str, str]:
    return {item["path"]: item["id"] for item in document["runtimes"]}


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


def essential(
    document: Json, capability: str, target: str = "wasip1"
) -> list[tuple[str, str, int]]:
    """Path, name and line of what surely decides."""
    return [
        (item["path"], item["detail"], item["line"])
        for item in evidence(document, capability, target)
        if item["need"] == "essential"
    ]


def test_puma_leads_to_config_ru_and_falls_away(report):
    document = report("ruby-sinatra")
    found = roles(document)
    assert found["/srv/words/config.ru"] == found["/srv/words/app.rb"] == found[TALLY] == "main"
    assert found["/usr/bin/puma"] == found["/usr/bin/ruby3.1"] == "runtime"
    assert runtimes(document)["/usr/bin/ruby3.1"] == "cruby"
    (served,) = evidence(document, "net.http.serve")
    assert (served["detail"], served["path"]) == ("Puma", "/srv/words/config.ru")


def test_sinatra_is_followed_as_a_gem(report):
    found = roles(report("ruby-sinatra"))
    assert found[f"{GEMS}/sinatra-3.0.5/lib/sinatra/base.rb"] == "main"
    assert f"{GEMS}/sinatra-3.0.5/lib/sinatra/main.rb" not in found


@pytest.mark.parametrize(
    ("capability", "name", "text"),
    [
        ("thread.create", "Thread.new", "Thread.new"),
        ("process.spawn", "Open3.capture2", "Child.capture2"),
        ("net.tcp.connect", "TCPSocket.new", "TCPSocket.new"),
    ],
)
def test_what_the_ruby_application_calls_decides(report, capability, name, text):
    line = line_of("ruby-sinatra/lib/tally.rb", text)
    assert (TALLY, name, line) in essential(report("ruby-sinatra"), capability)


@pytest.mark.parametrize(
    "capability",
    ["process.fork", "process.daemon", "process.exec", "tty.pty", "net.tcp.listen", "net.unix"],
)
def test_what_puma_a_comment_a_dead_branch_or_an_unused_copy_names_does_not(report, capability):
    for target in BLOCKED:
        assert evidence(report("ruby-sinatra"), capability, target) == []


def test_a_blocker_of_ruby_reads_as_a_chain(report):
    (item,) = [
        item
        for item in evidence(report("ruby-sinatra"), "net.tcp.connect")
        if item["detail"] == "TCPSocket.new"
    ]
    assert item["chain"] == [
        "entrypoint",
        "script:/usr/bin/puma",
        "source:/srv/words/config.ru",
        "source:/srv/words/app.rb",
        f"source:{TALLY}",
    ]
    assert item["member"] == "Tally::Dictionary.initialize"


def test_nearly_all_of_the_ruby_application_is_understood(report):
    document = report("ruby-sinatra")
    assert all(target["coverage"] > 0.95 for target in document["targets"])


def test_php_fpm_leads_to_the_front_controller_and_falls_away(report):
    document = report("php-fpm-app")
    found = roles(document)
    assert runtimes(document)["/usr/sbin/php-fpm8.2"] == "php"
    assert found["/usr/sbin/php-fpm8.2"] == "runtime"
    assert found[f"{HTML}/public/index.php"] == found[f"{HTML}/src/Kernel.php"] == "main"
    (served,) = evidence(document, "net.http.serve")
    assert (served["detail"], served["path"]) == ("PHP-FPM", f"{HTML}/public/index.php")


@pytest.mark.parametrize(
    ("capability", "name", "file", "text"),
    [
        ("process.spawn", "proc_open", "src/Kernel.php", "$process = start("),
        ("net.tcp.connect", "fsockopen", "vendor/acme/post/src/Letter.php", "fsockopen("),
    ],
)
def test_what_the_php_application_calls_decides(report, capability, name, file, text):
    line = line_of(f"php-fpm-app/{file}", text)
    assert essential(report("php-fpm-app"), capability) == [(f"{HTML}/{file}", name, line)]


@pytest.mark.parametrize(
    "capability",
    ["process.fork", "net.socket", "net.tcp.listen", "thread.create", "process.exec", "jit.exec"],
)
def test_what_php_fpm_a_string_a_dead_branch_or_an_unused_function_names_does_not(
    report, capability
):
    for target in BLOCKED:
        assert evidence(report("php-fpm-app"), capability, target) == []


def test_composers_autoloader_loads_what_is_used_and_no_more(report):
    found = roles(report("php-fpm-app"))
    assert f"{HTML}/vendor/acme/post/src/Letter.php" in found
    assert f"{HTML}/vendor/acme/helpers/functions.php" in found
    assert f"{HTML}/vendor/acme/post/src/Pipe.php" not in found
    assert all(target["coverage"] == 1 for target in report("php-fpm-app")["targets"])


def test_the_database_of_the_php_application_is_a_file(report):
    names = {item["detail"] for item in evidence(report("php-fpm-app"), "fs.locks")}
    assert names == {"PDO.__construct(sqlite)"}
