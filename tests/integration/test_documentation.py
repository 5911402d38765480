"""The documentation builds without a warning, and what it shows works as shown."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools.docs import examples, picture

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ELSEWHERE = re.compile(r"<(?:script|img|link|iframe)\b[^>]*\b(?:src|href)=[\"']?(?:https?:)?//")


def blocks(page: str, language: str) -> list[str]:
    text = (ROOT / "docs" / page).read_text()
    return [content for word, content in BLOCK.findall(text) if word == language]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return folder


def test_it_builds_without_a_warning_and_loads_nothing_from_elsewhere(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 25
    for page in pages:
        html = page.read_text()
        assert ELSEWHERE.search(html) is None, page
        assert "<!-- made from the code" not in html, page
        assert "--8&lt;--" not in html, page


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("reference/cli.html", ["--fail-on VERDICT|SEVERITY", "auditor rules show", "total-size"]),
        ("reference/options.html", ["AUDITOR_MIN_COVERAGE", "REGISTRY_AUTH_FILE", "expires"]),
        ("reference/exit-codes.html", ["UnreachableError", "gate not met"]),
        ("reference/formats.html", ["cyclonedx", "SARIF 2.1.0"]),
        ("reference/report.html", ["unblock_sets", "WireFinding"]),
        ("reference/rules.html", ["process.fork", "Use posix_spawn"]),
        ("reference/targets.html", ["wasi-http", "runs on"]),
        ("reference/python.html", ["read_report", "is called from the thread that scans"]),
        ("scoring.html", ["keep-in-container", "re-architecture"]),
        ("integrations.html", ["codequality", "tekton.dev/v1", "Where the SARIF file goes"]),
        ("architecture.html", ["A blocker is never averaged away"]),
    ],
)
def test_what_is_made_from_the_code_is_there(site: Path, page: str, words: list[str]) -> None:
    html = (site / page).read_text()
    shown = re.sub(r"<[^>]+>", "", html)
    assert [word for word in words if word not in shown] == []
    assert (site / "reference/report.schema.json").read_bytes() == (
        ROOT / "auditor/report/report.schema.json"
    ).read_bytes()


@pytest.mark.parametrize("page", examples.PAGES, ids=lambda page: page.stem)
def test_examples_show_what_is_printed(page: Path) -> None:
    """``python tools/docs/examples.py`` writes them again."""
    text = page.read_text()
    assert "$ auditor" in text
    assert examples.filled(text) == text


def test_the_picture_shows_what_is_printed() -> None:
    """``python tools/docs/picture.py`` draws it again."""
    drawn = picture.PICTURE.read_text()
    assert picture.words(drawn) == picture.words(picture.picture())
    assert "rearchitect" in picture.words(drawn)
    assert "url(" not in drawn.replace("url(#", "")


@pytest.fixture
def programs(tmp_path: Path) -> dict[str, str]:
    """An environment in which ``auditor`` is this one."""
    folder = tmp_path / "bin"
    folder.mkdir()
    command = folder / "auditor"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m auditor "$@"\n')
    command.chmod(0o755)
    image = f"oci-dir:{ROOT}/fixtures/small/hello"
    path = f"{folder}:{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "IMAGE": image, "AUDITOR_PACKAGES": "none"}


def test_the_steps_of_writing_a_rule_work(programs: dict[str, str], tmp_path: Path) -> None:
    page = "how-to/write-a-rule.md"
    files = ("my-tables/targets/core.toml", "my-tables/sources.toml", "my-cases/files.yaml")
    for name, text in zip(files, [*blocks(page, "toml"), *blocks(page, "yaml")], strict=True):
        assert f"`{name}`" in (ROOT / "docs" / page).read_text()
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    said = ""
    for script in blocks(page, "sh"):
        done = subprocess.run(
            ["bash", "-ec", script],
            cwd=tmp_path,
            env=programs,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        said += done.stdout
    assert "our host tells of changes" in said
    assert "Rows were added to the tables or overridden" in said
    assert "all passed" in said


def test_the_programs_of_the_page_on_python_run(programs: dict[str, str], tmp_path: Path) -> None:
    text = "\n".join(blocks("how-to/python.md", "python"))
    for name in ("oci-archive:app.tar", "nginx:latest", "oci-dir:fixtures/small/hello"):
        assert name in text
        text = text.replace(f'"{name}"', repr(programs["IMAGE"]))
    text = text.replace('platform="linux/arm64"', "platform=None")
    done = subprocess.run(
        [sys.executable, "-c", text],
        cwd=tmp_path,
        env=programs,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("rebuild wasip1\n")
    assert "following the entrypoint\n" in done.stdout
    assert done.stdout.endswith("True []\n")


def test_the_gate_of_the_page_on_pipelines_works(programs: dict[str, str], tmp_path: Path) -> None:
    first, second = blocks("how-to/gate-a-pipeline.md", "sh")
    (config,) = blocks("how-to/gate-a-pipeline.md", "toml")
    (tmp_path / ".auditor.toml").write_text(config)
    for script in (first, "cp auditor.json main.json", second):
        done = subprocess.run(
            ["bash", "-ec", script],
            cwd=tmp_path,
            env=programs,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "auditor.sarif").is_file()
