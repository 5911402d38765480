"""What is installed from a wheel holds the tables and finds them."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_wheel_brings_its_tables_and_schema(tmp_path):
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", tmp_path, ROOT]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("auditor-*.whl")
    unpacked = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(unpacked)
    report = unpacked / "auditor" / "report"
    assert (report / "report.schema.json").is_file()
    ours = {file.name for file in (ROOT / "auditor" / "report" / "html").iterdir()}
    assert {file.name for file in (report / "html").iterdir()} == ours - {"__pycache__"}
    code = "import auditor.tables; print(auditor.__file__, len(auditor.tables.load().targets))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(unpacked)},
        check=True,
    )
    file, targets = done.stdout.split()
    assert Path(file).is_relative_to(unpacked)
    assert targets == "7"
