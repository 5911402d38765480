"""A scan that is stopped half way ends at once and leaves nothing behind."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.unit.image.conftest import Builder

QUICK = 5.0
"""Seconds in which a scan ends once it is told to."""
PATIENCE = 60.0
"""Seconds in which it gets as far as it should, on a busy machine."""
STOPS = [signal.SIGINT, signal.SIGTERM, signal.SIGKILL]


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    path = tmp_path / "temporary"
    path.mkdir()
    return path


@contextmanager
def scanning(temporary: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A scan whose standard input is a pipe, and whose store is in ``temporary``."""
    process = subprocess.Popen(
        [sys.executable, "-m", "auditor", "scan", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(temporary), "HOME": str(temporary.parent)},
        bufsize=0,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def stored(process: subprocess.Popen[bytes], temporary: Path) -> int:
    """Bytes of the files in the store, which have no names any more."""
    sizes = 0
    for link in Path(f"/proc/{process.pid}/fd").iterdir():
        try:
            if str(link.readlink()).startswith(f"{temporary}/"):
                sizes += link.stat().st_size
        except FileNotFoundError:
            continue  # closed meanwhile
    return sizes


def assert_ends_at_once(process: subprocess.Popen[bytes], stop: signal.Signals) -> None:
    """It ends as that signal should end it; the pipe into it stays open."""
    begun = time.monotonic()
    process.send_signal(stop)
    code = process.wait(PATIENCE)
    took = time.monotonic() - begun
    assert process.stdout is not None
    assert process.stderr is not None
    out, err = process.stdout.read(), process.stderr.read()
    assert took < QUICK
    assert out == b""
    if stop is signal.SIGINT:
        assert (code, err.splitlines()[-1]) == (130, b"auditor: interrupted")
    else:
        assert code in {-stop, 128 + stop}  # ended by it, or told as a shell tells it
    assert b"Traceback" not in err


def program(size: int) -> bytes:
    """What is kept of an image: it begins like an executable."""
    return b"\x7fELF" + random.Random(size).randbytes(size)


@pytest.mark.parametrize("stop", STOPS)
def test_a_scan_stopped_while_it_reads_a_pipe_leaves_no_file(
    build: Builder, temporary: Path, stop: signal.Signals
) -> None:
    layer = build.tar(build.member("usr/bin/app", program(8 << 20), mode=0o755))
    archive = build.docker_archive(layer).read_bytes()
    with scanning(temporary, "-") as process:
        assert process.stdin is not None
        half = archive[: len(archive) // 2]
        while half:
            half = half[os.write(process.stdin.fileno(), half) :]
        until(lambda: stored(process, temporary) > 1 << 20)
        assert_ends_at_once(process, stop)
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_scan_stopped_while_it_waits_for_syft_leaves_no_file_and_no_process(
    build: Builder, temporary: Path, stop: signal.Signals
) -> None:
    syft, started = build.root / "syft", build.root / "started"
    syft.write_text(
        f"#!/bin/sh\necho $$ > {started}.new\nmv {started}.new {started}\nexec sleep 60\n"
    )
    syft.chmod(0o755)
    image = build.layout(build.files({"app/package.json": b'{"name": "a", "version": "1"}'}))
    with scanning(temporary, str(image), "--syft", str(syft)) as process:
        until(started.exists)
        assert list(temporary.iterdir())
        assert_ends_at_once(process, stop)
    assert list(temporary.iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.kill(int(started.read_text()), 0)


class _Registry(BaseHTTPRequestHandler):
    """Has one image, of whose layer it sends the beginning and then nothing."""

    protocol_version = "HTTP/1.1"
    documents: Mapping[str, tuple[str, bytes]]
    asked: threading.Event
    over: threading.Event

    def log_message(self, *_: object) -> None:
        """Nothing is logged."""

    def do_GET(self) -> None:
        kind, data = self.documents.get(self.path, ("application/octet-stream", None))
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(100_000 if data is None else len(data)))
        self.end_headers()
        self.wfile.write(b"\x1f\x8b" if data is None else data)
        self.wfile.flush()
        if data is None:
            self.asked.set()
            self.over.wait(PATIENCE)
            self.close_connection = True


@pytest.fixture
def silent() -> Iterator[tuple[str, threading.Event]]:
    """A reference in a registry that falls silent; and whether it has."""

    def named(data: bytes) -> str:
        return f"sha256:{hashlib.sha256(data).hexdigest()}"

    oci = "application/vnd.oci.image"
    settings = {"rootfs": {"type": "layers", "diff_ids": [named(b"plain")]}}
    config = json.dumps({"os": "linux", "architecture": "amd64", **settings}).encode()
    layer = {"mediaType": f"{oci}.layer.v1.tar+gzip", "digest": named(b"x"), "size": 100_000}
    about: dict[str, Any] = {"mediaType": f"{oci}.config.v1+json", "digest": named(config)}
    kind = f"{oci}.manifest.v1+json"
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": kind,
            "config": {**about, "size": len(config)},
            "layers": [layer],
        }
    ).encode()

    class Handler(_Registry):
        documents: Mapping[str, tuple[str, bytes]] = {
            "/v2/": ("application/json", b"{}"),
            "/v2/app/manifests/1": (kind, manifest),
            f"/v2/app/manifests/{named(manifest)}": (kind, manifest),
            f"/v2/app/blobs/{named(config)}": ("application/octet-stream", config),
        }
        asked = threading.Event()
        over = threading.Event()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"registry:127.0.0.1:{server.server_port}/app:1", Handler.asked
    finally:
        Handler.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize("stop", STOPS)
def test_a_scan_stopped_while_a_registry_is_silent_ends_at_once(
    silent: tuple[str, threading.Event], temporary: Path, stop: signal.Signals
) -> None:
    reference, asked = silent
    with scanning(temporary, reference) as process:
        until(asked.is_set)
        assert_ends_at_once(process, stop)
    assert list(temporary.iterdir()) == []
