"""GitLab, Jenkins, Tekton and pre-commit: each file by its schema, each script as it is run."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
HELLO = f"oci-dir:{ROOT}/fixtures/small/hello"
HOSTILE = "\"; touch pwned; `touch pwned` $(touch pwned) ' ; touch pwned #"

Shell = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Run a script where ``auditor`` is on PATH, in an empty directory."""
    programs = tmp_path / "bin"
    programs.mkdir()
    command = programs / "auditor"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m auditor "$@"\n')
    command.chmod(0o755)
    work = tmp_path / "work"
    work.mkdir()

    def run(
        script: str, variables: Mapping[str, str], *words: str, shell: str = "sh"
    ) -> subprocess.CompletedProcess[str]:
        file = tmp_path / "script"
        file.write_text(script)
        environment = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "HOME": os.environ["HOME"],
            "AUDITOR_PACKAGES": "none",
            **variables,
        }
        done = subprocess.run(
            [*shell.split(), file, *words],
            capture_output=True,
            text=True,
            check=False,
            cwd=work,
            env=environment,
        )
        assert not (work / "pwned").exists()
        return done

    return run


def kept(tmp_path: Path, name: str) -> str:
    """What a script left in its working directory."""
    return (tmp_path / "work" / name).read_text()


def test_the_gitlab_template_is_valid_by_gitlabs_schema(tmp_path: Path) -> None:
    tool = Path(sys.executable).with_name("check-jsonschema")
    template = ROOT / "integrations/gitlab/auditor.yml"
    pipeline = {**yaml.safe_load(template.read_text()), "wasm-audit": {"extends": ".auditor"}}
    whole = tmp_path / ".gitlab-ci.yml"
    whole.write_text(json.dumps(pipeline))
    command = [str(tool), "--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci"]
    done = subprocess.run([*command, template, whole], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_gitlab_job_writes_its_reports_and_takes_its_gate_from_variables(
    shell: Shell, tmp_path: Path
) -> None:
    job: dict[str, Any] = yaml.safe_load((ROOT / "integrations/gitlab/auditor.yml").read_text())
    job = job[".auditor"]
    script = "\n".join(job["script"])
    bash = "bash -eo pipefail"  # as GitLab's runner does it
    done = shell(script, {"SCAN_IMAGE": HELLO, "AUDITOR_FAIL_ON": "rearchitect"}, shell=bash)
    assert done.returncode == 0, done.stderr
    asked = {"SCAN_IMAGE": HELLO, "AUDITOR_FAIL_ON": "rearchitect", "AUDITOR_TARGET": "core"}
    done = shell(script, asked, shell=bash)
    assert done.returncode == 2
    reports = [*job["artifacts"]["paths"], *job["artifacts"]["reports"].values()]
    assert all(kept(tmp_path, name) for name in reports)
    assert json.loads(kept(tmp_path, job["artifacts"]["reports"]["codequality"]))
    assert shell(script, {"SCAN_IMAGE": HOSTILE}, shell=bash).returncode == 64


def test_the_jenkins_script_leaves_its_reports_and_its_exit_code(
    shell: Shell, tmp_path: Path
) -> None:
    pipeline = (ROOT / "integrations/jenkins/Jenkinsfile").read_text()
    found = re.findall(r"sh\(returnStatus: true, script: '''(.*?)'''\)", pipeline, re.DOTALL)
    assert len(found) == 1
    assert '"""' not in pipeline  # in which Groovy would put values
    script = found[0].replace("\\\\", "\\")  # as Groovy reads it
    parameters = set(re.findall(r"name: '(\w+)'", pipeline))
    assert parameters == {"SCAN_IMAGE", "AUDITOR_FAIL_ON"}
    assert shell(script, {"SCAN_IMAGE": HELLO}, shell="sh -xe").returncode == 0
    for name in re.findall(r"(auditor[\w-]*\.(?:json|sarif|xml))", pipeline):
        assert kept(tmp_path, name)
    asked = {"SCAN_IMAGE": HELLO, "AUDITOR_MIN_SCORE": "100", "AUDITOR_TARGET": "core"}
    assert shell(script, asked, shell="sh -xe").returncode == 2
    assert shell(script, {"SCAN_IMAGE": HOSTILE}, shell="sh -xe").returncode == 64


def test_the_tekton_task_gives_its_results_and_keeps_its_parameters_out_of_the_script(
    shell: Shell, tmp_path: Path
) -> None:
    task = yaml.safe_load((ROOT / "integrations/tekton/task.yaml").read_text())
    assert (task["apiVersion"], task["kind"]) == ("tekton.dev/v1", "Task")
    (step,) = task["spec"]["steps"]
    assert "$(params" not in step["script"]
    results = {item["name"] for item in task["spec"]["results"]}
    values = {
        "params.image": HELLO,
        "params.fail-on": "",
        **{f"results.{name}.path": str(tmp_path / name) for name in results},
    }

    def run(*options: str, **given: str) -> subprocess.CompletedProcess[str]:
        filled = values | {f"params.{name.replace('_', '-')}": word for name, word in given.items()}
        variables = {
            item["name"]: re.sub(r"^\$\((.+)\)$", lambda found: filled[found[1]], item["value"])
            for item in step["env"]
        }
        return shell(step["script"], variables, *options)

    done = run()
    assert done.returncode == 0, done.stderr
    assert {name: (tmp_path / name).read_text() for name in results} == {
        "verdict": "rebuild",
        "score": "100",
        "gate": "met",
    }
    assert json.loads(kept(tmp_path, "auditor.sarif"))["version"] == "2.1.0"
    assert run("--target=core", fail_on="rearchitect").returncode == 2
    assert (tmp_path / "gate").read_text() == "not-met"
    assert run(image=HOSTILE).returncode == 64
    assert run(fail_on=HOSTILE).returncode == 64


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of the hooks, as pre-commit would clone it."""
    repository = tmp_path_factory.mktemp("hooks") / "auditor"
    repository.mkdir()
    for name in (".pre-commit-hooks.yaml", "pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, repository)
    for name in ("auditor", "signatures"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, repository / name, ignore=ignored)
    git(repository, "init", "-q")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "all")
    return repository


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    command = ["git", *identity, "-c", "commit.gpgsign=false", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_hooks_of_pre_commit_are_installed_and_run(hooks: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    git(project, "init", "-q")
    scan = {"id": "auditor-scan", "args": ["--packages=none", HELLO], "verbose": True}
    source = {"repo": str(hooks), "rev": git(hooks, "rev-parse", "HEAD")}
    config = {"repos": [{**source, "hooks": [{"id": "auditor-config"}, scan]}]}
    (project / ".pre-commit-config.yaml").write_text(json.dumps(config))
    (project / ".auditor.toml").write_text('fail-on = "rearchitect"\n')
    git(project, "add", "-A")

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "pre_commit", *words],
            cwd=project,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PRE_COMMIT_HOME": str(tmp_path / "cache")},
        )

    assert run("validate-manifest", str(ROOT / ".pre-commit-hooks.yaml")).returncode == 0
    done = run("run", "--all-files", "--hook-stage", "pre-push")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WebAssembly audit" in done.stdout
    assert "can be recompiled for" in done.stdout
    (project / ".auditor.toml").write_text('fail-onn = "rearchitect"\n')
    git(project, "add", "-A")
    done = run("run", "auditor-config", "--all-files")
    assert done.returncode == 1
    assert "unknown key 'fail-onn'" in done.stdout


def test_the_dockerfile_copies_what_is_there_and_leaves_root() -> None:
    """It is not built here: its base comes from a registry, and its packages from an index."""
    text = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text())
    lines = [line.split(maxsplit=1) for line in text.splitlines() if line and line[0] != "#"]
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().split() if line[0] == "!"}
    copied = {
        source
        for word, rest in lines
        if word == "COPY" and "--from" not in rest
        for source in rest.split()[:-1]
    }
    assert {source.removeprefix("./") for source in copied} == allowed
    assert all((ROOT / source).exists() for source in copied)
    last = dict(lines)
    assert last["USER"] == "65534:65534"
    assert json.loads(last["ENTRYPOINT"]) == ["auditor"]
    for word, rest in lines:
        if word == "RUN":
            done = subprocess.run(["sh", "-n", "-c", rest], capture_output=True, check=False)
            assert done.returncode == 0, rest
