from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from auditor.errors import CorruptImageError, ImageError, UnreachableError
from auditor.image.registry import Patience
from auditor.image.source import Descriptor

BLOB = bytes(range(256)) * 1024
"""256 KiB."""


@pytest.fixture
def layer(registry, open_source):
    """A source that found its image, and the image's layer."""
    registry.image(BLOB)
    source = open_source(registry, silence=0.2)
    found = source.find(None)
    registry.asked.clear()
    return source, found.manifest.layers[0]


def ranges(registry) -> list[str | None]:
    return [one.headers.get("Range") for one in registry.asked]


def test_a_transfer_that_breaks_goes_on_where_it_stopped(registry, layer, read, waits) -> None:
    registry.fail("/blobs/", registry.drop_after(100_000))
    assert read(*layer) == BLOB
    assert ranges(registry) == [None, "bytes=100000-"]
    assert len(waits) == 1


def test_a_transfer_that_breaks_again_and_again_but_gets_on_is_finished(
    registry, layer, read, waits
) -> None:
    drop = registry.drop_after(65_536 // 2)
    registry.fail("/blobs/", *[drop] * 6)
    assert read(*layer) == BLOB
    assert ranges(registry)[1:] == [f"bytes={n * 32_768}-" for n in range(1, 7)]
    assert len(waits) == 6


def test_a_transfer_that_never_gets_on_is_given_up(registry, layer, read, waits) -> None:
    registry.fail("/blobs/", *[registry.drop_after(0)] * 20)
    with pytest.raises(UnreachableError, match="broke off 5 times, the last time after 0 bytes"):
        read(*layer)
    assert waits == [0.5, 1.0, 2.0, 4.0]


def test_a_server_that_ignores_ranges_is_skipped_forward(registry, layer, read) -> None:
    registry.ranges = False
    registry.fail("/blobs/", registry.drop_after(100_000))
    assert read(*layer) == BLOB
    assert ranges(registry) == [None, "bytes=100000-"]


def test_a_break_while_skipping_forward_is_a_broken_transfer(registry, layer, read) -> None:
    registry.ranges = False
    registry.fail("/blobs/", registry.drop_after(100_000), registry.drop_after(50_000))
    assert read(*layer) == BLOB
    assert ranges(registry) == [None, "bytes=100000-", "bytes=100000-"]


def test_a_blob_that_is_shorter_the_second_time_is_refused(registry, layer, read) -> None:
    def short(handler) -> None:
        handler.send(200, BLOB[:50_000], Content_Encoding="none")

    registry.fail("/blobs/", registry.drop_after(100_000), short)
    with pytest.raises(CorruptImageError, match="in two lengths"):
        read(*layer)


@pytest.mark.parametrize("answered", ["bytes 0-262143/262144", "bytes 100001-262143/262144", "x"])
def test_another_part_than_was_asked_for_is_refused(registry, layer, read, answered: str) -> None:
    registry.fail(
        "/blobs/", registry.drop_after(100_000), registry.status(206, b"x", Content_Range=answered)
    )
    with pytest.raises(ImageError, match="another part"):
        read(*layer)


def test_silence_in_the_middle_of_a_blob_is_a_broken_transfer(registry, layer, read) -> None:
    def stall(handler) -> None:
        registry.answer(handler, registry.asked[-1], most=100_000)
        registry.hang(handler)

    registry.fail("/blobs/", stall)
    assert read(*layer) == BLOB
    assert ranges(registry) == [None, "bytes=100000-"]


def test_a_registry_that_hangs_is_given_up(registry, open_source, waits) -> None:
    registry.fail("/manifests/", *[registry.hang] * 5)
    with pytest.raises(UnreachableError, match=r"not a byte for 0\.05 seconds") as error:
        open_source(registry, silence=0.05).find(None)
    assert registry.host in str(error.value)
    assert "team/app:latest" in str(error.value)
    assert len(waits) == 4


def test_a_dropped_connection_is_tried_again(registry, open_source, waits) -> None:
    registry.image(b"x")
    registry.fail("/manifests/", registry.drop, registry.drop)
    assert open_source(registry).find(None)
    assert waits == [0.5, 1.0]


def test_a_manifest_that_breaks_off_is_asked_for_again(registry, open_source) -> None:
    registry.image(b"x")
    data = registry.manifests["latest"][0]

    def cut(handler) -> None:
        handler.send(200, data[:20], Content_Length=str(len(data)))
        handler.cut()

    registry.fail("/manifests/", cut)
    assert open_source(registry).find(None)
    assert len(registry.asked) == 2
    registry.fail("/manifests/", *[cut] * 5)
    with pytest.raises(UnreachableError, match="the connection broke"):
        open_source(registry).find(None)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_passing_fault_is_waited_out(registry, open_source, waits, status: int) -> None:
    registry.image(b"x")
    registry.fail("/manifests/", registry.status(status), registry.status(status))
    assert open_source(registry).find(None)
    assert waits == [0.5, 1.0]


def test_429_is_tried_again_when_the_registry_says(registry, open_source, waits) -> None:
    registry.image(b"x")
    registry.fail("/manifests/", registry.status(429, Retry_After="7"))
    assert open_source(registry).find(None)
    assert waits == [7.0]


def test_retry_after_may_be_a_date(registry, open_source, waits) -> None:
    registry.image(b"x")
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    registry.fail("/manifests/", registry.status(503, Retry_After=date))
    assert open_source(registry).find(None)
    assert 10 < waits[0] <= 20


@pytest.mark.parametrize(
    ("asked", "waited"),
    [
        ("86400", 30.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("Thu, 01 Jan 1970 00:00:00 -0000", 0.0),
        ("soon", 0.5),
        ("-5", 0.5),
    ],
)
def test_no_wait_is_longer_than_the_cap_or_less_than_nothing(asked: str, waited: float) -> None:
    waits: list[float] = []
    Patience(sleep=waits.append).wait(1, asked)
    assert waits == [waited]


def test_too_many_requests_end_in_a_sentence_after_five_tries(registry, open_source, waits) -> None:
    registry.fail("/manifests/", *[registry.status(429, Retry_After="1")] * 9)
    with pytest.raises(UnreachableError, match="too many requests, for image team/app:latest"):
        open_source(registry).find(None)
    assert len(registry.asked) == 5
    assert waits == [1.0] * 4


def test_a_broken_registry_ends_in_a_sentence_with_its_status(registry, open_source) -> None:
    registry.fail("/manifests/", *[registry.status(503, b"<html>")] * 5)
    with pytest.raises(UnreachableError, match="answers 503 Service Unavailable"):
        open_source(registry).find(None)


def test_another_refusal_is_not_tried_again(registry, open_source, waits) -> None:
    registry.fail("/manifests/", registry.status(400))
    with pytest.raises(ImageError, match="answers 400 Bad Request"):
        open_source(registry).find(None)
    assert (len(registry.asked), waits) == (1, [])


def test_a_wrong_blob_is_refused_and_not_tried_again(registry, layer, read) -> None:
    source, descriptor = layer
    registry.blobs[descriptor.digest] = BLOB[::-1]
    with pytest.raises(CorruptImageError, match="has the digest"):
        read(source, descriptor)
    assert len(registry.asked) == 1


@pytest.mark.parametrize("length", [100, 10**12])
def test_a_blob_of_another_size_is_refused_before_it_is_read(registry, layer, length: int) -> None:
    source, descriptor = layer
    registry.fail("/blobs/", registry.status(200, b"", Content_Length=str(length)))
    with pytest.raises(CorruptImageError, match=f"has {length} bytes .* says 262144"):
        source.open_blob(descriptor)


def test_a_blob_without_a_length_is_read_and_an_early_end_is_a_broken_transfer(
    registry, layer, read
) -> None:
    def unsaid(handler) -> None:
        handler.send_response(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.wfile.write(BLOB[:100_000])
        handler.cut()

    registry.fail("/blobs/", unsaid)
    assert read(*layer) == BLOB
    assert ranges(registry) == [None, "bytes=100000-"]


def test_more_bytes_than_the_descriptor_says_are_noticed(registry, layer, read) -> None:
    def more(handler) -> None:
        handler.send_response(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.wfile.write(BLOB + b"more")
        handler.cut()

    registry.fail("/blobs/", more)
    with pytest.raises(CorruptImageError, match="larger than the 262144 bytes"):
        read(*layer)


def test_a_blob_of_unknown_size_is_read_to_its_end(registry, layer, read) -> None:
    source, descriptor = layer
    assert read(source, Descriptor(descriptor.media_type, descriptor.digest)) == BLOB


def test_a_reader_that_stops_early_harms_nobody(registry, layer, read) -> None:
    source, descriptor = layer
    stream = source.open_blob(descriptor)
    assert stream.read(10) == BLOB[:10]
    stream.close()
    stream.close()
    assert stream.read(10) == b""
    assert read(source, descriptor) == BLOB


def test_blobs_are_read_by_several_threads_at_once(registry, open_source, read) -> None:
    layers = [bytes([n]) * 200_000 for n in range(6)]
    registry.image(*layers)
    source = open_source(registry)
    descriptors = source.find(None).manifest.layers
    got: dict[int, bytes] = {}

    def one(index: int) -> None:
        got[index] = read(source, descriptors[index])

    threads = [threading.Thread(target=one, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [got[n] for n in range(6)] == layers
    assert len(registry.paths("/blobs/")) == 6


def test_nobody_at_the_port_is_a_sentence_and_not_tried_again(open_source, waits) -> None:
    with pytest.raises(UnreachableError, match=r"registry 127\.0\.0\.1:1 cannot be asked") as error:
        open_source("127.0.0.1:1/team/app").find(None)
    assert "connection refused" in str(error.value)
    assert waits == []


def test_a_name_that_nobody_knows_is_a_sentence(open_source) -> None:
    with pytest.raises(UnreachableError, match="its name cannot be resolved"):
        open_source("registry.invalid/team/app").find(None)


# Redirects


def test_credentials_do_not_follow_a_blob_to_another_host(
    registry, serve, open_source, read, monkeypatch
) -> None:
    store = serve()
    store.blob(BLOB)
    manifest = registry.image(BLOB)
    registry.ask_basic("user", "secret")
    monkeypatch.setenv("AUDITOR_REGISTRY_USERNAME", "user")
    monkeypatch.setenv("AUDITOR_REGISTRY_PASSWORD", "secret")
    source = open_source(registry)
    layer = source.find(None).manifest.layers[0]
    target = f"http://{store.host}/v2/x/blobs/{layer.digest}?signature=s"
    registry.fail("/blobs/", registry.status(307, Location=target, Set_Cookie="id=1"))
    assert read(source, layer) == BLOB
    assert manifest.digest
    assert registry.asked[-1].headers["Authorization"].startswith("Basic ")
    (asked,) = store.asked
    assert "Authorization" not in asked.headers
    assert "Cookie" not in asked.headers


def test_credentials_follow_a_redirect_within_the_host(
    registry, open_source, read, monkeypatch
) -> None:
    registry.image(BLOB)
    registry.ask_basic("user", "secret")
    monkeypatch.setenv("AUDITOR_REGISTRY_USERNAME", "user")
    monkeypatch.setenv("AUDITOR_REGISTRY_PASSWORD", "secret")
    source = open_source(registry)
    layer = source.find(None).manifest.layers[0]
    registry.fail("/team/app/blobs/", registry.status(302, Location=f"/v2/b/blobs/{layer.digest}"))
    assert read(source, layer) == BLOB


def test_a_host_that_is_redirected_to_gets_no_credentials_when_it_asks(
    registry, serve, open_source, monkeypatch
) -> None:
    thief = serve()
    thief.ask_basic("user", "secret")
    registry.image(BLOB)
    monkeypatch.setenv("AUDITOR_REGISTRY_USERNAME", "user")
    monkeypatch.setenv("AUDITOR_REGISTRY_PASSWORD", "secret")
    source = open_source(registry)
    layer = source.find(None).manifest.layers[0]
    registry.fail("/blobs/", registry.status(307, Location=f"http://{thief.host}/x/blobs/y"))
    with pytest.raises(ImageError, match="refuses access"):
        source.open_blob(layer)
    assert [one.headers.get("Authorization") for one in thief.asked] == [None]


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("file:///etc/passwd", "redirects to file: address"),
        ("ftp://example.com/x", "redirects to ftp: address"),
        ("http://[/", "no address"),
    ],
)
def test_a_redirect_to_anything_but_http_is_refused(
    registry, layer, target: str, said: str
) -> None:
    source, descriptor = layer
    registry.fail("/blobs/", registry.status(302, Location=target))
    with pytest.raises(UnreachableError, match=said):
        source.open_blob(descriptor)
    assert len(registry.asked) == 1


def test_redirects_in_a_circle_end(registry, layer) -> None:
    source, descriptor = layer
    circle = registry.status(302, Location=f"/v2/team/app/blobs/{descriptor.digest}")
    registry.fail("/blobs/", *[circle] * 20)
    with pytest.raises(UnreachableError, match="redirects more than 5 times"):
        source.open_blob(descriptor)
    assert len(registry.asked) == 6
