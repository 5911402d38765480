"""Images and artifacts in every form that they come in, through the command line."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import zstandard

from auditor.cli import main

if TYPE_CHECKING:
    from tests.unit.image.conftest import Builder

SMALL = Path(__file__).parents[3] / "fixtures" / "small"
OCI = "application/vnd.oci.image"
EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
UNKNOWN = {"architecture": "unknown", "os": "unknown"}
PROGRAM = "/usr/bin/hello"

Json = dict[str, Any]


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def to_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def small_layer(name: str) -> bytes:
    """The only layer of a small image, as a tar."""
    blobs = (blob.read_bytes() for blob in (SMALL / name / "blobs" / "sha256").iterdir())
    (layer,) = (data for data in blobs if data.startswith(b"\x1f\x8b"))
    return gzip.decompress(layer)


@pytest.fixture
def scan(capsys: pytest.CaptureFixture[str]) -> Callable[[Path], Json]:
    """A function that gives a scan's report."""

    def scanned(path: Path) -> Json:
        code = main(["scan", f"oci-dir:{path}", "--packages", "none", "-o", "json"])
        said = capsys.readouterr()
        assert (code, said.err) == (0, "")
        report: Json = json.loads(said.out)
        return report

    return scanned


@pytest.fixture
def refusal(capsys: pytest.CaptureFixture[str]) -> Callable[[Path], str]:
    """A function that gives the one sentence, and the hint, of a scan that ends with 1."""

    def refused(path: Path) -> str:
        code = main(["scan", f"oci-dir:{path}", "--packages", "none"])
        said = capsys.readouterr()
        assert (code, said.out) == (1, "")
        sentence, *more = said.err.splitlines()
        assert sentence.startswith("auditor: ")
        assert all(line.startswith("  hint: ") for line in more)
        return said.err

    return refused


def of_layers(build: Builder, layers: list[tuple[bytes, bytes]], entrypoint: str) -> Path:
    """An image of layers as they are stored and as they are unpacked."""
    path = build.root / "layout"
    kind = f"{OCI}.layer.v1.tar"
    config = build.config([plain for _, plain in layers], config={"Entrypoint": [entrypoint]})
    blobs = [build.blob(path, stored, kind) for stored, _ in layers]
    return build.finish(path, build.manifest(path, config, blobs))


# Layers that hold nothing, and very many layers


NO_FILES = bytes(1024)

NOTHING: dict[str, tuple[bytes, bytes]] = {
    "a tar of two zero blocks": (NO_FILES, NO_FILES),
    "the same in gzip, as Docker writes it": (gzip.compress(NO_FILES), NO_FILES),
    "the same in zstd": (zstandard.compress(NO_FILES), NO_FILES),
    "the 10 KiB that tar(1) writes": (gzip.compress(bytes(10240)), bytes(10240)),
    "gzip of nothing": (gzip.compress(b""), b""),
    "zstd of nothing": (zstandard.compress(b""), b""),
    "nothing": (b"", b""),
}


@pytest.mark.parametrize(("stored", "plain"), NOTHING.values(), ids=NOTHING)
def test_a_layer_without_files_changes_nothing(
    scan: Callable[[Path], Json], build: Builder, stored: bytes, plain: bytes
) -> None:
    base = small_layer("hello")
    report = scan(of_layers(build, [(stored, plain), (base, base), (stored, plain)], PROGRAM))
    sizes = [layer["size"] for layer in report["image"]["layers"]]
    assert sizes == [len(plain), len(base), len(plain)]
    assert report["recommendation"]["verdict"] == "rebuild"
    assert [unknown for unknown in report["unknowns"] if unknown["stage"] == "image"] == []


@pytest.mark.parametrize(
    "layers", [[], *([layer] for layer in NOTHING.values())], ids=["no layer", *NOTHING]
)
def test_an_image_without_files_gets_a_report_that_says_so(
    scan: Callable[[Path], Json], build: Builder, layers: list[tuple[bytes, bytes]]
) -> None:
    report = scan(of_layers(build, layers, PROGRAM))
    assert report["components"] == []
    assert len(report["image"]["layers"]) == len(layers)
    assert report["recommendation"]["verdict"] == "insufficient-evidence"
    assert f"'{PROGRAM}' is not in the image" in report["recommendation"]["summary"]


def test_as_many_layers_as_docker_allows_are_put_together(
    scan: Callable[[Path], Json], build: Builder
) -> None:
    """Every second one takes away what the one below it has brought."""
    tars = [small_layer("hello")]
    for number in range(0, 126, 2):
        script = build.member(f"bin/tool{number}", b"#!/usr/bin/hello\n", mode=0o755)
        tars += [build.tar(script), build.files({f"bin/.wh.tool{number}": b""})]
    report = scan(build.layout(*tars, name="all", config={"Entrypoint": [PROGRAM]}))
    assert [component["path"] for component in report["components"]] == [PROGRAM]
    assert len(report["image"]["layers"]) == 127
    report = scan(build.layout(*tars[:-1], config={"Entrypoint": ["/bin/tool124"]}))
    assert {component["path"] for component in report["components"]} == {PROGRAM, "/bin/tool124"}
    assert report["recommendation"]["verdict"] == "rebuild"


# Indexes as BuildKit makes them: docs/attestations/attestation-storage.md of moby/buildkit


def attested(build: Builder, layout: Path, *, as_artifact: bool) -> tuple[Json, Json]:
    """An image with provenance and SBOM: the descriptors of its index."""
    program = build.image(layout, small_layer("hello"), config={"Entrypoint": [PROGRAM]})
    image = {**program, "platform": {"os": "linux", "architecture": "amd64"}}
    statements = []
    for predicate in ("https://spdx.dev/Document", "https://slsa.dev/provenance/v0.2"):
        subject = [{"name": "_", "digest": {"sha256": image["digest"][7:]}}]
        kind = "https://in-toto.io/Statement/v0.1"
        value: Json = {
            "_type": kind,
            "predicateType": predicate,
            "subject": subject,
            "predicate": {},
        }
        marks = {"in-toto.io/predicate-type": predicate}
        kind = "application/vnd.in-toto+json"
        statements.append(build.json_blob(layout, value, kind, annotations=marks))
    if as_artifact:
        more: Json = {
            "config_type": EMPTY_TYPE,
            "artifactType": "application/vnd.docker.attestation.manifest.v1+json",
            "subject": {key: image[key] for key in ("mediaType", "digest", "size")},
        }
        attestation = build.manifest(layout, {}, statements, **more)
    else:
        rootfs = {"type": "layers", "diff_ids": [one["digest"] for one in statements]}
        settings = {**UNKNOWN, "config": {}, "rootfs": rootfs}
        attestation = build.manifest(layout, settings, statements)
    marks = {
        "vnd.docker.reference.digest": image["digest"],
        "vnd.docker.reference.type": "attestation-manifest",
    }
    return image, {**attestation, "annotations": marks, "platform": UNKNOWN}


@pytest.mark.parametrize("as_artifact", [False, True])
@pytest.mark.parametrize("nested", [False, True])
def test_attestations_of_buildkit_are_passed_over(
    scan: Callable[[Path], Json], build: Builder, *, nested: bool, as_artifact: bool
) -> None:
    path = build.root / "layout"
    roots: tuple[Json, ...] = attested(build, path, as_artifact=as_artifact)
    if nested:
        name = {"io.containerd.image.name": "docker.io/library/app:1"}
        roots = ({**build.index(path, *roots), "annotations": name},)
    report = scan(build.finish(path, *roots))
    assert report["recommendation"]["verdict"] == "rebuild"
    assert report["image"]["platform"] == "linux/amd64"


@pytest.mark.parametrize("as_artifact", [False, True])
def test_attestations_alone_are_no_image(
    refusal: Callable[[Path], str], build: Builder, *, as_artifact: bool
) -> None:
    path = build.root / "layout"
    _, attestation = attested(build, path, as_artifact=as_artifact)
    assert "names no image" in refusal(build.finish(path, attestation))
    bare = {key: attestation[key] for key in ("mediaType", "digest", "size")}
    assert "no container image but an artifact" in refusal(build.finish(path, bare))


# Wasm, and what is no image


def test_an_image_for_the_platform_wasi_wasm_is_wasm_already(scan: Callable[[Path], Json]) -> None:
    report = scan(SMALL / "wasm")
    assert report["image"]["platform"] == "wasi/wasm"
    assert report["recommendation"]["verdict"] == "already-wasm"


@pytest.mark.parametrize("system", ["wasip1", "wasip2"])
def test_a_wasm_artifact_of_the_cncf_is_wasm_already(
    scan: Callable[[Path], Json], build: Builder, system: str
) -> None:
    with tarfile.open(fileobj=io.BytesIO(small_layer("wasm"))) as archive:
        stream = archive.extractfile("hello.wasm")
        assert stream is not None
        module = stream.read()
    path = build.root / "layout"
    title = {"org.opencontainers.image.title": "hello.wasm"}
    layer = build.blob(path, module, "application/wasm", annotations=title)
    settings = {"architecture": "wasm", "os": system, "layerDigests": [layer["digest"]]}
    kind = "application/vnd.wasm.config.v0+json"
    report = scan(build.finish(path, build.manifest(path, settings, [layer], config_type=kind)))
    assert report["image"]["entrypoint"] == ["/hello.wasm"]
    assert report["image"]["platform"] == f"{system}/wasm"
    assert report["recommendation"]["verdict"] == "already-wasm"
    assert [component["path"] for component in report["components"]] == ["/hello.wasm"]


CHART = {"name": "nginx", "version": "1.0.0", "apiVersion": "v2"}
SPDX = {"spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT"}

ARTIFACTS: dict[str, tuple[str, Json, str, Json, str | None]] = {
    # what: config's type and content, layer's type and content, artifactType
    "a Helm chart": (
        "application/vnd.cncf.helm.config.v1+json",
        CHART,
        "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
        {},
        None,
    ),
    "an SBOM": (EMPTY_TYPE, {}, "application/spdx+json", SPDX, "application/spdx+json"),
    "an SBOM as cosign attaches it": (
        f"{OCI}.config.v1+json",
        {
            "architecture": "",
            "os": "",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [digest(to_json(SPDX))]},
        },
        "text/spdx+json",
        SPDX,
        None,
    ),
    "a signature of cosign": (
        f"{OCI}.config.v1+json",
        {
            "architecture": "",
            "os": "",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [digest(to_json({"critical": {}}))]},
        },
        "application/vnd.dev.cosign.simplesigning.v1+json",
        {"critical": {}},
        None,
    ),
}


@pytest.mark.parametrize("what", ARTIFACTS)
def test_a_chart_an_sbom_and_a_signature_are_said_to_be_no_image(
    refusal: Callable[[Path], str], build: Builder, what: str
) -> None:
    config_type, settings, layer_type, content, artifact_type = ARTIFACTS[what]
    path = build.root / "layout"
    layer = build.json_blob(path, content, layer_type)
    more: Json = {"config_type": config_type}
    if artifact_type:
        more["artifactType"] = artifact_type
    said = refusal(build.finish(path, build.manifest(path, settings, [layer], **more)))
    named = artifact_type or (config_type if "helm" in config_type else layer_type)
    assert f"no container image but an artifact of the type {named}" in said


# Layers that registries do not hand out


@pytest.mark.parametrize(
    "media_type",
    [
        f"{OCI}.layer.nondistributable.v1.tar+gzip",
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    ],
)
def test_a_foreign_layer_is_skipped_and_unknown(
    scan: Callable[[Path], Json], build: Builder, media_type: str
) -> None:
    path = build.root / "layout"
    base = small_layer("hello")
    away = b"on its maker's own servers"
    foreign = {"mediaType": media_type, "digest": digest(b"packed"), "size": 1234}
    layers = [{**foreign, "urls": ["https://example.test/layer"]}]
    layers.append(build.blob(path, base, f"{OCI}.layer.v1.tar"))
    config = build.config([away, base], config={"Entrypoint": [PROGRAM]})
    report = scan(build.finish(path, build.manifest(path, config, layers)))
    reasons = [one["reason"] for one in report["unknowns"] if one["stage"] == "image"]
    assert reasons == [f"layer {digest(away)} is of a kind that is not handed out"]
    assert report["recommendation"]["verdict"] == "rebuild"
