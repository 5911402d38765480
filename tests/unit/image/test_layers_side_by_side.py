"""Layers are read at the same time, and the outcome is as if they were read in turn."""

from __future__ import annotations

import hashlib
import io
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from auditor.errors import CorruptImageError
from auditor.image.bounds import Bounds, Budget
from auditor.image.layered import LayeredRootFS
from auditor.image.layers import read_layers
from auditor.image.source import Descriptor, Found, Readable
from auditor.model.image import Platform, Scheme

if TYPE_CHECKING:
    from tests.unit.image.conftest import Builder


class Blobs:
    """A source of layers by number; ``before`` is called with the number of each that is opened."""

    scheme = Scheme.OCI_DIR
    origin = "the test"

    def __init__(self, tars: list[bytes], before: Callable[[int], object]) -> None:
        self.tars = tars
        self.before = before

    def find(self, platform: Platform | None) -> Found:
        raise AssertionError

    def open_blob(self, descriptor: Descriptor) -> Readable:
        number = int(descriptor.location or "")
        self.before(number)
        return io.BytesIO(self.tars[number])

    def indexed(self, descriptor: Descriptor) -> None:
        return None

    def name(self, descriptor: Descriptor) -> str:
        return f"layer {descriptor.location}"

    def close(self) -> None:
        """Nothing is open."""


def read(blobs: Blobs, numbers: list[int]) -> LayeredRootFS:
    diff_ids = tuple(f"sha256:{hashlib.sha256(blobs.tars[n]).hexdigest()}" for n in numbers)
    layers = [Descriptor("", None, location=str(number)) for number in numbers]
    return read_layers(blobs, layers, diff_ids, lambda *_: True, Budget(Bounds()))[0]


def test_a_layer_that_is_slow_to_come_does_not_hold_up_the_next(build: Builder) -> None:
    second_is_open = threading.Event()

    def before(number: int) -> None:
        if number:
            second_is_open.set()
        else:
            assert second_is_open.wait(10), "the second layer was not read meanwhile"

    tars = [build.files({"a": b"1", "b": b"1"}), build.files({"a": b"2"})]
    with read(Blobs(tars, before), [0, 1]) as rootfs:
        assert {e.path: rootfs.read(e) for e in rootfs.entries()} == {"/a": b"2", "/b": b"1"}


def test_of_several_damaged_layers_the_lowest_is_named(build: Builder) -> None:
    whole = build.files({"a": b"text"})

    def before(number: int) -> None:
        time.sleep(0.1 if number == 1 else 0)

    blobs = Blobs([whole, whole[:514], whole[:600]], before)
    for _ in range(3):
        with pytest.raises(CorruptImageError, match="layer 1 is truncated"):
            read(blobs, [0, 1, 2])


def test_a_layer_that_stands_there_twice_is_read_once(build: Builder) -> None:
    opened: Counter[int] = Counter()
    tars = [build.files({"a": b"1"}), build.files({".wh.a": b"", "b": b""})]
    blobs = Blobs(tars, lambda number: opened.update([number]))
    with read(blobs, [0, 1, 0, 1, 0]) as rootfs:
        assert [entry.path for entry in rootfs.entries()] == ["/a", "/b"]
    assert opened == {0: 1, 1: 1}


def test_a_failed_layer_does_not_wait_for_one_that_never_comes(build: Builder) -> None:
    whole = build.files({"a": b"text"})
    ended = threading.Event()
    blobs = Blobs([whole[:514], whole], lambda number: number and ended.wait(30))
    begun = time.monotonic()
    with pytest.raises(CorruptImageError, match="layer 0 is truncated"):
        read(blobs, [0, 1])
    assert time.monotonic() - begun < 10
    ended.set()


def test_many_layers_are_read_by_few_threads(build: Builder) -> None:
    running = 0
    most = 0
    lock = threading.Lock()

    def before(_: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.002)
        with lock:
            running -= 1

    tars = [build.files({f"f{n}": b"x" * n}) for n in range(127)]
    with read(Blobs(tars, before), list(range(127))) as rootfs:
        assert len(list(rootfs.entries())) == 127
    assert 1 < most <= 8
