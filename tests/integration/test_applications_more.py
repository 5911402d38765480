"""Real images whose applications are written in Perl, Lua and C#."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Scanned = dict[str, Any]


@pytest.fixture(scope="module")
def scanned(real_image: Callable[[str], Path]) -> Callable[[str], Scanned]:
    """Scan an image by its name; each once."""
    known: dict[str, Scanned] = {}

    def scan(name: str) -> Scanned:
        if name not in known:
            reference = f"oci-dir:{real_image(name)}"
            command = [sys.executable, "-m", "auditor", "scan", reference, "-o", "json"]
            done = subprocess.run(
                [*command, "--packages", "none"], capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
            known[name] = json.loads(done.stdout)
        return known[name]

    return scan


def asked(
    report: Scanned, *, need: str | None = None
) -> Iterator[tuple[str, str, str, int | None]]:
    """Capability, file, name and line of what the application's own code asks for on WASI 0.1."""
    for finding in report["findings"]:
        if finding["target"] != "wasip1" or not finding["component"].startswith("source:"):
            continue
        if finding["reach"] == "present" or need not in {None, finding["need"]}:
            continue
        for evidence in finding["evidence"]:
            file = finding["component"].removeprefix("source:")
            yield finding["capability"], file, evidence["detail"], evidence.get("line")


def blockers(report: Scanned) -> set[str]:
    """Capabilities that the application's own code cannot do without."""
    return {capability for capability, *_ in asked(report, need="essential")}


def runtimes(report: Scanned) -> set[str]:
    return {runtime["id"] for runtime in report["runtimes"]}


def followed(report: Scanned) -> set[str]:
    """Files that following the application reached."""
    ids = {edge["to"] for edge in report["edges"] if edge["kind"] in {"imports", "runs"}}
    return {name.partition(":")[2] for name in ids}


def unknown(report: Scanned) -> set[str]:
    return {row["path"] for row in report["unknowns"] if row["stage"] not in {"elf", "packages"}}


def test_a_guest_book_in_perl(scanned):
    report = scanned("perl-cgi")
    assert runtimes(report) == {"perl"}
    lib = "/srv/guestbook/lib/Guestbook"
    found = set(asked(report))
    assert ("process.spawn", f"{lib}/Mail.pm", "CORE.open.pipe", 11) in found
    assert ("process.signal", f"{lib}/Mail.pm", "CORE.SIG", 9) in found
    assert ("time.timer", f"{lib}/Mail.pm", "CORE.alarm", 10) in found
    assert ("fs.locks", f"{lib}/Store.pm", "CORE.flock", 15) in found
    reached = followed(report)
    assert {"/usr/share/perl5/HTTP/Server/Simple.pm", "/usr/share/perl5/CGI.pm"} <= reached
    assert "/usr/lib/x86_64-linux-gnu/perl5/5.36/auto/JSON/XS/XS.so" in reached


def test_the_server_of_the_guest_book_can_be_the_host_s(scanned):
    served = [
        row for row in scanned("perl-cgi")["findings"] if row["capability"] == "net.http.serve"
    ]
    assert {row["component"] for row in served} == {"script:/srv/guestbook/server.pl"}
    assert {e["detail"] for row in served for e in row["evidence"]} == {"HTTP::Server::Simple.run"}
    assert "wasi-http" not in {row["target"] for row in served if row["support"] == "none"}


def test_what_the_guest_book_does_not_need(scanned):
    """fork is a key of a hash, behind a constant, in the manual, and the server's own business."""
    report = scanned("perl-cgi")
    assert blockers(report).isdisjoint({"process.fork", "process.exec", "net.tcp.listen"})
    names = {name for _, _, name, _ in asked(report)}
    assert names.isdisjoint({"CORE.fork", "CORE.exec", "CORE.system", "CORE.listen"})
    assert not {path for path in unknown(report) if path.startswith("/srv")}


def test_a_server_in_lua(scanned):
    report = scanned("lua-server")
    assert "lua" in runtimes(report)
    found = set(asked(report))
    assert ("net.tcp.listen", "/srv/clock/main.lua", "socket.bind", 13) in found
    assert ("process.spawn", "/srv/clock/clock/time.lua", "io.popen", 6) in found
    assert "/usr/share/lua/5.1/socket.lua" in followed(report)
    assert any("socket" in path and ".so" in path for path in followed(report))
    assert "os.execute" not in {name for _, _, name, _ in asked(report)}
    assert unknown(report) == set()


def test_an_order_desk_for_dotnet(scanned):
    report = scanned("dotnet-app")
    assert "dotnet" in runtimes(report)
    found = {(capability, file, name) for capability, file, name, _ in asked(report)}
    orders = "/app/orders.dll"
    assert ("net.tcp.listen", orders, "System.Net.Sockets.TcpListener.Start") in found
    assert ("thread.create", orders, "System.Threading.Thread.Start") in found
    assert ("process.spawn", orders, "System.Diagnostics.Process.Start") in found
    assert ("process.signal", orders, "native.libc.kill") in found
    assert "/app/Acme.Store.dll" in followed(report)
    # declared and called in a dead branch only; called by a method that nothing calls
    assert "native.libc.fork" not in {name for _, _, name in found}
    assert ("process.spawn", "/app/Acme.Store.dll", "System.Diagnostics.Process.Start") not in found
    assert unknown(report) == set()
