"""Reference → Image → RootFS: wherever an image is, read once, checked, and never unpacked."""

from __future__ import annotations

from auditor.image.bounds import Bounds
from auditor.image.opening import OpenedImage, open_image
from auditor.image.platforms import parse_platform
from auditor.image.reference import parse_reference
from auditor.image.rootfs import HEAD_SIZE, KeepRule, RootFS
from auditor.image.source import Access, Reference

__all__ = [
    "HEAD_SIZE",
    "Access",
    "Bounds",
    "KeepRule",
    "OpenedImage",
    "Reference",
    "RootFS",
    "open_image",
    "parse_platform",
    "parse_reference",
]
