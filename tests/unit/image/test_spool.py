from __future__ import annotations

import os
import resource
import signal
import tempfile
from pathlib import Path

import pytest

from auditor.errors import ImageError
from auditor.image.spool import Spool


def test_bytes_come_back_by_offset_even_between_writes() -> None:
    spool = Spool()
    spool.write(b"abc")
    assert spool.read(1, 2) == b"bc"
    spool.write(b"def")
    assert (spool.read(0, 100), spool.end) == (b"abcdef", 6)
    spool.close()
    spool.close()


def test_nothing_is_left_in_the_temporary_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    spool = Spool()
    spool.write(b"x" * 3_000_000)
    assert list(tmp_path.iterdir()) == []
    spool.close()


def test_a_full_disk_is_an_error_with_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    spool = Spool()
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
        with pytest.raises(ImageError, match="temporary store") as caught:
            spool.write(b"x" * (4 << 20))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
        spool.close()
    assert "TMPDIR" in (caught.value.hint or "")
    assert os.strerror(27) in str(caught.value)
