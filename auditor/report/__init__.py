"""Reports, one file a format, all made from one versioned wire type."""

from __future__ import annotations

from auditor.report.build import Scan, to_wire
from auditor.report.inspection import WireInspection, inspection
from auditor.report.wire import SCHEMA_VERSION, WireReport

__all__ = ["SCHEMA_VERSION", "Scan", "WireInspection", "WireReport", "inspection", "to_wire"]
