"""Images that are one WebAssembly file, without a root file system around it.

CNCF TAG Runtime, "Wasm OCI Artifact" (2024-05-21): config
``application/vnd.wasm.config.v0+json``, one layer ``application/wasm``. runwasi also takes such
layers under an ordinary image config, and older tools had types of their own.
"""

from __future__ import annotations

import posixpath

from auditor.errors import NotAnImageError
from auditor.image.blob import CHUNK, open_blob
from auditor.image.layered import LayeredRootFS
from auditor.image.manifest import CONFIG_TYPES
from auditor.image.rootfs import HEAD_SIZE
from auditor.image.source import BlobSource, Descriptor, Manifest, Request
from auditor.image.spool import Spool
from auditor.image.tree import Node, Tree
from auditor.model.image import EntryKind

__all__ = ["is_wasm_artifact", "module_path", "read_module"]

WASM_CONFIG_TYPES = frozenset(
    {
        "application/vnd.wasm.config.v0+json",
        "application/vnd.wasm.config.v1+json",
    }
)
WASM_LAYER_TYPES = frozenset(
    {
        "application/wasm",
        "application/vnd.bytecodealliance.wasm.component.layer.v0+wasm",
        "application/vnd.wasm.content.layer.v1+wasm",
    }
)
_TITLE = "org.opencontainers.image.title"
_DEFAULT_NAME = "module.wasm"


def is_wasm_artifact(manifest: Manifest) -> bool:
    """Whether the image is one wasm file; raises ``NotAnImageError`` for other artifacts."""
    config = manifest.config.media_type
    wasm = [layer for layer in manifest.layers if layer.media_type in WASM_LAYER_TYPES]
    if config in CONFIG_TYPES and not wasm:
        if _may_have_files(manifest):
            return False
        config = manifest.layers[0].media_type
    elif config in CONFIG_TYPES | WASM_CONFIG_TYPES:
        if len(manifest.layers) == len(wasm) == 1:
            return True
        raise NotAnImageError(
            f"a wasm artifact has one layer of the type application/wasm, this one has "
            f"{len(manifest.layers)} layers, {len(wasm)} of them wasm"
        )
    kind = manifest.artifact_type or config or "none"
    raise NotAnImageError(
        f"this is no container image but an artifact of the type {kind}",
        hint="give the reference of an image, not of a chart, an SBOM or a signature",
    )


def _may_have_files(manifest: Manifest) -> bool:
    """Whether a layer may be an archive; what cosign and BuildKit store has an image's config too.

    https://github.com/sigstore/cosign/blob/main/specs/SBOM_SPEC.md, and BuildKit's attestations.
    """
    types = [layer.media_type for layer in manifest.layers]
    return not types or any(not type_ or "tar" in type_ for type_ in types)


def module_path(layer: Descriptor) -> str:
    """Where the module stands in the root file system: its title, or ``/module.wasm``."""
    title = posixpath.basename(layer.annotation(_TITLE) or "")
    return (
        f"/{title}" if title not in ("", ".", "..") and "\0" not in title else f"/{_DEFAULT_NAME}"
    )


def read_module(
    source: BlobSource, layer: Descriptor, diff_id: str, request: Request
) -> tuple[LayeredRootFS, tuple[int, ...]]:
    """A root file system with the module as its only file, and the module's bytes."""
    budget = request.budget
    spool = Spool()
    path = module_path(layer)
    try:
        with open_blob(source, layer) as blob:
            while data := blob.read(CHUNK):
                budget.spend_bytes(len(data), blob.name)
                budget.bounds.check("file_size", blob.count, path)
                spool.write(data)
            blob.finish()
        kept = request.keep(path, 0o755, spool.end, spool.read(0, min(spool.end, HEAD_SIZE)))
    except BaseException:
        spool.close()
        raise
    tree = Tree(budget.bounds)
    node = Node(EntryKind.FILE, 0o755, 0, spool.end, spool=spool, offset=0, kept=kept)
    tree.root.children = {path[1:]: node}
    return LayeredRootFS(tree, (diff_id,), [spool], (), budget.bounds.links), (spool.end,)
