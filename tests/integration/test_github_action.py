"""``action.yml`` by the official schema, and its steps as GitHub's runner would run them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
OURS = re.compile(r"AUDITOR_|GITHUB_|INPUT_|RUNNER_")
EXPRESSION = re.compile(r"\$\{\{\s*([\w.-]+)\s*\}\}")


@dataclass
class Runner:
    """As much of the runner as the action uses: contexts, conditions, files, and a cache."""

    temp: Path
    """RUNNER_TEMP; the action's virtual environment stays in it."""
    workspace: Path
    branch: str = "main"
    cache: dict[str, Path] = field(default_factory=dict)
    """Key → a copy of the folder."""
    log: str = ""
    summary: str = ""
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    """A step's id → its outputs."""
    inputs: dict[str, str] = field(default_factory=dict)
    runs: int = 0

    def run(self, inputs: Mapping[str, str], *, skip: frozenset[str] = frozenset()) -> int:
        """Run all steps up to the first that fails; the exit code of the last."""
        assert inputs.keys() <= ACTION["inputs"].keys()
        defaults = {name: item.get("default", "") for name, item in ACTION["inputs"].items()}
        self.inputs, self.outputs = {**defaults, **inputs}, {}
        self.log = self.summary = ""
        self.runs += 1
        for step in STEPS:
            if step["name"] in skip or not self._holds(step.get("if", "")):
                continue
            if "uses" in step:
                self._cached(step["uses"], {k: self._filled(v) for k, v in step["with"].items()})
            elif code := self._shell(step):
                return code
        return 0

    def told(self) -> dict[str, str]:
        """The outputs of the action."""
        return {name: self._filled(item["value"]) for name, item in ACTION["outputs"].items()}

    def _value(self, name: str) -> str:
        match name.split("."):
            case ["inputs", key]:
                return self.inputs[key]
            case ["steps", step, "outputs", key]:
                return self.outputs.get(step, {}).get(key, "")
        return {
            "runner.temp": str(self.temp),
            "github.run_id": str(self.runs),
            "github.run_attempt": "1",
            "github.ref_name": self.branch,
            "github.event.repository.default_branch": "main",
        }[name]

    def _filled(self, text: str) -> str:
        return EXPRESSION.sub(lambda found: self._value(found[1]), text)

    def _holds(self, condition: str) -> bool:
        def term(text: str) -> str:
            return text[1:-1] if text.startswith("'") else self._value(text)

        equations = [part.split("==") for part in condition.split("&&") if part]
        return all(term(left.strip()) == term(right.strip()) for left, right in equations)

    def _cached(self, uses: str, given: dict[str, str]) -> None:
        """actions/cache, by its documentation: an exact key, else the newest with a prefix."""
        folder = Path(given["path"])
        if uses.startswith("actions/cache/save@"):
            self.cache[given["key"]] = folder.with_name(given["key"])
            shutil.copytree(folder, self.cache[given["key"]])
            return
        assert uses.startswith("actions/cache/restore@")
        shutil.rmtree(folder, ignore_errors=True)
        keys = [key for key in self.cache if key.startswith(given["restore-keys"])]
        if given["key"] in self.cache or keys:
            shutil.copytree(self.cache.get(given["key"]) or self.cache[keys[-1]], folder)

    def _shell(self, step: dict[str, Any]) -> int:
        assert step["shell"] == "bash"
        script, output, summary = (self.temp / name for name in ("step.sh", "output", "summary"))
        script.write_text(step["run"])
        output.write_text("")
        summary.write_text("")
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", script],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            cwd=self.workspace,
            env={
                **{key: os.environ[key] for key in os.environ if not OURS.match(key)},
                "RUNNER_TEMP": str(self.temp),
                "GITHUB_ACTION_PATH": str(ROOT),
                "GITHUB_OUTPUT": str(output),
                "GITHUB_STEP_SUMMARY": str(summary),
                **{name: self._filled(value) for name, value in step.get("env", {}).items()},
            },
        )
        self.log += done.stdout
        self.summary += summary.read_text()
        pairs = [line.partition("=") for line in output.read_text().splitlines()]
        if "id" in step:
            self.outputs[step["id"]] = {name: value for name, _, value in pairs}
        return done.returncode


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """RUNNER_TEMP, after the step that installs."""
    temp = tmp_path_factory.mktemp("runner")
    runner = Runner(temp, temp)
    names = {step["name"] for step in STEPS}
    code = runner.run({"image": "unused"}, skip=frozenset(names - {"Install auditor"}))
    assert code == 0, runner.log
    return temp


@pytest.fixture
def act(installed: Path, tmp_path: Path) -> tuple[Runner, Callable[..., int]]:
    """A runner, and a function that runs the action's steps but the installation."""
    shutil.rmtree(installed / "auditor-baseline", ignore_errors=True)
    runner = Runner(installed, tmp_path)

    def run(image: str, **inputs: str) -> int:
        given = {name.replace("_", "-"): value for name, value in inputs.items()}
        given = {"options": "--packages=none", **given, "image": image}
        return runner.run(given, skip=frozenset({"Install auditor"}))

    return runner, run


def test_it_is_valid_by_the_official_schema() -> None:
    tool = Path(sys.executable).with_name("check-jsonschema")
    command = [str(tool), "--builtin-schema", "vendor.github-actions", "action.yml"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_inputs_reach_the_shell_by_the_environment_alone_and_actions_are_pinned() -> None:
    for step in STEPS:
        assert "${{" not in step.get("run", "")
        assert re.fullmatch(r"actions/cache/(restore|save)@[0-9a-f]{40}|", step.get("uses", ""))


def test_its_shell_is_clean() -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed")
    for step in STEPS:
        if "run" in step:
            command = ["shellcheck", "--shell=bash", "-"]
            done = subprocess.run(
                command, input=step["run"], capture_output=True, text=True, check=False
            )
            assert done.stdout == "", step["name"]


def test_a_scan_gives_sarif_a_summary_and_a_gate_that_the_baseline_lifts(
    act: tuple[Runner, Callable[..., int]], real_image: Callable[[str], Path]
) -> None:
    runner, run = act
    image = f"oci-dir:{real_image('redis')}"
    gate = {"fail_on": "error", "min_score": "50", "target": "wasip1, wasip2", "baseline": "cache"}
    assert run(image, **gate) == 2
    assert "There is no baseline yet" in runner.log
    assert "auditor: gate not met: " in runner.log
    report = json.loads((runner.workspace / "auditor.json").read_text())
    assert [target["id"] for target in report["targets"]] == ["wasip1", "wasip2"]
    headline = report["recommendation"]
    assert runner.told() == {
        "sarif": "auditor.sarif",
        "json": "auditor.json",
        "target": headline["target"],
        "verdict": headline["verdict"],
        "score": str(next(t["score"] for t in report["targets"] if t["id"] == headline["target"])),
        "gate": "not-met",
    }
    sarif = json.loads((runner.workspace / "auditor.sarif").read_text())
    assert sarif["version"] == "2.1.0"
    assert sarif["runs"][0]["results"]
    assert runner.summary.startswith(f"## {headline['verdict']}: oci-dir:")
    assert "**Gate not met**" in runner.summary
    # The report of the default branch was kept, whatever its gate: on a branch nothing is new.
    assert len(runner.cache) == 1
    runner.branch = "feature"
    assert run(image, **gate, summary="false") == 0, runner.log
    assert runner.told()["gate"] == "met"
    assert runner.summary == ""
    assert len(runner.cache) == 1


def test_a_scan_that_failed_is_no_gate_that_failed(act: tuple[Runner, Callable[..., int]]) -> None:
    runner, run = act
    assert run("oci-dir:/no/such", fail_on="error") == 1
    assert "auditor: " in runner.log
    assert run("oci-dir:/no/such", fail_on="nonsense") == 64
    assert runner.told()["gate"] == ""


@pytest.mark.parametrize("name", ["target", "platform", "fail-on", "options", "sarif", "image"])
def test_no_input_is_run_by_the_shell(act: tuple[Runner, Callable[..., int]], name: str) -> None:
    runner, run = act
    hello = f"oci-dir:{ROOT}/fixtures/small/hello"
    hostile = "\"; touch pwned; `touch pwned` $(touch pwned) ' ; touch pwned #"
    inputs = {"image": hello, name: hostile}
    run(inputs.pop("image"), **inputs)
    assert not (runner.workspace / "pwned").exists()


def test_no_input_sets_an_output_of_its_own(act: tuple[Runner, Callable[..., int]]) -> None:
    _, run = act
    hello = f"oci-dir:{ROOT}/fixtures/small/hello"
    assert run(hello, sarif="a.sarif\nverdict=rebuild") == 64


def test_what_an_image_says_is_no_command_to_the_runner(
    act: tuple[Runner, Callable[..., int]],
) -> None:
    runner, run = act
    hello = f"oci-dir:{ROOT}/fixtures/small/hello"
    options = "--packages=none\n--entrypoint=/no/such ::error::pwned"
    assert run(hello, options=options) == 0
    stopped = re.search(
        r"^::stop-commands::(\S+)\n(.*)^::\1::$", runner.log, re.MULTILINE | re.DOTALL
    )
    assert stopped is not None
    assert "::error::pwned" in stopped[2]
    assert "pwned" not in runner.log.replace(stopped[0], "")


def test_tags_of_an_image_share_their_baseline(act: tuple[Runner, Callable[..., int]]) -> None:
    runner, run = act
    keys = []
    for image in ("r.example:5000/a/b:1", "r.example:5000/a/b:2", "r.example:5000/a/b@sha256:0"):
        run(image, baseline="cache", options="--offline")
        keys.append(runner.outputs["baseline"]["key"])
    assert len(set(keys)) == 1
    for image in ("r.example:5000/a/c:1", "docker-archive:c.tar", "docker-archive:d.tar"):
        run(image, baseline="cache", options="--offline")
        assert runner.outputs["baseline"]["key"] not in keys
        keys.append(runner.outputs["baseline"]["key"])
