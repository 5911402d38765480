from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from auditor.image import Bounds
from auditor.inventory.packages import Cataloguing
from auditor.inventory.packages.program import find_syft


@pytest.fixture
def rootfs(root_of):
    return root_of({"/var/lib/dpkg/status": "Package: nginx\n"})


@pytest.fixture(autouse=True)
def temporary(tmp_path_factory, monkeypatch):
    """Where temporary folders are made in these tests."""
    folder = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def ask(rootfs, path, *, limit=20.0):
    with Cataloguing(rootfs, Bounds(), program=str(path), time_limit=limit) as run:
        return run.packages()


def test_the_answer_is_read_and_nothing_is_left_behind(rootfs, program, recorded, temporary):
    found = ask(rootfs, program(f"cat {recorded('debian.json')}"))
    assert [package.name for package in found.packages][-2:] == ["nginx", "nginx-common"]
    assert found.by == "syft 1.18.1"
    assert found.unknowns == ()
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("exit 3", "packages are not known: syft ended with exit code 3"),
        ("kill -SEGV $$", "packages are not known: syft was ended by SIGSEGV"),
        ("echo hello", "what it printed is not syft's JSON"),
        ("exit 0", "what it printed is not syft's JSON"),
        ("""echo '{"artifacts": [], "schema": {"version": "99.0.0"}}'""", "schema 99.0.0"),
        ("""echo '{"artifacts": [], "schema": {}}'""", "schema without a version"),
        ("""printf '%s' '{"artifacts": [' ; head -c 100000 /dev/zero""", "not syft's JSON"),
    ],
)
def test_a_syft_that_fails_costs_one_unknown(rootfs, program, temporary, body, reason):
    found = ask(rootfs, program(body))
    assert found.packages == ()
    (unknown,) = found.unknowns
    assert reason in unknown.reason
    assert unknown.stage == "packages"
    assert unknown.component is None
    assert unknown.weight == 0
    assert str(temporary) not in unknown.reason
    assert list(temporary.iterdir()) == []


def test_a_syft_that_hangs_is_ended_with_all_that_it_started(
    rootfs, program, temporary, tmp_path_factory
):
    note = tmp_path_factory.mktemp("note") / "pid"
    started = time.monotonic()
    found = ask(rootfs, program(f"sleep 60 &\necho $! > {note}\nwait"), limit=1)
    assert time.monotonic() - started < 30
    assert found.unknowns[0].reason == "packages are not known: syft gave no answer within 1 s"
    until = time.monotonic() + 10
    while not _is_gone(int(note.read_text())) and time.monotonic() < until:
        time.sleep(0.05)
    assert _is_gone(int(note.read_text()))
    assert list(temporary.iterdir()) == []


def _is_gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state in {"Z", "X"}


def test_leaving_early_ends_it(rootfs, program, temporary):
    with (
        pytest.raises(KeyboardInterrupt),
        Cataloguing(rootfs, Bounds(), program=str(program("sleep 60"))),
    ):
        raise KeyboardInterrupt
    assert list(temporary.iterdir()) == []


class Interrupted(subprocess.Popen[bytes]):
    """A program whose start is interrupted just when it runs."""

    started: list[int] = []  # noqa: RUF012 - what a test looks at

    def __init__(self, *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        self.started.append(self.pid)
        signal.raise_signal(signal.SIGINT)


def test_an_interrupt_while_it_is_being_started_ends_it(rootfs, program, temporary, monkeypatch):
    monkeypatch.setattr("subprocess.Popen", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        Cataloguing(rootfs, Bounds(), program=str(program("sleep 60")))
    assert _is_gone(Interrupted.started[-1])
    assert list(temporary.iterdir()) == []


def test_a_program_that_is_not_there_costs_one_unknown(rootfs, tmp_path):
    (unknown,) = ask(rootfs, tmp_path / "absent").unknowns
    assert unknown.reason == f"packages are not known: there is no program {tmp_path}/absent"


def test_a_file_that_cannot_be_run_costs_one_unknown(rootfs, tmp_path_factory):
    path = tmp_path_factory.mktemp("bad") / "syft"
    path.write_bytes(b"\x7fELF no program")
    path.chmod(0o755)
    (unknown,) = ask(rootfs, path).unknowns
    assert unknown.reason.startswith("packages are not known: syft cannot be started")


def test_too_much_to_hand_over_costs_one_unknown(root_of, program):
    rootfs = root_of({"/app.jar": b"x" * (2 << 20)})
    with Cataloguing(rootfs, Bounds(store_size=1 << 20), program=str(program("exit 9"))) as run:
        (unknown,) = run.packages().unknowns
    assert "larger than 1 MiB (--limit store-size)" in unknown.reason


def test_an_image_without_packages_starts_no_program(root_of, program, tmp_path_factory):
    mark = tmp_path_factory.mktemp("mark") / "ran"
    found = ask(root_of({"/etc/motd": "hi"}), program(f"touch {mark}"))
    assert found.packages == ()
    assert found.by is None
    assert found.unknowns == ()
    assert not mark.exists()


def test_it_is_told_nothing_of_our_environment(rootfs, program, monkeypatch, tmp_path_factory):
    seen = tmp_path_factory.mktemp("seen")
    monkeypatch.setenv("AUDITOR_REGISTRY_PASSWORD", "sesame")
    monkeypatch.setenv("HTTPS_PROXY", "http://user:sesame@proxy")
    ask(rootfs, program(f'env > {seen}/env; pwd > {seen}/cwd; echo "$@" > {seen}/arguments'))
    environment = (seen / "env").read_text()
    assert "sesame" not in environment
    assert "SYFT_CHECK_FOR_APP_UPDATE=false" in environment
    assert "HOME=/" in environment
    assert str(Path.home()) != (seen / "cwd").read_text().strip()
    assert "--override-default-catalogers image" in (seen / "arguments").read_text()


def test_the_program_on_path_comes_before_the_wheel(program, monkeypatch):
    path = program("exit 0")
    monkeypatch.setenv("PATH", f"{path.parent}{os.pathsep}/usr/bin")
    assert find_syft() == path


def test_the_wheel_comes_last_and_its_program_is_taken_without_the_script(monkeypatch):
    monkeypatch.setenv("PATH", "")
    bare = find_syft()
    assert bare is not None
    assert bare.read_bytes()[:4] == b"\x7fELF"
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    assert find_syft() == bare


def test_the_program_that_was_named_is_the_only_one(program):
    assert find_syft(str(program("exit 0"))) == program("exit 0")
    assert find_syft("/absent/syft") is None


def test_names_that_are_no_text_can_be_told(root_of, program):
    rootfs = root_of({"/d" * 300 + "/\udcff.jar": "x", "/srv/package.json": "{}"})
    (*_, unknown) = ask(rootfs, program("exit 1")).unknowns
    assert unknown.reason.endswith("exit code 1")
    (lost, _) = ask(rootfs, program("exit 1")).unknowns
    assert lost.reason.endswith("\\udcff.jar")
    assert lost.reason.encode()
