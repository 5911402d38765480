"""A registry of the tests' own, in threads on loopback, that can be told to do everything wrong."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from auditor.image.blob import open_blob
from auditor.image.bounds import Bounds
from auditor.image.registry import Patience, RegistrySource, parse_name
from auditor.image.source import Access, Descriptor

OCI = "application/vnd.oci.image"
MANIFEST = f"{OCI}.manifest.v1+json"
INDEX = f"{OCI}.index.v1+json"


@dataclass(frozen=True)
class Asked:
    """One request that arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def handle(self) -> None:
        with suppress(OSError):
            # TLS is not spoken here: a ClientHello gets the door.
            if self.connection.recv(1, socket.MSG_PEEK) != b"\x16":
                super().handle()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        asked = Asked(self.command, self.path, dict(self.headers.items()), self.rfile.read(length))
        faulty = self.server.registry
        with faulty.lock:
            faulty.asked.append(asked)
            at = next((i for i, (part, _) in enumerate(faulty.faults) if part in self.path), None)
            fault = None if at is None else faulty.faults.pop(at)[1]
        if fault is not None:
            fault(self)
        else:
            faulty.answer(self, asked)

    def do_POST(self) -> None:
        self.do_GET()

    def send(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for key, value in {"Content_Length": str(len(body)), **headers}.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def cut(self) -> None:
        """Close the connection at once."""
        self.wfile.flush()
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    registry: Faulty


Fault = Callable[[Handler], None]


@dataclass
class Faulty:
    """What it holds, what goes wrong next, and what it was asked."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    faults: list[tuple[str, Fault]] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    over: threading.Event = field(default_factory=threading.Event)
    ranges: bool = True
    guard: Callable[[Handler, Asked], bool] | None = None
    token_users: set[str] | None = None
    tokens: list[str] = field(default_factory=list)
    token_key: str = "token"
    port: int = 0

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def paths(self, part: str) -> list[str]:
        return [one.path for one in self.asked if part in one.path]

    # What it holds

    def blob(self, data: bytes, media_type: str = "application/octet-stream") -> Descriptor:
        self.blobs[digest_of(data)] = data
        return Descriptor(media_type, digest_of(data), len(data))

    def manifest(
        self, value: object, tag: str = "latest", media_type: str = MANIFEST
    ) -> Descriptor:
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.manifests[tag] = self.manifests[digest_of(data)] = (data, media_type)
        return Descriptor(media_type, digest_of(data), len(data))

    def image(self, *layers: bytes, tag: str = "latest", **more: Any) -> Descriptor:
        """An image of these layers, which may be anything."""
        config = {"os": "linux", "architecture": "amd64", **more}
        value = {
            "schemaVersion": 2,
            "config": raw(self.blob(json.dumps(config).encode(), f"{OCI}.config.v1+json")),
            "layers": [raw(self.blob(layer, f"{OCI}.layer.v1.tar")) for layer in layers],
        }
        return self.manifest(value, tag)

    # What goes wrong: the next request for a path with ``part`` in it, once

    def fail(self, part: str, *faults: Fault) -> None:
        self.faults += [(part, fault) for fault in faults]

    def hang(self, handler: Handler) -> None:
        self.over.wait(10)
        handler.cut()

    @staticmethod
    def drop(handler: Handler) -> None:
        handler.cut()

    def drop_after(self, count: int) -> Fault:
        """The headers of the whole blob, and ``count`` bytes of what was asked for."""

        def fault(handler: Handler) -> None:
            self.answer(handler, self.asked[-1], most=count)
            handler.cut()

        return fault

    @staticmethod
    def status(code: int, body: bytes = b"", **headers: str) -> Fault:
        return lambda handler: handler.send(code, body, **headers)

    # What it answers

    def answer(self, handler: Handler, asked: Asked, most: int | None = None) -> None:
        path = urlsplit(asked.path).path
        if path == "/token":
            self._token(handler, asked)
            return
        if self.guard is not None and not self.guard(handler, asked):
            return
        kind, _, key = path.rpartition("/")
        if kind.endswith("/manifests") and key in self.manifests:
            data, media_type = self.manifests[key]
            digest = digest_of(data)
            handler.send(200, data, Content_Type=media_type, Docker_Content_Digest=digest)
        elif kind.endswith("/blobs") and key in self.blobs:
            self._blob(handler, asked, self.blobs[key], most)
        else:
            error = {"code": "MANIFEST_UNKNOWN", "message": "manifest unknown", "detail": {}}
            handler.send(404, json.dumps({"errors": [error]}).encode())

    def _blob(self, handler: Handler, asked: Asked, data: bytes, most: int | None) -> None:
        wanted = re.fullmatch(r"bytes=(\d+)-", asked.headers.get("Range", ""))
        start = int(wanted[1]) if wanted and self.ranges else 0
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        handler.send_header("Content-Length", str(len(data) - start))
        handler.end_headers()
        end = len(data) if most is None else start + most
        handler.wfile.write(data[start:end])

    # Proofs

    def ask_basic(self, user: str, password: str) -> None:
        right = f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"

        def guard(handler: Handler, asked: Asked) -> bool:
            if asked.headers.get("Authorization") == right:
                return True
            self._refuse(handler, 'Basic realm="the tests"')
            return False

        self.guard = guard

    def ask_bearer(self, users: set[str] | None = None) -> None:
        """Tokens for anybody, or for ``user:password`` and identity tokens in ``users`` only."""
        self.token_users = users

        def guard(handler: Handler, asked: Asked) -> bool:
            shown = asked.headers.get("Authorization", "").removeprefix("Bearer ")
            if shown in self.tokens:
                return True
            realm = f"http://{self.host}/token"
            self._refuse(
                handler, f'Bearer realm="{realm}",service="tests, of all",scope="s:x:pull"'
            )
            return False

        self.guard = guard

    @property
    def challenge(self) -> str:
        realm = f"http://{self.host}/token"
        return f'Bearer realm="{realm}",service="tests, of all",scope="s:x:pull"'

    def _refuse(self, handler: Handler, challenge: str) -> None:
        error = {"code": "UNAUTHORIZED", "message": "authentication required"}
        body = json.dumps({"errors": [error]}).encode()
        handler.send(401, body, WWW_Authenticate=challenge)

    def _token(self, handler: Handler, asked: Asked) -> None:
        shown = asked.headers.get("Authorization", "").removeprefix("Basic ")
        user = base64.b64decode(shown).decode()
        if asked.method == "POST":
            user = parse_qs(asked.body.decode())["refresh_token"][0]
        if self.token_users is not None and user not in self.token_users:
            handler.send(401, b'{"details": "incorrect username or password"}')
            return
        token = f"token-{len(self.paths('/token'))}"
        self.tokens.append(token)
        handler.send(200, json.dumps({self.token_key: token}).encode())


def raw(descriptor: Descriptor, **more: Any) -> dict[str, Any]:
    return {
        "mediaType": descriptor.media_type,
        "digest": descriptor.digest,
        "size": descriptor.size,
        **more,
    }


@pytest.fixture(autouse=True)
def bare_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home directory with nothing in it, and no settings from outside."""
    for name in list(os.environ):
        if name.startswith(("AUDITOR_", "XDG_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name in ("DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", os.devnull)  # reading the system's takes 60 ms a test
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    empty = home / "no-registries.conf"
    empty.write_text("")
    monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(empty))
    return home


@pytest.fixture
def home(bare_environment: Path) -> Path:
    return bare_environment


@pytest.fixture
def serve() -> Iterator[Callable[[], Faulty]]:
    """Start one more registry."""
    with ExitStack() as stack:

        def start() -> Faulty:
            faulty = Faulty()
            server = stack.enter_context(Server(("127.0.0.1", 0), Handler))
            server.registry = faulty
            faulty.port = server.server_address[1]
            thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            stack.callback(faulty.over.set)
            return faulty

        yield start


@pytest.fixture
def registry(serve: Callable[[], Faulty]) -> Faulty:
    return serve()


@pytest.fixture
def waits() -> list[float]:
    """How long was waited between tries; no time passes."""
    return []


@pytest.fixture
def open_source(waits: list[float]) -> Iterator[Callable[..., RegistrySource]]:
    """A source for a name at a registry of the tests'."""
    with ExitStack() as stack:

        def make(
            where: Faulty | str, name: str = "team/app", bounds: Bounds | None = None, **access: Any
        ) -> RegistrySource:
            text = where if isinstance(where, str) else f"{where.host}/{name}"
            patience = Patience(silence=access.pop("silence", 5.0), sleep=waits.append)
            source = RegistrySource(
                parse_name(text), bounds or Bounds(), Access(**access), patience
            )
            stack.callback(source.close)
            return source

        yield make


@pytest.fixture
def read() -> Callable[[RegistrySource, Descriptor], bytes]:
    """A whole blob, checked as every reader does."""

    def whole(source: RegistrySource, descriptor: Descriptor) -> bytes:
        parts: list[bytes] = []
        with open_blob(source, descriptor) as blob:
            while data := blob.read(16 * 1024):
                parts.append(data)
            blob.finish()
        return b"".join(parts)

    return whole


@pytest.fixture
def docker(home: Path):
    """Write Docker's config.json."""

    def write(**value: object) -> Path:
        path = home / ".docker/config.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(value))
        return path

    return write


@pytest.fixture
def helper(tmp_path: Path, monkeypatch):
    """Put ``docker-credential-NAME`` on PATH; gives the file of the servers it was asked for."""

    def write(name: str, script: str) -> Path:
        directory = tmp_path / "bin"
        directory.mkdir(exist_ok=True)
        log = directory / f"{name}.log"
        path = directory / f"docker-credential-{name}"
        path.write_text(f'#!/bin/sh\n[ "$1" = get ] || exit 9\ncat >> {log}\n{script}\n')
        path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{directory}:/usr/bin:/bin")
        return log

    return write
