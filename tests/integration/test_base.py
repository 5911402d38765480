"""The base of a real image, and what its own layers bring."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from auditor.cli.main import main


def blob(layout, digest):
    return json.loads((layout / "blobs" / digest.replace(":", "/")).read_text())


def written(layout, document):
    data = json.dumps(document).encode()
    digest = hashlib.sha256(data).hexdigest()
    (layout / "blobs/sha256" / digest).write_bytes(data)
    return {"digest": f"sha256:{digest}", "size": len(data)}


def cut(image, to, layers):
    """The layout of an image's lowest layers, as if it had been built no further."""
    (to / "blobs/sha256").mkdir(parents=True)
    (to / "oci-layout").write_text((image / "oci-layout").read_text())
    index = json.loads((image / "index.json").read_text())
    manifest = blob(image, index["manifests"][0]["digest"])
    config = blob(image, manifest["config"]["digest"])
    config["rootfs"]["diff_ids"] = config["rootfs"]["diff_ids"][:layers]
    config.pop("history", None)
    manifest["layers"] = manifest["layers"][:layers]
    for layer in manifest["layers"]:
        name = layer["digest"].replace(":", "/")
        (to / "blobs" / name).symlink_to(image / "blobs" / name)
    manifest["config"] |= written(to, config)
    index["manifests"][0] |= written(to, manifest)
    (to / "index.json").write_text(json.dumps(index))
    return to


def test_what_the_own_layers_bring_is_counted_apart_and_first(real_image, tmp_path, capsys):
    image = Path(real_image("flask-app"))
    base = f"oci-dir:{cut(image, tmp_path / 'base', 2)}"
    report = tmp_path / "report.json"
    scan = ["scan", "-q", "--packages", "none", f"oci-dir:{image}", "--base", base]
    assert main([*scan, "-o", f"json={report}", "-o", "table"]) == 0
    assert "from its own layers; " in capsys.readouterr().out
    document = json.loads(report.read_text())
    assert (document["image"]["base"], document["image"]["base_layers"]) == (base, 2)
    layers = [item["diff_id"] for item in document["image"]["layers"]]
    where = {item["id"]: item["layer"] for item in document["components"]}
    for finding in document["findings"]:
        expected = "base" if layers.index(where[finding["component"]]) < 2 else "own"
        assert finding["origin"] == expected
    target = document["recommendation"]["target"]
    for origin in ("own", "base"):
        for severity, count in document["origins"][origin].items():
            assert count == sum(
                (item["target"], item["origin"], item["severity"]) == (target, origin, severity)
                for item in document["findings"]
            )
    assert any(item["origin"] == "own" for item in document["findings"])
    assert any(item["origin"] == "base" for item in document["findings"])


def test_another_version_of_the_base_is_said_to_be_one(real_image, capsys):
    jq, nginx = (f"oci-dir:{real_image(name)}" for name in ("jq", "nginx"))
    assert main(["scan", "-q", "--packages", "none", jq, "--base", nginx]) == 0
    assert "of which the image has the first 1" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("base", "words"),
    [("oci-dir:fixtures/small/hello", "share no layer"), ("dir:/", "it has no layers")],
)
def test_what_is_no_base_of_it_is_wrong_usage(real_image, capsys, base, words):
    scan = ["scan", "-q", "--packages", "none", f"oci-dir:{real_image('jq')}", "--base", base]
    assert main(scan) == 64
    assert words in capsys.readouterr().err
