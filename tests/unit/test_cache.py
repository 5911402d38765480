"""The user's cache is private, is never trusted blindly, and nobody misses it where it is not."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from auditor.cache import LARGEST, cache_directory, keep_newest, recall, remember

GiveAway = Callable[[Path], None]


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Open a room of a cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    found = cache_directory("room")
    assert found is not None
    return found


@pytest.fixture
def give_away(monkeypatch: pytest.MonkeyPatch) -> GiveAway:
    """Let a path belong to somebody else; who may not do that becomes another user."""

    def act(path: Path) -> None:
        me = os.geteuid()
        if me == 0:
            os.chown(path, 12345, -1, follow_symlinks=False)
        else:
            monkeypatch.setattr(os, "geteuid", lambda: me + 1)

    return act


def test_a_room_lies_where_the_environment_says(room: Path, tmp_path: Path) -> None:
    assert room == tmp_path / "cache" / "auditor" / "room"
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o700 for path in (room, room.parent))


@pytest.mark.parametrize("given", ["", "relative/cache"])
def test_or_else_below_the_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", given)

    assert cache_directory("room") == tmp_path / ".cache" / "auditor" / "room"


@pytest.mark.parametrize("home", ["absent", "/dev/null", "relative", "/proc"])
def test_without_a_home_there_is_none_and_nothing_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / home) if home == "absent" else home)

    assert cache_directory("room") is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("variable", ["HOME", "XDG_CACHE_HOME"])
def test_nothing_is_made_in_a_folder_of_somebody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, give_away: GiveAway, variable: str
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv(variable, str(tmp_path))
    give_away(tmp_path)

    assert cache_directory("room") is None
    assert list(tmp_path.iterdir()) == []


def test_a_folder_or_link_that_somebody_else_put_there_is_not_taken(
    room: Path, tmp_path: Path, give_away: GiveAway
) -> None:
    room.rename(tmp_path / "mine")
    room.symlink_to(tmp_path / "mine")
    assert cache_directory("room") == room, "one's own link is one's own choice"

    give_away(room)

    assert cache_directory("room") is None


def test_what_was_remembered_is_recalled(room: Path) -> None:
    remember(room / "one", b"first")
    remember(room / "one", b"second")

    assert recall(room / "one") == b"second"
    assert stat.S_IMODE((room / "one").stat().st_mode) == 0o600
    assert [path.name for path in room.iterdir()] == ["one"]


def test_nothing_is_recalled_that_was_not_remembered_under_that_name(room: Path) -> None:
    remember(room / "one", b"first")
    (room / "one").rename(room / "two")
    (room / "three").write_bytes(b"short")
    (room / "four").mkdir()
    os.mkfifo(room / "five")

    for name in ("one", "two", "three", "four", "five"):
        assert recall(room / name) is None


def test_a_link_is_not_followed(room: Path, tmp_path: Path) -> None:
    remember(tmp_path / "one", b"first")
    (room / "one").symlink_to(tmp_path / "one")

    assert recall(tmp_path / "one") == b"first"
    assert recall(room / "one") is None


def test_a_file_that_others_may_write_is_not_trusted(room: Path) -> None:
    remember(room / "one", b"first")
    (room / "one").chmod(0o620)

    assert recall(room / "one") is None


def test_a_file_of_somebody_else_is_not_trusted(room: Path, give_away: GiveAway) -> None:
    remember(room / "one", b"first")
    give_away(room / "one")

    assert recall(room / "one") is None


def test_a_file_beyond_all_bounds_is_not_read(room: Path) -> None:
    with (room / "one").open("wb") as stream:
        stream.truncate(LARGEST + 1)
    (room / "one").chmod(0o600)

    assert recall(room / "one") is None


def test_where_nothing_can_be_written_nobody_is_told(room: Path) -> None:
    (room / "one").mkdir()
    (room / "one" / "below").touch()

    remember(room / "one", b"first")
    remember(room / "absent" / "one", b"first")
    keep_newest(room / "absent", 1)

    assert [path.name for path in room.iterdir()] == ["one"]


def test_what_was_used_last_stays(room: Path) -> None:
    for age, name in enumerate(("new", "old", "older", "used")):
        remember(room / name, b"content")
        os.utime(room / name, (1_000_000_000 - age, 1_000_000_000 - age))
    recall(room / "used")

    keep_newest(room, 2)

    assert sorted(path.name for path in room.iterdir()) == ["new", "used"]
