"""The image that another was built on: which layers the two share."""

from __future__ import annotations

from dataclasses import replace

from auditor.errors import UsageError
from auditor.image import Access, Bounds, open_image, parse_reference
from auditor.model.image import Image, Scheme

__all__ = ["on_base"]

_NO_LAYERS = frozenset({Scheme.SBOM, Scheme.TRACE, Scheme.DIR})


def on_base(
    image: Image, reference: str, *, bounds: Bounds, access: Access
) -> tuple[Image, tuple[str, ...]]:
    """The image with the layers of its base counted, and what to say of that.

    Layers are the same where their ``diff_id`` is. Raises ``UsageError`` for a base of which the
    image has not even the first layer.
    """
    parsed = parse_reference(reference)
    if parsed.scheme in _NO_LAYERS:
        raise UsageError(f"--base {reference}: it has no layers", hint="name an image")
    with open_image(
        parsed, _nothing, platform=image.platform, bounds=bounds, access=access
    ) as opened:
        base = opened.image.layers
    shared = 0
    for own, theirs in zip(image.layers, base, strict=False):
        if own.diff_id != theirs.diff_id:
            break
        shared += 1
    if not shared:
        raise UsageError(
            f"{image.reference} was not built on {reference}: they share no layer",
            hint="name the image of the last FROM, in the version that it was built on",
        )
    notes: tuple[str, ...] = ()
    if shared < len(base):
        of = f"{reference} has {len(base)} layers, of which the image has the first {shared}"
        notes = (f"{of}: it was built on another version of it.",)
    return replace(image, base_layers=shared, base=reference), notes


def _nothing(_path: str, _mode: int, _size: int, _head: bytes) -> bool:
    """Keep no contents: the layers' digests are all that is asked for."""
    return False
