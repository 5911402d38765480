from __future__ import annotations

import json
import subprocess
import sys
import threading
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from auditor.errors import (
    AccessDeniedError,
    ImageError,
    ImageNotFoundError,
    PlatformError,
    UnreachableError,
    UsageError,
)
from auditor.image.engine import Export, Patience, open_export
from auditor.model.image import Platform, Scheme

IDENTITY = f"sha256:{'ab' * 32}"
FIXTURES = Path(__file__).parents[4] / "fixtures/small/docker-containerd"
SHORT = Patience(connect=0.3, answer=0.3, stream=0.3)
ARM = Platform("linux", "arm64")
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def take(engine, name: str = "app", platform: Platform | None = None) -> Export:
    return open_export(Scheme.DOCKER, name, platform, environ=engine.environ, patience=SHORT)


def read(engine, size: int = 1 << 16, **more) -> bytes:
    with closing(take(engine, **more).stream) as stream:
        return b"".join(iter(lambda: stream.read(size), b""))


@pytest.mark.parametrize("name", ["all-platforms.tar", "one-platform.tar"])
@pytest.mark.parametrize("size", [1000, 1 << 20])
def test_an_archive_arrives_byte_for_byte(fake_engine, name, size):
    data = (FIXTURES / name).read_bytes()
    fake_engine.gives("/get", data)
    assert read(fake_engine, size) == data


def test_a_chunked_archive_arrives_byte_for_byte(fake_engine):
    chunks = (b"5\r\nfirst\r\n", b"6\r\nsecond\r\n", b"0\r\n\r\n")
    fake_engine.sends("/get", CHUNKED, *chunks)
    assert read(fake_engine, 4) == b"firstsecond"


def test_no_read_gives_more_than_was_asked_for(fake_engine):
    fake_engine.gives("/get", b"x" * 1000)
    with closing(take(fake_engine).stream) as stream:
        assert [len(stream.read(300)) for _ in range(5)] == [300, 300, 300, 100, 0]


def test_the_export_says_where_it_is_from_and_what_it_is(fake_engine):
    fake_engine.image(Variant="v3", RepoDigests=["app@sha256:1"])
    export = take(fake_engine)
    export.stream.close()
    assert export.origin == f"Docker at unix://{fake_engine.path}"
    assert export.image_id == IDENTITY
    assert export.digest == "sha256:1"
    assert export.platform == Platform("linux", "amd64", "v3")
    assert fake_engine.asked == [
        "/version",
        "/v1.41/images/app/json",
        f"/v1.41/images/{IDENTITY}/get",
    ]


def test_an_engine_that_does_not_know_the_platform_leaves_it_open(fake_engine):
    fake_engine.image(Os="", Architecture="")
    export = take(fake_engine)
    export.stream.close()
    assert export.platform is None


@pytest.mark.parametrize(
    ("name", "known", "expected"),
    [
        ("app", [], None),
        ("app", None, None),
        ("app:1", ["docker.io/library/app@sha256:1", "far.example/app@sha256:2"], "sha256:1"),
        ("far.example:5000/app:1", ["app@sha256:1", "far.example:5000/app@sha256:2"], "sha256:2"),
        ("short", ["localhost/short@sha256:3"], "sha256:3"),
        ("abcdef", ["one@sha256:1", "two@sha256:2"], None),
        ("app@sha256:2", ["app@sha256:1", "app@sha256:2"], "sha256:2"),
        ("app", ["broken"], None),
    ],
)
def test_the_digest_is_the_one_of_the_repository_asked_for(fake_engine, name, known, expected):
    fake_engine.image(RepoDigests=known)
    export = take(fake_engine, name)
    export.stream.close()
    assert export.digest == expected


def test_without_a_repository_the_containerd_store_still_knows_the_digest(fake_engine):
    fake_engine.image(Descriptor={"mediaType": "x", "digest": "sha256:9", "size": 1})
    export = take(fake_engine)
    export.stream.close()
    assert export.digest == "sha256:9"


@pytest.mark.parametrize(
    "name", ["", "a b", "../containers", "a/../b", "a//b", "a?b", "a#b", "a%2e", "-a", "ä", "a\n"]
)
def test_what_is_no_name_is_never_sent(fake_engine, name):
    with pytest.raises(UsageError, match="is no name of an image"):
        take(fake_engine, name)
    assert fake_engine.asked == []


def test_a_name_that_the_engine_takes_for_none_is_a_usage_error(fake_engine):
    fake_engine.says("/json", {"message": "repository name must be lowercase"}, 400)
    with pytest.raises(UsageError, match="takes 'App' for no name: repository name must be"):
        take(fake_engine, "App")


def test_an_absent_image_comes_with_what_to_do(fake_engine):
    fake_engine.says("/json", {"message": "No such image: app"}, 404)
    with pytest.raises(ImageNotFoundError, match="has no image 'app'") as caught:
        take(fake_engine)
    assert caught.value.hint == "docker pull app, or scan registry:app"


def test_an_image_that_goes_away_meanwhile_is_absent(fake_engine):
    fake_engine.says("/get", {"message": "No such image"}, 404)
    with pytest.raises(ImageNotFoundError):
        take(fake_engine)


class TestPlatforms:
    def test_an_older_engine_is_not_asked_for_one(self, fake_engine):
        fake_engine.version("1.47")
        with pytest.raises(PlatformError, match="not there for linux/arm64; it has linux/amd64"):
            take(fake_engine, platform=ARM)
        assert not any(path.endswith("/get") for path in fake_engine.asked)
        assert read(fake_engine, platform=Platform("linux", "amd64")) == b"archive"
        assert "platform" not in fake_engine.asked[-1]

    @pytest.mark.parametrize("version", ["1.48", "1.52", "2.0"])
    def test_a_newer_engine_is_asked_for_one_of_several(self, fake_engine, version):
        fake_engine.version(version)
        export = take(fake_engine, platform=ARM)
        export.stream.close()
        assert export.platform == ARM
        asked = json.loads(fake_engine.asked[-1].partition("?platform=")[2].replace("+", " "))
        assert asked == {"os": "linux", "architecture": "arm64"}

    def test_what_the_engine_has_is_asked_for_with_its_variant(self, fake_engine):
        fake_engine.version("1.48")
        fake_engine.image(Architecture="arm", Variant="v6")
        export = take(fake_engine, platform=Platform("linux", "arm"))
        export.stream.close()
        assert export.platform == Platform("linux", "arm", "v6")
        assert '"variant":' in fake_engine.asked[-1]

    def test_one_that_a_newer_engine_lacks_is_refused(self, fake_engine):
        fake_engine.version("1.48")
        fake_engine.says("/get", {"message": "does not match the specified platform"}, 404)
        with pytest.raises(PlatformError, match="not there for linux/arm64"):
            take(fake_engine, platform=ARM)

    def test_nobody_asks_where_none_is_wanted(self, fake_engine):
        fake_engine.version("1.52")
        assert read(fake_engine) == b"archive"
        assert "platform" not in fake_engine.asked[-1]


class TestAnswersThatMakeNoSense:
    @pytest.mark.parametrize(
        "body", [b"", b"<html>", b"[]", b"{}", b'{"ApiVersion": 1}', b"\xff\xfe", b"[" * 100_000]
    )
    def test_a_version_that_is_none(self, fake_engine, body):
        fake_engine.gives("/version", body)
        with pytest.raises(UnreachableError, match="makes no sense"):
            take(fake_engine)

    @pytest.mark.parametrize("version", ["banana", "", "1.", "v1.41", "1.٣", "1/../.."])
    def test_a_version_that_is_no_number(self, fake_engine, version):
        fake_engine.version(version)
        with pytest.raises(UnreachableError, match="names a version that is none"):
            take(fake_engine)

    def test_a_version_that_is_too_old(self, fake_engine):
        fake_engine.version("1.12")
        with pytest.raises(UnreachableError, match=r"too old: it speaks version 1\.12") as caught:
            take(fake_engine)
        assert "docker save IMAGE | auditor scan -" in str(caught.value.hint)

    @pytest.mark.parametrize("body", [b"", b"{}", b'{"Id": 1}', b'{"Id": "a", "Os": []}'])
    def test_a_description_that_is_none(self, fake_engine, body):
        fake_engine.gives("/json", body)
        with pytest.raises(ImageError, match="makes no sense"):
            take(fake_engine)

    @pytest.mark.parametrize("identity", ["", "x", "../../containers/1", "sha256:abc"])
    def test_an_id_that_is_none(self, fake_engine, identity):
        fake_engine.image(Id=identity)
        with pytest.raises(ImageError, match="an ID that is none"):
            take(fake_engine)

    def test_an_answer_without_end(self, fake_engine):
        fake_engine.gives("/json", b" " * (17 << 20))
        with pytest.raises(ImageError, match="has more than 16777216 bytes"):
            take(fake_engine)

    def test_something_else_than_http(self, fake_engine):
        fake_engine.sends("/version", b"SSH-2.0-OpenSSH\r\n")
        with pytest.raises(UnreachableError):
            take(fake_engine)

    def test_a_connection_that_is_closed_without_a_word(self, fake_engine):
        fake_engine.sends("/version")
        with pytest.raises(UnreachableError, match="closed connection without response"):
            take(fake_engine)

    def test_a_redirect_is_not_followed(self, fake_engine):
        moved = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
        fake_engine.sends("/json", moved)
        with pytest.raises(ImageError, match="cannot describe 'app'"):
            take(fake_engine)


class TestRefusals:
    @pytest.mark.parametrize(("end", "what"), [("/json", "describe"), ("/get", "export")])
    def test_an_error_is_told_in_the_engines_words(self, fake_engine, end, what):
        fake_engine.says(end, {"message": "layer \x1b[31mdoes not\nexist"}, 500)
        expected = rf"cannot {what} 'app': layer \?\[31mdoes not exist"
        with pytest.raises(ImageError, match=expected):
            take(fake_engine)

    @pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"message": ""}'])
    def test_an_error_without_words(self, fake_engine, body):
        fake_engine.gives("/version", body, 503)
        with pytest.raises(UnreachableError, match=r"answers with an error \(503\)"):
            take(fake_engine)

    @pytest.mark.parametrize("end", ["/json", "/get"])
    def test_an_engine_that_refuses(self, fake_engine, end):
        fake_engine.says(end, {"message": "authorization denied by plugin"}, 403)
        with pytest.raises(AccessDeniedError, match="refuses: authorization denied by plugin"):
            take(fake_engine)


class TestHanging:
    @pytest.mark.parametrize("end", ["/version", "/json", "/get"])
    def test_an_engine_that_never_answers(self, fake_engine, end):
        fake_engine.hangs(end)
        with pytest.raises(UnreachableError, match="no answer in time"):
            take(fake_engine)

    def test_an_archive_that_stops_coming(self, fake_engine):
        fake_engine.hangs("/get", CHUNKED, b"5\r\nfirst\r\n")
        expected = "stopped while it sent 'app': nothing came in time"
        with pytest.raises(ImageError, match=expected):
            read(fake_engine)

    def test_closing_does_not_wait_for_the_rest(self, fake_engine):
        fake_engine.hangs("/get", CHUNKED, b"5\r\nfirst\r\n")
        stream = take(fake_engine).stream
        assert stream.read(5) == b"first"
        stream.close()
        stream.close()
        with pytest.raises(ValueError, match="closed"):
            stream.read(5)


class TestBreakingOff:
    @pytest.mark.parametrize(
        "pieces",
        [
            (CHUNKED, b"5\r\nfirst\r\n"),
            (CHUNKED, b"5\r\nfirst\r\n", b"ff\r\nonly this"),
            (CHUNKED, b"5\r\nfirst\r\n", b"nonsense\r\n"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", b"first"),
        ],
    )
    def test_an_archive_that_ends_too_soon_is_no_end(self, fake_engine, pieces):
        fake_engine.sends("/get", *pieces)
        with pytest.raises(ImageError, match="stopped while it sent 'app'"):
            read(fake_engine)

    @pytest.mark.parametrize("size", [100, 1 << 16])
    def test_what_docker_appends_when_it_fails_half_way_is_told(self, fake_engine, size):
        told = b'{"errorDetail":{"message":"no space left"},"error":"no space left"}\r\n'
        fake_engine.gives("/get", b"x" * 5000 + told)
        with pytest.raises(ImageError, match="stopped while it sent 'app': no space left"):
            read(fake_engine, size)

    @pytest.mark.parametrize("end", [b'{"errorDetail"', b'{"errorDetail":{}}', b"\0" * 1024])
    def test_an_archive_that_looks_like_it_is_an_archive(self, fake_engine, end):
        fake_engine.gives("/get", b"x" * 5000 + end)
        assert read(fake_engine) == b"x" * 5000 + end


@pytest.mark.parametrize("text", ["{", '{"auths": {"a": {}}}', '{"auths": []}'])
def test_logins_that_make_no_sense_are_passed_over(fake_engine, text, tmp_path, monkeypatch):
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "config.json").write_text(text)
    assert read(fake_engine) == b"archive"


@pytest.mark.parametrize("text", ["[]", '"x"', '{"proxies": 1}'])
def test_settings_that_the_sdk_stumbles_over_are_told(fake_engine, text, tmp_path, monkeypatch):
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(UsageError, match=r"config\.json is not what Docker writes"):
        take(fake_engine)


def test_a_host_elsewhere_is_asked_through_the_proxy_of_the_environment(monkeypatch):
    asked = []

    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(502, "the proxy says no")

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            """Quiet."""

    with HTTPServer(("127.0.0.1", 0), Proxy) as server:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        with pytest.raises(UnreachableError, match=r"answers with an error \(502\)"):
            open_export(
                Scheme.DOCKER, "app", None, environ={"DOCKER_HOST": "tcp://engine.invalid:2375"}
            )
        thread.join()
    assert asked == ["http://engine.invalid:2375/version"]


@pytest.mark.parametrize("scheme", [Scheme.DOCKER, Scheme.PODMAN])
def test_where_no_engine_is_the_sdk_is_not_loaded(scheme, tmp_path):
    code = f"""
import sys
from auditor.errors import UnreachableError
from auditor.image.engine import open_export
from auditor.model.image import Scheme
try:
    open_export(Scheme({scheme.value!r}), "app", None, environ={{
        "HOME": {str(tmp_path)!r},
        "DOCKER_HOST": "unix://{tmp_path}/none", "CONTAINER_HOST": "unix://{tmp_path}/none"}})
except UnreachableError:
    print(sorted({{"docker", "requests", "urllib3"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
