"""The maker of real images: what it makes is what other tools call an image."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
MAKE = ROOT / "fixtures" / "images" / "make.py"
RealImage = Callable[[str], Path]


def blob(layout: Path, digest: str) -> Path:
    return layout / "blobs" / Path(*digest.split(":"))


def manifest_of(layout: Path) -> dict[str, Any]:
    index = json.loads((layout / "index.json").read_text())
    manifest: dict[str, Any] = json.loads(blob(layout, index["manifests"][0]["digest"]).read_text())
    return manifest


def config_of(layout: Path) -> dict[str, Any]:
    config: dict[str, Any] = json.loads(
        blob(layout, manifest_of(layout)["config"]["digest"]).read_text()
    )
    return config


def names_in(layout: Path, layer: int) -> dict[str, tarfile.TarInfo]:
    digest = manifest_of(layout)["layers"][layer]["digest"]
    with tarfile.open(blob(layout, digest)) as tar:
        return {member.name: member for member in tar}


def make(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(MAKE), *arguments],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )


def tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


@pytest.mark.parametrize("name", ["nginx", "report-static", "wasm"])
def test_every_digest_and_size_is_that_of_the_bytes(real_image: RealImage, name: str) -> None:
    layout = real_image(name)
    manifest = manifest_of(layout)
    for one in [manifest["config"], *manifest["layers"]]:
        data = blob(layout, one["digest"]).read_bytes()
        assert one["size"] == len(data)
        assert one["digest"] == f"sha256:{hashlib.sha256(data).hexdigest()}"
    plain = [
        hashlib.sha256(gzip.decompress(blob(layout, one["digest"]).read_bytes())).hexdigest()
        for one in manifest["layers"]
    ]
    assert config_of(layout)["rootfs"]["diff_ids"] == [f"sha256:{digest}" for digest in plain]


def test_the_history_names_each_layer_once(real_image: RealImage) -> None:
    config = config_of(real_image("nginx"))
    filled = [line for line in config["history"] if not line.get("empty_layer")]
    assert len(filled) == len(config["rootfs"]["diff_ids"])
    assert filled[1]["created_by"].startswith("RUN /bin/sh -c set -eux; apt-get update; ")
    assert filled[2]["created_by"] == "COPY docker-entrypoint.sh / # buildkit"
    assert config["config"]["Cmd"] == ["nginx", "-g", "daemon off;"]


def test_images_on_debian_share_their_base(real_image: RealImage) -> None:
    one, other = real_image("nginx"), real_image("report")
    first = manifest_of(one)["layers"][0]["digest"]
    assert first == manifest_of(other)["layers"][0]["digest"]
    assert blob(one, first).samefile(blob(other, first))


def test_a_layer_holds_only_what_its_step_changed(real_image: RealImage) -> None:
    layout = real_image("nginx")
    base, packages, script = (names_in(layout, layer) for layer in range(3))
    assert "usr/bin/apt-get" in base
    assert "usr/sbin/nginx" in packages
    assert "usr/bin/apt-get" not in packages
    assert packages["var/log/nginx/access.log"].linkname == "/dev/stdout"
    assert list(script) == ["docker-entrypoint.sh"]
    assert script["docker-entrypoint.sh"].mode == 0o755
    whole = {*base, *packages}
    assert not {name for name in whole if name.startswith(("var/lib/apt/lists/", "dev/", "proc/"))}
    assert not {"etc/resolv.conf", "etc/hostname"} & whole


def test_a_file_removed_by_a_step_is_whited_out(tmp_path: Path) -> None:
    # In its own process, as a test has no import path to fixtures/.
    script = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from fixtures.images.tree import changes, entries
root = Path(sys.argv[2])
for path in ("keep", "gone/deep/file", "dir/old", "turned/inner"):
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(path)
before = entries(root)
import shutil
shutil.rmtree(root / "gone")
(root / "dir/old").unlink()
(root / "dir/new").write_text("new")
shutil.rmtree(root / "turned")
(root / "turned").write_text("now a file")
print(json.dumps(changes(before, entries(root))))
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(ROOT), str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == [["dir", "dir/new", "turned"], ["dir/.wh.old", ".wh.gone"]]


def test_skopeo_and_umoci_take_the_image(real_image: RealImage, tmp_path: Path) -> None:
    skopeo, umoci = tool("skopeo"), tool("umoci")
    layout = real_image("redis")
    told = subprocess.run(
        [skopeo, "inspect", f"oci:{layout}:latest"], capture_output=True, check=True
    )
    assert len(json.loads(told.stdout)["Layers"]) == 3
    subprocess.run(
        [umoci, "unpack", "--image", f"{layout}:latest", str(tmp_path / "bundle")],
        capture_output=True,
        check=True,
    )
    rootfs = tmp_path / "bundle" / "rootfs"
    assert (rootfs / "usr/bin/redis-server").readlink() == Path("redis-check-rdb")
    assert (rootfs / "data").stat().st_uid != 0
    assert not list(rootfs.rglob(".wh.*"))


def test_the_static_program_needs_nothing_else_in_its_image(real_image: RealImage) -> None:
    layout = real_image("report-static")
    members = names_in(layout, 0)
    assert list(members) == ["usr", "usr/bin", "usr/bin/report"]
    assert {member.uid for member in members.values()} == {0}


def test_the_wasm_image_is_for_wasi_and_holds_a_module(real_image: RealImage) -> None:
    layout = real_image("wasm")
    config = config_of(layout)
    assert (config["os"], config["architecture"]) == ("wasi", "wasm")
    with tarfile.open(blob(layout, manifest_of(layout)["layers"][0]["digest"])) as tar:
        module = tar.extractfile("report.wasm")
        assert module is not None
        assert module.read(8) == b"\0asm\x01\0\0\0"


def test_an_image_made_twice_at_once_is_made_once(tmp_path: Path) -> None:
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
    command = [sys.executable, str(MAKE), "report-static"]
    env = {**os.environ, "AUDITOR_FIXTURES": str(tmp_path)}
    both = [subprocess.Popen(command, env=env, stdout=-1, stderr=-1, text=True) for _ in range(2)]
    told = [process.communicate() for process in both]
    assert told[0][0] == told[1][0]
    assert sorted("kept" in err for _, err in told) == [False, True]
    assert make("report-static", AUDITOR_FIXTURES=str(tmp_path)).stderr == "report-static: kept\n"


def test_a_missing_tool_is_named(tmp_path: Path) -> None:
    done = make("report-static", AUDITOR_FIXTURES=str(tmp_path), PATH=str(tmp_path))
    assert done.returncode == 3
    assert done.stdout == ""
    assert "gcc not found; on Debian: apt-get install gcc" in done.stderr
    assert not list(tmp_path.glob("images/*"))


def test_an_unknown_name_is_told_before_anything_is_made(tmp_path: Path) -> None:
    done = make("nginx", "ngnix", AUDITOR_FIXTURES=str(tmp_path))
    assert done.returncode == 2
    assert "no image ngnix; --list says which there are" in done.stderr


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_a_skip_fails_the_run_where_none_is_allowed(
    tmp_path: Path, workers: tuple[str, ...]
) -> None:
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path / "conftest.py")
    (tmp_path / "test_it.py").write_text(
        "import pytest\n\ndef test_passes(): pass\n\ndef test_skips(): pytest.skip('why')\n"
    )
    codes = {}
    for value in ("0", "1"):
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *workers, str(tmp_path)],
            cwd=tmp_path,
            env={**os.environ, "AUDITOR_NO_SKIP": value},
            capture_output=True,
            text=True,
            check=False,
        )
        codes[value] = done.returncode
        assert ("forbids" in done.stdout and "test_it.py::test_skips" in done.stdout) is (
            value == "1"
        )
    assert codes == {"0": 0, "1": 1}
