"""A tiny engine on a Unix socket, for what a real one does not do on request."""

from __future__ import annotations

import json
import socketserver
import tempfile
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

IDENTITY = f"sha256:{'ab' * 32}"

Answer = Callable[[BaseHTTPRequestHandler], None]


class FakeEngine:
    """Answers by the end of a path. Says yes to everything until it is told otherwise."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.asked: list[str] = []
        self.released = threading.Event()
        self.answers: dict[str, Answer] = {}
        self.version("1.41")
        self.image()
        self.gives("/get", b"archive")

    @property
    def environ(self) -> dict[str, str]:
        return {"DOCKER_HOST": f"unix://{self.path}"}

    def version(self, number: str) -> None:
        self.says("/version", {"ApiVersion": number})

    def image(self, **more: Any) -> None:
        self.says("/json", {"Id": IDENTITY, "Os": "linux", "Architecture": "amd64", **more})

    def says(self, end: str, document: object, status: int = 200) -> None:
        self.gives(end, json.dumps(document).encode(), status)

    def gives(self, end: str, body: bytes, status: int = 200) -> None:
        def answer(request: BaseHTTPRequestHandler) -> None:
            request.send_response(status)
            request.send_header("Content-Length", str(len(body)))
            request.end_headers()
            request.wfile.write(body)

        self.answers[end] = answer

    def sends(self, end: str, *pieces: bytes) -> None:
        """Bytes as they are, then the connection is closed."""

        def answer(request: BaseHTTPRequestHandler) -> None:
            for piece in pieces:
                request.wfile.write(piece)
            request.close_connection = True

        self.answers[end] = answer

    def hangs(self, end: str, *pieces: bytes) -> None:
        """Bytes as they are, then nothing until the test is over."""

        def answer(request: BaseHTTPRequestHandler) -> None:
            for piece in pieces:
                request.wfile.write(piece)
            self.released.wait(30)
            request.close_connection = True

        self.answers[end] = answer

    def handle(self, request: BaseHTTPRequestHandler) -> None:
        target = unquote(request.path)
        self.asked.append(target)
        for end, answer in self.answers.items():
            if target.partition("?")[0].endswith(end):
                return answer(request)
        return request.send_error(404)


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is what some tests are about."""


@pytest.fixture
def fake_engine() -> Iterator[FakeEngine]:
    # pytest's own directories may be too deep for a socket's name.
    with tempfile.TemporaryDirectory() as folder:
        engine = FakeEngine(Path(folder) / "engine.sock")

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                engine.handle(self)

            def address_string(self) -> str:
                return "client"

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
                """Quiet."""

        with _Server(str(engine.path), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            yield engine
            engine.released.set()
            server.shutdown()
            thread.join()
