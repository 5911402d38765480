from __future__ import annotations

import hashlib
import io

import pytest

from auditor.errors import CorruptImageError, ImageError
from auditor.image.blob import Blob, check_digest
from auditor.image.source import Descriptor

DATA = b"content" * 100
DIGEST = f"sha256:{hashlib.sha256(DATA).hexdigest()}"


class Failing(io.BytesIO):
    def read(self, size: int | None = -1, /) -> bytes:
        raise OSError(5, "Input/output error")


def blob(data: bytes, digest: str | None = DIGEST, size: int | None = len(DATA)) -> Blob:
    return Blob(io.BytesIO(data), Descriptor("", digest, size), "the blob")


def test_a_whole_blob_passes_even_if_its_reader_stopped_early() -> None:
    for digest, size in ((DIGEST, len(DATA)), (DIGEST, None), (None, None)):
        with blob(DATA, digest, size) as opened:
            assert opened.read(10) == DATA[:10]
            opened.finish()
            assert opened.count == len(DATA)


def test_a_blob_larger_than_its_descriptor_is_not_read_to_its_end() -> None:
    with pytest.raises(CorruptImageError, match="the blob is larger than the 700 bytes"):
        blob(DATA + b"x").finish()


def test_a_blob_smaller_than_its_descriptor_is_corruption() -> None:
    with pytest.raises(CorruptImageError, match="has 700 bytes where its descriptor says 701"):
        blob(DATA, size=701).finish()


def test_a_changed_blob_is_corruption() -> None:
    with pytest.raises(CorruptImageError, match=f"has the digest sha256:.* where {DIGEST}"):
        blob(DATA[:-1] + b"x").finish()


def test_a_disk_that_fails_is_an_error_of_ours() -> None:
    failing = Blob(Failing(), Descriptor("", DIGEST), "the blob")
    with pytest.raises(ImageError, match="cannot read the blob: Input/output error"):
        failing.finish()


@pytest.mark.parametrize("digest", [DIGEST, "sha512:" + "0" * 128])
def test_good_digests_pass(digest: str) -> None:
    check_digest(digest)


@pytest.mark.parametrize("digest", ["", "sha256:", "sha256:" + "g" * 64, "sha1:" + "0" * 40])
def test_bad_digests_do_not(digest: str) -> None:
    with pytest.raises(CorruptImageError, match="not a digest"):
        check_digest(digest)
