"""The packages of an image: named by syft or by a bill of materials, and what each one owns."""

from __future__ import annotations

from auditor.inventory.packages.cataloguing import Cataloguing
from auditor.inventory.packages.globs import is_program, is_wanted
from auditor.inventory.packages.owners import with_packages
from auditor.inventory.packages.records import STAGE, NotUnderstoodError, Packages
from auditor.inventory.packages.sbom import open_sbom, read_sbom

__all__ = [
    "STAGE",
    "Cataloguing",
    "NotUnderstoodError",
    "Packages",
    "is_program",
    "is_wanted",
    "open_sbom",
    "read_sbom",
    "with_packages",
]
