"""Follow applications made of the sample classes, laid out as a test wants them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import pytest

from auditor.applications.follow import Followed, follow
from auditor.applications.jvm import make
from auditor.applications.language import Context, Start
from auditor.tables import load

SAMPLES = Path(__file__).parents[4] / "fixtures/small/java/samples.jar"
Content = Mapping[str, bytes]


@cache
def classes() -> dict[str, bytes]:
    with zipfile.ZipFile(SAMPLES) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def sample() -> Callable[..., dict[str, bytes]]:
    """Class files of packages or of single classes, below a folder."""

    def chosen(*starts: str, below: str = "") -> dict[str, bytes]:
        found = {f"{below}{n}": data for n, data in classes().items() if n.startswith(starts)}
        assert found, starts
        return found

    return chosen


@pytest.fixture
def jar() -> Callable[..., bytes]:
    """An archive of files, with attributes for its manifest."""

    def packed(content: Content, **manifest: str) -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            if manifest:
                lines = [f"{key.replace('_', '-')}: {value}" for key, value in manifest.items()]
                archive.writestr("META-INF/MANIFEST.MF", "\r\n".join([*lines, ""]))
            for name, data in content.items():
                archive.writestr(name, data)
        return out.getvalue()

    return packed


class Run:
    """One start, and what following it came to."""

    def __init__(self, started: Start, found: Followed) -> None:
        self.start = started
        self.found = found

    @property
    def capabilities(self) -> set[str]:
        return {asked.api.capability for asked in self.found.asked.values()}

    @property
    def members(self) -> set[str]:
        return {module.member for module in self.found.modules.values()}

    @property
    def own(self) -> set[str]:
        return {module.member for module in self.found.modules.values() if module.own}

    @property
    def reasons(self) -> str:
        return "\n".join(f"{one.path}: {one.reason}" for one in sorted(self.found.unknowns))


@pytest.fixture
def run(root_of) -> Callable[..., Run]:
    """Lay out a tree and follow the command line of java in it."""

    def ran(
        tree: Mapping[str, bytes | str],
        *words: str | None,
        env: Mapping[str, str] | None = None,
        workdir: str = "/",
        program: str = "java",
    ) -> Run:
        tables = load()
        language = make(Context(root_of(tree), env or {}, workdir, tables))
        started = language.start((program, *words))
        return Run(started, follow(language, started, tables.apis["java"]))

    return ran
