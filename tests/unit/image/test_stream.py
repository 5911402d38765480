from __future__ import annotations

import gzip
import io
from collections.abc import Callable

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from auditor.errors import CorruptImageError
from auditor.image.stream import CHUNK, ByteStream, decompress

DATA = bytes(range(256)) * 5000


class Slow(io.BytesIO):
    """Gives a byte at first, and little later, as a network does."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(1 if self.tell() < 10 else 5000)


@pytest.mark.parametrize("compress", [bytes, gzip.compress, zstandard.compress])
@pytest.mark.parametrize("source", [io.BytesIO, Slow])
def test_every_compression_gives_the_same_bytes(
    compress: Callable[[bytes], bytes], source: type[io.BytesIO]
) -> None:
    chunks = list(decompress(source(compress(DATA)), "layer"))
    assert b"".join(chunks) == DATA
    assert all(chunks)
    assert max(map(len, chunks)) <= CHUNK


def test_gzip_members_one_after_another_are_one_stream() -> None:
    """As eStargz and pigz write them."""
    data = b"".join(gzip.compress(bytes([n]) * 1000) for n in range(50)) + bytes(700)
    expected = b"".join(bytes([n]) * 1000 for n in range(50))
    assert b"".join(decompress(io.BytesIO(data), "layer")) == expected


def test_zstd_frames_and_skippable_frames_are_one_stream() -> None:
    """As zstd:chunked writes them."""
    skippable = b"\x50\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"table"
    data = skippable + zstandard.compress(b"one") + zstandard.compress(b"two") + skippable
    assert b"".join(decompress(io.BytesIO(data), "layer")) == b"onetwo"


def test_garbage_behind_gzip_data_is_corruption() -> None:
    with pytest.raises(CorruptImageError, match="layer is damaged"):
        list(decompress(io.BytesIO(gzip.compress(DATA) + b"garbage" * 10), "layer"))


def test_a_damaged_gzip_checksum_is_corruption() -> None:
    data = bytearray(gzip.compress(DATA))
    data[-6] ^= 1
    with pytest.raises(CorruptImageError, match="layer is damaged"):
        list(decompress(io.BytesIO(data), "layer"))


def test_damaged_zstd_data_is_corruption() -> None:
    data = zstandard.compress(DATA)[:20] + b"\xff" * CHUNK
    with pytest.raises(CorruptImageError, match="layer is damaged"):
        list(decompress(io.BytesIO(data), "layer"))


@given(
    st.lists(st.binary(min_size=1, max_size=50), max_size=10),
    st.lists(st.tuples(st.sampled_from(["take", "skip"]), st.integers(0, 80)), max_size=20),
)
def test_taking_and_skipping_equals_slicing(
    chunks: list[bytes], steps: list[tuple[str, int]]
) -> None:
    data = b"".join(chunks)
    stream = ByteStream(iter(chunks))
    position = 0
    for step, size in steps:
        there = data[position : position + size]
        if step == "take":
            assert stream.take(size) == there
        else:
            assert stream.skip(size) == len(there)
        position += len(there)
