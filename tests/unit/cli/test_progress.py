"""Progress is for people at a terminal, and only for longer work."""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import sys
import termios
import time
from collections.abc import Callable

import pytest

from auditor.cli import progress


@pytest.fixture(autouse=True)
def able(monkeypatch):
    """A terminal that can write over a line."""
    monkeypatch.setenv("TERM", "xterm")


@contextlib.contextmanager
def terminal():
    """Put a pseudo-terminal in the place of stderr; give what was written to it.

    Not a fixture, since pytest sets stderr anew between a test's set-up and its body.
    """
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "w") as stream, os.fdopen(ours, "rb", buffering=0) as written:
        os.set_blocking(ours, False)

        def read() -> bytes:
            stream.flush()
            return written.read(1 << 16) or b""

        with contextlib.redirect_stderr(stream):
            yield read


def until(read: Callable[[], bytes], *parts: bytes) -> bytes:
    """What is written until all parts are there, and what else is there by then."""
    written = b""
    for _ in range(200):
        written += read()
        if all(part in written for part in parts):
            break
        time.sleep(0.02)
    return written + read()


def test_longer_work_shows_its_stage_and_leaves_no_trace(monkeypatch):
    monkeypatch.setattr(progress, "_DELAY", 0.05)
    with terminal() as read:
        with progress.shown(quiet=False, stages=True) as display:
            display.stage("reading \x1b[31mx")
            written = until(read, b"reading")
            display.stage("thinking")
        written += until(read, b"thinking")
    assert b"reading \\x1b[31mx" in written
    assert b"thinking" in written
    assert written.endswith(b"\r\x1b[K")


def test_short_work_shows_nothing():
    with terminal() as read:
        with progress.shown(quiet=False, stages=True) as display:
            display.stage("reading")
        assert read() == b""


def test_quiet_shows_nothing(monkeypatch):
    monkeypatch.setattr(progress, "_DELAY", 0.0)
    with terminal() as read:
        with progress.shown(quiet=True, stages=True) as display:
            display.stage("reading")
            time.sleep(0.05)
        assert read() == b""


def test_no_terminal_no_progress(capsys, monkeypatch):
    monkeypatch.setattr(progress, "_DELAY", 0.0)
    with progress.shown(quiet=False, stages=True) as display:
        display.stage("reading")
        time.sleep(0.05)
    assert capsys.readouterr().err == ""


def test_a_note_stays_and_the_stage_goes_on_below_it(monkeypatch):
    monkeypatch.setattr(progress, "_DELAY", 0.0)
    with terminal() as read:
        with progress.shown(quiet=False, stages=True) as display:
            display.stage("looking")
            written = until(read, b"looking")
            display.note("app is taken from \x1b[31mDocker")
        written += until(read, b"Docker\r\n")
    assert b"\r\x1b[Kauditor: app is taken from \\x1b[31mDocker\r\n" in written
    assert written.endswith(b"\r\x1b[K")


def test_a_note_is_for_pipes_too_but_not_for_the_quiet(capsys):
    for quiet in (False, True):
        with progress.shown(quiet=quiet, stages=False) as display:
            display.note("app is taken from Docker")
    assert capsys.readouterr().err == "auditor: app is taken from Docker\n"


def test_a_stage_never_wraps(monkeypatch):
    monkeypatch.setattr(progress, "_DELAY", 0.0)
    with terminal() as read:
        fcntl.ioctl(sys.stderr.fileno(), termios.TIOCSWINSZ, struct.pack("HHHH", 9, 40, 0, 0))
        with progress.shown(quiet=False, stages=True) as display:
            display.stage(f"reading {'a' * 50} from Docker")
            written = until(read, "…".encode())
    (line,) = {part for part in written.decode().split("\r\x1b[K") if "reading" in part}
    assert len(line) <= 40
    assert line.startswith("reading aaaa")


def test_a_long_stage_shows_how_long_it_takes(monkeypatch):
    monkeypatch.setattr(progress, "_DELAY", 0.0)
    monkeypatch.setattr(progress, "_TICK", 0.02)
    monkeypatch.setattr(progress, "_LONG", 0)
    with terminal() as read, progress.shown(quiet=False, stages=True) as display:
        display.stage("following the entrypoint")
        shown = "following the entrypoint … 0 s".encode()
        written = until(read, shown) + until(read, shown)
    assert written.count(shown) > 1


def test_a_dumb_terminal_shows_no_stage(monkeypatch):
    monkeypatch.setattr(progress, "_DELAY", 0.0)
    monkeypatch.setenv("TERM", "dumb")
    with terminal() as read:
        with progress.shown(quiet=False, stages=True) as display:
            display.stage("reading")
            time.sleep(0.05)
            display.note("app is taken from Docker")
        assert read() == b"auditor: app is taken from Docker\r\n"
