"""A scan that is told to stop while it analyses, or while syft runs, leaves nothing behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PATIENCE = 60.0
"""Seconds in which a scan gets as far as it should, on a busy machine."""
QUICK = 5.0
"""Seconds in which it ends once it is told to."""
STOPS = [signal.SIGINT, signal.SIGTERM]


@contextmanager
def scanning(reference: str, temporary: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "auditor", "scan", reference],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(temporary)},
    )
    with process:
        try:
            yield process
        finally:
            process.kill()
            for left in programs_over(temporary):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(left, signal.SIGKILL)


def maps_lief(process: subprocess.Popen[str], _: Path) -> bool:
    """Whether the library of formats is there: its initialisation has hardly begun by then."""
    return "_lief" in Path(f"/proc/{process.pid}/maps").read_text()


def runs_syft(_: subprocess.Popen[str], temporary: Path) -> bool:
    return bool(programs_over(temporary))


def programs_over(temporary: Path) -> list[int]:
    """Processes that were started with a path in ``temporary``."""
    found = []
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if os.fsencode(temporary) in line.read_bytes():
                found.append(int(line.parent.name))
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended meanwhile
    return found


@pytest.mark.parametrize("stop", STOPS)
@pytest.mark.parametrize("far_enough", [maps_lief, runs_syft])
def test_a_scan_stopped_half_way_ends_what_it_started_and_removes_its_files(
    real_image: Callable[[str], Path],
    tmp_path: Path,
    far_enough: Callable[[subprocess.Popen[str], Path], bool],
    stop: signal.Signals,
) -> None:
    with scanning(f"oci-dir:{real_image('nginx')}", tmp_path) as process:
        end = time.monotonic() + PATIENCE
        while not far_enough(process, tmp_path):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < end
            time.sleep(0.001)
        begun = time.monotonic()
        process.send_signal(stop)
        out, err = process.communicate(timeout=PATIENCE)
        took = time.monotonic() - begun
        left = (programs_over(tmp_path), list(tmp_path.iterdir()))
    assert "Traceback" not in err
    assert "Fatal" not in err
    assert process.returncode in {-stop, 128 + stop}
    assert out == ""
    assert took < QUICK
    assert left == ([], [])
